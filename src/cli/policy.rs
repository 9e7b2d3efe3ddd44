//! `titian policy`: what a policy lets through, before and after it is in force.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::change::{Change, Look};
use super::exit::{Done, Failed};
use super::printer::Printer;
use super::replay::Replay;
use crate::app::Home;
use crate::app::policies::Judge;
use crate::app::rules::Documents;
use crate::config::{environment, file};
use crate::policy::{Compiled, Finding, Language, explain, print, prove};

/// What a policy lets through
#[derive(Debug, Subcommand)]
pub(super) enum Policy {
    Check(Check),
    Explain(Explain),
    /// Show, for every leaf of the message, what can reach the recipient
    Prove(Named),
    /// Print the policy's summary for an impact assessment, in both languages, as Markdown
    Print(Named),
    Diff(Change),
    Preview(Look),
    Replay(Replay),
}

/// Compile policy files under the home's floor and agreements; nothing is put in force
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Policy files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    at: At,
}

/// Say a policy in sentences
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The policy's id: its file's name without .toml
    #[arg(value_name = "ID")]
    id: String,
    /// In which language
    #[arg(long, value_name = "LANGUAGE", default_value = "id")]
    lang: Spoken,
    #[command(flatten)]
    at: At,
}

/// Which policy of the home
#[derive(Debug, Args)]
pub(super) struct Named {
    /// The policy's id: its file's name without .toml
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct At {
    /// The gateway's home
    #[arg(long, value_name = "HOME", env = environment::HOME)]
    home: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Spoken {
    Id,
    En,
}

impl Policy {
    pub(super) fn run(self, printer: Printer) -> Done {
        match self {
            Self::Check(check) => check.run(printer),
            Self::Explain(command) => {
                let policy = find(&command.at, &command.id)?;
                let sentences = explain(&policy, command.lang.into());
                printer.json(&sentences);
                for sentence in &sentences {
                    printer.line(sentence);
                }
                Ok(())
            }
            Self::Prove(command) => {
                show_proof(printer, &find(&command.at, &command.id)?);
                Ok(())
            }
            Self::Print(command) => {
                let policy = find(&command.at, &command.id)?;
                let texts = [Language::Id, Language::En].map(|language| print(&policy, language));
                let [id, en] = &texts;
                printer.json(&json!({"id": id, "en": en}));
                for line in texts.iter().flat_map(|text| text.lines()) {
                    printer.line(line);
                }
                Ok(())
            }
            Self::Diff(change) => change.run(printer),
            Self::Preview(look) => look.run(printer),
            Self::Replay(replay) => replay.run(printer),
        }
    }
}

impl From<Spoken> for Language {
    fn from(spoken: Spoken) -> Self {
        match spoken {
            Spoken::Id => Self::Id,
            Spoken::En => Self::En,
        }
    }
}

/// A version of a policy: a file, or what the home has under that id.
pub(super) fn version(documents: &Documents, named: &Path) -> Result<Compiled, Failed> {
    if named.extension().is_none() {
        return find_in(documents, &named.to_string_lossy());
    }
    let text = file::read_text(named)?;
    compiled(documents, named, &text, &named.display().to_string())
}

impl At {
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) fn documents(&self) -> Result<Documents, Failed> {
        let home = Home::at(&self.home);
        Ok(Documents::read(&home, home.config()?.mode)?)
    }
}

impl Check {
    fn run(self, printer: Printer) -> Done {
        let documents = self.at.documents()?;
        let judge = Judge::of(&documents)?;
        let (mut results, mut faulty) = (Vec::new(), 0usize);
        for path in &self.files {
            let shown = path.display();
            match judge.compile(path, &file::read_text(path)?) {
                Ok(policy) => {
                    printer.line(format!("{shown}: compiles, digest {}", policy.digest()));
                    for warning in policy.warnings() {
                        printer.line(format!("{shown}: warning: {warning}"));
                    }
                    let warnings: Vec<Value> = policy.warnings().iter().map(as_json).collect();
                    let digest = policy.digest();
                    results.push(json!({"file": path, "digest": digest, "warnings": warnings}));
                }
                Err(findings) => {
                    faulty += 1;
                    for finding in &findings {
                        printer.line(format!("{shown}: {finding}"));
                    }
                    let findings: Vec<Value> = findings.iter().map(as_json).collect();
                    results.push(json!({"file": path, "findings": findings}));
                }
            }
        }
        printer.json(&results);
        match faulty {
            0 => Ok(()),
            some => Err(Failed::refused(format!("{some} of {} do not compile", results.len()))),
        }
    }
}

fn as_json(finding: &Finding) -> Value {
    let Finding { line, leaf, message, accepted } = finding;
    json!({"line": line, "leaf": leaf, "message": message, "accepted": accepted})
}

/// The policy of that id in the home.
fn find(at: &At, id: &str) -> Result<Compiled, Failed> {
    find_in(&at.documents()?, id)
}

fn find_in(documents: &Documents, id: &str) -> Result<Compiled, Failed> {
    let stem = |path: &Path| path.file_stem().is_some_and(|stem| stem == id);
    let Some(policy) = documents.policies.iter().find(|policy| stem(&policy.path)) else {
        let known = documents.policies.iter().filter_map(|policy| policy.path.file_stem());
        let known: Vec<_> = known.map(|stem| stem.to_string_lossy()).collect();
        return Err(Failed::because(format!("no such policy; there are: {}", known.join(", "))));
    };
    compiled(documents, &policy.path, &policy.text, id)
}

fn compiled(
    documents: &Documents,
    path: &Path,
    text: &str,
    name: &str,
) -> Result<Compiled, Failed> {
    Judge::of(documents)?.compile(path, text).map_err(|findings| {
        let first = findings.first().map(ToString::to_string).unwrap_or_default();
        Failed::because(format!("`{name}` does not compile: {first}"))
    })
}

fn show_proof(printer: Printer, policy: &Compiled) {
    let proof = prove(policy);
    let leaves: Vec<Value> = proof
        .rows
        .iter()
        .map(|row| {
            json!({
                "leaf": row.leaf, "class": row.class, "operation": row.operation,
                "comes_out": row.comes_out,
            })
        })
        .collect();
    printer.json(&json!({
        "policy": proof.id, "recipient": proof.recipient,
        "nothing_direct": proof.nothing_direct, "leaves": leaves,
    }));
    for line in proof.to_string().lines() {
        printer.line(line);
    }
}
