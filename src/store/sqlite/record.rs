//! Writing messages, exchanges, holds and what the rules say.

use rusqlite::{OptionalExtension, named_params, params};

use super::super::{
    Decision, ExchangeRow, MemberRow, NewHold, NewMessage, RecipientRow, Refusal, Requirement,
    Sealed,
};
use super::apply::{Apply, Stop, exactly_one, inconsistent, unless_there};
use super::columns::{address, list_or_null};
use crate::domain::state::{MessageState, RecipientState, ThreadState};
use crate::domain::{Address, Digest, Id, LeafName, MessageId, PartyId, ReleaseId, UnitId};

impl Apply<'_> {
    pub(super) fn insert_message(&mut self, new: &NewMessage) -> Result<(), Stop> {
        let party = &new.sender.party;
        let exchange = self.exchange(new.exchange)?;
        let entry = self.entry(new.entry, party)?;
        let mut insert = self.db.prepare_cached(
            "INSERT INTO messages (sender, message_id, unit, message_type, purpose, digest, state,
                 exchange, entry, admitted_at, retention_until, receipt)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        let outcome = insert.insert(params![
            party.as_str(),
            new.message_id.as_str(),
            new.sender.unit.as_ref().map(UnitId::as_str),
            new.message_type.as_str(),
            new.purpose.to_string(),
            new.digest.as_bytes(),
            new.state.as_str(),
            exchange,
            entry,
            new.admitted_at,
            new.retention_until.to_string(),
            new.receipt,
        ]);
        let row = unless_there(outcome, || Requirement::MessageUnseen {
            sender: party.clone(),
            message_id: new.message_id,
        })?;
        self.know_message(party, &new.message_id, row);
        self.note_month(&new.object)?;
        self.db
            .prepare_cached(
                "INSERT INTO message_objects (message, month, wrapped_key, ciphertext)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((row, &new.object.month, &new.object.wrapped_key, &new.object.ciphertext))?;
        Ok(())
    }

    /// Remembers that something is sealed under this month's key.
    pub(super) fn note_month(&self, sealed: &Sealed) -> Result<(), Stop> {
        self.db
            .prepare_cached("INSERT INTO months (month) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([&sealed.month])?;
        Ok(())
    }

    pub(super) fn message_state(
        &mut self,
        sender: &PartyId,
        id: &MessageId,
        state: MessageState,
    ) -> Result<(), Stop> {
        let row = self.message(sender, id)?;
        let changed = self
            .db
            .prepare_cached("UPDATE messages SET state = ?2 WHERE row = ?1")?
            .execute((row, state.as_str()))?;
        exactly_one(changed, || inconsistent("messages", "state", id))
    }

    pub(super) fn insert_recipient(&mut self, row: &RecipientRow) -> Result<(), Stop> {
        let message = self.message(&row.sender, &row.message_id)?;
        let policy = row.policy.as_ref();
        self.db
            .prepare_cached(
                "INSERT INTO recipients (message, position, recipient, state, pending, code,
                     policy_id, policy_version, policy_digest)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                message,
                row.position,
                address(&row.recipient),
                row.state.as_str(),
                list_or_null(&row.pending)?,
                row.code,
                policy.map(|p| &p.id),
                policy.map(|p| p.version),
                policy.map(|p| p.digest.as_bytes()),
            ])?;
        Ok(())
    }

    pub(super) fn recipient_state(
        &self,
        message: i64,
        recipient: &Address,
        state: RecipientState,
        pending: &[LeafName],
    ) -> Result<(), Stop> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE recipients SET state = :state, pending = :pending
                 WHERE message = :message AND recipient = :recipient",
            )?
            .execute(named_params! {
                ":message": message,
                ":recipient": address(recipient),
                ":state": state.as_str(),
                ":pending": list_or_null(pending)?,
            })?;
        exactly_one(changed, || inconsistent("recipients", "state", message))
    }

    pub(super) fn recipient_pending(
        &self,
        message: i64,
        recipient: &Address,
        pending: &[LeafName],
    ) -> Result<(), Stop> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE recipients SET pending = ?3 WHERE message = ?1 AND recipient = ?2",
            )?
            .execute((message, address(recipient), list_or_null(pending)?))?;
        exactly_one(changed, || inconsistent("recipients", "pending", message))
    }

    pub(super) fn insert_exchange(&mut self, row: &ExchangeRow) -> Result<(), Stop> {
        let inserted = self
            .db
            .prepare_cached(
                "INSERT INTO exchanges (id, state, referrer, receiver, origin, onward, withheld,
                     subject, reference_date, opened_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .insert(params![
                row.id.as_str(),
                row.state.as_str(),
                address(&row.referrer),
                address(&row.receiver),
                row.origin.as_str(),
                list_or_null(&row.onward)?,
                list_or_null(&row.withheld)?,
                row.subject.as_str(),
                row.reference_date.to_string(),
                row.opened_at,
            ])?;
        self.know_exchange(row.id, inserted);
        Ok(())
    }

    pub(super) fn thread_state(&mut self, exchange: Id, state: ThreadState) -> Result<(), Stop> {
        let row = self.exchange(exchange)?;
        let changed = self
            .db
            .prepare_cached("UPDATE exchanges SET state = ?2 WHERE row = ?1")?
            .execute((row, state.as_str()))?;
        exactly_one(changed, || inconsistent("exchanges", "state", exchange))
    }

    /// Adds parties to those that must not be told anything; none is ever taken away here.
    pub(super) fn withhold(&mut self, exchange: Id, parties: &[PartyId]) -> Result<(), Stop> {
        let row = self.exchange(exchange)?;
        let text: Option<String> = self
            .db
            .prepare_cached("SELECT withheld FROM exchanges WHERE row = ?1")?
            .query_row([row], |row| row.get(0))
            .optional()?
            .flatten();
        let mut withheld: Vec<PartyId> = match text {
            None => Vec::new(),
            Some(text) => serde_json::from_str(&text)
                .map_err(|_form| inconsistent("exchanges", "withheld", exchange))?,
        };
        for party in parties {
            if !withheld.contains(party) {
                withheld.push(party.clone());
            }
        }
        let changed = self
            .db
            .prepare_cached("UPDATE exchanges SET withheld = ?2 WHERE row = ?1")?
            .execute((row, list_or_null(&withheld)?))?;
        exactly_one(changed, || inconsistent("exchanges", "withheld", exchange))
    }

    pub(super) fn insert_member(&mut self, row: &MemberRow) -> Result<(), Stop> {
        let exchange = self.exchange(row.exchange)?;
        self.db
            .prepare_cached(
                "INSERT INTO members (exchange, party, reference, subject_ref, handed)
                 SELECT ?1, ?2, ?3, ?4, substr(referrer || '/', 1, length(?2) + 1) <> ?2 || '/'
                 FROM exchanges WHERE row = ?1",
            )?
            .execute((
                exchange,
                row.party.as_str(),
                row.reference.as_str(),
                row.subject_ref.as_ref().map(Id::as_str),
            ))?;
        Ok(())
    }

    pub(super) fn member_subject(
        &mut self,
        exchange: Id,
        party: &PartyId,
        subject_ref: Id,
    ) -> Result<(), Stop> {
        let row = self.exchange(exchange)?;
        let changed = self
            .db
            .prepare_cached(
                "UPDATE members SET subject_ref = ?3 WHERE exchange = ?1 AND party = ?2",
            )?
            .execute((row, party.as_str(), subject_ref.as_str()))?;
        exactly_one(changed, || inconsistent("members", "subject_ref", exchange))
    }

    pub(super) fn last_projection(
        &mut self,
        exchange: Id,
        party: &PartyId,
        message_type: &str,
        digest: &Digest,
    ) -> Result<(), Stop> {
        let row = self.exchange(exchange)?;
        self.db
            .prepare_cached(
                "INSERT INTO last_projections (exchange, party, message_type, digest)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (exchange, party, message_type) DO UPDATE SET digest = ?4",
            )?
            .execute((row, party.as_str(), message_type, digest.as_bytes()))?;
        Ok(())
    }

    pub(super) fn insert_hold(&mut self, hold: &NewHold) -> Result<(), Stop> {
        let message = self.message(&hold.sender.party, &hold.message_id)?;
        self.db
            .prepare_cached(
                "INSERT INTO holds (id, message, sender, message_id, recipient, release, leaves,
                     findings, opened_at, alike, needed, urgency)
                 VALUES (:id, :message, :sender, :message_id, :recipient, :release, :leaves,
                     :findings, :opened_at, :alike, :needed, :urgency)",
            )?
            .execute(named_params! {
                ":id": hold.id.as_str(),
                ":message": message,
                ":sender": address(&hold.sender),
                ":message_id": hold.message_id.as_str(),
                ":recipient": address(&hold.recipient),
                ":release": hold.release.as_ref().map(ReleaseId::as_str),
                ":leaves": serde_json::to_string(&hold.leaves)?,
                ":findings": serde_json::to_string(&hold.findings)?,
                ":opened_at": hold.opened_at,
                ":alike": hold.group.map(|group| group.alike),
                ":needed": hold.group.map(|group| group.needed),
                ":urgency": hold.urgency.as_str(),
            })?;
        Ok(())
    }

    pub(super) fn decide(&self, hold: Id, decision: &Decision) -> Result<(), Stop> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE holds SET released = :released, officer = :officer, reason = :reason,
                     decided_at = :at
                 WHERE id = :id AND released IS NULL",
            )?
            .execute(named_params! {
                ":id": hold.as_str(),
                ":released": decision.released,
                ":officer": decision.officer,
                ":reason": decision.reason,
                ":at": decision.at,
            })?;
        exactly_one(changed, || Stop::Conflict(Requirement::HoldOpen(hold)))
    }

    pub(super) fn keep_policy(&self, digest: &Digest, text: &str) -> Result<(), Stop> {
        self.db
            .prepare_cached(
                "INSERT INTO policies (digest, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute((digest.as_bytes(), text))?;
        Ok(())
    }

    pub(super) fn keep_release_schema(
        &self,
        digest: &Digest,
        recipient: &PartyId,
        text: &str,
    ) -> Result<(), Stop> {
        self.db
            .prepare_cached(
                "INSERT INTO release_schemas (digest, recipient, text) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )?
            .execute((digest.as_bytes(), recipient.as_str(), text))?;
        Ok(())
    }

    pub(super) fn insert_assertion(
        &self,
        party: &PartyId,
        jti: &str,
        expires_at: i64,
    ) -> Result<(), Stop> {
        let outcome = self
            .db
            .prepare_cached("INSERT INTO assertions (party, jti, expires_at) VALUES (?1, ?2, ?3)")?
            .execute((party.as_str(), jti, expires_at));
        unless_there(outcome, || Requirement::AssertionUnseen {
            party: party.clone(),
            jti: jti.to_owned(),
        })?;
        Ok(())
    }

    pub(super) fn insert_refusal(&self, refusal: &Refusal) -> Result<(), Stop> {
        let entry = self.entry(refusal.entry, &refusal.sender)?;
        self.db
            .prepare_cached(
                "INSERT INTO refusals (id, sender, message_id, digest, code, jws, entry, at)
                 VALUES (:id, :sender, :message_id, :digest, :code, :jws, :entry, :at)",
            )?
            .execute(named_params! {
                ":id": refusal.id.as_str(),
                ":sender": refusal.sender.as_str(),
                ":message_id": refusal.message_id.as_ref().map(MessageId::as_str),
                ":digest": refusal.digest.as_bytes(),
                ":code": refusal.code,
                ":jws": refusal.jws,
                ":entry": entry,
                ":at": refusal.at,
            })?;
        Ok(())
    }

    /// Raises the generation if the rules are not those recorded.
    pub(super) fn raise_generation(&self, digest: &Digest) -> Result<(), Stop> {
        self.db
            .prepare_cached(
                "UPDATE rules SET generation = generation + 1, digest = ?1
                 WHERE id = 1 AND digest IS NOT ?1",
            )?
            .execute([digest.as_bytes()])?;
        Ok(())
    }
}
