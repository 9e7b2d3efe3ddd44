//! Documents become rules: every policy compiles, or nothing is in force.

use anyhow::{Context, anyhow, bail};

use super::rules::{Documents, PolicyText};
use crate::auth::Directory;
use crate::domain::PartyKind;
use crate::exchange::Rules;
use crate::policy::{Compiled, Finding, Fixed, Floor, PolicySet, Source, compile};
use crate::schema::Schemas;

/// The rules that these documents say.
pub fn rules(documents: Documents) -> anyhow::Result<Rules> {
    let directory = Directory::new(&documents.parties)?;
    let schemas = Schemas::builtin().context("the shipped schemas do not load")?;
    let floor = Floor::parse(&documents.floor)?;
    let mut policies = PolicySet::default();
    for text in &documents.policies {
        let path = text.path.display();
        let compiled = policy(text, &floor, &schemas, &directory)
            .map_err(|findings| anyhow!("`{path}`: {}", sentence(&findings)))?;
        let agreement = documents.agreements.iter().find(|a| a.id == compiled.agreement());
        if agreement.is_none() {
            bail!("`{path}` names the agreement `{}`, which is not there", compiled.agreement());
        }
        policies
            .insert(compiled)
            .map_err(|other| anyhow!("`{path}` covers what `{other}` covers already"))?;
    }
    let withdrawal = "withdrawal/1".parse().context("a message type")?;
    let withdrawal = schemas.message(&withdrawal).context("there is no schema of withdrawals")?;
    let fixed = Fixed::new(&floor, withdrawal.leaves())
        .map_err(|findings| anyhow!("the fixed plans: {}", sentence(&findings)))?;
    Ok(Rules {
        directory,
        agreements: documents.agreements,
        schemas,
        policies,
        fixed,
        officers: documents.officers,
        digest: documents.digest,
        generation: 0,
    })
}

/// One policy file, compiled.
pub fn policy(
    text: &PolicyText,
    floor: &Floor,
    schemas: &Schemas,
    directory: &Directory,
) -> Result<Compiled, Vec<Finding>> {
    let id = text.path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let at = |line, message| Finding { line, leaf: String::new(), message, accepted: Vec::new() };
    let source = Source::parse(&id.unwrap_or_default(), &text.text)
        .map_err(|bad| vec![at(bad.line, bad.reason)])?;
    let recipient = directory.party(&source.head.recipient.party);
    let Some(schema) = schemas.message(&source.head.message) else {
        return Err(vec![at(1, "the message type is unknown".to_owned())]);
    };
    for address in [&source.head.sender, &source.head.recipient] {
        if !directory.knows(address) {
            return Err(vec![at(1, format!("`{address}` has no record"))]);
        }
    }
    let kind = recipient.map_or(PartyKind::Foreign, |party| party.kind);
    compile(source, floor, schema.leaves(), kind)
}

fn sentence(findings: &[Finding]) -> String {
    let first = findings.first().map(ToString::to_string).unwrap_or_default();
    match findings.len() {
        0 | 1 => first,
        n => format!("{first} (and {} more; `titian policy check` lists all)", n - 1),
    }
}
