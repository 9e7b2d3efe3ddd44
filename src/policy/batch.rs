//! When releases to foreign parties leave: at once, or in a window that opens once a month.
//!
//! What leaves together cannot be told apart by the hour at which it was made. Windows are read in
//! Asia/Jakarta, which has no daylight saving time.
//!
//! INVARIANT: an opening is always later than the moment it is the next one after.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

use crate::clock::JAKARTA;

/// The one zone that is accepted.
const ZONE: &str = "Asia/Jakarta";
/// The last day that every month has.
const DAY_MAX: i64 = 28;

/// When releases leave: `"at_once"` or `{ day = 1, hour = "09:00 Asia/Jakarta" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    /// As soon as they are made.
    AtOnce,
    /// Once a month.
    Monthly(Window),
}

/// The opening of a month's window, in Asia/Jakarta. Made only by reading one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// 1-28.
    day: u8,
    /// 0-23.
    hour: u8,
    /// 0-59.
    minute: u8,
}

/// Why a batch is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBatch {
    /// Neither of the two forms.
    #[error("`batch` is \"at_once\" or {{ day = 1, hour = \"09:00 Asia/Jakarta\" }}")]
    Form,
    /// A day that some months do not have, or none has.
    #[error("`batch` opens on day 1 to 28, which every month has")]
    Day,
    /// No hour, or one of another zone.
    #[error("`hour` of `batch` is written \"HH:MM Asia/Jakarta\"; no other zone is accepted")]
    Hour,
}

impl Batch {
    /// Reads what a floor or a policy says.
    fn read(written: &toml::Value) -> Result<Self, BadBatch> {
        let table = match written {
            toml::Value::String(word) if word == "at_once" => return Ok(Self::AtOnce),
            toml::Value::Table(table) if table.len() == 2 => table,
            _ => return Err(BadBatch::Form),
        };
        let (Some(day), Some(hour)) = (table.get("day"), table.get("hour")) else {
            return Err(BadBatch::Form);
        };
        let day = day.as_integer().filter(|day| (1..=DAY_MAX).contains(day));
        let day = day.and_then(|day| u8::try_from(day).ok()).ok_or(BadBatch::Day)?;
        let (hour, minute) = hour.as_str().and_then(clock_time).ok_or(BadBatch::Hour)?;
        Ok(Self::Monthly(Window { day, hour, minute }))
    }

    /// The first opening after `at`; `None` where nothing waits for one.
    pub fn opening_after(self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::AtOnce => None,
            Self::Monthly(window) => Some(window.opening_after(at)),
        }
    }

    /// The last opening at or before `at`; `None` where nothing waits for one.
    pub fn opening_until(self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::AtOnce => None,
            Self::Monthly(window) => Some(window.opening_until(at)),
        }
    }

    /// The hour at which what has a day of its own leaves on that day: the window's, or where
    /// nothing waits for one the day's beginning.
    pub fn hour_of(self, day: Date) -> OffsetDateTime {
        let time = match self {
            Self::AtOnce => Time::MIDNIGHT,
            Self::Monthly(window) => {
                Time::from_hms(window.hour, window.minute, 0).unwrap_or(Time::MIDNIGHT)
            }
        };
        day.with_time(time).assume_offset(JAKARTA)
    }

    /// The window, where there is one.
    pub fn window(self) -> Option<Window> {
        match self {
            Self::AtOnce => None,
            Self::Monthly(window) => Some(window),
        }
    }

    /// Its form in RFC 8785 JSON.
    pub(super) fn to_value(self) -> Value {
        match self {
            Self::AtOnce => json!("at_once"),
            Self::Monthly(window) => {
                json!({"day": window.day, "hour": format!("{} {ZONE}", window.hour())})
            }
        }
    }
}

/// As a file says it.
impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtOnce => f.write_str("\"at_once\""),
            Self::Monthly(window) => {
                write!(f, "{{ day = {}, hour = \"{} {ZONE}\" }}", window.day, window.hour())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Batch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = toml::Value::deserialize(deserializer)?;
        Self::read(&written).map_err(serde::de::Error::custom)
    }
}

impl Window {
    /// The day of the month, 1-28.
    pub fn day(self) -> u8 {
        self.day
    }

    /// The time of day in Asia/Jakarta, `HH:MM`.
    pub fn hour(self) -> String {
        format!("{:02}:{:02}", self.hour, self.minute)
    }

    fn opening_after(self, at: OffsetDateTime) -> OffsetDateTime {
        // where the calendar ends nothing opens any more: fail closed
        let never = PrimitiveDateTime::MAX.assume_offset(JAKARTA);
        let Some(local) = at.checked_to_offset(JAKARTA) else { return never };
        let this = self.opening_in(local.year(), local.month());
        let next = || {
            let year = local.year() + i32::from(local.month() == time::Month::December);
            self.opening_in(year, local.month().next())
        };
        this.filter(|opening| *opening > at).or_else(next).unwrap_or(never)
    }

    fn opening_until(self, at: OffsetDateTime) -> OffsetDateTime {
        let never = PrimitiveDateTime::MIN.assume_utc();
        let Some(local) = at.checked_to_offset(JAKARTA) else { return never };
        let this = self.opening_in(local.year(), local.month());
        let last = || {
            let year = local.year() - i32::from(local.month() == time::Month::January);
            self.opening_in(year, local.month().previous())
        };
        this.filter(|opening| *opening <= at).or_else(last).unwrap_or(never)
    }

    fn opening_in(self, year: i32, month: time::Month) -> Option<OffsetDateTime> {
        let date = Date::from_calendar_date(year, month, self.day).ok()?;
        let time = Time::from_hms(self.hour, self.minute, 0).ok()?;
        Some(date.with_time(time).assume_offset(JAKARTA))
    }
}

/// `HH:MM Asia/Jakarta`, two digits each.
fn clock_time(text: &str) -> Option<(u8, u8)> {
    let (clock, zone) = text.split_once(' ')?;
    let (hour, minute) = clock.split_once(':')?;
    let two = |digits: &str, max: u8| {
        let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u8>().ok().filter(|number| is_two && *number <= max)
    };
    if zone != ZONE {
        return None;
    }
    Some((two(hour, 23)?, two(minute, 59)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        batch: Batch,
    }

    fn read(written: &str) -> Result<Batch, String> {
        let file = toml::from_str::<File>(&format!("batch = {written}"));
        file.map(|file| file.batch).map_err(|error| error.message().to_owned())
    }

    fn monthly(day: u8, hour: u8, minute: u8) -> Batch {
        Batch::Monthly(Window { day, hour, minute })
    }

    #[test]
    fn what_is_read_is_written_again() {
        assert_eq!(read("\"at_once\"").unwrap(), Batch::AtOnce);
        let first = read("{ day = 1, hour = \"09:00 Asia/Jakarta\" }").unwrap();
        assert_eq!(first, monthly(1, 9, 0));
        for batch in [Batch::AtOnce, first, monthly(28, 23, 59)] {
            assert_eq!(read(&batch.to_string()).unwrap(), batch);
        }
        assert_eq!(first.to_value(), json!({"day": 1, "hour": "09:00 Asia/Jakarta"}));
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let hour = "hour = \"09:00 Asia/Jakarta\"";
        for form in ["\"monthly\"", "\"AT_ONCE\"", "1", "true", "[]", "{}", "{ day = 1 }"] {
            assert_eq!(read(form).unwrap_err(), BadBatch::Form.to_string(), "{form}");
        }
        let more = format!("{{ day = 1, {hour}, month = 1 }}");
        assert_eq!(read(&more).unwrap_err(), BadBatch::Form.to_string());
        for day in ["0", "29", "30", "31", "-1", "257", "\"1\"", "1.0"] {
            let said = read(&format!("{{ day = {day}, {hour} }}")).unwrap_err();
            assert_eq!(said, BadBatch::Day.to_string(), "{day}");
            assert!(said.contains("1 to 28"));
        }
        for hour in [
            "\"09:00\"",
            "\"9:00 Asia/Jakarta\"",
            "\"24:00 Asia/Jakarta\"",
            "\"09:60 Asia/Jakarta\"",
            "\"+9:00 Asia/Jakarta\"",
            "\"09:00 UTC\"",
            "\"09:00 Asia/Makassar\"",
            "\"09:00  Asia/Jakarta\"",
            "\"09:00:00 Asia/Jakarta\"",
            "9",
            "09:00:00",
        ] {
            let said = read(&format!("{{ day = 1, hour = {hour} }}")).unwrap_err();
            assert_eq!(said, BadBatch::Hour.to_string(), "{hour}");
        }
    }

    #[test]
    fn the_next_opening_is_strictly_later() {
        let first = monthly(1, 9, 0);
        let last = monthly(28, 23, 30);
        let early = monthly(1, 0, 0);
        for (batch, at, opens) in [
            (first, datetime!(2026-11-24 08:00 UTC), datetime!(2026-12-01 02:00 UTC)),
            (first, datetime!(2026-12-01 01:59:59 UTC), datetime!(2026-12-01 02:00 UTC)),
            // at the very instant it is too late for this one
            (first, datetime!(2026-12-01 02:00 UTC), datetime!(2027-01-01 02:00 UTC)),
            // the end of a year, and of months of every length
            (first, datetime!(2026-12-31 23:59:59 UTC), datetime!(2027-01-01 02:00 UTC)),
            (first, datetime!(2027-01-31 12:00 UTC), datetime!(2027-02-01 02:00 UTC)),
            (first, datetime!(2027-02-28 12:00 UTC), datetime!(2027-03-01 02:00 UTC)),
            (last, datetime!(2028-02-28 16:30 UTC), datetime!(2028-03-28 16:30 UTC)),
            (last, datetime!(2028-02-29 00:00 UTC), datetime!(2028-03-28 16:30 UTC)),
            (last, datetime!(2028-02-28 16:29 UTC), datetime!(2028-02-28 16:30 UTC)),
            // the day is that of Jakarta: 00:00 of the first is still the last day in UTC
            (early, datetime!(2026-12-31 16:59 UTC), datetime!(2026-12-31 17:00 UTC)),
            (early, datetime!(2026-12-31 17:00 UTC), datetime!(2027-01-31 17:00 UTC)),
        ] {
            assert_eq!(batch.opening_after(at), Some(opens), "{batch} after {at}");
        }
        assert_eq!(Batch::AtOnce.opening_after(datetime!(2026-11-24 08:00 UTC)), None);
    }

    #[test]
    fn the_last_opening_may_be_now() {
        let first = monthly(1, 9, 0);
        for (at, opened) in [
            (datetime!(2026-11-24 08:00 UTC), datetime!(2026-11-01 02:00 UTC)),
            (datetime!(2026-12-01 02:00 UTC), datetime!(2026-12-01 02:00 UTC)),
            (datetime!(2027-01-01 01:59:59 UTC), datetime!(2026-12-01 02:00 UTC)),
        ] {
            assert_eq!(first.opening_until(at), Some(opened), "{at}");
        }
    }

    #[test]
    fn what_has_a_day_of_its_own_leaves_at_the_hour_of_the_window() {
        let day = time::macros::date!(2026 - 12 - 04);
        let at = |batch: Batch| batch.hour_of(day);
        assert_eq!(at(monthly(1, 9, 30)), datetime!(2026-12-04 02:30 UTC));
        assert_eq!(at(Batch::AtOnce), datetime!(2026-12-03 17:00 UTC));
    }

    #[test]
    fn where_the_calendar_ends_nothing_opens() {
        let end = datetime!(9999-12-31 23:59:59 UTC);
        assert!(monthly(1, 9, 0).opening_after(end).unwrap() > datetime!(9999-12-31 16:00 UTC));
    }

    proptest! {
        #[test]
        fn an_opening_is_later_and_the_next_one(
            unix in 0_i64..4_102_444_800, day in 1_u8..=28, hour in 0_u8..24, minute in 0_u8..60,
        ) {
            let batch = monthly(day, hour, minute);
            let at = OffsetDateTime::from_unix_timestamp(unix).unwrap();
            let opening = batch.opening_after(at).unwrap();
            prop_assert!(opening > at);
            prop_assert!(opening - at <= time::Duration::days(31));
            let local = opening.to_offset(JAKARTA);
            prop_assert_eq!((local.day(), local.hour(), local.minute()), (day, hour, minute));
            // nothing opens in between: seen from just before, it is the same one
            let before = opening - time::Duration::SECOND;
            prop_assert_eq!(batch.opening_after(before).unwrap(), opening);
            // and the one before it is not later than now
            let last = batch.opening_until(at).unwrap();
            prop_assert!(last <= at);
            prop_assert_eq!(batch.opening_after(last).unwrap(), opening);
            prop_assert_eq!(batch.opening_until(opening).unwrap(), opening);
        }
    }
}
