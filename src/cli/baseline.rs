//! `titian baseline`: the signed table by which a home counts how many people are alike.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::exit::{Done, Failed};
use super::floor::Sign;
use super::policy::At;
use super::printer::Printer;
use crate::app::floor::BaselineStatement;
use crate::app::{Home, baseline};
use crate::policy::Baseline;

/// The signed table of how many people share what a release abroad could tell
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Sign a table, as the data protection officer; its signature is made beside it
    Sign(Sign),
    Import(Import),
    Show(Show),
}

/// Take a table signed by the data protection officer over, in place of the one that is there
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The table, TOML
    #[arg(value_name = "FILE")]
    table: PathBuf,
    /// Its detached signature
    #[arg(value_name = "SIGNATURE")]
    signature: PathBuf,
    #[command(flatten)]
    at: At,
}

/// Show the table that is there
#[derive(Debug, Args)]
pub(super) struct Show {
    #[command(flatten)]
    at: At,
}

impl Command {
    pub(super) fn run(self, printer: Printer) -> Done {
        match self {
            Self::Sign(sign) => sign.run::<BaselineStatement>(printer, |text| {
                Baseline::parse(text).map(drop).map_err(Failed::unusable)
            }),
            Self::Import(import) => import.run(printer),
            Self::Show(show) => show.run(printer),
        }
    }
}

impl Import {
    fn run(self, printer: Printer) -> Done {
        let home = Home::at(self.at.home());
        // a mistyped home is no home to put anything in
        home.config()?;
        let done = baseline::import(&home, &self.table, &self.signature)?;
        let head = |table: &Baseline| json!({"as_of": table.as_of(), "people": table.total()});
        printer.json(&json!({
            "replaces": done.before.as_ref().map(head), "baseline": head(&done.after),
            "written": done.written,
        }));
        let says = |table: &Baseline| format!("{} people as of {}", table.total(), table.as_of());
        printer.line(match &done.before {
            Some(before) => format!("replaces {}", says(before)),
            None => "replaces nothing".to_owned(),
        });
        printer.line(format!("now      {}", says(&done.after)));
        printer.line("a gateway that runs reads it on SIGHUP");
        Ok(())
    }
}

impl Show {
    fn run(self, printer: Printer) -> Done {
        let Some(table) = baseline::of(&Home::at(self.at.home()))? else {
            printer.json(&Value::Null);
            printer.line(baseline::NONE);
            return Ok(());
        };
        let rows: Vec<Value> =
            table.rows().map(|(values, n)| json!({"values": values, "n": n})).collect();
        let events: Vec<&str> = table.events().collect();
        printer.json(&json!({
            "as_of": table.as_of(), "people": table.total(), "events": events, "rows": rows,
        }));
        printer.line(format!("{} people as of {}", table.total(), table.as_of()));
        for (values, n) in table.rows() {
            let values: Vec<String> =
                values.iter().map(|(leaf, value)| format!("{leaf} {value}")).collect();
            printer.line(format!("{n:>6}  {}", values.join(", ")));
        }
        printer.line(format!("everybody may have any: {}", events.join(", ")));
        Ok(())
    }
}
