//! `titian inbox`.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::block_on;
use super::exit::{Done, Failed};
use super::identity::Identity;
use super::printer::Printer;
use crate::client::{InboxQuery, Release, Session, Verdict};
use crate::domain::ReleaseId;
use crate::wire::{InboxItem, InboxPage};

const PAGE: u32 = 20;
const WAIT_S: u32 = 30;
/// Whoever follows outlasts a restart of the gateway.
const PAUSE: Duration = Duration::from_secs(10);

/// Collect releases: verify each, and show what it says
#[derive(Debug, Args)]
#[command(
    after_help = "Without --after it begins at the oldest release that is not acknowledged. \
                        A release that does not verify is not shown. With --ack, --json writes a \
                        page a line, each before anything of it is acknowledged."
)]
pub(super) struct Inbox {
    #[command(flatten)]
    identity: Identity,
    /// Go on waiting for new releases
    #[arg(long)]
    follow: bool,
    /// Begin after this number, acknowledged or not; 0 shows all
    #[arg(long, value_name = "N")]
    after: Option<i64>,
    /// Acknowledge each release that was shown as received
    #[arg(long)]
    ack: bool,
}

impl Inbox {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(self.collect(printer))
    }

    async fn collect(self, printer: Printer) -> Done {
        let session = self.identity.session(printer).await?;
        let mut merged: Option<InboxPage> = None;
        let (mut after, mut shown, mut distrusted) = (self.after, 0u64, 0u64);
        loop {
            let wait_s = if self.follow { WAIT_S } else { 0 };
            let mut page = match session.inbox(InboxQuery { after, limit: PAGE, wait_s }).await {
                Err(fault) if self.follow && fault.is_temporary() => {
                    printer.note(format!("{:#}; still waiting", anyhow::Error::new(fault)));
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                page => page?,
            };
            let is_last = page.items.is_empty();
            let mut releases = Vec::with_capacity(page.items.len());
            page.items.retain(|item| match session.open_release(item) {
                Ok(release) => {
                    releases.push(release);
                    true
                }
                Err(fault) => {
                    distrusted += 1;
                    let error = anyhow::Error::new(fault);
                    printer.note(format!("release {}: {error:#}", item.release_id));
                    false
                }
            });
            // for machines what is acknowledged is written before, a page a line
            let by_page = self.follow || self.ack;
            if by_page && !page.items.is_empty() {
                printer.json(&page);
            }
            for (item, release) in page.items.iter().zip(&releases) {
                shown += 1;
                show(printer, item, release);
                printer.reached()?;
                self.acknowledge(&session, item, release, printer).await?;
            }
            after = Some(next(&page)?);
            if self.follow {
                continue;
            }
            if !by_page {
                match &mut merged {
                    None => merged = Some(page),
                    Some(merged) => {
                        merged.items.extend(page.items);
                        merged.next = page.next;
                    }
                }
            }
            if is_last {
                break;
            }
        }
        if let Some(merged) = merged {
            printer.json(&merged);
        }
        if shown == 0 && distrusted == 0 {
            printer.line("nothing waits");
        }
        match distrusted {
            0 => Ok(()),
            some => Err(Failed::refused(format!("{some} of the releases are not to be trusted"))),
        }
    }

    async fn acknowledge(
        &self,
        session: &Session,
        item: &InboxItem,
        release: &Release,
        printer: Printer,
    ) -> Done {
        if self.ack {
            let id: ReleaseId = item.release_id.parse().map_err(Failed::unusable)?;
            session.acknowledge(id, release.digest(), Verdict::Received).await?;
            printer.line(format!("acknowledged {id}"));
        }
        Ok(())
    }
}

/// The cursor that a page ends at.
pub(super) fn next(page: &InboxPage) -> Result<i64, Failed> {
    page.next.parse().map_err(|_shape| Failed::refused("the gateway's cursor is no number"))
}

fn show(printer: Printer, item: &InboxItem, release: &Release) {
    let claims = release.claims();
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or("-");
    printer.line(format!("── {} ── {} from {}", item.seq, item.message_type, text("from")));
    printer.line(format!("release  {}", item.release_id));
    printer.line(format!("exchange {}", item.exchange));
    for (name, label) in [("replaces", "replaces "), ("supplements", "completes")] {
        if let Some(Value::String(other)) = claims.get(name) {
            printer.line(format!("{label} {other}"));
        }
    }
    for name in ["marking", "obligations", "attest", "policy"] {
        if let Some(value) = claims.get(name) {
            printer.line(format!("{name}:"));
            printer.outline(value, 2);
        }
    }
    if claims.get("text_pending") == Some(&Value::Bool(true)) {
        printer.line("some text waits for an officer and follows");
    }
    match release.body() {
        Some(body) => {
            printer.line("body:");
            printer.outline(body, 2);
        }
        None => printer.line("body: erased"),
    }
    printer.line("");
}
