//! What a new policy begins with. A template is a rule about what the floor admits, and no list of
//! leaves: under another floor or another schema it says something else.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::floor::Floor;
use super::offer::{Choice, offers};
use crate::domain::{Class, LeafTable, MessageType, PartyKind};

/// A beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// Numbers, and nothing about one person.
    AggregateOnly,
    /// Another agency of this country takes a case over: what it may know.
    DomesticReferral,
    /// That a case goes on, and as little as says so.
    StatusMinimal,
}

impl Template {
    /// All.
    pub const ALL: [Self; 3] = [Self::AggregateOnly, Self::DomesticReferral, Self::StatusMinimal];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AggregateOnly => "aggregate_only",
            Self::DomesticReferral => "domestic_referral",
            Self::StatusMinimal => "status_minimal",
        }
    }

    /// Whether it is for messages of that type, to a recipient of that kind.
    pub fn is_for(self, message: &MessageType, kind: PartyKind) -> bool {
        let is_abroad = matches!(kind, PartyKind::Foreign | PartyKind::Gateway);
        match self {
            Self::AggregateOnly => message.name() == "aggregate-report",
            Self::DomesticReferral => message.name() == "referral" && !is_abroad,
            Self::StatusMinimal => message.name() == "status",
        }
    }

    /// An operation for every leaf, as it is written.
    pub fn rows(self, floor: &Floor, table: &LeafTable, kind: PartyKind) -> Vec<(String, Value)> {
        let offers = offers(floor, table, kind);
        let rows = offers.iter().map(|offer| {
            let leaf = offer.leaf;
            let is_wanted = match self {
                // files are described and not carried: of no use to whoever receives the words
                Self::DomesticReferral => !leaf.name.is_within("/attachments"),
                Self::StatusMinimal => {
                    leaf.required && !matches!(leaf.class, Class::Direct | Class::Sensitive)
                }
                Self::AggregateOnly => true,
            };
            let wanted = self.wanted().iter().filter(|_| is_wanted);
            let mut found = wanted
                .filter_map(|name| offer.choices.iter().find(|choice| choice.name() == *name));
            let written =
                found.next().map_or_else(|| "drop".into(), |c: &Choice| c.written.clone());
            (leaf.name.to_string(), written)
        });
        rows.collect()
    }

    /// The operations that it takes, the best first.
    fn wanted(self) -> &'static [&'static str] {
        match self {
            Self::AggregateOnly => &["keep"],
            Self::DomesticReferral => {
                &["pseudonym", "hold", "keep", "code_map", "age_band", "month"]
            }
            Self::StatusMinimal => &["pseudonym", "code_map", "age_band", "month", "keep"],
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No template has that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such template")]
pub struct NoTemplate;

impl FromStr for Template {
    type Err = NoTemplate;

    fn from_str(text: &str) -> Result<Self, NoTemplate> {
        Self::ALL.into_iter().find(|template| template.as_str() == text).ok_or(NoTemplate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schemas;

    fn passed(template: Template, message: &str, kind: PartyKind) -> Vec<String> {
        let floor = Floor::parse(include_str!("../../config/floor.development.toml")).unwrap();
        let schemas = Schemas::builtin().unwrap();
        let message: MessageType = message.parse().unwrap();
        assert!(template.is_for(&message, kind));
        let table = schemas.message(&message).unwrap().leaves();
        let rows = template.rows(&floor, table, kind);
        assert_eq!(rows.len(), table.leaves.len());
        let passed = rows.into_iter().filter(|(_, written)| written.as_str() != Some("drop"));
        passed.map(|(leaf, written)| format!("{leaf} {}", super::super::key_of(&written))).collect()
    }

    #[test]
    fn a_template_takes_what_the_floor_admits_and_no_more() {
        let abroad = passed(Template::StatusMinimal, "status/1", PartyKind::Foreign);
        let expected =
            ["/effective_on month", "/subject/ref pseudonym", "/to_state code_map:open_closed"];
        assert_eq!(abroad, expected);
        let social = passed(Template::DomesticReferral, "referral/1", PartyKind::Social);
        assert!(social.contains(&"/subject/name/full keep".to_owned()));
        assert!(social.contains(&"/summary hold".to_owned()));
        let police = passed(Template::DomesticReferral, "referral/1", PartyKind::CounterTerrorism);
        assert!(police.len() < social.len());
        assert!(!police.iter().any(|row| row.contains("/name/") || row.contains("/summary")));
        let floor = Floor::parse(include_str!("../../config/floor.development.toml")).unwrap();
        assert!(
            !Template::DomesticReferral.is_for(&"referral/1".parse().unwrap(), PartyKind::Foreign)
        );
        drop(floor);
    }
}
