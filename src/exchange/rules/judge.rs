//! What a policy is judged by: its schema, the floor, its agreement and the parties' records.

use crate::config::PartyRecord;
use crate::domain::{Address, Agreement, PartyId, PartyKind};
use crate::policy::{Compiled, ExceptionSource, Finding, Floor, Head, Source, compile, diff};
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
        let head = &source.head;
        let mut findings =
            self.check_head((&head.sender, &head.recipient), (&head.agreement, head));
        let Some(schema) = self.schemas.message(&source.head.message) else {
            findings.insert(0, finding(0, "message", "there is no such message type".to_owned()));
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
            return Err(vec![finding(0, "message", "there is no such message type".to_owned())]);
        };
        let kind = self.kind(&exception.recipient().party);
        let compiled = exception.compile(version, standing, self.floor, schema.leaves(), kind)?;
        let head = &compiled.source().head;
        let findings = self.check_head((&head.sender, &head.recipient), (&head.agreement, head));
        if findings.is_empty() { Ok(compiled) } else { Err(findings) }
    }

    /// Whether `after`, taking the place of `before`, lets nothing pass that did not pass before.
    /// A version that no longer compiles is no measure.
    pub fn narrows(&self, before: &Source, after: &Source) -> bool {
        let compiled = |source: &Source| self.compile_source(source.clone());
        let (Ok(before), Ok(after)) = (compiled(before), compiled(after)) else { return false };
        diff(&before, &after).is_ok_and(|diff| !diff.widens())
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
    fn check_head(
        &self,
        (sender, recipient): (&Address, &Address),
        (agreement, head): (&str, &Head),
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (name, address) in [("sender", sender), ("recipient", recipient)] {
            let known = self.parties.iter().any(|party| {
                party.id == address.party
                    && address.unit.as_ref().is_none_or(|unit| party.units.contains(unit))
            });
            if !known {
                findings.push(finding(0, name, format!("`{address}` has no record")));
            }
        }
        let Some(agreement) = self.agreements.iter().find(|a| a.id == agreement) else {
            findings.push(finding(0, "agreement", format!("`{agreement}` is not there")));
            return findings;
        };
        if !agreement.binds(&sender.party, &recipient.party) {
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
