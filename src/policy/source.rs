//! A policy as its file says, before anything of it is judged.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use time::Date;

use super::batch::Batch;
use super::operation::named_table;
use super::set::Edge;
use crate::domain::{Address, Digest, MessageType, Phrase, Purpose, json};

/// A policy file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its id: as written, else the file's name without `.toml`.
    pub id: String,
    /// Its head.
    pub head: Head,
    /// Leaf, operation as written, and line.
    pub leaves: Vec<(String, Value, usize)>,
    /// On which line each part of its head is named.
    pub(super) head_lines: BTreeMap<String, usize>,
    /// The exception this was made from: its digest, and the leaves that it names.
    pub(super) above: Option<(Digest, Vec<String>)>,
}

/// What stands above `[leaves]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    id: Option<String>,
    /// Who sends.
    pub sender: Address,
    /// Who receives.
    pub recipient: Address,
    /// Which message type.
    pub message: MessageType,
    /// For which purpose.
    pub purpose: Purpose,
    /// Under which agreement.
    pub agreement: String,
    /// Last day in force.
    #[serde(deserialize_with = "local_date")]
    pub expires: Date,
    /// Why it is as it is.
    pub why: String,
    /// Counts up with every change.
    #[serde(default = "first")]
    pub version: u32,
    /// Whether the sender's own signature travels along; inside Indonesia only.
    #[serde(default)]
    pub sender_proof: bool,
    /// When releases leave; abroad only. Where it is not written the floor says it.
    pub batch: Option<Batch>,
    leaves: toml::Table,
}

impl Head {
    /// The head of what an exception makes of a policy.
    pub(super) fn of_exception(
        (sender, recipient): (Address, Address),
        (message, purpose): (MessageType, Purpose),
        (agreement, expires, why): (String, Date, String),
        version: u32,
    ) -> Self {
        Self {
            id: None,
            sender,
            recipient,
            message,
            purpose,
            agreement,
            expires,
            why,
            version,
            sender_proof: false,
            batch: None,
            leaves: toml::Table::new(),
        }
    }
}

/// A TOML local date.
pub(super) fn local_date<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Date, D::Error> {
    let written = toml::value::Datetime::deserialize(deserializer)?;
    let date = match (written.date, written.time, written.offset) {
        (Some(date), None, None) => {
            let month = time::Month::try_from(date.month).ok();
            month.and_then(|m| Date::from_calendar_date(i32::from(date.year), m, date.day).ok())
        }
        _ => None,
    };
    date.ok_or_else(|| serde::de::Error::custom("a date is written YYYY-MM-DD, without quotes"))
}

fn first() -> u32 {
    1
}

/// A policy file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct BadSource {
    /// Line, from 1.
    pub line: usize,
    /// Why.
    pub reason: Phrase,
}

impl Source {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`BadSource`] with its line.
    pub fn parse(id: &str, text: &str) -> Result<Self, BadSource> {
        let head: Head = reading(text)?;
        let leaves = leaves_of(text, &head.leaves)?;
        let id = head.id.as_deref().unwrap_or(id);
        if !is_id(id) {
            let reason = Phrase::new("why-policy-id");
            return Err(BadSource { line: 1, reason });
        }
        let (_, head_lines) = lines_of(text);
        Ok(Self { id: id.to_owned(), head, leaves, head_lines, above: None })
    }

    /// The line on which a part of its head is named; 1 where it is not written.
    pub fn line(&self, name: &str) -> usize {
        self.head_lines.get(name).copied().unwrap_or(1)
    }

    /// What it is for.
    pub fn edge(&self) -> Edge {
        Edge {
            sender: self.head.sender.clone(),
            recipient: self.head.recipient.clone(),
            message: self.head.message.clone(),
            purpose: self.head.purpose,
        }
    }

    /// The RFC 8785 form, in which comments and layout do not count. The tables that the policy
    /// names are part of it: a changed table is a changed policy, which no one has approved yet.
    pub(super) fn canonical(&self) -> String {
        let leaves: serde_json::Map<String, Value> =
            self.leaves.iter().map(|(name, op, _)| (name.clone(), op.clone())).collect();
        let mut tables: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
        for (_, written, _) in &self.leaves {
            if let Some((kind, name, content)) = named_table(written) {
                tables.entry(kind).or_default().insert(name, content);
            }
        }
        let mut value = json!({
            "id": self.id,
            "version": self.head.version,
            "sender": self.head.sender,
            "recipient": self.head.recipient,
            "message": self.head.message,
            "purpose": self.head.purpose,
            "agreement": self.head.agreement,
            "expires": self.head.expires.to_string(),
            "why": self.head.why,
            "sender_proof": self.head.sender_proof,
            "leaves": leaves,
            "tables": tables,
        });
        if let (Some((digest, leaves)), Some(members)) = (&self.above, value.as_object_mut()) {
            members.insert("exception".into(), json!({"digest": digest, "leaves": leaves}));
        }
        // only where it is written, so that a policy without it keeps its digest
        if let (Some(batch), Value::Object(members)) = (self.head.batch, &mut value) {
            members.insert("batch".to_owned(), batch.to_value());
        }
        let bytes = json::canonical(&value).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// Digest of the RFC 8785 form.
    pub fn digest(&self) -> Digest {
        Digest::of(self.canonical().as_bytes())
    }
}

/// Whether a text may name a policy or an exception.
pub(super) fn is_id(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&id.len()) && id.bytes().all(fits)
}

/// Reads a file's head, with the line of what does not fit.
pub(super) fn reading<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, BadSource> {
    toml::from_str(text).map_err(|error| BadSource {
        line: error.span().map_or(1, |span| line_at(text, span.start)),
        reason: Phrase::unreadable(error.message()),
    })
}

/// The rows of `[leaves]`: leaf, operation as written, and line.
pub(super) fn leaves_of(
    text: &str,
    rows: &toml::Table,
) -> Result<Vec<(String, Value, usize)>, BadSource> {
    let (lines, _) = lines_of(text);
    let mut leaves = Vec::with_capacity(rows.len());
    for (name, operation) in rows {
        let line = lines.get(name).copied().unwrap_or(1);
        let operation = serde_json::to_value(operation)
            .map_err(|error| BadSource { line, reason: Phrase::unreadable(&error.to_string()) })?;
        leaves.push((name.clone(), operation, line));
    }
    Ok(leaves)
}

fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// On which line each leaf is named, whichever way TOML lets it be written, and each part of the
/// head.
fn lines_of(text: &str) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let Ok(document) = toml_edit::Document::parse(text) else { return Default::default() };
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let named = |table: &dyn toml_edit::TableLike| {
        let line = |name: &str| {
            let start = table.key(name).and_then(toml_edit::Key::span)?.start;
            Some((name.to_owned(), ends.partition_point(|end| *end < start) + 1))
        };
        table.iter().filter_map(|(name, _)| line(name)).collect::<BTreeMap<_, _>>()
    };
    let leaves = document.get("leaves").and_then(toml_edit::Item::as_table_like);
    (leaves.map(named).unwrap_or_default(), named(document.as_table()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "sender = \"a1\"\nrecipient = \"b1\"\nmessage = \"status/1\"\npurpose = \
        \"reintegration\"\nagreement = \"x\"\nexpires = 2027-06-30\nwhy = \"because\"\n";

    fn parse(rest: &str) -> Result<Source, BadSource> {
        Source::parse("name", &format!("{HEAD}{rest}"))
    }

    #[test]
    fn comments_and_layout_do_not_count() {
        let one = parse("[leaves]\n\"/a\" = \"drop\" # said\n\"/b\" = { op = \"keep\" }").unwrap();
        let other = parse("\n# unsaid\n[leaves]\n'/b' = {op=\"keep\"}\n\n'/a' = 'drop'\n").unwrap();
        assert_eq!(one.digest(), other.digest());
        let third = parse("[leaves]\n\"/a\" = \"keep\"\n\"/b\" = { op = \"keep\" }").unwrap();
        assert_ne!(one.digest(), third.digest());
    }

    #[test]
    fn a_named_table_is_part_of_what_is_signed() {
        let named =
            parse("[leaves]\n\"/a\" = { op = \"code_map\", table = \"open_closed\" }").unwrap();
        assert!(named.canonical().contains("\"in_service\":\"open\""));
        let bands = parse("[leaves]\n\"/a\" = { op = \"age_band\", bands = \"foreign\" }").unwrap();
        assert!(bands.canonical().contains("\"under_18\",0,17"));
    }

    #[test]
    fn leaves_know_their_lines_and_mistakes_theirs() {
        let source = parse(
            "\n[leaves]\n\"/a\" = \"drop\"\n\n'/b' = \"keep\"\n[leaves.\"/c\"]\nop = \"drop\"",
        )
        .unwrap();
        let lines: Vec<_> =
            source.leaves.iter().map(|(name, _, line)| (name.as_str(), *line)).collect();
        assert_eq!(lines, [("/a", 10), ("/b", 12), ("/c", 13)]);
        for (rest, line) in [
            ("[leaves]\n\"/a\" = \"drop\"\n\"/a\" = \"keep\"", 10),
            ("wildcard = true\n[leaves]\n", 8),
            ("[leaves]\n\"/a\" =", 9),
        ] {
            assert_eq!(parse(rest).unwrap_err().line, line, "{rest}");
        }
    }

    #[test]
    fn a_batch_counts_only_where_it_is_written() {
        let without = parse("[leaves]").unwrap();
        assert!(!without.canonical().contains("batch"));
        let with = parse("batch = \"at_once\"\n[leaves]").unwrap();
        assert!(with.canonical().contains("\"batch\":\"at_once\""));
        assert_ne!(with.digest(), without.digest());
        let monthly = "batch = { day = 5, hour = \"10:30 Asia/Jakarta\" }\n[leaves]";
        let monthly = parse(monthly).unwrap();
        assert!(monthly.canonical().contains(r#""batch":{"day":5,"hour":"10:30 Asia/Jakarta"}"#));
        assert_eq!(monthly.line("batch"), 8);
        // layout does not count
        let table = parse("[batch]\nhour = '10:30 Asia/Jakarta'\nday = 5\n[leaves]").unwrap();
        assert_eq!(table.digest(), monthly.digest());
        let bad = parse("batch = { day = 31, hour = \"10:30 Asia/Jakarta\" }\n[leaves]");
        let bad = bad.unwrap_err();
        assert_eq!((bad.line, bad.reason.to_string().contains("1 to 28")), (8, true), "{bad}");
    }

    #[test]
    fn an_id_is_as_written_or_the_files_name() {
        assert_eq!(parse("[leaves]").unwrap().id, "name");
        assert_eq!(parse("id = \"other-1\"\n[leaves]").unwrap().id, "other-1");
        assert!(parse("id = \"Siti Zarqolin\"\n[leaves]").is_err());
    }

    #[test]
    fn an_expiry_is_a_date_and_no_text() {
        let text = HEAD.replace("2027-06-30", "\"2027-06-30\"");
        assert!(Source::parse("name", &format!("{text}[leaves]")).is_err());
        let text = HEAD.replace("2027-06-30", "2027-06-30T00:00:00Z");
        assert!(Source::parse("name", &format!("{text}[leaves]")).is_err());
    }
}
