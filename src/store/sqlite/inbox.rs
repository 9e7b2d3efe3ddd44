//! Writing the inbox: queue, hand out, cancel, acknowledge.
//!
//! INVARIANT: within a view `seq` has no gap and grows in the order of hand-out; a release stands
//! in `waiting` or in `handed_out` of each of its views, or it is kept or cancelled and stands in
//! neither.

use rusqlite::{OptionalExtension, named_params, params};

use super::super::{Acknowledgement, EntrySlot, NewRelease, Requirement};
use super::apply::{Apply, Stop, exactly_one, inconsistent, unless_there, views};
use super::columns::{Columns, address};
use crate::domain::state::{RecipientState, ReleaseState};
use crate::domain::{Address, ReleaseId, UnitId};
use crate::mutant::{self, Mutant};

/// What the inbox must know of a release to move it.
#[derive(Debug)]
struct Item {
    row: i64,
    recipient: Address,
    message: i64,
    urgent: bool,
    supplement: bool,
    state: ReleaseState,
}

impl Apply<'_> {
    /// Records a release and lets it wait in each of its views.
    pub(super) fn queue(&mut self, new: &NewRelease) -> Result<(), Stop> {
        let exchange = self.exchange(new.exchange)?;
        let message = self.message(&new.sender.party, &new.message_id)?;
        let row = self.insert_release(new, exchange, message)?;
        self.db
            .prepare_cached(
                "INSERT INTO release_states (release, state, made_at, edge)
                 VALUES (?1, ?2, ?3, ?4 || '>' || ?5)",
            )?
            .execute((
                row,
                ReleaseState::Queued.as_str(),
                new.made_at,
                address(&new.sender),
                address(&new.recipient),
            ))?;
        if new.kept {
            let mut keep =
                self.db.prepare_cached("INSERT INTO not_before (release) VALUES (?1)")?;
            keep.execute([row])?;
            return Ok(());
        }
        self.wait_in_views(&new.recipient, !new.urgent, row)
    }

    fn wait_in_views(&self, recipient: &Address, calm: bool, row: i64) -> Result<(), Stop> {
        let mut wait = self
            .db
            .prepare_cached("INSERT INTO waiting (view, calm, release) VALUES (?1, ?2, ?3)")?;
        for view in views(recipient) {
            wait.execute((address(&view), calm, row))?;
        }
        Ok(())
    }

    /// Lets a release that was kept wait in each of its views.
    pub(super) fn wait(&self, id: ReleaseId) -> Result<(), Stop> {
        let item = self.item(id)?;
        match self.keep_no_longer(&item)? {
            // it waits there already
            0 => Ok(()),
            _ => self.wait_in_views(&item.recipient, !item.urgent, item.row),
        }
    }

    fn keep_no_longer(&self, item: &Item) -> Result<usize, Stop> {
        let sql = "DELETE FROM not_before WHERE release = ?1";
        Ok(self.db.prepare_cached(sql)?.execute([item.row])?)
    }

    fn insert_release(&self, new: &NewRelease, exchange: i64, message: i64) -> Result<i64, Stop> {
        let mut insert = self.db.prepare_cached(
            "INSERT INTO releases (release_id, party, unit, exchange, message, sender, message_id,
                 message_type, digest, policy_id, policy_version, policy_digest, release_schema,
                 origin_salt, supplements, urgent, made_at, statement, month, wrapped_key,
                 ciphertext)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                 ?18, ?19, ?20, ?21)",
        )?;
        Ok(insert.insert(params![
            new.release_id.as_str(),
            new.recipient.party.as_str(),
            new.recipient.unit.as_ref().map(UnitId::as_str),
            exchange,
            message,
            address(&new.sender),
            new.message_id.as_str(),
            new.message_type.as_str(),
            new.digest.as_bytes(),
            new.policy.id,
            new.policy.version,
            new.policy.digest.as_bytes(),
            new.release_schema.as_bytes(),
            new.origin_salt,
            new.supplements.as_ref().map(ReleaseId::as_str),
            new.urgent,
            new.made_at,
            new.statement,
            new.disclosure.month,
            new.disclosure.wrapped_key,
            new.disclosure.ciphertext,
        ])?)
    }

    /// Writes a release anew that nobody has been handed yet.
    pub(super) fn remake(&self, new: &NewRelease) -> Result<(), Stop> {
        let id = new.release_id;
        let item = self.item(id)?;
        if item.state != ReleaseState::Queued {
            return Err(Stop::Conflict(Requirement::Queued(vec![id])));
        }
        let changed = self
            .db
            .prepare_cached(
                "UPDATE releases SET digest = ?2, policy_id = ?3, policy_version = ?4,
                     policy_digest = ?5, release_schema = ?6, origin_salt = ?7, statement = ?8,
                     month = ?9, wrapped_key = ?10, ciphertext = ?11
                 WHERE row = ?1",
            )?
            .execute(params![
                item.row,
                new.digest.as_bytes(),
                new.policy.id,
                new.policy.version,
                new.policy.digest.as_bytes(),
                new.release_schema.as_bytes(),
                new.origin_salt,
                new.statement,
                new.disclosure.month,
                new.disclosure.wrapped_key,
                new.disclosure.ciphertext,
            ])?;
        self.note_month(&new.disclosure)?;
        exactly_one(changed, || inconsistent("releases", "release_id", id))
    }

    fn item(&self, id: ReleaseId) -> Result<Item, Stop> {
        let mut select = self.db.prepare_cached(
            "SELECT r.release_id, r.row, r.party, r.unit, r.message, r.urgent,
                 r.supplements IS NOT NULL, s.state
             FROM releases r JOIN release_states s ON s.release = r.row
             WHERE r.release_id = ?1",
        )?;
        let mut rows = select.query([id.as_str()])?;
        let row = rows.next()?.ok_or_else(|| inconsistent("releases", "release_id", id))?;
        let columns = Columns::of("releases", row);
        Ok(Item {
            row: columns.raw("row")?,
            recipient: columns.address("party")?,
            message: columns.raw("message")?,
            urgent: columns.raw("urgent")?,
            supplement: columns.raw("supplements")?,
            state: columns.word("state")?,
        })
    }

    /// Takes a release back before anyone was handed it.
    pub(super) fn cancel(&self, id: ReleaseId) -> Result<(), Stop> {
        let item = self.item(id)?;
        let moved = self.move_state(&item, ReleaseState::Queued, ReleaseState::Cancelled)?;
        exactly_one(moved, || Stop::Conflict(Requirement::Queued(vec![id])))?;
        if self.keep_no_longer(&item)? == 1 {
            return Ok(());
        }
        for view in views(&item.recipient) {
            exactly_one(self.stop_waiting(&view, &item)?, || inconsistent("waiting", "view", id))?;
        }
        Ok(())
    }

    /// Hands releases out in a view: each gets the view's next `seq`.
    pub(super) fn hand_out(
        &self,
        view: &Address,
        releases: &[(ReleaseId, Option<EntrySlot>)],
    ) -> Result<(), Stop> {
        let name = address(view);
        let mut seq: i64 = self
            .db
            .prepare_cached("SELECT next FROM seqs WHERE view = ?1")?
            .query_row([&name], |row| row.get(0))
            .optional()?
            .unwrap_or(1);
        if mutant::is(Mutant::SequenceShared) {
            let all = "SELECT coalesce(max(next), 1) FROM seqs";
            seq = self.db.prepare_cached(all)?.query_row([], |row| row.get(0))?;
        }
        for (id, slot) in releases {
            let item = self.item(*id)?;
            let was_waiting = self.stop_waiting(view, &item)?;
            exactly_one(was_waiting, || Stop::Conflict(Requirement::Queued(vec![*id])))?;
            let acknowledged =
                matches!(item.state, ReleaseState::Acknowledged | ReleaseState::Rejected);
            self.db
                .prepare_cached(
                    "INSERT INTO handed_out (view, seq, release, acknowledged)
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute((&name, seq, item.row, acknowledged))?;
            self.collected(*id, &item, *slot)?;
            seq += 1;
        }
        self.db
            .prepare_cached(
                "INSERT INTO seqs (view, next) VALUES (?1, ?2)
                 ON CONFLICT (view) DO UPDATE SET next = ?2",
            )?
            .execute((&name, seq))?;
        Ok(())
    }

    /// The first hand-out in any view, and only it, is recorded by an entry and makes release and
    /// recipient `collected`.
    fn collected(&self, id: ReleaseId, item: &Item, slot: Option<EntrySlot>) -> Result<(), Stop> {
        match (item.state, slot) {
            (ReleaseState::Queued, Some(slot)) => {
                let entry = self.entry(slot, &item.recipient.party)?;
                let changed = self
                    .db
                    .prepare_cached(
                        "UPDATE release_states SET state = :to, entry = :entry
                         WHERE release = :release AND state = :from",
                    )?
                    .execute(named_params! {
                        ":release": item.row,
                        ":from": ReleaseState::Queued.as_str(),
                        ":to": ReleaseState::Collected.as_str(),
                        ":entry": entry,
                    })?;
                exactly_one(changed, || inconsistent("release_states", "state", id))?;
                let queued = &[RecipientState::Queued];
                self.move_recipient(item, queued, RecipientState::Collected).map(|_moved| ())
            }
            // no first hand-out without its record
            (ReleaseState::Queued, None) => Err(inconsistent("release_states", "entry", id)),
            // another view was faster: the one who decided this believed it to be the first
            (_, Some(_)) => Err(Stop::Conflict(Requirement::Queued(vec![id]))),
            (_, None) => Ok(()),
        }
    }

    /// Records the recipient's word and what it makes of release and recipient.
    pub(super) fn acknowledge(&self, word: &Acknowledgement) -> Result<(), Stop> {
        let id = word.release_id;
        let item = self.item(id)?;
        let entry = self.entry(word.entry, &item.recipient.party)?;
        let outcome = self
            .db
            .prepare_cached(
                "INSERT INTO acknowledgements (release, received, jws, receipt, entry, at)
                 VALUES (:release, :received, :jws, :receipt, :entry, :at)",
            )?
            .execute(named_params! {
                ":release": item.row,
                ":received": word.received,
                ":jws": word.jws,
                ":receipt": word.receipt,
                ":entry": entry,
                ":at": word.at,
            });
        unless_there(outcome, || Requirement::Unacknowledged(id))?;
        let (release_state, recipient_state) = if word.received {
            (ReleaseState::Acknowledged, RecipientState::Acknowledged)
        } else {
            (ReleaseState::Rejected, RecipientState::Rejected)
        };
        // what was never handed out cannot be acknowledged
        let moved = self.move_state(&item, ReleaseState::Collected, release_state)?;
        exactly_one(moved, || inconsistent("release_states", "state", id))?;
        let changed = self
            .db
            .prepare_cached("UPDATE handed_out SET acknowledged = 1 WHERE release = ?1")?
            .execute([item.row])?;
        if changed == 0 {
            return Err(inconsistent("handed_out", "acknowledged", id));
        }
        if item.supplement {
            let open = &[RecipientState::Queued, RecipientState::Collected];
            self.move_recipient(&item, open, recipient_state)?;
            return Ok(());
        }
        let moved = self.move_recipient(&item, RecipientState::ALL, recipient_state)?;
        exactly_one(moved, || inconsistent("recipients", "state", item.message))
    }

    fn move_state(&self, item: &Item, from: ReleaseState, to: ReleaseState) -> Result<usize, Stop> {
        Ok(self
            .db
            .prepare_cached(
                "UPDATE release_states SET state = ?3 WHERE release = ?1 AND state = ?2",
            )?
            .execute((item.row, from.as_str(), to.as_str()))?)
    }

    fn stop_waiting(&self, view: &Address, item: &Item) -> Result<usize, Stop> {
        Ok(self
            .db
            .prepare_cached("DELETE FROM waiting WHERE view = ?1 AND calm = ?2 AND release = ?3")?
            .execute((address(view), !item.urgent, item.row))?)
    }

    /// Moves the recipient's row if it is in one of the states `from`.
    fn move_recipient(
        &self,
        item: &Item,
        from: &[RecipientState],
        to: RecipientState,
    ) -> Result<usize, Stop> {
        let recipient = address(&item.recipient);
        let state: Option<String> = self
            .db
            .prepare_cached("SELECT state FROM recipients WHERE message = ?1 AND recipient = ?2")?
            .query_row((item.message, &recipient), |row| row.get(0))
            .optional()?;
        let may_move = |state: &String| from.iter().any(|from| from.as_str() == state);
        if !state.as_ref().is_some_and(may_move) {
            return Ok(0);
        }
        Ok(self
            .db
            .prepare_cached(
                "UPDATE recipients SET state = ?3 WHERE message = ?1 AND recipient = ?2",
            )?
            .execute((item.message, recipient, to.as_str()))?)
    }
}
