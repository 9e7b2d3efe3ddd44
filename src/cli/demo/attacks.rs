//! Four things that must not work.

use serde_json::Value;

use super::gateway::Running;
use super::{Failed, Player, Printer};
use crate::client::{ClientFault, Location};
use crate::config::{Access, file};

pub(super) async fn run(
    running: &Running,
    bnpt: &Player,
    referral: &Value,
    printer: Printer,
) -> Result<(), Failed> {
    let stolen = match Player::join(&another_certificate(running)?).await {
        Ok(thief) => thief.send(referral.clone()).await.map(drop),
        Err(failed) => Err(failed),
    };
    refused(stolen, "BNPT's signing key behind CUTA's certificate", printer)?;

    let replayed = bnpt.session.replay_an_assertion().await;
    refused(replayed.map_err(Failed::from), "a client assertion used twice", printer)?;

    let tampered = bnpt.sign(referral.clone())?.tampered();
    let submitted = bnpt.session.submit(&tampered).await.map(drop);
    refused(submitted.map_err(Failed::from), "a body changed after it was signed", printer)?;

    let mut hidden = referral.clone();
    let name = hidden.pointer("/body/subject/name/full").cloned().unwrap_or_default();
    if let Some(site) = hidden.pointer_mut("/body/origin/site") {
        *site = name;
    }
    let message = bnpt.sign(hidden)?;
    let submitted = bnpt.session.submit(&message).await.map(drop);
    refused(submitted.map_err(Failed::from), "a child's name in a coded field", printer)
}

/// A kit that signs as BNPT and connects as CUTA.
fn another_certificate(running: &Running) -> Result<Location, Failed> {
    let own = running.location("bnpt")?;
    let other = running.location("cuta-be")?;
    let directory = running.root().join("stolen");
    file::make_directory(&directory)?;
    for (from, name) in
        [(&own, "signing.jwk"), (&other, "tls.pem"), (&other, "tls.key"), (&own, "gateway.json")]
    {
        let bytes = file::read_bytes(&from.directory.join(name))?;
        file::write_new(&directory.join(name), &bytes, Access::Owner)?;
    }
    Ok(Location { directory, ..own })
}

/// Says how it was refused; anything but a refusal ends the demonstration.
fn refused(outcome: Result<(), Failed>, what: &str, printer: Printer) -> Result<(), Failed> {
    let failed = match outcome {
        Ok(()) => return Err(Failed::refused(format!("{what} was not refused"))),
        Err(failed) => failed,
    };
    let why = match failed.error.downcast_ref::<ClientFault>() {
        Some(ClientFault::Refused(problem)) => {
            let at = problem.errors.first().map(|fault| format!(" at {}", fault.pointer));
            let signed = if problem.refusal.is_some() { ", signed and recorded" } else { "" };
            format!("{} `{}`{}{signed}", problem.status, problem.code, at.unwrap_or_default())
        }
        Some(ClientFault::NoToken(error)) => {
            let words = error.error_description.clone().unwrap_or_default();
            format!("401 `{}`: {words}", error.error)
        }
        _ => return Err(failed),
    };
    printer.line(format!("  {what}: {why}"));
    Ok(())
}
