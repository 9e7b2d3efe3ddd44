//! A body under a policy: project, let the net look, check the release schema.

use serde_json::Value;

use super::compile::Compiled;
use crate::domain::body::Protected;
use crate::domain::{
    Body, Class, Code, Context, Digest, Fault, Id, LeafName, LeafTable, PartyKind, Refused,
};

/// What one recipient is to receive. Minted here only.
pub struct Disclosure {
    body: Value,
    body_digest: Digest,
    pending: Vec<LeafName>,
    findings: Vec<Fault>,
    release_schema: Digest,
    subject: Option<Id>,
}

impl std::fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disclosure")
    }
}

impl Disclosure {
    /// The redacted body.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// SHA-256 of its canonical form.
    pub fn body_digest(&self) -> Digest {
        self.body_digest
    }

    /// Leaves that wait for an officer.
    pub fn pending(&self) -> &[LeafName] {
        &self.pending
    }

    /// What the net found in them: leaf and rule.
    pub fn findings(&self) -> &[Fault] {
        &self.findings
    }

    /// Digest of the release schema it fits.
    pub fn release_schema(&self) -> Digest {
        self.release_schema
    }

    /// What the recipient will know the subject by.
    pub fn subject_pseudonym(&self) -> Option<Id> {
        self.subject
    }
}

/// Why a recipient gets nothing now.
#[derive(Debug)]
pub enum Withheld {
    /// A required leaf waits for an officer, and the message with it.
    Hold {
        /// The leaves.
        leaves: Vec<LeafName>,
        /// What was found: leaf and rule.
        findings: Vec<Fault>,
    },
    /// No release can be made.
    Refuse(Refused),
}

/// Discloses `body` under `policy`. What cannot be evaluated, or what the net hits, is held
/// towards a domestic social agency, because an urgent child must not wait for a form, and
/// refused for anyone else.
///
/// # Errors
/// [`Withheld`].
pub fn disclose(
    policy: &Compiled,
    body: &Body,
    context: &Context<'_>,
) -> Result<Disclosure, Withheld> {
    let mut built = policy.plan().project(body, context);
    let is_social = policy.kind() == PartyKind::Social;
    let failed: Vec<_> =
        built.failed.iter().filter(|(name, ..)| !built.pending.contains(name)).cloned().collect();
    if !failed.is_empty() && !is_social {
        let errors = failed.into_iter().map(|(.., fault)| fault).collect();
        return Err(Withheld::Refuse(Refused { code: Code::PolicyRefused, errors }));
    }
    if failed.iter().any(|(_, required, _)| *required) {
        let (mut leaves, mut findings) = (Vec::new(), Vec::new());
        for (name, _, fault) in failed {
            findings.push(Fault::at(name.as_str(), fault.keyword));
            leaves.push(name);
        }
        leaves.dedup();
        return Err(Withheld::Hold { leaves, findings });
    }
    for (name, ..) in failed {
        if !built.pending.contains(&name) {
            built.pending.push(name);
        }
    }
    if !policy.validator().is_valid(&built.body) {
        let fault = Refused::at(Code::PolicyRefused, "", "release-schema");
        return Err(Withheld::Refuse(fault));
    }
    let bytes = serde_json::to_vec(&built.body).unwrap_or_default();
    let findings = built.failed.into_iter();
    Ok(Disclosure {
        body_digest: Digest::of(&bytes),
        body: built.body,
        pending: built.pending,
        findings: findings.map(|(name, _, f)| Fault::at(name.as_str(), f.keyword)).collect(),
        release_schema: policy.release_schema_digest(),
        subject: built.subject,
    })
}

/// Direct values, and the date of birth, of an earlier message: what must not come back.
pub fn direct_values(table: &LeafTable, body: &Body, into: &mut Vec<Protected>) {
    let is_birth = |name: &LeafName| name.as_str().ends_with("/birth/date");
    let leaves = table.leaves.iter().filter(|l| l.class == Class::Direct || is_birth(&l.name));
    for leaf in leaves {
        for value in body.values(&leaf.name) {
            if let Some(text) = value.as_str() {
                into.push(Protected { leaf: leaf.name.clone(), value: text.to_owned() });
            }
        }
    }
}
