//! The notice that the gateway sends to everyone who was handed what is erased.
//!
//! The gateway is a party: its message is signed, checked, projected, scanned and recorded as any
//! other. Every recipient is told by the name it knows the person by, and which of the releases in
//! its own hands are meant (`erases`): of what others have it learns nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::domain::{Address, Digest, MessageId, ReleaseId};
use crate::schema;
use crate::sign;
use crate::store::{EntrySlot, Write};

use super::super::admit::{Admitted, Case};
use super::super::chain::GATEWAY;
use super::super::disclose::disclose;
use super::super::reader::Reader;
use super::super::record::record;
use super::super::release::release;
use super::super::statement::Originated;
use super::super::submit::Stop;
use super::super::{Failure, Gateway, Rules};
use super::{Act, More, Scope, Takes};

/// Most recipients of one message.
const RECIPIENTS_MAX: usize = 8;
const LIFETIME_S: i64 = 3600;

/// Adds the notices about a scope to what is committed; entries stand from `first` on.
pub(super) async fn tell(
    gateway: &Gateway,
    rules: &Rules,
    (scope, act, erasure): (&Scope, &Act, crate::domain::Id),
    told: BTreeMap<Address, Vec<ReleaseId>>,
    (first, more): (usize, &mut More),
) -> Result<(), Stop> {
    let told: Vec<(Address, Vec<ReleaseId>)> = told.into_iter().collect();
    let address: Address = Address::party(GATEWAY.parse().map_err(Failure::internal)?);
    for part in told.chunks(RECIPIENTS_MAX) {
        let message_id = MessageId(gateway.mint()?);
        let claims = claims(gateway, (scope, act), message_id, part)?;
        let signed = gateway.keys().signing.sign(Originated(claims))?;
        let object = signed.compact().as_bytes();
        let recorded = sign::recorded(object).map_err(Failure::internal)?;
        let parsed = schema::parse_recorded(&recorded, Digest::of(object));
        let message = parsed.and_then(|parsed| rules.schemas.validate(parsed));
        let message = message.map_err(Failure::Problem)?;
        let mut meant = Vec::new();
        for (to, ids) in part {
            meant.extend(ids.iter().map(|id| (to.clone(), *id)));
        }
        let case = Case {
            members: gateway.store().members(&scope.exchange.id).await?,
            takes: Some(Takes::Tells(meant)),
            ..Case::of(scope.exchange.clone())
        };
        let admitted = Admitted::originated(message, case, act.erase_by);
        let disclosed = disclose(gateway, rules, admitted).await?;
        let released = release(gateway, rules, disclosed)?;
        let slot = EntrySlot(first + more.changes.entries.len());
        let reader = Reader { address: address.clone(), is_foreign: false };
        let recorded = record(gateway, rules, &reader, released, (object, slot))?;
        let (changes, _answer) = recorded.into_parts();
        more.changes.append(changes);
        let mut parties: Vec<_> = part.iter().map(|(to, _)| to.party.clone()).collect();
        parties.dedup();
        more.tell.extend(parties.iter().cloned());
        let (sender, notice) = (address.party.clone(), message_id);
        more.changes.writes.push(Write::Notify { erasure, sender, notice, parties });
    }
    Ok(())
}

fn claims(
    gateway: &Gateway,
    (scope, act): (&Scope, &Act),
    message_id: MessageId,
    told: &[(Address, Vec<ReleaseId>)],
) -> Result<Value, Stop> {
    let now = gateway.now();
    let purpose = scope.links.first().map(|link| link.purpose);
    let recipients: Vec<&Address> = told.iter().map(|(to, _)| to).collect();
    Ok(json!({
        "iss": GATEWAY,
        "aud": gateway.id(),
        "iat": now,
        "exp": now.saturating_add(LIFETIME_S),
        "jti": message_id,
        "type": "erasure-notice/1",
        "recipients": recipients,
        "subject_scope": "individual",
        "legal": {
            "basis": "legal_obligation",
            "instrument": "fixed",
            "purpose": purpose.ok_or(Failure::Unavailable)?,
            "retention_until": act.erase_by.to_string(),
            "onward": [],
        },
        "marking": {
            "tlp": "TLP:AMBER+STRICT",
            "handling": ["named_caseworkers", "no_onward"],
            "caveats": [],
        },
        "attest": {"best_interests": "not_assessed", "safety_check": "not_assessed"},
        "body": {
            // no reference of anybody's: what each recipient knows is put in its place
            "subject": {"ref": gateway.mint()?},
            "reason": act.reason,
            "erase_by": act.erase_by.to_string(),
            "include_backups": act.include_backups,
        },
    }))
}
