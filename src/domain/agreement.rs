//! Agreements: the instruments (a memorandum, a PKS) that allow an exchange.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::Date;

use super::{Digest, MessageType, PartyId, Purpose};

/// `YYYY-MM-DD`, as serde reads and writes a date.
pub mod iso_date {
    use serde::{Deserialize, Deserializer, Serializer};
    use time::{Date, format_description::BorrowedFormatItem, macros::format_description};

    const FORMAT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

    /// Writes a date.
    ///
    /// # Errors
    /// What the serializer answers.
    pub fn serialize<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&date.to_string())
    }

    /// Reads a date.
    ///
    /// # Errors
    /// When the text is no date of the calendar.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let text = String::deserialize(deserializer)?;
        Date::parse(&text, FORMAT).map_err(|_cause| serde::de::Error::custom("not a date"))
    }
}

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
    /// RFC 7638 thumbprints of keys that the instrument prints, by party: such a key needs no word
    /// of the party's previous one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprints: BTreeMap<PartyId, Vec<Digest>>,
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
