//! `titian request`: what other agencies ask, and until when.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::block_on;
use super::desk::Desk;
use super::exit::Done;
use super::hold::{At, List};
use super::printer::Printer;
use crate::client::admin::RequestDecision;
use crate::domain::ExchangeRef;
use crate::domain::state::RefusalCode;
use crate::wire::{RequestAct, RequestView};

/// Information requests of other agencies
#[derive(Debug, Subcommand)]
pub(super) enum Request {
    /// List requests, oldest first; shows nothing of what is asked
    List(List),
    /// Look at one request
    Show(Look),
    /// Print a message that answers one request, to fill in and send with `titian send`
    Answer(Look),
    Refuse(Refuse),
}

#[derive(Debug, Args)]
pub(super) struct Look {
    /// Which one, as `list` names it
    #[arg(value_name = "REF")]
    id: ExchangeRef,
    #[command(flatten)]
    at: At,
    /// Who you are, as `officers.toml` names you
    #[arg(long = "as", value_name = "OFFICER")]
    officer: String,
}

/// Refuse one request for good; the decision and its reason are recorded
#[derive(Debug, Args)]
pub(super) struct Refuse {
    #[command(flatten)]
    look: Look,
    /// Why, as a code: it is told inside Indonesia only
    #[arg(long, value_name = "CODE")]
    reason_code: RefusalCode,
    /// Why, in words; recorded, so name no person
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

impl Request {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(async {
            match self {
                Self::List(list) => {
                    let requests = Desk::open(&list.at.home).await?.requests(list.all).await?;
                    printer.json(&requests);
                    if requests.is_empty() {
                        printer.line("nobody waits for an answer");
                    }
                    for view in &requests {
                        line(printer, view);
                    }
                }
                Self::Show(look) => {
                    let view = ask(look, RequestDecision::Show, None, "").await?;
                    printer.json(&view);
                    show(printer, &view);
                }
                Self::Answer(look) => {
                    let view = ask(look, RequestDecision::Show, None, "").await?;
                    answer(printer, &view);
                }
                Self::Refuse(Refuse { look, reason_code, reason }) => {
                    let code = Some(reason_code);
                    let view = ask(look, RequestDecision::Refuse, code, &reason).await?;
                    printer.json(&view);
                    show(printer, &view);
                }
            }
            Ok(())
        })
    }
}

async fn ask(
    look: Look,
    decision: RequestDecision,
    code: Option<RefusalCode>,
    reason: &str,
) -> Result<RequestView, super::exit::Failed> {
    let code = code.map(|code| code.as_str().to_owned());
    let act = RequestAct { officer: look.officer, code, reason: reason.to_owned() };
    Desk::open(&look.at.home).await?.request(look.id, decision, &act).await
}

fn line(printer: Printer, view: &RequestView) {
    let state = match &view.decision {
        Some(decision) => decision.outcome.to_string(),
        None if view.is_overdue => format!("overdue since {}", view.respond_by),
        None if view.is_open => format!("waits, due {}", view.respond_by),
        None => "refused: nobody decided".to_owned(),
    };
    let (from, about) = (&view.from, &view.about);
    printer.line(format!("{}  {}  {about:<8} from {from}: {state}", view.id, view.opened_at));
}

fn show(printer: Printer, view: &RequestView) {
    line(printer, view);
    if let Some(at) = &view.leaves_at {
        printer.line(format!("its one answer leaves at {at}, whatever is decided"));
    }
    if let Some(asks) = &view.asks {
        printer.outline(asks, 0);
    }
    if let Some(decision) = &view.decision {
        let by = decision.officer.as_deref().unwrap_or("a message");
        let why = decision.reason.as_deref().unwrap_or_default();
        printer.line(format!("{} by {by} at {}: {why}", decision.outcome, decision.at));
    }
}

/// The claims that `titian send` takes, less the answers, which only the party's own system has.
fn answer(printer: Printer, view: &RequestView) {
    let is_topic = view.about == "topic";
    let body = if is_topic {
        json!({"result": "answered"})
    } else {
        json!({"result": "answered", "answers": {}})
    };
    let claims = json!({
        "type": "information-response/1",
        "recipients": [view.from],
        "in_reply_to": view.id,
        "subject_scope": if is_topic { "none" } else { "individual" },
        "legal": {
            "basis": "public_task",
            "instrument": view.agreement,
            "purpose": view.purpose,
            "retention_until": view.respond_by,
            "onward": [],
        },
        "marking": {
            "tlp": "TLP:AMBER+STRICT",
            "handling": ["named_caseworkers", "no_onward", "not_in_proceedings"],
            "caveats": [],
        },
        "attest": {"best_interests": "not_assessed", "safety_check": "not_assessed"},
        "body": body,
    });
    let text = serde_json::to_string_pretty(&claims).unwrap_or_default();
    printer.text(&text);
    let fields = view.asks.as_ref().and_then(|asks| asks.pointer("/requested_fields"));
    for field in fields.and_then(Value::as_array).into_iter().flatten() {
        printer.note(format!("asked for: {}", field.as_str().unwrap_or_default()));
    }
    printer.note("fill in `answers`, `attest` and `retention_until`, then send it");
}
