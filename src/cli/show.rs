//! `titian show`.

use clap::Args;

use super::block_on;
use super::exit::Done;
use super::identity::Identity;
use super::printer::Printer;
use crate::client::ClientFault;
use crate::domain::{ExchangeRef, Id, MessageId};
use crate::wire::{ExchangeView, MessageView, RecipientView};

/// Show where a message or an exchange stands
#[derive(Debug, Args)]
pub(super) struct Show {
    /// A message you sent, or your own reference of an exchange
    #[arg(value_name = "ID")]
    id: Id,
    #[command(flatten)]
    identity: Identity,
}

impl Show {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(self.show(printer))
    }

    async fn show(self, printer: Printer) -> Done {
        let session = self.identity.session(printer).await?;
        match session.show_message(MessageId(self.id)).await {
            Ok(message) => show_message(printer, &message),
            Err(ClientFault::Refused(problem)) if problem.status == 404 => {
                show_exchange(printer, &session.show_exchange(ExchangeRef(self.id)).await?);
            }
            Err(fault) => return Err(fault.into()),
        }
        Ok(())
    }
}

fn show_message(printer: Printer, message: &MessageView) {
    printer.json(message);
    printer.line(format!("message  {} ({})", message.message_id, message.message_type));
    printer.line(format!("state    {}", message.state));
    if let Some(exchange) = &message.exchange {
        printer.line(format!("exchange {exchange}"));
    }
    recipients(printer, &message.recipients);
}

fn show_exchange(printer: Printer, exchange: &ExchangeView) {
    printer.json(exchange);
    printer.line(format!("exchange {} ({})", exchange.exchange, exchange.message_type));
    printer.line(format!("with     {}", exchange.with));
    printer.line(format!("state    {}", exchange.state));
    for event in &exchange.events {
        let (at, direction) = (&event.at, &event.direction);
        printer.line(format!("  {at}  {direction:<8}  {:<14}  {}", event.message_type, event.id));
    }
}

/// One line per recipient.
pub(super) fn recipients(printer: Printer, recipients: &[RecipientView]) {
    for recipient in recipients {
        let mut line = format!("  to {:<32} {}", recipient.party, recipient.state);
        if let Some(at) = &recipient.acknowledged_at {
            line.push(' ');
            line.push_str(at);
        }
        if !recipient.pending.is_empty() {
            line.push_str(", waits for an officer: ");
            line.push_str(&recipient.pending.join(" "));
        }
        printer.line(line);
    }
}
