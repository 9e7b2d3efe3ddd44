//! What a policy is judged by: its schema, the floor, its agreement and the parties' records.

use time::{Date, Duration};

use crate::config::PartyRecord;
use crate::domain::{Agreement, PartyId, PartyKind, Phrase};
use crate::policy::{Compiled, ExceptionSource, Finding, Floor, Source, compile, diff};
use crate::schema::Schemas;

/// What a policy is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The limits that no policy may go below.
    pub floor: &'a Floor,
    /// The message types.
    pub schemas: &'a Schemas,
    /// The parties in force.
    pub parties: &'a [PartyRecord],
    /// The agreements in force.
    pub agreements: &'a [Agreement],
}

/// How long a policy towards an agency that cares for children runs on after one officer ended it.
const NOTICE_DAYS: i64 = 30;
/// The last year in which anything may expire.
const YEAR_MAX: i32 = 2200;

impl Judge<'_> {
    /// Compiles the policy `text`, or says everything that is wrong with it.
    ///
    /// # Errors
    /// Every [`Finding`], with its line, and what would be accepted.
    pub fn compile(&self, id: &str, text: &str) -> Result<Compiled, Vec<Finding>> {
        let source = Source::parse(id, text);
        self.compile_source(source.map_err(|bad| vec![finding(bad.line, id, bad.reason)])?)
    }

    /// Compiles a policy, or says everything that is wrong with it.
    ///
    /// # Errors
    /// Every [`Finding`].
    pub fn compile_source(&self, source: Source) -> Result<Compiled, Vec<Finding>> {
        let mut findings = self.check_head(&source);
        let Some(schema) = self.schemas.message(&source.head.message) else {
            let line = source.line("message");
            let message = Phrase::new("why-no-message-type");
            findings.insert(0, finding(line, "message", message));
            return Err(findings);
        };
        let kind = self.kind(&source.head.recipient.party);
        match compile(source, self.floor, schema.leaves(), kind) {
            Ok(mut compiled) if findings.is_empty() => {
                self.outlives(&compiled).into_iter().for_each(|finding| compiled.warn(finding));
                Ok(compiled)
            }
            Ok(_) => Err(findings),
            Err(more) => {
                findings.extend(more);
                Err(findings)
            }
        }
    }

    /// Compiles an exception over `standing`, or says everything that is wrong with it.
    ///
    /// # Errors
    /// Every [`Finding`].
    pub fn compile_exception(
        &self,
        exception: &ExceptionSource,
        version: u32,
        standing: Option<&Source>,
    ) -> Result<Compiled, Vec<Finding>> {
        let Some(schema) = self.schemas.message(exception.message()) else {
            return Err(vec![finding(0, "message", Phrase::new("why-no-message-type"))]);
        };
        let kind = self.kind(&exception.recipient().party);
        let compiled = exception.compile(version, standing, self.floor, schema.leaves(), kind)?;
        let findings = self.check_head(compiled.source());
        if findings.is_empty() { Ok(compiled) } else { Err(findings) }
    }

    /// Whether `after`, taking the place of `before`, only drops leaves or ends earlier. A version
    /// that does not compile any more is no measure.
    pub fn narrows(&self, before: &Source, after: &Source) -> bool {
        let compiled = |source: &Source| self.compile_source(source.clone());
        let (Ok(before), Ok(after)) = (compiled(before), compiled(after)) else { return false };
        before.why() == after.why() && diff(&before, &after).is_ok_and(|diff| diff.only_stops())
    }

    /// Whether nothing comes out under `small` that does not under `large`, told the same or less.
    pub fn is_within(&self, small: &Source, large: &Source) -> bool {
        let compiled = |source: &Source| self.compile_source(source.clone());
        let (Ok(small), Ok(large)) = (compiled(small), compiled(large)) else { return false };
        diff(&large, &small).is_ok_and(|diff| !diff.widens())
    }

    /// Whether `after` keeps from an agency that cares for children what it was to know: it ends
    /// within thirty days and before what it overtakes, or passes on less than half of the leaves of
    /// `decided`, the last version that two decided. One leaf after another comes to the same.
    pub fn cuts_off(
        &self,
        decided: &Source,
        overtaken: &[Source],
        after: &Source,
        today: Date,
    ) -> bool {
        let recipient = &after.head.recipient.party;
        if self.floor.kind(recipient, self.kind(recipient)) != PartyKind::Social {
            return false;
        }
        let passing =
            |source: &Source| self.compile_source(source.clone()).ok().map(|c| c.passing().len());
        let of = passing(decided).or_else(|| overtaken.iter().find_map(passing));
        let (Some(left), Some(of)) = (passing(after), of) else { return true };
        let soon = today.saturating_add(Duration::days(NOTICE_DAYS));
        let expires = after.head.expires;
        let ends_soon = expires < soon && overtaken.iter().any(|o| expires < o.head.expires);
        ends_soon || left.saturating_mul(2) < of
    }

    /// A policy stops with its agreement; one that says otherwise misleads its reader. No reason
    /// not to start: an agreement may be ended at any time.
    fn outlives(&self, policy: &Compiled) -> Option<Finding> {
        let agreement = self.agreements.iter().find(|a| a.id == policy.agreement())?;
        let message = Phrase::new("why-outlives").with("day", agreement.until);
        (policy.expires() > agreement.until).then(|| finding(0, "expires", message))
    }

    /// Whoever has no record is judged as the floor judges strangers.
    fn kind(&self, party: &PartyId) -> PartyKind {
        let record = self.parties.iter().find(|record| record.id == *party);
        record.map_or(PartyKind::Foreign, |record| record.kind)
    }

    /// The parties are known and the agreement covers what the policy is for. Each finding names
    /// what would be accepted.
    fn check_head(&self, source: &Source) -> Vec<Finding> {
        let head = &source.head;
        let mut findings = Vec::new();
        let mut find = |leaf: &str, message: Phrase, accepted: Vec<String>| {
            let (line, leaf) = (source.line(leaf), leaf.to_owned());
            findings.push(Finding { line, leaf, message, accepted });
        };
        if head.expires.year() > YEAR_MAX {
            find("expires", Phrase::new("why-too-long").with("year", YEAR_MAX), Vec::new());
        }
        for (name, address) in [("sender", &head.sender), ("recipient", &head.recipient)] {
            let known = self.parties.iter().any(|party| {
                party.id == address.party
                    && address.unit.as_ref().is_none_or(|unit| party.units.contains(unit))
            });
            if !known {
                let parties = self.parties.iter().map(|party| party.id.to_string()).collect();
                find(name, Phrase::new("why-no-record").with("party", address), parties);
            }
        }
        let binding = self
            .agreements
            .iter()
            .filter(|agreement| agreement.binds(&head.sender.party, &head.recipient.party));
        let binding: Vec<String> = binding.map(|agreement| agreement.id.clone()).collect();
        let Some(agreement) = self.agreements.iter().find(|a| a.id == head.agreement) else {
            let missing = Phrase::new("why-no-agreement").with("agreement", &head.agreement);
            find("agreement", missing, binding);
            return findings;
        };
        if !binding.contains(&agreement.id) {
            find("agreement", Phrase::new("why-binds-not-both"), binding);
        }
        let refused = || Phrase::new("why-not-agreed");
        if !agreement.messages.contains(&head.message) {
            let all = agreement.messages.iter().map(ToString::to_string).collect();
            find("message", refused(), all);
        }
        if !agreement.purposes.contains(&head.purpose) {
            let all = agreement.purposes.iter().map(ToString::to_string).collect();
            find("purpose", refused(), all);
        }
        findings
    }
}

fn finding(line: usize, leaf: &str, message: Phrase) -> Finding {
    Finding { line, leaf: leaf.to_owned(), message, accepted: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::DocumentKind;
    use crate::exchange::rules::Document;

    const POLICY: &str = include_str!("../../../config/policies/kemensos-cuta-be-status.toml");
    const MOU: &str = include_str!("../../../config/agreements/mou-id-be.toml");
    const FLOOR: &str = include_str!("../../../config/floor.development.toml");

    fn party(id: &str, kind: &str) -> PartyRecord {
        let text = format!("id = \"{id}\"\nname = \"N\"\ncountry = \"IDN\"\nkind = \"{kind}\"");
        toml::from_str(&text).unwrap()
    }

    fn judged(text: &str) -> Result<Compiled, Vec<Finding>> {
        let floor = Floor::parse(FLOOR).unwrap();
        let schemas = Schemas::builtin().unwrap();
        let parties = [party("kemensos", "social"), party("cuta-be", "foreign")];
        let Ok(Document::Agreement(mou)) =
            Document::parse(DocumentKind::Agreement, "mou-id-be", MOU)
        else {
            panic!("the shipped agreement")
        };
        let agreements = [*mou];
        let judge =
            Judge { floor: &floor, schemas: &schemas, parties: &parties, agreements: &agreements };
        judge.compile("kemensos-cuta-be-status", text)
    }

    #[test]
    fn each_finding_names_line_leaf_and_what_would_be_accepted() {
        assert!(judged(POLICY).is_ok());
        let line = |of: &str| POLICY.lines().position(|line| line.starts_with(of)).unwrap() + 1;
        for (from, to, leaf, accepts) in [
            ("\"/note\" ", "\"/notes\" ", "/notes", Some("/note")),
            ("\"/note\"               = \"drop\"", "\"/note\" = \"keep\"", "/note", Some("drop")),
            ("\"/note\"               = \"drop\"", "\"/note\" = \"mask\"", "/note", None),
            ("table = \"open_closed\"", "table = \"no_such\"", "/to_state", None),
            ("table = \"open_closed\"", "table = {}", "/to_state", None),
            (
                "\"/effective_on\"       = \"month\"",
                "\"/effective_on\" = \"year\"",
                "/effective_on",
                Some("month"),
            ),
            (
                "agreement = \"mou-id-be\"",
                "agreement = \"pks-bnpt-kemensos\"",
                "agreement",
                Some("mou-id-be"),
            ),
            ("expires = 2027-06-30", "expires = 9999-12-31", "expires", None),
            (
                "purpose = \"reintegration\"",
                "purpose = \"service_delivery\"",
                "purpose",
                Some("reintegration"),
            ),
            ("recipient = \"cuta-be\"", "recipient = \"cuta-nl\"", "recipient", Some("cuta-be")),
        ] {
            assert!(POLICY.contains(from), "{from}");
            let findings = judged(&POLICY.replacen(from, to, 1)).unwrap_err();
            let found = findings.iter().find(|finding| finding.leaf == leaf);
            let found = found.unwrap_or_else(|| panic!("{to}: {findings:?}"));
            let short: String = leaf.chars().take(5).collect();
            let start = if leaf.starts_with('/') { format!("\"{short}") } else { leaf.to_owned() };
            assert_eq!(found.line, line(&start), "{to}: {found}");
            let is_named = accepts.is_none_or(|word| found.accepted.iter().any(|a| a == word));
            assert!(is_named, "{to}: {found}");
        }
        // one leaf with two operations is no TOML; one left out is told by its name
        let twice = format!("{POLICY}\n\"/note\" = \"drop\"\n");
        assert_eq!(judged(&twice).unwrap_err()[0].line, POLICY.lines().count() + 2);
        let without = POLICY.lines().filter(|line| !line.starts_with("\"/note\""));
        let without = without.collect::<Vec<_>>().join("\n");
        assert_eq!(judged(&without).unwrap_err()[0].leaf, "/note");
    }

    #[test]
    fn ten_thousand_strange_leaves_are_ten_thousand_findings() {
        let strange: Vec<String> =
            (0..10_000).map(|n| format!("\"/note{n}\" = \"keep\"")).collect();
        let findings = judged(&format!("{POLICY}\n{}\n", strange.join("\n"))).unwrap_err();
        assert_eq!(findings.len(), 10_000);
        assert!(findings.iter().all(|finding| finding.line > POLICY.lines().count()));
        let guessed = findings.iter().filter(|finding| !finding.accepted.is_empty()).count();
        assert!(guessed <= 20, "what may have been meant is guessed for a few only: {guessed}");
    }
}
