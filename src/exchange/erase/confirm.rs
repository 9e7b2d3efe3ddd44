//! A party that was told to erase says what became of it.
//!
//! It names its own reference of the exchange, and so answers every notice that it was handed there
//! and has not answered; what it retained it may answer once more, when it is erased after all. It
//! is a claim of the party's, recorded as such.

use crate::domain::{Code, ExchangeRef, PartyId, Refused};
use crate::schema::Message;
use crate::store::{Changes, Confirmed, NewConfirmation, NoticeRow, Requirement, Write};

use super::super::admit::{Admitted, Case, own_exchange};
use super::super::submit::Stop;
use super::super::{Failure, Gateway, Rules};
use super::ask::day;

/// The answer to some notices.
#[derive(Debug)]
pub(in crate::exchange) struct Answer {
    notices: Vec<NoticeRow>,
    confirmed: Confirmed,
}

pub(in crate::exchange) async fn confirmed(
    gateway: &Gateway,
    rules: &Rules,
    message: &Message,
) -> Result<Case, Stop> {
    let refuse = |code, rule| Stop::Refuse(Refused::at(code, "/in_reply_to", rule));
    let unknown = |rule| refuse(Code::UnknownExchange, rule);
    let reference: ExchangeRef = message.in_reply_to.ok_or_else(|| unknown("required"))?;
    let (_, exchange) = own_exchange(gateway, message, reference).await?;
    let party = &message.iss.party;
    let mut handed = Vec::new();
    for notice in gateway.store().notices_in(&exchange.id, party).await? {
        if is_handed(gateway, &notice, party).await? {
            handed.push(notice);
        }
    }
    // one that was not handed out yet is as unknown as one that never was
    if handed.is_empty() {
        return Err(unknown("exchange"));
    }
    let erased_on = day(message, "/erased_on")?;
    if erased_on > rules.today(gateway.clock()) {
        return Err(Stop::Refuse(Refused::at(Code::Rule, "/body/erased_on", "not-future")));
    }
    let text = |pointer| message.body.text(pointer).map(str::to_owned);
    let result = text("/result").unwrap_or_default();
    let is_open = |notice: &NoticeRow| match &notice.confirmed {
        None => true,
        Some(before) => before.result == "retained" && result == "erased",
    };
    handed.retain(is_open);
    if handed.is_empty() {
        return Err(refuse(Code::AlreadyConfirmed, "confirmed"));
    }
    let legal_basis = text("/legal_basis");
    let confirmed = Confirmed { result, legal_basis, erased_on, at: gateway.now() };
    let members = gateway.store().members(&exchange.id).await?;
    let takes = Some(super::Takes::Confirms(Answer { notices: handed, confirmed }));
    Ok(Case { members, takes, ..Case::of(exchange) })
}

async fn is_handed(
    gateway: &Gateway,
    notice: &NoticeRow,
    party: &PartyId,
) -> Result<bool, Failure> {
    let releases = gateway.store().releases_of(&notice.sender, &notice.message_id).await?;
    Ok(releases.iter().any(|r| r.recipient.party == *party && r.entry.is_some()))
}

impl Answer {
    pub(super) fn changes(&self, admitted: &Admitted) -> Changes {
        let party = &admitted.message().iss.party;
        let mut changes = Changes::default();
        for notice in &self.notices {
            changes.requires.push(Requirement::Answered {
                sender: notice.sender.clone(),
                notice: notice.message_id,
                party: party.clone(),
                result: notice.confirmed.as_ref().map(|before| before.result.clone()),
            });
            changes.writes.push(Write::Confirm(NewConfirmation {
                sender: notice.sender.clone(),
                notice: notice.message_id,
                party: party.clone(),
                confirmed: self.confirmed.clone(),
            }));
        }
        changes
    }
}
