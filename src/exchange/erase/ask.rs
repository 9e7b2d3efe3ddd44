//! A party asks that what it sent is erased: by the ids of its messages, or of a person by its own
//! reference. It addresses the gateway, which knows who was handed what; the party does not.

use time::Date;

use crate::domain::{Code, Id, MessageId, Refused};
use crate::schema::Message;

use super::super::admit::{Case, subject_fault, subject_ref};
use super::super::chain::{Chain, Link};
use super::super::submit::Stop;
use super::super::{Failure, Gateway, Rules};
use super::{Act, Scope, Takes, is_erasable};

pub(in crate::exchange) async fn asked(
    gateway: &Gateway,
    rules: &Rules,
    message: &Message,
) -> Result<Case, Stop> {
    let erase_by = day(message, "/erase_by")?;
    if erase_by < rules.today(gateway.clock()) {
        return Err(Stop::Refuse(Refused::at(Code::Rule, "/body/erase_by", "not-past")));
    }
    let targets = message.body.value().get("targets").and_then(serde_json::Value::as_array);
    let scopes = match targets {
        Some(targets) => named(gateway, message, targets).await?,
        None => about(gateway, message).await?,
    };
    let is_asked = |scope: &&Scope| !scope.is_empty();
    let Some(first) = scopes.iter().find(is_asked).map(|scope| scope.exchange.clone()) else {
        return Err(Stop::Refuse(Refused::at(Code::AlreadyErased, "/body", "erased")));
    };
    if let Some(reference) = message.in_reply_to {
        let member = gateway.store().member(&reference).await?;
        let is_own = member.is_some_and(|member| {
            member.party == message.iss.party
                && scopes.iter().any(|scope| scope.exchange.id == member.exchange)
        });
        if !is_own {
            let refused = Refused::at(Code::UnknownExchange, "/in_reply_to", "exchange");
            return Err(Stop::Refuse(refused));
        }
    }
    let act = Act {
        reason: message.body.text("/reason").unwrap_or_default().to_owned(),
        erase_by,
        include_backups: message.body.value().get("include_backups")
            == Some(&serde_json::Value::Bool(true)),
        party: message.iss.clone(),
        officer: None,
    };
    let scopes: Vec<Scope> = scopes.into_iter().filter(|scope| !scope.is_empty()).collect();
    let members = gateway.store().members(&first.id).await?;
    Ok(Case { members, takes: Some(Takes::Asks(scopes, act)), ..Case::of(first) })
}

pub(super) fn day(message: &Message, pointer: &str) -> Result<Date, Stop> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let text = message.body.text(pointer).unwrap_or_default();
    Date::parse(text, format).map_err(|_shape| {
        Stop::Refuse(Refused::at(Code::Schema, &message.place(pointer), "format"))
    })
}

/// The messages that are named, each with what was said anew of it.
async fn named(
    gateway: &Gateway,
    message: &Message,
    targets: &[serde_json::Value],
) -> Result<Vec<Scope>, Stop> {
    let mut scopes: Vec<Scope> = Vec::new();
    for (at, target) in targets.iter().enumerate() {
        let place = format!("/body/targets/{at}");
        let refuse = |code, rule| Stop::Refuse(Refused::at(code, &place, rule));
        let unknown = || refuse(Code::TargetUnknown, "target");
        let id: MessageId =
            target.as_str().and_then(|text| text.parse().ok()).ok_or_else(unknown)?;
        let row = gateway.store().message(&message.iss.party, &id).await?.ok_or_else(unknown)?;
        let is_said_first = matches!(row.message_type.name(), "referral" | "status");
        if !is_said_first || !message.iss.covers(&row.sender) {
            return Err(unknown());
        }
        if row.object.is_none() {
            return Err(refuse(Code::AlreadyErased, "erased"));
        }
        let links = Chain::of(gateway, &row, None).await?.into_links();
        add(gateway, &mut scopes, row.exchange, links).await?;
    }
    Ok(scopes)
}

/// Everything the party sent about a person.
async fn about(gateway: &Gateway, message: &Message) -> Result<Vec<Scope>, Stop> {
    let (sender, reference) = (&message.iss.party, subject_ref(message)?);
    let exchanges = gateway.store().known_as(sender, &reference).await?;
    let mut scopes = Vec::new();
    let mut is_known = false;
    for exchange in exchanges {
        let mut links = Vec::new();
        for row in gateway.store().messages_of(&exchange).await? {
            if row.sender.party == *sender && message.iss.covers(&row.sender) {
                is_known = true;
                if is_erasable(&row) {
                    links.push(Link::of(gateway, &row).await?);
                }
            }
        }
        add(gateway, &mut scopes, exchange, links).await?;
    }
    if is_known { Ok(scopes) } else { Err(subject_fault(message)) }
}

async fn add(
    gateway: &Gateway,
    scopes: &mut Vec<Scope>,
    exchange: Id,
    links: Vec<Link>,
) -> Result<(), Failure> {
    if let Some(scope) = scopes.iter_mut().find(|scope| scope.exchange.id == exchange) {
        scope.links.extend(links);
        return Ok(());
    }
    let row = gateway.store().exchange(&exchange).await?;
    let exchange = row.ok_or_else(|| Failure::problem(Code::NotFound))?;
    scopes.push(Scope { exchange, whole: None, links });
    Ok(())
}
