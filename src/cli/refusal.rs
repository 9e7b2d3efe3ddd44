//! How a failure is told: one sentence, then the places where the gateway found fault.

use super::exit::Failed;
use super::printer::Printer;
use crate::client::ClientFault;

/// Tells why a command failed, on standard error; the problem itself with `--json`.
pub(super) fn tell(printer: Printer, failed: &Failed) {
    printer.note(format!("titian: {:#}", failed.error));
    match failed.error.downcast_ref::<ClientFault>() {
        Some(ClientFault::Refused(problem)) => {
            printer.json(problem);
            if !printer.is_json() {
                printer.note(format!("  {}", problem.detail));
                for fault in &problem.errors {
                    let place = if fault.pointer.is_empty() { "/" } else { &fault.pointer };
                    printer.note(format!("  {place}: {}", fault.keyword));
                }
                if problem.refusal.is_some() {
                    printer.note("  the refusal is signed and recorded");
                }
            }
        }
        Some(ClientFault::Busy { instance: Some(instance), .. }) => {
            printer.note(format!("  for the gateway's operator: {instance}"));
        }
        _ => {}
    }
}
