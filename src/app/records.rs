//! The party records of a home: the first ones, which its store begins with.

use std::path::Path;

use super::home::Home;
use crate::config::{FileError, PartyRecord, file};
use crate::domain::Phrase;
use crate::exchange::rules::record::{check, check_apart, private_material};

/// Reads every `parties/<id>/record.toml`, sorted by id; a directory without one is no party.
pub fn read_all(home: &Home) -> Result<Vec<PartyRecord>, FileError> {
    let mut records: Vec<PartyRecord> = Vec::new();
    for directory in file::entries(&home.parties())? {
        let path = directory.join("record.toml");
        if !path.exists() {
            continue;
        }
        let text = file::read_text(&path)?;
        if let Some(what) = private_material(&text) {
            return Err(FileError::unusable(&path, format!("holds {what}")));
        }
        let record: PartyRecord = file::parse_toml(&path, &text)?;
        if directory.file_name().is_none_or(|name| name != record.id.as_str()) {
            let reason = format!("`id` is `{}`, unlike its directory", record.id);
            return Err(FileError::unusable(&path, reason));
        }
        let unusable = |reason: Phrase| FileError::unusable(&path, reason.to_string());
        check(&record).map_err(unusable)?;
        check_apart(&record, &records).map_err(unusable)?;
        records.push(record);
    }
    Ok(records)
}

/// What private material the file at `path` holds, if any.
pub fn private_file(path: &Path) -> Result<Option<Phrase>, FileError> {
    let bytes = file::read_bytes(path)?;
    Ok(private_material(&String::from_utf8_lossy(&bytes)))
}
