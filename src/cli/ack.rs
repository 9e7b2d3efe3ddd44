//! `titian ack`.

use clap::{Args, ValueEnum};

use super::exit::{Done, Failed};
use super::identity::Identity;
use super::printer::Printer;
use super::{block_on, inbox};
use crate::client::{Given, InboxQuery, RejectCode, Release, Session, Verdict};
use crate::domain::ReleaseId;

const PAGE: u32 = 100;

/// Say, signed, that a release was received, or why it could not be taken
#[derive(Debug, Args)]
pub(super) struct Ack {
    /// The release
    #[arg(value_name = "RELEASE_ID")]
    release_id: ReleaseId,
    #[command(flatten)]
    identity: Identity,
    /// Reject it, for this reason
    #[arg(long, value_name = "CODE")]
    reject: Option<Reason>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Reason {
    Schema,
    Signature,
    Expired,
    Replay,
    UnknownCode,
    LegalMissing,
    PolicyRefused,
    TooLarge,
    Busy,
}

impl From<Reason> for RejectCode {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Schema => Self::Schema,
            Reason::Signature => Self::Signature,
            Reason::Expired => Self::Expired,
            Reason::Replay => Self::Replay,
            Reason::UnknownCode => Self::UnknownCode,
            Reason::LegalMissing => Self::LegalMissing,
            Reason::PolicyRefused => Self::PolicyRefused,
            Reason::TooLarge => Self::TooLarge,
            Reason::Busy => Self::Busy,
        }
    }
}

impl Ack {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(self.acknowledge(printer))
    }

    async fn acknowledge(self, printer: Printer) -> Done {
        let session = self.identity.session(printer).await?;
        let release = self.find(&session).await?;
        let verdict = self.reject.map_or(Verdict::Received, |code| Verdict::Rejected(code.into()));
        let (answer, given) =
            session.acknowledge(self.release_id, release.digest(), verdict).await?;
        printer.json(&answer);
        let words = if self.reject.is_some() { "rejected" } else { "acknowledged as received" };
        let when = if given == Given::Before { ", as it was before" } else { "" };
        printer.line(format!("{} {words}{when}", self.release_id));
        printer.line("the gateway's receipt verifies under its pinned key");
        Ok(())
    }

    /// An acknowledgement names the digest of the release, so the release is looked for: first
    /// among those not acknowledged, then among all. One that does not verify is never
    /// acknowledged as received.
    async fn find(&self, session: &Session) -> Result<Release, Failed> {
        let wanted = self.release_id.as_str();
        for start in [None, Some(0)] {
            let mut after = start;
            loop {
                let page = session.inbox(InboxQuery { after, limit: PAGE, wait_s: 0 }).await?;
                if let Some(item) = page.items.iter().find(|item| item.release_id == wanted) {
                    return Ok(session.open_release(item)?);
                }
                if page.items.is_empty() {
                    break;
                }
                after = Some(inbox::next(&page)?);
            }
        }
        Err(Failed::refused("no release of this id is in your inbox"))
    }
}
