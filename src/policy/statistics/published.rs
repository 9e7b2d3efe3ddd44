//! Figures that the public already has: whoever reads a report subtracts from them.

use serde::Deserialize;
use time::{Date, Month};
use toml::value::Datetime;

/// Published totals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures(pub Vec<Figure>);

/// One published total. The reader is taken to believe it to be exact and about the very persons
/// that the reports count, which is the strongest it can do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// How many.
    pub total: u32,
    /// First day that it covers.
    pub from: Date,
    /// Last day that it covers.
    pub until: Date,
    /// Where it was published.
    pub source: String,
}

/// The file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the published figures cannot be read: {0}")]
pub struct BadFigures(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    figure: Vec<WrittenFigure>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFigure {
    total: u32,
    from: Datetime,
    until: Datetime,
    source: String,
}

/// More than one reads.
const FIGURES_MAX: usize = 64;

impl Figures {
    /// Reads `published.toml`.
    ///
    /// # Errors
    /// [`BadFigures`].
    pub fn parse(text: &str) -> Result<Self, BadFigures> {
        let bad = |why: &str| BadFigures(why.to_owned());
        let written: Written = toml::from_str(text).map_err(|error| bad(error.message()))?;
        if written.figure.len() > FIGURES_MAX {
            return Err(bad("more than 64"));
        }
        let read = |figure: WrittenFigure| {
            let (from, until) = day(&figure.from).zip(day(&figure.until)).ok_or("no day")?;
            if until < from {
                return Err("`until` lies before `from`");
            }
            if figure.source.trim().is_empty() {
                return Err("a figure without its `source`");
            }
            Ok(Figure { total: figure.total, from, until, source: figure.source })
        };
        let figures: Result<_, &str> = written.figure.into_iter().map(read).collect();
        figures.map(Self).map_err(bad)
    }
}

fn day(value: &Datetime) -> Option<Date> {
    match value {
        Datetime { date: Some(date), time: None, offset: None } => {
            let month = Month::try_from(date.month).ok()?;
            Date::from_calendar_date(date.year.into(), month, date.day).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_figures_are_read_whole_or_not_at_all() {
        let shipped = include_str!("../../../config/published.toml");
        let Figures(figures) = Figures::parse(shipped).unwrap();
        assert_eq!(figures.first().map(|figure| figure.total), Some(263));
        assert_eq!(Figures::parse(""), Ok(Figures::default()));
        for (from, to) in [
            ("total = 263", "total = -1"),
            ("total = 263", ""),
            ("total = 263", "total = 263\nscore = 1"),
            ("source = \"", "source = \"\" # "),
            ("from = 2016-01-01", "from = 2016-02-30"),
            ("from = 2016-01-01", "from = 2027-01-01"),
        ] {
            assert!(Figures::parse(&shipped.replace(from, to)).is_err(), "{to}");
        }
    }
}
