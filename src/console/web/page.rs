//! What every page shows around its own: language, who is signed in, where one is.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::borrow::Borrow;
use std::fmt::Display;

use time::{Date, OffsetDateTime};

use super::matrix::OPERATIONS;
use super::words::say;
use super::zone::Zone;
use crate::config::Officer;
use crate::domain::{Language, Phrase};

/// What a page is made with.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) language: Language,
    /// In which zone moments are shown.
    pub(super) zone: Zone,
    /// Who is signed in.
    pub(super) officer: Option<Officer>,
    /// Stands in every form of this session, and in none of another's.
    pub(super) token: String,
    /// The path, for the link to the other language and the mark in the menu.
    pub(super) path: String,
    /// What was asked of it, less language and zone: a filter survives that either is changed.
    pub(super) query: Vec<(String, String)>,
    /// What the last act came to: a code, told as `done-…`.
    pub(super) notice: Option<String>,
}

impl Page {
    /// A message of the catalogue.
    pub(super) fn t(&self, key: &str) -> String {
        say(self.language, key, &[])
    }

    /// A message with one value.
    pub(super) fn t1(&self, key: &str, name: &'static str, value: impl Display) -> String {
        say(self.language, key, &[(name, &value.to_string())])
    }

    /// A message with two values.
    pub(super) fn t2(
        &self,
        key: &str,
        name: &'static str,
        value: impl Display,
        other: &'static str,
        its: impl Display,
    ) -> String {
        say(self.language, key, &[(name, &value.to_string()), (other, &its.to_string())])
    }

    /// A phrase, in words.
    pub(super) fn say(&self, phrase: &Phrase) -> String {
        phrase.say(self.language)
    }

    /// What would be accepted: operations in words, with their names beside.
    pub(super) fn accepted(&self, accepted: &[String]) -> String {
        let word = |name: &String| match OPERATIONS.iter().find(|(known, ..)| known == name) {
            Some(_) => format!("{} ({name})", self.of("op", name)),
            None => self.language.code(name),
        };
        accepted.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    /// A code of a closed list in words.
    pub(super) fn code(&self, code: impl Display) -> String {
        self.language.code(&code.to_string())
    }

    /// The words for a code, `family-code`.
    pub(super) fn of(&self, family: &str, code: impl Display) -> String {
        self.t(&format!("{family}-{}", code.to_string().replace('_', "-")))
    }

    /// `id` or `en`.
    pub(super) fn lang(&self) -> &'static str {
        match self.language {
            Language::Id => "id",
            Language::En => "en",
        }
    }

    /// The other language.
    pub(super) fn other(&self) -> &'static str {
        match self.language {
            Language::Id => "en",
            Language::En => "id",
        }
    }

    /// This very page with another language or zone: a path here and its query, and nowhere else.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let asked = self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let asked: Vec<_> = asked.chain([(name, value)]).collect();
        // what begins with two strokes names another host
        let path = self.path.trim_start_matches(['/', '\\']);
        format!("/{path}?{}", serde_urlencoded::to_string(asked).unwrap_or_default())
    }

    /// Whether the menu's entry is where one is.
    pub(super) fn is_at(&self, path: &str) -> bool {
        if path == "/" { self.path == "/" } else { self.path.starts_with(path) }
    }

    /// A moment that is written as RFC 3339, in the officer's zone and with its name.
    pub(super) fn moment(&self, text: &str) -> String {
        use time::format_description::well_known::Rfc3339;
        let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) else { return text.to_owned() };
        self.at(at)
    }

    /// A moment in unix seconds, as [`Self::moment`].
    pub(super) fn unix(&self, seconds: impl Borrow<i64>) -> String {
        OffsetDateTime::from_unix_timestamp(*seconds.borrow())
            .map(|at| self.at(at))
            .unwrap_or_default()
    }

    /// A day.
    pub(super) fn day(&self, day: impl Borrow<Date>) -> String {
        let day = day.borrow();
        let month = self.of("month", u8::from(day.month()));
        format!("{} {month} {}", day.day(), day.year())
    }

    fn at(&self, at: OffsetDateTime) -> String {
        let (offset, name) = self.zone.at(at);
        // the calendar's last day has none after it
        let (at, name) = at.checked_to_offset(offset).map_or((at, "UTC"), |at| (at, name));
        let month = self.of("month", u8::from(at.month()));
        format!("{} {month} {} {:02}:{:02} {name}", at.day(), at.year(), at.hour(), at.minute())
    }
}

/// A page as an answer.
pub(super) fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => {
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            (status, [(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!(cause = %error, "a page could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// After a form: the next page, so that a reload sends nothing twice.
pub(super) fn see(path: &str) -> Response {
    axum::response::Redirect::to(path).into_response()
}
