//! `titian policy`: what a policy lets through, before and after it is in force.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::block_on;
use super::change::{Change, Look};
use super::exit::{Done, Failed};
use super::life::Life;
use super::printer::Printer;
use super::replay::Replay;
use super::rulebook::{Rulebook, stem};
use crate::config::{environment, file};
use crate::domain::{DocumentKind, Language};
use crate::policy::{Compiled, Finding, explain, print, prove};

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
    #[command(flatten)]
    Life(Life),
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

/// Which policy
#[derive(Debug, Args)]
pub(super) struct Named {
    /// The policy's id, or a file
    #[arg(value_name = "POLICY")]
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
        block_on(async {
            match self {
                Self::Check(check) => check.run(printer).await,
                Self::Explain(command) => {
                    let policy = command.at.rulebook().await?.policy(&command.id)?;
                    let sentences = explain(&policy, command.lang.into());
                    printer.json(&sentences);
                    for sentence in &sentences {
                        printer.line(sentence);
                    }
                    Ok(())
                }
                Self::Prove(command) => {
                    let policy = command.at.rulebook().await?.version(Path::new(&command.id))?;
                    show_proof(printer, &policy);
                    Ok(())
                }
                Self::Print(command) => {
                    let policy = command.at.rulebook().await?.version(Path::new(&command.id))?;
                    let texts =
                        [Language::Id, Language::En].map(|language| print(&policy, language));
                    let [id, en] = &texts;
                    printer.json(&json!({"id": id, "en": en}));
                    for line in texts.iter().flat_map(|text| text.lines()) {
                        printer.line(line);
                    }
                    Ok(())
                }
                Self::Diff(change) => change.run(printer).await,
                Self::Preview(look) => look.run(printer).await,
                Self::Replay(replay) => replay.run(printer).await,
                Self::Life(life) => life.run(printer, DocumentKind::Policy).await,
            }
        })
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

impl At {
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    pub(super) async fn rulebook(&self) -> Result<Rulebook, Failed> {
        Rulebook::of_home(&self.home).await
    }
}

impl Check {
    async fn run(self, printer: Printer) -> Done {
        let book = self.at.rulebook().await?;
        let judge = book.judge();
        let (mut results, mut faulty) = (Vec::new(), 0usize);
        for path in &self.files {
            let shown = path.display();
            match judge.compile(&stem(path), &file::read_text(path)?) {
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
