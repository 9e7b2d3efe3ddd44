//! Preconditions, checked inside the commit that they guard.

use rusqlite::{OptionalExtension, named_params};

use super::super::Requirement;
use super::apply::{Apply, Stop, exchange_row};
use super::budget;
use super::erasures;
use super::read_inbox;
use super::reviews;
use crate::domain::state::{MessageState, ReleaseState};
use crate::domain::{Digest, Id, MessageId, PartyId, ReleaseId};

impl Apply<'_> {
    /// Stops at the first requirement that does not hold.
    pub(super) fn check_all(&self, requires: &[Requirement]) -> Result<(), Stop> {
        for requirement in requires {
            if !self.holds(requirement)? {
                return Err(Stop::Conflict(requirement.clone()));
            }
        }
        Ok(())
    }

    fn generation(&self) -> Result<Option<u64>, Stop> {
        let sql = "SELECT generation FROM rules WHERE id = 1";
        let now: i64 = self.db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(u64::try_from(now).ok())
    }

    fn holds(&self, requirement: &Requirement) -> Result<bool, Stop> {
        Ok(match requirement {
            Requirement::Generation(expected) => self.generation()? == Some(*expected),
            Requirement::MessageUnseen { sender, message_id: id } => {
                const SEEN: &str = "SELECT 1 FROM messages WHERE sender = ?1 AND message_id = ?2";
                !self.exists(SEEN, &[sender.as_str(), id.as_str()])?
            }
            Requirement::Message { sender, message_id, state, releases } => {
                let made = read_inbox::releases_of(self.db, sender, message_id)?;
                self.has_message(sender, message_id, *state)?
                    && made.iter().map(|row| &row.release_id).eq(releases)
            }
            Requirement::Corrections { sender, target, all } => {
                self.corrected(sender, target)? == *all
            }
            Requirement::Unerased(exchange) => !erasures::is_erased(self.db, exchange)?,
            Requirement::Messages { exchange, all } => self.messages_in(exchange)? == *all,
            Requirement::Answered { sender, notice, party, result } => {
                self.answered((sender, notice), party)? == *result
            }
            Requirement::Ticket(key) => self.has_ticket(key)?,
            Requirement::NoTicket(key) => !self.has_ticket(key)?,
            Requirement::Thread { exchange, state } => {
                let sql = "SELECT 1 FROM exchanges WHERE id = ?1 AND state = ?2";
                self.exists(sql, &[exchange.as_str(), state.as_str()])?
            }
            Requirement::Queued(releases) => self.are_queued(releases)?,
            Requirement::Unacknowledged(release) => {
                let sql = "SELECT 1 FROM acknowledgements a JOIN releases r ON r.row = a.release
                           WHERE r.release_id = ?1";
                !self.exists(sql, &[release.as_str()])?
            }
            Requirement::HoldOpen(hold) => {
                let sql = "SELECT 1 FROM holds WHERE id = ?1 AND released IS NULL";
                self.exists(sql, &[hold.as_str()])?
            }
            Requirement::RequestUndecided(exchange) => self.is_undecided(exchange)?,
            Requirement::RequestOpen(exchange) => self.is_open(exchange)?,
            Requirement::Version { key, at } => self.version_at(key)? == *at,
            Requirement::ReviewOpen(review) => {
                let sql = "SELECT 1 FROM reviews WHERE id = ?1 AND resumed IS NULL";
                self.exists(sql, &[review.as_str()])?
            }
            Requirement::Standing { exchange, reviews } => {
                self.stands(*exchange)?.as_slice() == reviews
            }
            Requirement::Suspended { exchange, all } => {
                let now = reviews::suspended_in(self.db, exchange)?;
                let now = now.iter().map(|row| (&row.sender, row.message_id, &row.recipient));
                now.eq(all.iter().map(|(sender, id, recipient)| (sender, *id, recipient)))
            }
            Requirement::Family { exchange, all } => reviews::family(self.db, exchange)? == *all,
            Requirement::AssertionUnseen { party, jti } => {
                let sql = "SELECT 1 FROM assertions WHERE party = ?1 AND jti = ?2";
                !self.exists(sql, &[party.as_str(), jti])?
            }
            Requirement::LastProjection { exchange, party, message_type, digest } => {
                self.projected(*exchange, party, message_type)? == *digest
            }
            Requirement::Known { exchange, party, key } => {
                budget::known(self.db, exchange, party)?.map(|row| row.key) == *key
            }
            Requirement::Group { party, key, exchange, at_least } => {
                let others = budget::group(self.db, party, key, exchange, *at_least)?;
                others >= u64::from(*at_least)
            }
        })
    }

    /// Whether it is there, in that state and with its payload.
    fn has_message(
        &self,
        sender: &PartyId,
        id: &MessageId,
        state: MessageState,
    ) -> Result<bool, Stop> {
        let sql = "SELECT 1 FROM messages m JOIN message_objects o ON o.message = m.row
            WHERE m.sender = ?1 AND m.message_id = ?2 AND m.state = ?3";
        self.exists(sql, &[sender.as_str(), id.as_str(), state.as_str()])
    }

    pub(super) fn exists(&self, sql: &str, key: &[&str]) -> Result<bool, Stop> {
        Ok(self.db.prepare_cached(sql)?.exists(rusqlite::params_from_iter(key))?)
    }

    fn are_queued(&self, releases: &[ReleaseId]) -> Result<bool, Stop> {
        for release in releases {
            if !self.is_queued(release)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Queued means: in no view handed out, and not cancelled.
    fn is_queued(&self, release: &ReleaseId) -> Result<bool, Stop> {
        let sql = "SELECT 1 FROM release_states s JOIN releases r ON r.row = s.release
                   WHERE r.release_id = ?1 AND s.state = ?2";
        self.exists(sql, &[release.as_str(), ReleaseState::Queued.as_str()])
    }

    fn projected(
        &self,
        exchange: Id,
        party: &PartyId,
        message_type: &str,
    ) -> Result<Option<Digest>, Stop> {
        let Some(exchange) = exchange_row(self.db, exchange)? else { return Ok(None) };
        let digest: Option<[u8; 32]> = self
            .db
            .prepare_cached(
                "SELECT digest FROM last_projections
                 WHERE exchange = :exchange AND party = :party AND message_type = :type",
            )?
            .query_row(
                named_params! {
                    ":exchange": exchange, ":party": party.as_str(), ":type": message_type,
                },
                |row| row.get(0),
            )
            .optional()?;
        Ok(digest.map(Digest::from_bytes))
    }
}
