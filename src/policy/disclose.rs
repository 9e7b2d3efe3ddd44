//! A body under a policy: project, let the net look, check the release schema.

use serde_json::Value;

use super::compile::Compiled;
use super::plan::{BIRTH, Built, Look, is_free};
use crate::domain::body::Protected;
use crate::domain::{
    Body, Class, Code, Context, Digest, Fault, Id, Leaf, LeafName, LeafTable, PartyKind, Refused,
};

/// What one recipient is to receive. Minted here only.
pub struct Disclosure {
    body: Value,
    text: String,
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

    /// Its canonical form (RFC 8785).
    pub fn body_text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of its canonical form.
    pub fn body_digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
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
    let built = build(policy, body, context, Look::AndNote, None)?;
    // INVARIANT: keys are ASCII and sorted and numbers integers, so this is the RFC 8785 form
    let Ok(text) = serde_json::to_string(&built.body) else {
        return Err(Withheld::Refuse(Refused::at(Code::PolicyRefused, "", "canonical")));
    };
    let findings = built.failed.into_iter();
    Ok(Disclosure {
        body: built.body,
        text,
        pending: built.pending,
        findings: findings.map(|(name, _, f)| Fault::at(name.as_str(), f.keyword)).collect(),
        release_schema: policy.release_schema_digest(),
        subject: built.subject,
    })
}

/// The body that [`disclose`] would release, for counting what a policy would do. No release can be
/// made of it. `earlier` is what the policy that this one was compared with
/// ([`Compiled::compare`]) gave for the same body in the same context: what both do alike is then
/// taken from there.
///
/// # Errors
/// [`Withheld`] exactly where [`disclose`] says so.
pub fn would_disclose(
    policy: &Compiled,
    body: &Body,
    context: &Context<'_>,
    earlier: Option<&Value>,
) -> Result<Value, Withheld> {
    build(policy, body, context, Look::Decide, earlier).map(|built| built.body)
}

/// What building alone takes: neither the net nor the release schema sees the result, so no release
/// can be made of it. For measurements.
pub fn project_unchecked(policy: &Compiled, body: &Body, context: &Context<'_>) -> Value {
    policy.plan().project(body, context, Look::Nowhere, None).body
}

/// Projects, and decides about what could not be evaluated or was hit.
fn build(
    policy: &Compiled,
    body: &Body,
    context: &Context<'_>,
    look: Look,
    earlier: Option<&Value>,
) -> Result<Built, Withheld> {
    let is_social = policy.kind() == PartyKind::Social;
    // only what was held can be released, and only a social agency's leaves are ever held
    let released = if is_social { context.released } else { &[] };
    let context = Context { released, ..*context };
    let mut built = policy.plan().project(body, &context, look, earlier);
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
        leaves.sort();
        leaves.dedup();
        return Err(Withheld::Hold { leaves, findings });
    }
    for (name, ..) in failed {
        if !built.pending.contains(&name) {
            built.pending.push(name);
        }
    }
    if !super::planted::unchecked() && !policy.validator().is_valid(&built.body) {
        let fault = Refused::at(Code::PolicyRefused, "", "release-schema");
        return Err(Withheld::Refuse(fault));
    }
    Ok(built)
}

/// Direct values, and the date of birth, of an earlier message: what must not come back. Members
/// of closed lists identify no one and would hit ordinary words.
pub fn direct_values(table: &LeafTable, body: &Body, into: &mut Vec<Protected>) {
    let is_secret = |leaf: &Leaf| {
        leaf.name.as_str().ends_with(BIRTH) || (leaf.class == Class::Direct && is_free(&leaf.shape))
    };
    for leaf in table.leaves.iter().filter(|leaf| is_secret(leaf)) {
        for value in body.values(&leaf.name) {
            if let Some(text) = value.as_str() {
                into.push(Protected { leaf: leaf.name.clone(), value: text.to_owned() });
            }
        }
    }
}
