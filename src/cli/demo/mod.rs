//! `titian demo`: a referral crosses the bridge, four attacks do not.

mod attacks;
mod gateway;
mod story;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use self::gateway::Running;
use super::block_on;
use super::exit::{Done, Failed};
use super::printer::Printer;
use crate::cli::table::table;
use crate::client::{
    Form, InboxQuery, Kit, Location, Outgoing, Release, Session, Submission, Verdict,
};
use crate::clock::{SystemClock, SystemEntropy};
use crate::domain::{Address, Id, ReleaseId, json};
use crate::wire::Submitted;

/// Play a referral through a gateway of its own: BNPT, Kemensos and CUTA as real clients
#[derive(Debug, Args)]
pub(super) struct Demo {}

impl Demo {
    #[expect(clippy::unused_self, reason = "every subcommand runs the same way")]
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(async move {
            let running = Running::start()?;
            let played = Box::pin(play(&running, printer)).await;
            running.stop();
            played
        })
    }
}

/// A party as it plays: its session, and what it was given.
struct Player {
    session: Session,
}

impl Player {
    async fn join(location: &Location) -> Result<Self, Failed> {
        let kit = Kit::open(location)?;
        let (clock, entropy) = (Arc::new(SystemClock::start()), Arc::new(SystemEntropy::default()));
        let session = Session::open(kit, clock, entropy, Box::new(|_: Duration| {})).await?;
        Ok(Self { session })
    }

    fn sign(&self, claims: Value) -> Result<Outgoing, Failed> {
        let Value::Object(claims) = claims else { return Err(Failed::because("no object")) };
        Ok(self.session.message(claims, Form::Plain, None)?)
    }

    async fn send(&self, claims: Value) -> Result<(Outgoing, Submitted), Failed> {
        let message = self.sign(claims)?;
        match self.session.submit(&message).await? {
            Submission::Admitted(submitted) | Submission::Held(submitted) => {
                Ok((message, submitted))
            }
            Submission::Repeated(_) => Err(Failed::refused("a fresh message was known already")),
        }
    }

    /// The next release, acknowledged.
    async fn receive(&self) -> Result<(ReleaseId, String, Release), Failed> {
        let page = self.session.inbox(InboxQuery { after: None, limit: 1, wait_s: 5 }).await?;
        let item = page.items.first().ok_or_else(|| Failed::refused("nothing came"))?;
        let release = self.session.open_release(item)?;
        let id: ReleaseId = item.release_id.parse().map_err(Failed::unusable)?;
        self.session.acknowledge(id, release.digest(), Verdict::Received).await?;
        Ok((id, item.exchange.clone(), release))
    }
}

fn example(name: &str) -> Result<Value, Failed> {
    let text = match name {
        "referral" => include_str!("../../../schemas/examples/referral.typical.json"),
        _ => include_str!("../../../schemas/examples/status.typical.json"),
    };
    json::parse(text.as_bytes()).map_err(Failed::unusable)
}

async fn play(running: &Running, printer: Printer) -> Done {
    printer.line(format!("A home of its own: {}", running.root().display()));
    printer.line("What a development home loosens: it holds every party's keys, releases leave at");
    printer.line("once instead of in a monthly window, policies carry no officers' signatures.");
    printer.line("");
    let bnpt = Player::join(&running.location("bnpt")?).await?;
    let unit = Player::join(&running.location("kemensos/sentra-handayani")?).await?;
    let cuta = Player::join(&running.location("cuta-be")?).await?;

    let referral = example("referral")?;
    let (referred, submitted) = bnpt.send(referral.clone()).await?;
    printer.line(format!("1. BNPT refers a child to Sentra Handayani: {}.", submitted.state));
    let (received_id, exchange, received) = unit.receive().await?;
    printer.line(
        "2. Sentra Handayani collects it and acknowledges; the summary waits for an officer.",
    );
    let seen = received.body().cloned().unwrap_or_default();

    let handed = seen.pointer("/subject/ref").and_then(Value::as_str).unwrap_or_default();
    let status = status(&exchange, handed)?;
    let (answered, _) = unit.send(status.clone()).await?;
    printer.line("3. Sentra Handayani accepts the case and tells BNPT and CUTA.");
    let (to_bnpt, _, bnpt_release) = bnpt.receive().await?;
    let (to_cuta, _, cuta_release) = cuta.receive().await?;
    printer.line("4. BNPT and CUTA collect and acknowledge, each what its policy lets it receive.");
    printer.line("");
    let bnpt_saw = bnpt_release.body().cloned().unwrap_or_default();
    let cuta_saw = cuta_release.body().cloned().unwrap_or_default();
    printer.line("The referral, as sent and as Sentra Handayani saw it:");
    table(printer, &["sent by BNPT", "Kemensos"], &[body_of(&referral), &seen]);
    printer.line("");
    printer.line("The status, as sent and as each one saw it:");
    let columns = ["sent by Kemensos", "BNPT", "CUTA"];
    table(printer, &columns, &[body_of(&status), &bnpt_saw, &cuta_saw]);
    story::nothing_leaked(&referral, &[&bnpt_saw, &cuta_saw])?;
    printer.line("No name, number or address of the referral stands in what BNPT or CUTA saw.");
    printer.line("");

    printer.line("Four attacks:");
    attacks::run(running, &bnpt, &referral, printer).await?;
    printer.line("");

    printer.line("Evidence, checked offline from pinned keys:");
    let evidence: [(&Player, Id, &str); 5] = [
        (&bnpt, referred.message_id().0, "BNPT: it sent the referral"),
        (&unit, received_id.0, "Kemensos: it was handed the referral"),
        (&unit, answered.message_id().0, "Kemensos: it sent the status"),
        (&bnpt, to_bnpt.0, "BNPT: it was handed the status"),
        (&cuta, to_cuta.0, "CUTA: it was handed the status"),
    ];
    for (player, id, words) in evidence {
        let bundle = player.session.evidence(id).await?;
        story::verify(running, &bundle, words, printer).await?;
    }
    printer.line("");
    printer.line("All of it held.");
    Ok(())
}

fn body_of(claims: &Value) -> &Value {
    claims.get("body").unwrap_or(&Value::Null)
}

/// The example status, in this exchange and about whom this exchange is.
fn status(exchange: &str, subject: &str) -> Result<Value, Failed> {
    let mut status = example("status")?;
    let set = |members: &mut Map<String, Value>, name: &str, value: &str| {
        members.insert(name.to_owned(), value.into());
    };
    if let Some(claims) = status.as_object_mut() {
        set(claims, "in_reply_to", exchange);
        let body = claims.get_mut("body").and_then(Value::as_object_mut);
        if let Some(body) = body {
            set(body, "from_state", "received");
            set(body, "to_state", "accepted");
            if let Some(about) = body.get_mut("subject").and_then(Value::as_object_mut) {
                set(about, "ref", subject);
            }
        }
    }
    Ok(status)
}

fn address(text: &str) -> Result<Address, Failed> {
    text.parse().map_err(Failed::unusable)
}
