//! Policies made ready: each compiled against its schema, under the floor and its agreement.

use std::path::Path;

use anyhow::{Context, anyhow, bail};

use super::rules::Documents;
use crate::config::PartyRecord;
use crate::domain::{Agreement, PartyId, PartyKind};
use crate::policy::{Compiled, Finding, Fixed, Floor, PolicySet, Source, compile};
use crate::schema::Schemas;

/// What a policy is judged by.
#[derive(Debug)]
pub struct Judge<'a> {
    floor: Floor,
    schemas: Schemas,
    parties: &'a [PartyRecord],
    agreements: &'a [Agreement],
}

impl<'a> Judge<'a> {
    /// By the floor, schemas, parties and agreements of a home.
    pub fn of(documents: &'a Documents) -> anyhow::Result<Self> {
        Ok(Self {
            floor: Floor::parse(&documents.floor)?,
            schemas: Schemas::builtin().context("the message schemas do not load")?,
            parties: &documents.parties,
            agreements: &documents.agreements,
        })
    }

    /// Compiles the policy in the file at `path`, or says everything that is wrong with it.
    pub fn compile(&self, path: &Path, text: &str) -> Result<Compiled, Vec<Finding>> {
        let id = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        let source =
            Source::parse(&id, text).map_err(|bad| vec![finding(bad.line, &id, bad.reason)])?;
        let mut findings = self.check_head(&source);
        let Some(schema) = self.schemas.message(&source.head.message) else {
            findings.insert(0, finding(0, "message", "there is no such message type".to_owned()));
            return Err(findings);
        };
        let kind = self.kind(&source.head.recipient.party);
        match compile(source, &self.floor, schema.leaves(), kind) {
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

    /// A policy stops with its agreement; one that says otherwise misleads its reader. No reason
    /// not to start: an agreement may be ended at any time.
    fn outlives(&self, policy: &Compiled) -> Option<Finding> {
        let agreement = self.agreements.iter().find(|a| a.id == policy.agreement())?;
        let message = format!("its agreement ends before, on {}", agreement.until);
        (policy.expires() > agreement.until).then(|| finding(0, "expires", message))
    }

    /// Whoever has no record is judged as the floor judges strangers.
    fn kind(&self, party: &PartyId) -> PartyKind {
        let record = self.parties.iter().find(|record| record.id == *party);
        record.map_or(PartyKind::Foreign, |record| record.kind)
    }

    /// The parties are known and the agreement covers what the policy is for.
    fn check_head(&self, source: &Source) -> Vec<Finding> {
        let head = &source.head;
        let mut findings = Vec::new();
        for (name, address) in [("sender", &head.sender), ("recipient", &head.recipient)] {
            let known = self.parties.iter().any(|party| {
                party.id == address.party
                    && address.unit.as_ref().is_none_or(|unit| party.units.contains(unit))
            });
            if !known {
                findings.push(finding(0, name, format!("`{address}` has no record")));
            }
        }
        let Some(agreement) = self.agreements.iter().find(|a| a.id == head.agreement) else {
            findings.push(finding(0, "agreement", format!("`{}` is not there", head.agreement)));
            return findings;
        };
        if !agreement.binds(&head.sender.party, &head.recipient.party) {
            findings.push(finding(0, "agreement", "it does not bind both".to_owned()));
        }
        if !agreement.messages.contains(&head.message) {
            findings.push(finding(0, "message", "the agreement does not allow it".to_owned()));
        }
        if !agreement.purposes.contains(&head.purpose) {
            findings.push(finding(0, "purpose", "the agreement does not allow it".to_owned()));
        }
        findings
    }
}

fn finding(line: usize, leaf: &str, message: String) -> Finding {
    Finding { line, leaf: leaf.to_owned(), message, accepted: Vec::new() }
}

/// Compiles every policy of a home, and the fixed plans.
pub fn compile_all(documents: &Documents) -> anyhow::Result<(PolicySet, Fixed, Schemas)> {
    let judge = Judge::of(documents)?;
    let mut policies = PolicySet::default();
    for policy in &documents.policies {
        let name = policy.path.display();
        let compiled = judge.compile(&policy.path, &policy.text).map_err(|findings| {
            let first = findings.first().map(ToString::to_string).unwrap_or_default();
            let rest = match findings.len() {
                0 | 1 => String::new(),
                all => format!(" (and {} more: `titian policy check` shows all)", all - 1),
            };
            anyhow!("`{name}`: {first}{rest}")
        })?;
        if let Err(other) = policies.insert(compiled) {
            bail!("`{name}` is for the same messages as `{other}`");
        }
    }
    let withdrawal = "withdrawal/1".parse()?;
    let withdrawal = judge.schemas.message(&withdrawal).context("`withdrawal/1` has no schema")?;
    let fixed = Fixed::new(&judge.floor, withdrawal.leaves()).map_err(|findings| {
        let first = findings.first().map(ToString::to_string).unwrap_or_default();
        anyhow!("the fixed plans do not compile under this floor: {first}")
    })?;
    Ok((policies, fixed, judge.schemas))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Home;
    use crate::app::init::tests::fresh;
    use crate::config::{Access, Mode, file};

    fn compiled(home: &Home) -> Result<usize, String> {
        let documents = Documents::read(home, Mode::Development).unwrap();
        let all = compile_all(&documents).map_err(|error| format!("{error:#}"));
        all.map(|(policies, _, _)| policies.iter().count())
    }

    #[test]
    fn every_shipped_policy_compiles_under_the_shipped_floor() {
        let (_directory, home) = fresh();
        let files = file::list(&home.policies(), "toml").unwrap().len();
        assert!(files > 0);
        assert_eq!(compiled(&home), Ok(files));
    }

    #[test]
    fn a_policy_that_does_not_compile_is_named_with_its_first_fault() {
        let (_directory, home) = fresh();
        let path = file::list(&home.policies(), "toml").unwrap().remove(0);
        let text = file::read_text(&path).unwrap();
        for (from, to, says) in [
            ("\"/subject/ref\"", "\"/subject/reff\"", "no such leaf"),
            ("agreement = \"", "agreement = \"no-", "is not there"),
            ("recipient = \"", "recipient = \"no-", "has no record"),
            ("message = \"", "message = \"no-", "no such message type"),
        ] {
            file::replace(&path, text.replacen(from, to, 1).as_bytes(), Access::Everyone).unwrap();
            let fault = compiled(&home).unwrap_err();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(fault.contains(says) && fault.contains(&name), "{says}: {fault}");
        }
    }

    #[test]
    fn a_policy_that_says_it_outlives_its_agreement_compiles_with_a_warning() {
        let (_directory, home) = fresh();
        let path = file::list(&home.policies(), "toml").unwrap().remove(0);
        let documents = Documents::read(&home, Mode::Development).unwrap();
        let judge = Judge::of(&documents).unwrap();
        let text = file::read_text(&path).unwrap();
        let warnings = |text: &str| judge.compile(&path, text).unwrap().warnings().len();
        let longer = text.replacen("expires = 2027", "expires = 2029", 1);
        assert_eq!(warnings(&longer), warnings(&text) + 1);
    }

    #[test]
    fn two_policies_for_the_same_messages_are_refused() {
        let (_directory, home) = fresh();
        let path = file::list(&home.policies(), "toml").unwrap().remove(0);
        let text = file::read_text(&path).unwrap();
        let twin = home.policies().join("zz-twin.toml");
        file::write_new(&twin, text.as_bytes(), Access::Everyone).unwrap();
        assert!(compiled(&home).unwrap_err().contains("same messages"));
    }
}
