//! Agreements: the instruments (MoU, PKS) that allow an exchange.

use serde::{Deserialize, Serialize};
use time::Date;

use super::{MessageType, PartyId, Purpose};

time::serde::format_description!(iso_date, Date, "[year]-[month]-[day]");

/// The instrument under which parties exchange. Dates end at 24:00 Asia/Jakarta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Name by which policies and messages cite it, for example `mou-id-be`.
    pub id: String,
    /// Its title in print.
    pub title: String,
    /// Who is bound by it.
    pub parties: Vec<PartyId>,
    /// Which messages it allows.
    pub messages: Vec<MessageType>,
    /// For which purposes.
    pub purposes: Vec<Purpose>,
    /// Smallest group a foreign recipient may be able to single out.
    pub k: u32,
    /// Longest retention, in days from admission.
    pub retention_days: u32,
    /// First day in force.
    #[serde(with = "iso_date")]
    pub from: Date,
    /// Last day in force.
    #[serde(with = "iso_date")]
    pub until: Date,
}

impl Agreement {
    /// Whether both are bound by it.
    pub fn binds(&self, one: &PartyId, other: &PartyId) -> bool {
        self.parties.contains(one) && self.parties.contains(other)
    }

    /// Whether it is in force on `day` (a day in Jakarta).
    pub fn in_force(&self, day: Date) -> bool {
        (self.from..=self.until).contains(&day)
    }
}
