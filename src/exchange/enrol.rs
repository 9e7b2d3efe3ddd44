//! A passkey for an officer: an editor invites, the officer's device makes it, and the officer's
//! record with it is a draft like any other, which two officers put in force.
//!
//! Whoever takes an invitation gains nothing by it: the passkey signs nobody in before an author
//! and an approver, of two units, have put the record that holds it in force.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::config::officers::{PASSKEYS_MAX, Passkey};
use crate::config::{Officer, Role};
use crate::domain::{DocumentKind, Phrase};
use crate::wire::{DraftAsk, Invitation, InviteAsk, VersionView};

use super::change::{ChangeFault, draft, snapshot};
use super::rules::BadDocument;
use super::rules::who::{MayNot, active};
use super::{Gateway, ticket};

/// How long an invitation may wait.
const LASTS_S: i64 = 24 * 3600;
const KIND: &str = "invitation";

/// Who is invited, and by whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invited {
    /// The officer's name.
    pub officer: String,
    /// The editor who invites, and in whose name the draft is written.
    pub by: String,
}

/// Invites an officer in force to add a passkey; the code is told once and kept nowhere.
///
/// # Errors
/// [`ChangeFault`].
pub async fn invite(gateway: &Gateway, ask: &InviteAsk) -> Result<Invitation, ChangeFault> {
    let rules = gateway.rules();
    let editor = officer(gateway, &ask.by)?;
    active(&editor, &rules.floor).map_err(ChangeFault::MayNot)?;
    if !editor.is(Role::Editor) {
        return Err(ChangeFault::MayNot(MayNot::Role));
    }
    let invited = officer(gateway, &ask.officer)?;
    if invited.passkeys.len() >= PASSKEYS_MAX {
        return Err(ChangeFault::State(Phrase::new("why-passkeys-full")));
    }
    let mut secret = [0u8; 32];
    gateway.parts.entropy.fill(&mut secret)?;
    let code = URL_SAFE_NO_PAD.encode(secret);
    let expires_at = gateway.now().saturating_add(LASTS_S);
    let value = Invited { officer: ask.officer.clone(), by: ask.by.clone() };
    let value = serde_json::to_string(&value).map_err(super::Failure::internal)?;
    ticket::keep(gateway, (KIND, &code), value, expires_at).await?;
    let expires_at = super::show::moment(expires_at, false);
    Ok(Invitation { officer: ask.officer.clone(), code, expires_at })
}

/// Whom a code invites, while it holds.
///
/// # Errors
/// [`ChangeFault::Unknown`].
pub async fn invited(gateway: &Gateway, code: &str) -> Result<Invited, ChangeFault> {
    let value = ticket::read(gateway, (KIND, code)).await?.ok_or(ChangeFault::Unknown)?;
    serde_json::from_str(&value).map_err(|_form| ChangeFault::Unknown)
}

/// Takes an invitation, once: drafts the officer's record with the passkey.
///
/// # Errors
/// [`ChangeFault`].
pub async fn enrol(
    gateway: &Gateway,
    code: &str,
    passkey: Passkey,
) -> Result<VersionView, ChangeFault> {
    let invited = invited(gateway, code).await?;
    let known = officer(gateway, &invited.officer)?;
    let mut after = Officer::clone(&known);
    after.passkeys.push(passkey.clone());
    let bad = |why| ChangeFault::Bad(BadDocument::because(Phrase::new(why)));
    after.check().map_err(bad)?;
    let (rules, rows) = snapshot(gateway).await?;
    let has_it = |other: &Officer| other.passkeys.iter().any(|known| known.id == passkey.id);
    if rules.officers.iter().any(has_it) {
        return Err(ChangeFault::State(Phrase::new("why-passkey-known")));
    }
    let key = rules
        .versions
        .iter()
        .find(|key| key.kind == DocumentKind::Officer && key.id == invited.officer);
    let row = rows.iter().find(|row| Some(&row.key) == key).ok_or(ChangeFault::Unknown)?;
    let text = with_passkey(&row.text, &passkey).ok_or_else(|| bad("why-no-toml"))?;
    if !ticket::take(gateway, (KIND, code)).await? {
        return Err(ChangeFault::Unknown);
    }
    let ask = DraftAsk {
        officer: invited.by,
        kind: DocumentKind::Officer,
        id: invited.officer,
        text,
        version: None,
    };
    draft(gateway, &ask).await
}

/// The text of a record with one more passkey, comments kept.
fn with_passkey(text: &str, passkey: &Passkey) -> Option<String> {
    let mut document = text.parse::<toml_edit::DocumentMut>().ok()?;
    let mut table = toml_edit::Table::new();
    table.insert("id", toml_edit::value(passkey.id.as_str()));
    let mut key = toml_edit::InlineTable::new();
    for (name, value) in passkey.key.as_object()? {
        key.insert(name, value.as_str()?.into());
    }
    table.insert("key", toml_edit::value(key));
    let all = document
        .entry("passkeys")
        .or_insert(toml_edit::Item::ArrayOfTables(toml_edit::ArrayOfTables::new()));
    all.as_array_of_tables_mut()?.push(table);
    Some(document.to_string())
}

fn officer(gateway: &Gateway, name: &str) -> Result<Officer, ChangeFault> {
    let rules = gateway.rules();
    let officer = rules.history.now(name, gateway.now().max(rules.at));
    let officer = officer.filter(|officer| !officer.disabled);
    officer.cloned().ok_or(ChangeFault::MayNot(MayNot::Unknown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_passkey_is_added_and_everything_else_stays() {
        let text = "# contoh\nname = \"zarqolin\"\nparty = \"bnpt\"\nroles = [\"editor\"]\n";
        let passkey = Passkey {
            id: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            key: json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
        };
        let one = with_passkey(text, &passkey).unwrap();
        let two = with_passkey(&one, &Passkey { id: "B".repeat(22), ..passkey.clone() }).unwrap();
        assert!(two.starts_with(text), "{two}");
        let officer: Officer = toml::from_str(&two).unwrap();
        assert_eq!(officer.passkeys.len(), 2);
        assert_eq!(officer.passkeys[0], passkey);
        officer.check().unwrap();
    }
}
