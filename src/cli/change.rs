//! `titian policy diff` and `titian policy preview`: what a change does before it is made.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::exit::{Done, Failed};
use super::policy::{At, Spoken};
use super::printer::Printer;
use super::table::table;
use crate::clock::{Clock, SystemClock};
use crate::domain::{Fault, Language, LeafName};
use crate::exchange::look;
use crate::policy::{ChangeKind, Compiled, Diff, DiffSentences, Preview, diff, explain_diff};

/// Say in sentences what a recipient starts to receive, stops to receive, receives differently
#[derive(Debug, Args)]
pub(super) struct Change {
    /// The version before: a policy's id in the home, or a file
    #[arg(value_name = "BEFORE")]
    before: PathBuf,
    /// The version after: a policy's id in the home, or a file
    #[arg(value_name = "AFTER")]
    after: PathBuf,
    /// In which language
    #[arg(long, value_name = "LANGUAGE", default_value = "id")]
    lang: Spoken,
    #[command(flatten)]
    at: At,
}

/// Show what the recipient would see of synthetic cases: typical, rare and hostile ones
#[derive(Debug, Args)]
pub(super) struct Look {
    /// A policy's id in the home, or a file
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// The version to stand beside it: a policy's id in the home, or a file
    #[arg(long, value_name = "POLICY")]
    before: Option<PathBuf>,
    #[command(flatten)]
    at: At,
}

impl Change {
    pub(super) async fn run(self, printer: Printer) -> Done {
        let book = self.at.rulebook().await?;
        let before = book.version(&self.before)?;
        let after = book.version(&self.after)?;
        let diff = diff(&before, &after).map_err(Failed::unusable)?;
        let said = explain_diff(&diff, &before, &after, self.lang.into());
        printer.json(&json!({
            "before": before.digest(), "after": after.digest(),
            "widens": diff.widens(), "sentences": said,
            "leaves": diff.leaves.iter().map(|change| json!({
                "leaf": change.leaf, "widens": change.widens,
                "change": match change.kind {
                    ChangeKind::Starts => "starts",
                    ChangeKind::Stops => "stops",
                    ChangeKind::Differs => "differs",
                },
            })).collect::<Vec<_>>(),
        }));
        tell(printer, &said);
        printer.line(&said.verdict);
        Ok(())
    }
}

/// Says a change in sentences, but not how many officers it takes: that is the gateway's to find.
pub(super) fn show_diff(
    printer: Printer,
    diff: &Diff,
    (before, after): (&Compiled, &Compiled),
    language: Language,
) {
    let said = explain_diff(diff, before, after, language);
    tell(printer, &said);
    if diff.is_empty() {
        printer.line(&said.verdict);
    }
}

fn tell(printer: Printer, said: &DiffSentences) {
    for (mark, sentences) in
        [('+', &said.starts), ('-', &said.stops), ('~', &said.differs), ('*', &said.head)]
    {
        for sentence in sentences {
            printer.line(format!("{mark} {sentence}"));
        }
    }
}

impl Look {
    pub(super) async fn run(self, printer: Printer) -> Done {
        let book = self.at.rulebook().await?;
        let policy = book.version(&self.policy)?;
        let before = self.before.as_deref().map(|path| book.version(path)).transpose()?;
        if let Some(before) = &before {
            diff(before, &policy).map_err(Failed::unusable)?;
        }
        let today = SystemClock::start().now().date();
        let versions: Vec<(&str, &Compiled)> = match &before {
            None => vec![("received", &policy)],
            Some(before) => vec![("before", before), ("after", &policy)],
        };
        let (names, compiled): (Vec<&str>, Vec<&Compiled>) = versions.into_iter().unzip();
        let mut shown = Vec::new();
        for look::Case { flavour, message, sent, faults, seen } in
            book.surroundings(today).cases(&compiled)
        {
            let flavour = flavour.as_str();
            let mut case = Map::new();
            case.insert("case".to_owned(), flavour.into());
            case.insert("sent".to_owned(), sent.value().clone());
            printer.line(format!("{message} {flavour} (SYNTHETIC)"));
            let mut columns = vec![("sent", sent.value().clone())];
            if !faults.is_empty() {
                case.insert("refused_by_schema".to_owned(), json!(faults));
                printer.line(format!("  refused by the schema: {}", places(&faults)));
                shown.push(case);
                continue;
            }
            for (name, look::Seen { preview, group }) in names.iter().zip(seen) {
                let (mut seen, words) = told(preview);
                if let (Some(group), Value::Object(seen)) = (group, &mut seen) {
                    seen.insert("group".to_owned(), json!({"baseline": group.0, "k": group.1}));
                }
                case.insert((*name).to_owned(), seen.clone());
                if let Some(words) = words {
                    printer.line(format!("  {name}: {words}"));
                }
                if let Some((alike, k)) = group {
                    printer.line(format!(
                        "  {name}: alike after one release: {alike} of the baseline (k = {k})"
                    ));
                }
                columns.push((name, seen.get("body").cloned().unwrap_or_default()));
            }
            let (names, bodies): (Vec<&str>, Vec<Value>) = columns.into_iter().unzip();
            table(printer, &names, &bodies.iter().collect::<Vec<_>>());
            shown.push(case);
        }
        printer.json(&shown);
        Ok(())
    }
}

/// What became of a case, for machines, and in words where it is more than a body.
fn told(preview: Preview) -> (Value, Option<String>) {
    match preview {
        Preview::Goes { body, pending, findings } => {
            let names: Vec<&str> = pending.iter().map(LeafName::as_str).collect();
            let mut words = Vec::new();
            if !names.is_empty() {
                words.push(format!("waits for an officer: {}", names.join(", ")));
            }
            if !findings.is_empty() {
                words.push(format!("found there: {}", places(&findings)));
            }
            let words = (!words.is_empty()).then(|| words.join("; "));
            (json!({"body": body, "pending": pending, "findings": findings}), words)
        }
        Preview::Held(findings) => {
            let words = format!("held whole for an officer: {}", places(&findings));
            (json!({"held": findings}), Some(words))
        }
        Preview::Refused(faults) => {
            let words = format!("refused for this recipient: {}", places(&faults));
            (json!({"refused": faults}), Some(words))
        }
    }
}

fn places(faults: &[Fault]) -> String {
    let each = faults.iter().map(|fault| format!("{} ({})", fault.pointer, fault.keyword));
    each.collect::<Vec<_>>().join(", ")
}
