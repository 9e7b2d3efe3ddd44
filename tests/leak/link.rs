//! Two partners lay beside each other everything that they were legally handed: nothing long
//! enough to be a reference may stand in both, but what stands in every release there is.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use regex::Regex;

use crate::scenario::{Told, opened};
use crate::sinks::Sinks;

/// As long as what could be random enough to single out one case.
static TOKEN: LazyLock<Regex> = LazyLock::new(|| Regex::new("[A-Za-z0-9_-]{16,}").unwrap());

/// Letters of an id: 45 bits, in which no two of a run are alike by chance.
const BEGINNING: usize = 9;

/// Who saw a token, and in which case it was seen first; whether it was seen in others too.
#[derive(Debug)]
struct Sight {
    parties: BTreeSet<&'static str>,
    case: u64,
    is_common: bool,
}

/// Every token that was handed to anybody.
#[derive(Debug, Default)]
pub(crate) struct Linkage {
    seen: HashMap<String, Sight>,
    /// How the ids that each was handed begin.
    begins: BTreeSet<(&'static str, String)>,
    ordered: bool,
    cases: u64,
}

impl Linkage {
    pub(crate) fn add(&mut self, told: &Told) {
        self.cases += 1;
        for (party, item) in &told.handed {
            let begins = item["release_id"].as_str().unwrap().chars().take(BEGINNING).collect();
            // the clock stands still: an id that tells the time begins like the others
            self.ordered |= !self.begins.insert((party, begins));
            let (statement, body) = opened(item);
            let mut shown = item.clone();
            shown["release"] = serde_json::Value::Null;
            let text = format!("{shown} {statement} {body}");
            for token in TOKEN.find_iter(&text) {
                let case = self.cases;
                let new = || Sight { parties: BTreeSet::new(), case, is_common: false };
                let sight = self.seen.entry(token.as_str().to_owned()).or_insert_with(new);
                sight.parties.insert(party);
                sight.is_common |= sight.case != self.cases;
            }
        }
    }

    /// What two of them could join on; answers how many tokens were compared.
    pub(crate) fn judge(&self, sinks: &mut Sinks) -> usize {
        if self.ordered {
            sinks.found("linkage", "inbox", "ids begin alike: they tell when".to_owned());
        }
        for sight in self.seen.values().filter(|sight| !sight.is_common) {
            if sight.parties.len() > 1 {
                let who: Vec<_> = sight.parties.iter().copied().collect();
                let what = format!("{} hold one token of one case", who.join(" and "));
                sinks.found("linkage", "inbox", what);
            }
        }
        self.seen.len()
    }
}
