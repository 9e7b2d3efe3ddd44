//! Signing in with a passkey, and out.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Form, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Site;
use super::fault::Fault;
use super::page::{Page, html, see};
use super::session::{Seat, Visit};
use crate::config::Officer;
use crate::domain::{Digest, Statement};
use crate::exchange::rules::signatures::asserted;
use crate::exchange::ticket;
use crate::sign::passkey;

/// How old such a word may be.
const FRESH_S: i64 = 300;
/// The same of an approval, whose page takes longer to read.
pub(super) const READ_S: i64 = 900;
const CHALLENGE: &str = "challenge";

pub(super) fn routes() -> Router<Site> {
    Router::new()
        .route("/sign-in", get(form).post(sign_in))
        .route("/sign-out", axum::routing::post(sign_out))
}

/// A passkey's word is asked for: what a page carries for its script.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// What is signed, base64url.
    pub(super) claims: String,
    /// What the authenticator signs for it, base64url.
    pub(super) challenge: String,
    /// Whose passkeys may answer, separated by blanks; any where empty.
    pub(super) credentials: String,
}

impl Asked {
    /// For these claims of an officer's.
    pub(super) fn of(typ: &str, claims: &[u8], officer: Option<&Officer>) -> Self {
        let challenge = passkey::challenge(typ, claims).to_string();
        let ids = officer.iter().flat_map(|officer| &officer.passkeys);
        let credentials = ids.map(|passkey| passkey.id.as_str()).collect::<Vec<_>>().join(" ");
        Self { claims: URL_SAFE_NO_PAD.encode(claims), challenge, credentials }
    }
}

/// What is said with a passkey at the desk.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeskWord {
    /// Which gateway.
    aud: String,
    /// Unix seconds.
    iat: i64,
    /// What for: `sign-in`, or an act and what it is about.
    act: String,
    /// Of one session.
    nonce: String,
}

/// What a passkey signs here that is no approval: who is there, and for what.
impl Statement for DeskWord {
    const TYP: &'static str = "titian-desk+jwt";

    fn into_claims(self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl DeskWord {
    /// Asks for it.
    fn asked(self, officer: Option<&Officer>) -> Result<Asked, Fault> {
        let claims = serde_json::to_vec(&self.into_claims()).map_err(|_form| Fault::Busy)?;
        Ok(Asked::of(Self::TYP, &claims, officer))
    }
}

/// Asks the signed-in officer for a word of this very moment about an act.
pub(super) fn ask(seat: &Seat, act: &str) -> Result<Asked, Fault> {
    let word = DeskWord {
        aud: seat.gateway().id().to_owned(),
        iat: seat.gateway().clock().now().unix_timestamp(),
        act: act.to_owned(),
        nonce: seat.visit.page.token.clone(),
    };
    word.asked(Some(&seat.officer))
}

/// Checks that word, and answers its SHA-256.
pub(super) fn check(seat: &Seat, act: &str, word: &str) -> Result<Digest, Fault> {
    holds(&seat.visit.site, &seat.officer, word, (act, &seat.visit.page.token))?;
    Ok(Digest::of(word.as_bytes()))
}

/// What an officer's passkey has signed here. A site below this one may ask the same passkey, and
/// no key file signs here.
pub(super) fn said_here<T: DeserializeOwned>(
    site: &Site,
    officer: &Officer,
    word: &str,
    typ: &str,
) -> Result<T, Fault> {
    let asserted = asserted(officer, word, typ).filter(|it| it.origin() == site.origin);
    let said = asserted.and_then(|asserted| serde_json::from_slice(asserted.claims()).ok());
    said.ok_or(Fault::Passkey)
}

fn holds(
    site: &Site,
    officer: &Officer,
    word: &str,
    (act, nonce): (&str, &str),
) -> Result<(), Fault> {
    let said: Result<DeskWord, _> = said_here(site, officer, word, DeskWord::TYP);
    let now = site.gateway.clock().now().unix_timestamp();
    let is_it = said.is_ok_and(|said| {
        said.aud == site.gateway.id()
            && said.act == act
            && said.nonce == nonce
            && !nonce.is_empty()
            && (said.iat..=said.iat.saturating_add(FRESH_S)).contains(&now)
    });
    if is_it { Ok(()) } else { Err(Fault::Passkey) }
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    page: Page,
    asked: Asked,
    failed: bool,
}

async fn form(visit: Visit) -> Result<Response, Fault> {
    if visit.page.officer.is_some() {
        return Ok(see("/"));
    }
    page(&visit, false)
}

fn page(visit: &Visit, failed: bool) -> Result<Response, Fault> {
    let gateway = &visit.site.gateway;
    let nonce = ticket::issue(gateway, CHALLENGE)?;
    let word = DeskWord {
        aud: gateway.id().to_owned(),
        iat: gateway.clock().now().unix_timestamp(),
        act: "sign-in".to_owned(),
        nonce,
    };
    let asked = word.asked(None)?;
    let status = if failed { StatusCode::FORBIDDEN } else { StatusCode::OK };
    Ok(html(status, &SignIn { page: visit.page.clone(), asked, failed }))
}

#[derive(Deserialize)]
struct Words {
    credential: String,
    word: String,
}

async fn sign_in(visit: Visit, Form(words): Form<Words>) -> Result<Response, Fault> {
    let site = &visit.site;
    let rules = site.gateway.rules();
    let has = |officer: &&Officer| {
        !officer.disabled && officer.passkeys.iter().any(|it| it.id == words.credential)
    };
    for officer in rules.officers.iter().filter(has) {
        if let Ok(said) = said_here::<DeskWord>(site, officer, &words.word, DeskWord::TYP)
            && (&*said.aud, &*said.act) == (site.gateway.id(), "sign-in")
            // each challenge is answered once
            && ticket::redeem(&site.gateway, (CHALLENGE, &said.nonce), FRESH_S).await?
        {
            visit.sign_in(officer).await?;
            tracing::info!(officer = officer.name, "signed in to the console");
            return Ok(see("/"));
        }
    }
    metrics::counter!("titian_console_sign_ins_refused_total").increment(1);
    tracing::warn!("a sign-in to the console was refused");
    page(&visit, true)
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

async fn sign_out(visit: Visit, Form(form): Form<Token>) -> Result<Response, Fault> {
    visit.check(&form.token)?;
    visit.session.flush().await?;
    Ok(see("/sign-in"))
}
