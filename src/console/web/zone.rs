//! Time zones that officers and partners live in. What is decided goes by Jakarta's day; this is
//! only how a moment is shown.

use time::{Date, Duration, Month, OffsetDateTime, UtcOffset};

/// A zone to show moments in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Zone {
    /// Western Indonesia, with Jakarta.
    #[default]
    Wib,
    /// Central Indonesia, with Makassar.
    Wita,
    /// Eastern Indonesia, with Jayapura.
    Wit,
    /// Central Europe, with Brussels.
    Cet,
}

impl Zone {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Wib, Self::Wita, Self::Wit, Self::Cet];

    /// Its code in an address.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Wib => "wib",
            Self::Wita => "wita",
            Self::Wit => "wit",
            Self::Cet => "cet",
        }
    }

    /// The zone of that code.
    pub(super) fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|zone| zone.code() == code)
    }

    /// The offset at a moment, and what it is called then.
    pub(super) fn at(self, at: OffsetDateTime) -> (UtcOffset, &'static str) {
        use time::macros::offset;
        match self {
            Self::Wib => (offset!(+7), "WIB"),
            Self::Wita => (offset!(+8), "WITA"),
            Self::Wit => (offset!(+9), "WIT"),
            Self::Cet if is_summer(at) => (offset!(+2), "CEST"),
            Self::Cet => (offset!(+1), "CET"),
        }
    }
}

/// From the last Sunday of March to that of October, 01:00 UTC each (Directive 2000/84/EC).
fn is_summer(at: OffsetDateTime) -> bool {
    let at = at.to_offset(UtcOffset::UTC);
    let change = |month| last_sunday(at.year(), month).map(|day| day.with_hms(1, 0, 0));
    let (Some(Ok(begins)), Some(Ok(ends))) = (change(Month::March), change(Month::October)) else {
        return false;
    };
    (begins.assume_utc()..ends.assume_utc()).contains(&at)
}

fn last_sunday(year: i32, month: Month) -> Option<Date> {
    let last = Date::from_calendar_date(year, month, month.length(year)).ok()?;
    let since = last.weekday().number_days_from_sunday();
    last.checked_sub(Duration::days(i64::from(since)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn summer_time_begins_and_ends_on_the_last_sundays() {
        for (at, name) in [
            (datetime!(2026-03-29 00:59:59 UTC), "CET"),
            (datetime!(2026-03-29 01:00 UTC), "CEST"),
            (datetime!(2026-10-25 00:59:59 UTC), "CEST"),
            (datetime!(2026-10-25 01:00 UTC), "CET"),
            (datetime!(2027-03-28 01:00 UTC), "CEST"),
            // a Sunday that is the month's last day
            (datetime!(2027-10-31 00:59 UTC), "CEST"),
            (datetime!(2027-10-31 01:00 UTC), "CET"),
            (datetime!(9999-12-31 23:59:59 UTC), "CET"),
        ] {
            assert_eq!(Zone::Cet.at(at).1, name, "{at}");
        }
        assert_eq!(Zone::of("wit"), Some(Zone::Wit));
        assert_eq!(Zone::of("WIT"), None);
    }
}
