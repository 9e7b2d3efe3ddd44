//! What may be counted, and over which time: the fixed menu of tables, and the half-years.
//!
//! INVARIANT: the menu is closed. A table over other dimensions or another time would let its
//! reader take the difference of two, so there is no way to ask for one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{Date, Month};

/// The name of the message type that carries a table.
pub const AGGREGATE_REPORT: &str = "aggregate-report";
/// Fewest subjects that a cell may show, beside those that its reader knows of anyway.
pub const K: u32 = 10;
/// What every number shown is a multiple of.
pub const BASE: u32 = 5;
/// The version of the method, of the menu and of the rules of counting.
pub const METHOD: &str = "1.0";
/// Where the code lists are defined.
pub const DEFINITIONS: &str = "https://titian.example.org/definitions/aggregate-report/1";

words!(
    /// A table of the menu.
    TableId {
        /// Sex by age group.
        SexByAge = "T1",
        /// How the person came.
        Pathway = "T2",
        /// Category of special protection.
        Category = "T3",
        /// Services asked for: one person may stand in several cells.
        Services = "T4",
        /// How the care ended of those whose care was completed.
        Outcomes = "T5",
        /// Where the person stays.
        RegionGroup = "T6",
    }
);

const SEX: &[&str] = &["female", "male", "unknown"];
const AGE: &[&str] = &["under_18", "adult", "unknown"];
const PATHWAY: &[&str] = &["deportan", "returnis", "repatriasi", "domestik"];
const CATEGORY: &[&str] = &["anak_korban_jaringan_terorisme", "abh_terorisme", "not_applicable"];
const SERVICES: &[&str] = &[
    "kebutuhan_dasar",
    "kesehatan",
    "pendidikan",
    "terapi_psikososial",
    "terapi_mental_spiritual",
    "dukungan_keluarga",
    "vokasional",
    "bantuan_hukum",
    "pendampingan",
    "reintegrasi",
];
const OUTCOMES: &[&str] = &[
    "family_reunified",
    "alternative_care",
    "transferred_unit",
    "transferred_region",
    "aged_out",
    "left_service",
    "deceased",
    "other",
];
const REGIONS: &[&str] =
    &["sumatera", "jawa", "bali_nusa_tenggara", "kalimantan", "sulawesi", "maluku_papua"];

/// The islands that each province (ISO 3166-2:ID, less `ID-`) lies in.
const PROVINCES: &[(&str, &str)] = &[
    ("sumatera", "AC SU SB RI JA SS BE LA BB KR"),
    ("jawa", "JK JB JT YO JI BT"),
    ("bali_nusa_tenggara", "BA NB NT"),
    ("kalimantan", "KB KT KS KI KU"),
    ("sulawesi", "SA ST SN SG GO SR"),
    ("maluku_papua", "MA MU PA PB PD PE PS PT"),
];

/// The group of islands that a province lies in.
pub fn region_group(province: &str) -> Option<&'static str> {
    let code = province.strip_prefix("ID-")?;
    let holds = |all: &str| all.split(' ').any(|one| one == code);
    PROVINCES.iter().find(|(_, all)| holds(all)).map(|(group, _)| *group)
}

impl TableId {
    /// The codes of each dimension, the first one outermost.
    pub const fn dimensions(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::SexByAge => &[SEX, AGE],
            Self::Pathway => &[PATHWAY],
            Self::Category => &[CATEGORY],
            Self::Services => &[SERVICES],
            Self::Outcomes => &[OUTCOMES],
            Self::RegionGroup => &[REGIONS],
        }
    }

    /// Every cell in the order of the report: always all of them, so that which ones there are
    /// tells nothing.
    pub fn cells(self) -> Vec<CellId> {
        let mut all: Vec<Vec<&'static str>> = vec![Vec::new()];
        for codes in self.dimensions() {
            let with = |dims: &Vec<&'static str>| {
                let each = |code: &&'static str| {
                    let mut longer = dims.clone();
                    longer.push(code);
                    longer
                };
                codes.iter().map(each).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        all.into_iter().map(|dims| CellId { table: self, dims }).collect()
    }

    /// Whether every person counted in the report stands in exactly one cell.
    pub const fn is_partition(self) -> bool {
        matches!(self, Self::SexByAge | Self::Pathway | Self::Category | Self::RegionGroup)
    }

    /// Whether a row says of a person what is sensitive: then no value may fill it.
    pub const fn is_sensitive(self) -> bool {
        matches!(self, Self::Pathway | Self::Category | Self::Services | Self::Outcomes)
    }

    /// Every cell of the menu.
    pub fn all_cells() -> Vec<CellId> {
        Self::ALL.iter().flat_map(|table| table.cells()).collect()
    }
}

/// A cell of the menu.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellId {
    /// Of which table.
    pub table: TableId,
    /// One code of each dimension.
    pub dims: Vec<&'static str>,
}

impl CellId {
    /// The cell of these codes, if the table has it.
    pub fn of(table: TableId, codes: &[&str]) -> Option<Self> {
        table.cells().into_iter().find(|cell| cell.dims == codes)
    }
}

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.table, self.dims.join("/"))
    }
}

impl FromStr for CellId {
    type Err = NotACell;

    fn from_str(text: &str) -> Result<Self, NotACell> {
        let (table, codes) = text.split_once(':').ok_or(NotACell)?;
        let table = table.parse().map_err(|_word| NotACell)?;
        Self::of(table, &codes.split('/').collect::<Vec<_>>()).ok_or(NotACell)
    }
}

/// The text names no cell of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no cell of the menu")]
pub struct NotACell;

/// A half-year of the calendar in Jakarta. Half-years never overlap, and there is nothing else
/// that a report may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    year: i32,
    second: bool,
}

/// The text is not a half-year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a period is a half-year, `2026-H1` or `2026-H2`, from 2016 to 2055")]
pub struct NotAPeriod;

impl Period {
    /// Its first day.
    pub fn first_day(self) -> Date {
        let month = if self.second { Month::July } else { Month::January };
        Date::from_calendar_date(self.year, month, 1).unwrap_or(Date::MAX)
    }

    /// The first day after it.
    pub fn next_day(self) -> Date {
        let (year, month) =
            if self.second { (self.year + 1, Month::January) } else { (self.year, Month::July) };
        Date::from_calendar_date(year, month, 1).unwrap_or(Date::MAX)
    }
}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let (year, half) = text.split_once("-H").ok_or(NotAPeriod)?;
        let second = match half {
            "1" => false,
            "2" => true,
            _ => return Err(NotAPeriod),
        };
        let is_year = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
        let year = year.parse().ok().filter(|year| is_year && (2016..=2055).contains(year));
        year.map(|year| Self { year, second }).ok_or(NotAPeriod)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-H{}", self.year, if self.second { 2 } else { 1 })
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(CellId);
as_text!(Period);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_half_year_and_nothing_else() {
        let period: Period = "2026-H1".parse().unwrap();
        assert_eq!((period.first_day(), period.next_day()), (day(2026, 1), day(2026, 7)));
        let period: Period = "2026-H2".parse().unwrap();
        assert_eq!((period.first_day(), period.next_day()), (day(2026, 7), day(2027, 1)));
        for text in ["2026", "2026-H3", "2026-Q1", "2026-H1 ", "26-H1", "2015-H2", "2056-H1", ""] {
            assert_eq!(text.parse::<Period>(), Err(NotAPeriod), "{text}");
        }
    }

    fn day(year: i32, month: u8) -> Date {
        Date::from_calendar_date(year, Month::try_from(month).unwrap(), 1).unwrap()
    }

    #[test]
    fn every_province_lies_in_one_group_and_every_cell_has_one_name() {
        let text = include_str!("../../schemas/codes/provinces.json");
        let list: serde_json::Value = serde_json::from_str(text).unwrap();
        for province in list["provinces"].as_array().unwrap() {
            let group = region_group(province["iso"].as_str().unwrap());
            assert!(group.is_some_and(|group| REGIONS.contains(&group)), "{province}");
        }
        assert_eq!(region_group("ID-XX"), None);
        let cells = TableId::all_cells();
        assert_eq!(cells.len(), 40);
        for cell in cells {
            assert_eq!(cell.to_string().parse(), Ok(cell));
        }
    }
}
