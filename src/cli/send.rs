//! `titian send`.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use super::exit::{Done, Exit, Failed};
use super::identity::Identity;
use super::printer::Printer;
use super::{block_on, show};
use crate::client::{Form, Submission};
use crate::config::file;
use crate::domain::{ExchangeRef, MessageId, json};

/// Sign a message and send it
#[derive(Debug, Args)]
pub(super) struct Send {
    /// The message's claims as JSON, less iss, aud, iat, exp and jti; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    identity: Identity,
    /// Only ask whether it would be admitted; nothing is recorded
    #[arg(long)]
    dry_run: bool,
    /// Answer within this exchange
    #[arg(long, value_name = "EXCHANGE")]
    in_reply_to: Option<ExchangeRef>,
    /// Send the body as a disclosure (SD-JWT) instead of in the clear
    #[arg(long)]
    body_disclosure: bool,
    /// Send under this id: for a message of which it is not known whether it was admitted
    #[arg(long, value_name = "ID")]
    message_id: Option<MessageId>,
}

impl Send {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(self.send(printer))
    }

    async fn send(self, printer: Printer) -> Done {
        let mut claims = read_claims(&self.file, printer)?;
        if let Some(exchange) = self.in_reply_to {
            let asked = Value::from(exchange.to_string());
            if claims
                .insert("in_reply_to".to_owned(), asked.clone())
                .is_some_and(|had| had != asked)
            {
                return Err(Failed::because("the file answers within another exchange"));
            }
        }
        let session = self.identity.session(printer).await?;
        let form = if self.body_disclosure { Form::BodyDisclosure } else { Form::Plain };
        let message = session.message(claims, form, self.message_id)?;
        if self.dry_run {
            let answer = session.dry_run(&message).await?;
            printer.json(&answer);
            let recipients: Vec<&str> =
                answer.recipients.iter().map(|r| r.party.as_str()).collect();
            printer.line(format!("would be admitted for {}", recipients.join(", ")));
            return Ok(());
        }
        let id = message.message_id();
        let submission =
            session.submit(&message).await.map_err(|fault| unknown(id, fault.into()))?;
        let (submitted, words) = match &submission {
            Submission::Admitted(submitted) => (submitted, ""),
            Submission::Held(submitted) => (submitted, ": an officer decides"),
            Submission::Repeated(submitted) => (submitted, ", as it was before"),
        };
        printer.json(submitted);
        printer.line(format!("message  {id}"));
        printer.line(format!("state    {}{words}", submitted.state));
        if let Some(exchange) = &submitted.exchange {
            printer.line(format!("exchange {exchange}"));
        }
        show::recipients(printer, &submitted.recipients);
        printer.line("the gateway's receipt verifies under its pinned key");
        Ok(())
    }
}

/// Whoever does not know whether a message was admitted must not send it under a new id.
fn unknown(id: MessageId, failed: Failed) -> Failed {
    const TOO_MANY_REQUESTS: u16 = 429;
    match failed.exit {
        // a rate is judged before anything is read
        Exit::Temporary if failed.status() == Some(TOO_MANY_REQUESTS) => failed,
        Exit::Temporary => {
            let advice = format!(
                "it is not known whether the message was admitted; send it again with \
                 `--message-id {id}`, so that it cannot be admitted twice"
            );
            Failed { error: failed.error.context(advice), ..failed }
        }
        Exit::Refused | Exit::Unusable => failed,
    }
}

fn read_claims(path: &Path, printer: Printer) -> Result<Map<String, Value>, Failed> {
    let bytes = if path == Path::new("-") {
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            printer.note("reading the message's claims from standard input; end with Ctrl-D");
        }
        let mut bytes = Vec::new();
        let limit = file::FILE_BYTES_MAX + 1;
        stdin.lock().take(limit).read_to_end(&mut bytes).map_err(Failed::unusable)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length == limit) {
            return Err(Failed::because("standard input is too large"));
        }
        bytes
    } else {
        file::read_bytes(path)?
    };
    match json::parse(&bytes) {
        Ok(Value::Object(claims)) => Ok(claims),
        Ok(_) => Err(Failed::because(format!("`{}` holds no JSON object", path.display()))),
        Err(fault) => {
            let name = format!("`{}` is not strict JSON", path.display());
            Err(Failed::unusable(anyhow::Error::new(fault).context(name)))
        }
    }
}
