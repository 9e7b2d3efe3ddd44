//! A policy as a form, and a form as a policy's text.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::Value;
use time::Date;

use super::fault::Fault;
use super::page::Page;
use super::preview::{class_name, named};
use super::session::Seat;
use crate::domain::{Class, Leaf, LeafTable, PartyKind, Phrase};
use crate::exchange::Rules;
use crate::policy::{
    self, Choice, Finding, HeadEdit, Offer, Source, key_of, offers, offers_of_arrays, reasons,
    rewritten,
};

/// What a browser sends.
pub(super) type Posted = Result<Form<Vec<(String, String)>>, FormRejection>;

/// The fields of a form, by name; of two of one name the first.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    /// The fields of a form of this session.
    pub(super) fn of(seat: &Seat, posted: Posted) -> Result<Self, Fault> {
        let Form(pairs) = posted.map_err(|rejection| {
            let is_large = rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE;
            if is_large { Fault::TooLarge } else { Fault::Malformed }
        })?;
        let mut fields = BTreeMap::new();
        for (name, value) in pairs {
            // browsers send lines as terminals once ended them
            fields.entry(name).or_insert_with(|| value.replace("\r\n", "\n"));
        }
        let fields = Self(fields);
        seat.visit.check(fields.get("token"))?;
        Ok(fields)
    }

    /// What was typed in a field; nothing where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// A policy as a form shows it.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) sender: String,
    pub(super) recipient: String,
    pub(super) message: String,
    pub(super) why: String,
    pub(super) expires: String,
    /// Code and whether it is chosen.
    pub(super) purposes: Vec<(String, bool)>,
    pub(super) agreements: Vec<(String, bool)>,
    pub(super) arrays: Vec<(String, String, bool)>,
    pub(super) groups: Vec<Group>,
    pub(super) law: String,
}

/// The fields of one class.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) class: &'static str,
    pub(super) open: Vec<Row>,
    /// What the law leaves no choice about.
    pub(super) fixed: Vec<String>,
}

/// One field that something may be chosen for.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) leaf: String,
    pub(super) label: String,
    pub(super) reason: String,
    /// Key, words and whether it is chosen.
    pub(super) choices: Vec<(String, String, bool)>,
}

const CLASSES: [Class; 6] =
    [Class::Direct, Class::Quasi, Class::Sensitive, Class::Text, Class::Operational, Class::Legal];

/// The form of a policy; `None` for a message type that is not there.
pub(super) fn shape(rules: &Rules, page: &Page, source: &Source, text: &str) -> Option<Shape> {
    let head = &source.head;
    let table = rules.schemas.message(&head.message)?.leaves();
    let kind = rules.kind(&head.recipient.party);
    let reasons = reasons(text, table);
    let language = page.language;
    let mut groups: Vec<Group> = CLASSES
        .iter()
        .map(|class| Group { class: class_name(*class), open: Vec::new(), fixed: Vec::new() })
        .collect();
    let mut law = String::new();
    for offer in offers(&rules.floor, table, kind) {
        offer.law.clone_into(&mut law);
        let name = class_name(offer.leaf.class);
        let Some(group) = groups.iter_mut().find(|group| group.class == name) else { continue };
        let label = named(page, table, offer.leaf);
        let now = written_now(source, offer.leaf);
        if offer.is_fixed() && now == "drop" {
            group.fixed.push(label);
            continue;
        }
        let choices = with_now(&offer, &now).into_iter().map(|choice| {
            let words = choice.how(Some(offer.leaf), language);
            let words = words.unwrap_or_else(|| page.t("edit-drop"));
            (choice.key.clone(), words, choice.key == key_of(&now))
        });
        let leaf = offer.leaf.name.to_string();
        let reason = reasons.get(&leaf).cloned().unwrap_or_default();
        group.open.push(Row { choices: choices.collect(), leaf, label, reason });
    }
    groups.retain(|group| !group.open.is_empty() || !group.fixed.is_empty());
    let written = |name: &str| source.leaves.iter().find(|(leaf, ..)| leaf == name);
    let arrays = offers_of_arrays(&rules.floor, table, kind).into_iter().map(|(name, count)| {
        let is_counted = written(&name).is_some_and(|(_, op, _)| key_of(op) == count.key);
        (name, count.key, is_counted)
    });
    let binding = rules.agreements.iter().filter(|agreement| {
        agreement.binds(&head.sender.party, &head.recipient.party) || agreement.id == head.agreement
    });
    let mut agreements: Vec<(String, bool)> =
        binding.map(|known| (known.id.clone(), known.id == head.agreement)).collect();
    if !agreements.iter().any(|(_, is_chosen)| *is_chosen) {
        agreements.push((head.agreement.clone(), true));
    }
    let chosen = rules.agreements.iter().find(|known| known.id == head.agreement);
    let mut purposes: Vec<(String, bool)> = chosen
        .iter()
        .flat_map(|known| &known.purposes)
        .map(|purpose| (purpose.to_string(), *purpose == head.purpose))
        .collect();
    if !purposes.iter().any(|(_, is_chosen)| *is_chosen) {
        purposes.push((head.purpose.to_string(), true));
    }
    Some(Shape {
        sender: head.sender.to_string(),
        recipient: head.recipient.to_string(),
        message: head.message.to_string(),
        why: head.why.clone(),
        expires: head.expires.to_string(),
        purposes,
        agreements,
        arrays: arrays.collect(),
        groups,
        law,
    })
}

/// What may be chosen, and what is written now, be it admitted or not.
fn with_now(offer: &Offer<'_>, now: &Value) -> Vec<Choice> {
    let mut choices = offer.choices.clone();
    if !choices.iter().any(|choice| choice.key == key_of(now)) {
        choices.extend(Choice::of(now));
    }
    choices
}

/// The operation that a policy writes for a leaf: in a row of its own, or in one for all that it
/// lies in.
fn written_now(source: &Source, leaf: &Leaf) -> Value {
    let rows = source.leaves.iter();
    let own = rows.clone().find(|(name, ..)| *name == leaf.name.as_str());
    own.map_or_else(|| Value::from("drop"), |(_, written, _)| written.clone())
}

/// The text of a policy as its form says it, and what in the form cannot be said.
pub(super) fn text_of(rules: &Rules, id: &str, fields: &Fields) -> (String, Vec<Finding>) {
    let text = fields.get("text");
    let finding = |line, leaf: &str, message| {
        let (leaf, accepted) = (leaf.to_owned(), Vec::new());
        vec![Finding { line, leaf, message, accepted }]
    };
    let source = match Source::parse(id, text) {
        Ok(source) => source,
        Err(bad) => return (text.to_owned(), finding(bad.line, "", bad.reason)),
    };
    if !fields.has("why") {
        return (text.to_owned(), Vec::new());
    }
    let Some(schema) = rules.schemas.message(&source.head.message) else {
        return (text.to_owned(), Vec::new());
    };
    let kind = rules.kind(&source.head.recipient.party);
    let rows = rows_of(rules, (schema.leaves(), kind), &source, fields);
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let expires = Date::parse(fields.get("expires").trim(), format).ok();
    let one_line = |name: &str| fields.get(name).replace('\n', " ").trim().to_owned();
    let head = HeadEdit {
        texts: vec![
            ("why", one_line("why")),
            ("purpose", one_line("purpose")),
            ("agreement", one_line("agreement")),
        ],
        expires,
    };
    let mut findings = Vec::new();
    if expires.is_none() {
        findings = finding(0, "expires", Phrase::new("why-bad-day"));
    }
    match rewritten(text, &head, &rows, schema.leaves()) {
        Ok(text) => (text, findings),
        Err(bad) => (text.to_owned(), finding(bad.line, "", bad.reason)),
    }
}

fn rows_of(
    rules: &Rules,
    (table, kind): (&LeafTable, PartyKind),
    source: &Source,
    fields: &Fields,
) -> Vec<policy::Row> {
    let mut rows = Vec::new();
    for offer in offers(&rules.floor, table, kind) {
        let leaf = offer.leaf.name.to_string();
        let key = fields.get(&format!("op.{leaf}"));
        let now = written_now(source, offer.leaf);
        let choices = with_now(&offer, &now);
        let Some(choice) = choices.into_iter().find(|choice| choice.key == key) else { continue };
        let reason = fields.get(&format!("why.{leaf}")).to_owned();
        rows.push(policy::Row { leaf, written: Some(choice.written), reason });
    }
    for (leaf, count) in offers_of_arrays(&rules.floor, table, kind) {
        let key = fields.get(&format!("op.{leaf}"));
        if !key.is_empty() {
            let written = (key == count.key).then_some(count.written);
            rows.push(policy::Row { leaf, written, reason: String::new() });
        }
    }
    rows
}
