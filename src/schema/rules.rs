//! Rules over two fields of one message, which a schema within the profile cannot say: one table
//! per message type.
//!
//! Rules read a body whose schema was checked, and say yes or no; they never say what they read.

use std::collections::BTreeSet;

use serde_json::Value;
use time::Date;
use time::macros::format_description;

use crate::domain::MessageType;

/// One rule of a message type.
pub(super) struct Row {
    /// Its name in `errors[].keyword`.
    pub(super) id: &'static str,
    /// Where it is reported, in the body.
    pub(super) pointer: &'static str,
    /// Whether a body keeps it.
    pub(super) holds: fn(&Value) -> bool,
}

/// The rules of a message type; none for a type that has no table.
pub(super) fn rows(message: &MessageType) -> &'static [Row] {
    match message.as_str() {
        "referral/1" => REFERRAL,
        "status/1" => STATUS,
        "information-request/1" => INFORMATION_REQUEST,
        "information-response/1" => INFORMATION_RESPONSE,
        "correction/1" => CORRECTION,
        "erasure-notice/1" => ERASURE_NOTICE,
        "erasure-confirmation/1" => ERASURE_CONFIRMATION,
        _ => &[],
    }
}

const REFERRAL: &[Row] = &[
    Row {
        id: "child-is-ampk",
        pointer: "/category/ppks",
        holds: |body| !is(body, "/subject/scope", "child") || is(body, "/category/ppks", "ampk"),
    },
    Row {
        id: "child-has-ampk-category",
        pointer: "/category/ampk",
        holds: |body| {
            !is(body, "/subject/scope", "child") || !is(body, "/category/ampk", "not_applicable")
        },
    },
    Row {
        id: "abh-needs-justice",
        pointer: "/justice",
        holds: |body| {
            !is(body, "/category/ampk", "abh_terorisme") || body.pointer("/justice").is_some()
        },
    },
    Row {
        id: "justice-only-for-abh",
        pointer: "/justice",
        holds: |body| {
            body.pointer("/justice").is_none() || is(body, "/category/ampk", "abh_terorisme")
        },
    },
    CALENDAR_BIRTH_DATE,
];

const STATUS: &[Row] = &[
    Row {
        id: "declined-needs-reason",
        pointer: "/reason_code",
        holds: |body| !is(body, "/to_state", "declined") || text(body, "/reason_code").is_some(),
    },
    Row {
        id: "reason-of-this-state",
        pointer: "/reason_code",
        holds: |body| text(body, "/reason_code").is_none_or(|code| reasons(body).contains(&code)),
    },
    Row {
        id: "end-needs-outcome",
        pointer: "/outcome",
        holds: |body| !is_end(body) || text(body, "/outcome").is_some(),
    },
    Row {
        id: "outcome-only-at-end",
        pointer: "/outcome",
        holds: |body| text(body, "/outcome").is_none() || is_end(body),
    },
    CALENDAR_BIRTH_DATE,
];

const INFORMATION_REQUEST: &[Row] = &[
    Row {
        id: "exchange-or-topic",
        pointer: "/about",
        holds: |body| {
            body.pointer("/about/exchange").is_some() != body.pointer("/about/topic").is_some()
        },
    },
    Row {
        id: "each-field-once",
        pointer: "/requested_fields",
        holds: |body| is_each_once(body, "/requested_fields"),
    },
    Row {
        id: "urgent-needs-officer",
        pointer: "/officer_ref",
        holds: |body| !is(body, "/urgency", "urgent") || body.pointer("/officer_ref").is_some(),
    },
];

const INFORMATION_RESPONSE: &[Row] = &[
    Row {
        id: "refused-needs-code",
        pointer: "/refusal_code",
        holds: |body| !is(body, "/result", "refused") || body.pointer("/refusal_code").is_some(),
    },
    Row {
        id: "code-only-when-refused",
        pointer: "/refusal_code",
        holds: |body| body.pointer("/refusal_code").is_none() || is(body, "/result", "refused"),
    },
    Row {
        id: "refused-has-no-answers",
        pointer: "/answers",
        holds: |body| body.pointer("/answers").is_none() || !is(body, "/result", "refused"),
    },
    Row {
        id: "calendar-date",
        pointer: "/answers/subject/birth/date",
        holds: |body| text(body, "/answers/subject/birth/date").is_none_or(is_in_calendar),
    },
];

const CORRECTION: &[Row] = &[Row {
    id: "one-body",
    pointer: "",
    holds: |body| body.get("referral").is_some() != body.get("status").is_some(),
}];

const ERASURE_NOTICE: &[Row] = &[
    Row {
        id: "one-target",
        pointer: "",
        holds: |body| body.get("subject").is_some() != body.get("targets").is_some(),
    },
    Row {
        id: "targets-once",
        pointer: "/targets",
        holds: |body| {
            let targets = body.get("targets").and_then(Value::as_array);
            let mut seen = BTreeSet::new();
            targets.into_iter().flatten().all(|target| seen.insert(target.as_str()))
        },
    },
];

const ERASURE_CONFIRMATION: &[Row] = &[Row {
    id: "basis-of-what-is-retained",
    pointer: "/legal_basis",
    holds: |body| is(body, "/result", "retained") == text(body, "/legal_basis").is_some(),
}];

const CALENDAR_BIRTH_DATE: Row = Row {
    id: "calendar-date",
    pointer: "/subject/birth/date",
    holds: |body| text(body, "/subject/birth/date").is_none_or(is_in_calendar),
};

const DECLINED: &[&str] = &[
    "not_eligible",
    "no_capacity",
    "duplicate",
    "wrong_unit",
    "insufficient_info",
    "not_in_best_interests",
    "no_legal_basis",
    "safety_concern",
];
const ON_HOLD: &[&str] = &["awaiting_documents", "away", "health", "family_request", "court_order"];

/// The reasons that the step's new state knows.
fn reasons(body: &Value) -> &'static [&'static str] {
    match text(body, "/to_state") {
        Some("declined") => DECLINED,
        Some("on_hold") => ON_HOLD,
        _ => &[],
    }
}

fn is_end(body: &Value) -> bool {
    is(body, "/to_state", "completed") || is(body, "/to_state", "closed")
}

/// `YYYY-MM-DD` must be a day that existed; `YYYY-MM` and `YYYY` always are in the calendar.
fn is_in_calendar(partial: &str) -> bool {
    partial.len() < 10 || Date::parse(partial, format_description!("[year]-[month]-[day]")).is_ok()
}

fn is_each_once(body: &Value, pointer: &str) -> bool {
    let items = body.pointer(pointer).and_then(Value::as_array);
    let mut seen = BTreeSet::new();
    items.into_iter().flatten().all(|item| seen.insert(item.as_str()))
}

fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer).and_then(Value::as_str)
}

fn is(body: &Value, pointer: &str, code: &str) -> bool {
    text(body, pointer) == Some(code)
}
