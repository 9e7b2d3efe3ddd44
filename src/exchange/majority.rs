//! Whether a case that was opened for a child may be that of an adult by now.
//!
//! Judged by what the exchange's own messages state and nothing else, on the day of a new message,
//! and in doubt as of age: a date may be of a month or a year only, and an unreadable one says
//! nothing. What is found is yes or no: no date, nor anything of one, leaves this module.

use serde_json::Value;
use time::{Date, Month};

use super::admit::Admitted;
use super::collect::takes_back;
use super::disclose::stored_body;
use super::{Failure, Gateway};
use crate::domain::Body;

const ADULT_YEARS: i32 = 18;

/// Reads every message of the exchange, so it is asked only where the answer decides something.
pub(super) async fn may_be_adult(gateway: &Gateway, admitted: &Admitted) -> Result<bool, Failure> {
    let today = gateway.clock().today();
    let mut stated = Stated::default();
    stated.add(&admitted.message().body, today);
    if !admitted.case().is_new {
        for row in gateway.store().messages_of(&admitted.case().exchange.id).await? {
            if takes_back(&row.message_type) {
                continue;
            }
            match stored_body(gateway, &row)? {
                Some(body) => stated.add(&body, today),
                // it may have stated anything
                None => return Ok(true),
            }
        }
    }
    Ok(stated.child && stated.adult)
}

/// What messages state of the person.
#[derive(Default)]
struct Stated {
    /// Any says that the case is that of a child.
    child: bool,
    /// Any states a date of birth on which the person may be an adult.
    adult: bool,
}

impl Stated {
    fn add(&mut self, body: &Body, today: Date) {
        let at = |pointer: String| body.value().pointer(&pointer);
        // a message of its own, or an answer
        for place in ["", "/answers"] {
            let scope = at(format!("{place}/subject/scope"));
            self.child |= scope.and_then(Value::as_str) == Some("child");
            self.adult |= match at(format!("{place}/subject/birth/date")) {
                None | Some(Value::Null) => false,
                Some(date) => date.as_str().is_none_or(|text| is_of_age(text, today)),
            };
        }
    }
}

/// Whether somebody born on `born` (`YYYY-MM-DD`, `YYYY-MM` or `YYYY`) may be 18 on `today`.
fn is_of_age(born: &str, today: Date) -> bool {
    first_day_of_age(born).is_none_or(|day| today >= day)
}

/// The first day on which somebody born then may be 18; of a 29 February, the 28th.
fn first_day_of_age(born: &str) -> Option<Date> {
    let mut parts = born.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |text| number(text, 2))?;
    let day = parts.next().map_or(Some(1), |text| number(text, 2))?;
    if parts.next().is_some() {
        return None;
    }
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let born = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    let year = year + ADULT_YEARS;
    born.replace_year(year).or_else(|_leap| Date::from_calendar_date(year, month, 28)).ok()
}

fn number(text: &str, digits: usize) -> Option<i32> {
    let is_plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;
    use crate::clock::{Clock, ManualClock};

    const DAY_S: i64 = 24 * 3600;

    #[test]
    fn a_date_of_any_accuracy_is_of_age_from_the_first_day_it_may_be() {
        // 16:59 UTC is the last minute of that day in Jakarta
        let cases = [
            ("2011-03-05", datetime!(2029 - 03 - 04 16:59 UTC)),
            ("2011-03", datetime!(2029 - 02 - 28 16:59 UTC)),
            ("2011", datetime!(2028 - 12 - 31 16:59 UTC)),
            ("2012-02-29", datetime!(2030 - 02 - 27 16:59 UTC)),
        ];
        for (born, last) in cases {
            let clock = ManualClock::at(last);
            assert!(!is_of_age(born, clock.today()), "{born}");
            clock.advance(60);
            assert!(is_of_age(born, clock.today()), "{born}, a minute later");
            clock.advance(400 * DAY_S);
            assert!(is_of_age(born, clock.today()), "{born}, from then on");
        }
    }

    #[test]
    fn an_unreadable_date_may_be_of_age() {
        let today = ManualClock::at(datetime!(2026 - 11 - 24 0:00 UTC)).today();
        for born in
            ["", "2020-13", "2020-02-30", "20200101", "2020-1-1", "2020-01-01-01", "２０２０"]
        {
            assert!(is_of_age(born, today), "{born}");
        }
    }

    #[test]
    fn only_the_case_of_a_child_comes_of_age_and_only_by_a_date() {
        let today = ManualClock::at(datetime!(2026 - 11 - 24 0:00 UTC)).today();
        let judge = |bodies: &[&Value]| {
            let mut stated = Stated::default();
            for body in bodies {
                stated.add(&Body::new((*body).clone()), today);
            }
            stated.child && stated.adult
        };
        let child = json!({"subject": {"scope": "child", "birth": {"date": "2011-03-05"}}});
        let undated = json!({"subject": {"scope": "child"}});
        let woman = json!({"subject": {"scope": "woman", "birth": {"date": "1990"}}});
        let later = json!({"subject": {"birth": {"date": "2008-11"}}});
        let odd = json!({"subject": {"birth": {"date": 7}}});
        assert!(!judge(&[&child]));
        assert!(!judge(&[&undated]));
        assert!(!judge(&[&woman]));
        assert!(judge(&[&child, &later]), "a later message corrects it");
        assert!(judge(&[&later, &undated]));
        assert!(judge(&[&child, &odd]));
        let answer = json!({"answers": {"subject": {"birth": {"date": "2008-11"}}}});
        assert!(judge(&[&child, &answer]), "an answer tells it too");
    }
}
