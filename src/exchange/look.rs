//! What a policy's recipient would see of synthetic cases: typical, rare and hostile ones.
//!
//! The same projection as of a real message, and nothing is kept or sent. No person in the cases
//! exists.

use serde_json::Value;
use time::Date;

use crate::domain::json::parse;
use crate::domain::{Agreement, Body, Fault};
use crate::policy::{Baseline, Compiled, Preview, Profile, preview};
use crate::schema::{EXAMPLES, Flavour, Schemas};

use super::Rules;

/// One synthetic message.
#[derive(Debug)]
pub struct Case {
    /// What it stands for.
    pub flavour: Flavour,
    /// Its type.
    pub message: &'static str,
    /// What is sent.
    pub sent: Body,
    /// What the schema says against it: then it reaches nobody.
    pub faults: Vec<Fault>,
    /// What becomes of it under each of the versions, in their order.
    pub seen: Vec<Seen>,
}

/// What becomes of a case under one version.
#[derive(Debug)]
pub struct Seen {
    /// What the recipient has of it.
    pub preview: Preview,
    /// Of how many in the baseline a foreign recipient could take the case to be after this one
    /// release, and how many the agreement asks for.
    pub group: Option<(u32, u32)>,
}

/// What cases are looked at with.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The message types.
    pub schemas: &'a Schemas,
    /// The agreements in force.
    pub agreements: &'a [Agreement],
    /// How many people share what could be told of one.
    pub baseline: &'a Baseline,
    /// Ages are counted on that day.
    pub today: Date,
}

impl<'a> Surroundings<'a> {
    /// Those of the rules in force.
    pub fn of(rules: &'a Rules, today: Date) -> Self {
        let Rules { schemas, agreements, baseline, .. } = rules;
        Self { schemas, agreements, baseline, today }
    }

    /// The synthetic messages of the type that the versions are for; none where the type has none.
    pub fn cases(&self, versions: &[&Compiled]) -> Vec<Case> {
        let Some(message) = versions.first().map(|policy| policy.message()) else {
            return Vec::new();
        };
        let Some(schema) = self.schemas.message(message) else { return Vec::new() };
        let examples = EXAMPLES.iter().filter(|example| example.message == message.as_str());
        let cases = examples.filter_map(|example| {
            let mut claims = parse(example.claims.as_bytes()).ok()?;
            let body = claims.get_mut("body").map(Value::take).unwrap_or_default();
            let faults = schema.faults(&body);
            let sent = Body::new(body);
            let seen = versions.iter().filter(|_| faults.is_empty());
            let seen = seen.map(|policy| self.seen(policy, &sent)).collect();
            let (flavour, message) = (example.flavour, example.message);
            Some(Case { flavour, message, sent, faults, seen })
        });
        cases.collect()
    }

    fn seen(&self, policy: &Compiled, sent: &Body) -> Seen {
        let preview = preview(policy, sent, self.today);
        let group = match &preview {
            Preview::Goes { body, .. } if policy.foreign() => self.group(policy, body),
            _ => None,
        };
        Seen { preview, group }
    }

    fn group(&self, policy: &Compiled, body: &Value) -> Option<(u32, u32)> {
        let agreement = self.agreements.iter().find(|known| known.id == policy.agreement())?;
        let profile = Profile::default().with("", (policy, body, self.today), true);
        Some((self.baseline.alike(&profile), agreement.k))
    }
}
