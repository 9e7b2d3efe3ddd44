//! A year of what one foreign partner was handed: how few people share what it knows of a case.
//!
//! Worked out from the partner's own view and the signed baseline: it joins all releases of one
//! exchange, as the partner would.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::scenario::{Told, opened};
use crate::sinks::Sinks;

/// The agreement's `k`.
const K: usize = 10;

/// What the partner knows of each case.
#[derive(Debug, Default)]
pub(crate) struct Known(BTreeMap<String, [String; 3]>);

const LEAVES: [&str; 3] = ["/subject/birth/date", "/origin/pathway", "/category/ppks"];

impl Known {
    pub(crate) fn add(&mut self, told: &Told) {
        for (_, item) in told.handed.iter().filter(|(party, _)| *party == "cuta-be") {
            let (_, body) = opened(item);
            let exchange = item["exchange"].as_str().unwrap().to_owned();
            let profile = self.0.entry(exchange).or_default();
            for (known, leaf) in profile.iter_mut().zip(LEAVES) {
                if let Some(value) = body.pointer(leaf).and_then(Value::as_str) {
                    value.clone_into(known);
                }
            }
        }
    }

    /// The smallest group that a case known to the partner belongs to.
    pub(crate) fn judge(&self, sinks: &mut Sinks) -> usize {
        let baseline: toml::Table = include_str!("../../config/baseline.toml").parse().unwrap();
        let people = baseline["people"].as_array().unwrap();
        let mut groups: BTreeMap<&[String; 3], usize> = BTreeMap::new();
        for profile in self.0.values() {
            *groups.entry(profile).or_default() += 1;
        }
        let smallest = groups.iter().map(|(profile, count)| {
            let alike = people.iter().filter(|row| {
                let is = |(leaf, value): (&str, &String)| {
                    value.is_empty() || row[leaf].as_str() == Some(value)
                };
                LEAVES.into_iter().zip(*profile).all(is)
            });
            let others: i64 = alike.map(|row| row["n"].as_integer().unwrap()).sum();
            count + usize::try_from(others).unwrap()
        });
        let smallest = smallest.min().unwrap_or(usize::MAX);
        if smallest < K {
            sinks.found("accumulation", "inbox", format!("a group of {smallest}"));
        }
        smallest
    }
}
