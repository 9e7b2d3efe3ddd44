//! `agreements/<id>.toml`: the instruments under which parties exchange.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use time::{Date, Month};
use toml::value::Datetime;

use super::file::{self, FileError};
use crate::domain::{Agreement, Digest, MessageType, PartyId, Phrase, Purpose};

/// An agreement as its file says; its dates are TOML dates.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgreementFile {
    id: String,
    title: String,
    parties: Vec<PartyId>,
    messages: Vec<MessageType>,
    purposes: Vec<Purpose>,
    k: u32,
    retention_days: u32,
    from: Datetime,
    until: Datetime,
    #[serde(default)]
    fingerprints: BTreeMap<PartyId, Vec<Digest>>,
}

/// Reads an agreement. Its file is named by its id.
pub fn read(path: &Path) -> Result<Agreement, FileError> {
    parse(path, &file::read_text(path)?)
}

fn parse(path: &Path, text: &str) -> Result<Agreement, FileError> {
    let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    read_as(id, text).map_err(|(line, reason)| FileError::Unusable {
        path: path.to_owned(),
        line: (line > 0).then_some(line),
        reason: reason.to_string(),
    })
}

/// Reads the text of the agreement `id`.
///
/// # Errors
/// What is wrong and on which line; 0 where it is on none.
pub fn read_as(id: &str, text: &str) -> Result<Agreement, (usize, Phrase)> {
    let file: AgreementFile = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        (before.map_or(0, file::line_after), Phrase::unreadable(error.message()))
    })?;
    let unusable = |why| (0, Phrase::new(why));
    if id != file.id {
        return Err(unusable("why-agreement-id"));
    }
    let day = |name: &str, value: &Datetime| {
        day(value).ok_or_else(|| (0, Phrase::new("why-no-day").with("name", name)))
    };
    let (from, until) = (day("from", &file.from)?, day("until", &file.until)?);
    if until < from {
        return Err(unusable("why-until-before-from"));
    }
    if file.parties.len() < 2 {
        return Err(unusable("why-too-few-parties"));
    }
    if file.k == 0 || file.retention_days == 0 {
        return Err(unusable("why-k-at-least"));
    }
    let AgreementFile { id, title, parties, messages, purposes, k, retention_days, .. } = file;
    let fingerprints = file.fingerprints;
    Ok(Agreement {
        id,
        title,
        parties,
        messages,
        purposes,
        k,
        retention_days,
        from,
        until,
        fingerprints,
    })
}

/// A day and nothing more: no time, no zone.
fn day(value: &Datetime) -> Option<Date> {
    match value {
        Datetime { date: Some(date), time: None, offset: None } => {
            let month = Month::try_from(date.month).ok()?;
            Date::from_calendar_date(i32::from(date.year), month, date.day).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
id = "mou-id-zz"
title = "Memorandum of Zarqolin"
parties = ["kemensos", "zarqolin"]
messages = ["status/1"]
purposes = ["reintegration"]
k = 5
retention_days = 180
from = 2026-01-01
until = 2027-06-30
"#;

    #[test]
    fn an_agreement_is_read_and_its_faults_are_named() {
        let path = Path::new("agreements/mou-id-zz.toml");
        let agreement = parse(path, GOOD).unwrap();
        assert_eq!(agreement.until, time::macros::date!(2027 - 06 - 30));
        for (from, to, says) in [
            ("2027-06-30", "2025-06-30", "before"),
            ("2027-06-30", "2027-06-30T10:00:00Z", "calendar"),
            ("2027-06-30", "2027-02-30", "line"),
            (r#", "zarqolin"]"#, "]", "two"),
            ("k = 5", "k = 0", "at least 1"),
            ("k = 5", "", "k"),
            ("mou-id-zz", "mou-id-be", "name of the file"),
            ("reintegration", "threat_analysis", "line 6"),
            ("k = 5", "k = 5\nthreat_score = 1", "unknown field"),
        ] {
            let fault = parse(path, &GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(fault.contains(says), "{to}: {fault}");
        }
    }
}
