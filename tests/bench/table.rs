//! The table: each figure with its peer, its target and the machine's own limit beside it.

use serde::Serialize;

/// What a figure has to reach.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// At most this, in the figure's unit.
    AtMost(f64),
    /// At most this many times the machine's limit that stands beside it.
    TimesLimit(f64),
    /// The peer needs at least this many times as much.
    PeerTimesMore(f64),
    /// At least this many times the peer's figure.
    TimesPeer(f64),
    /// Shown, not judged.
    None,
}

#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: &'static str,
    pub(crate) figure: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) peer: Option<Peer>,
    pub(crate) goal: Goal,
    pub(crate) limit: Option<Limit>,
    pub(crate) idle_percent: Option<f64>,
}

#[derive(Clone, Copy, Serialize)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
}

/// What the machine allows at best.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Limit {
    pub(crate) what: &'static str,
    pub(crate) value: f64,
}

impl Row {
    /// A row without peer, limit or goal.
    pub(crate) fn new(
        scenario: &'static str,
        figure: &'static str,
        unit: &'static str,
        value: f64,
    ) -> Self {
        Self {
            scenario,
            figure,
            unit,
            value,
            peer: None,
            goal: Goal::None,
            limit: None,
            idle_percent: None,
        }
    }

    pub(crate) fn peer(mut self, name: &'static str, value: Option<f64>) -> Self {
        self.peer = value.map(|value| Peer { name, value });
        self
    }

    pub(crate) fn goal(mut self, goal: Goal) -> Self {
        self.goal = goal;
        self
    }

    pub(crate) fn limit(mut self, what: &'static str, value: f64) -> Self {
        self.limit = Some(Limit { what, value });
        self
    }

    pub(crate) fn idle(mut self, percent: f64) -> Self {
        self.idle_percent = Some(percent);
        self
    }

    /// `None` where nothing is asked or what it is compared with is missing.
    pub(crate) fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::AtMost(most) => Some(self.value <= most),
            Goal::TimesLimit(times) => self.limit.map(|l| self.value <= times * l.value),
            Goal::PeerTimesMore(times) => self.peer.map(|p| p.value >= times * self.value),
            Goal::TimesPeer(times) => self.peer.map(|p| self.value >= times * p.value),
            Goal::None => None,
        }
    }

    fn target(&self) -> String {
        match self.goal {
            Goal::AtMost(most) => format!("≤ {}", number(most)),
            Goal::TimesLimit(times) => format!("≤ {}× limit", number(times)),
            Goal::PeerTimesMore(times) => format!("peer ≥ {}×", number(times)),
            Goal::TimesPeer(times) => format!("≥ {}× peer", number(times)),
            Goal::None => String::new(),
        }
    }

    fn cells(&self) -> [String; 9] {
        let peer =
            self.peer.map_or_else(String::new, |p| format!("{} {}", number(p.value), p.name));
        let ratio = self.peer.map_or_else(String::new, |p| {
            let (more, less) =
                if p.value > self.value { (p.value, self.value) } else { (self.value, p.value) };
            format!("{:.1}×", more / less)
        });
        let met = match (self.met(), self.goal) {
            (Some(true), _) => "yes",
            (Some(false), _) => "NO",
            (None, Goal::None) => "",
            (None, _) => "?",
        };
        [
            self.scenario.to_owned(),
            format!("{}, {}", self.figure, self.unit),
            number(self.value),
            peer,
            ratio,
            self.target(),
            met.to_owned(),
            self.limit.map_or_else(String::new, |l| format!("{} {}", number(l.value), l.what)),
            self.idle_percent.map_or_else(String::new, |p| format!("{p:.0} %")),
        ]
    }
}

const HEADS: [&str; 9] = [
    "scenario",
    "figure",
    "titian",
    "peer",
    "ratio",
    "target",
    "met",
    "limit of the machine",
    "idle",
];

/// A GitHub-flavoured table, aligned for a terminal too.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut lines: Vec<[String; 9]> = vec![HEADS.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let widths: [usize; 9] = std::array::from_fn(|column| {
        lines.iter().filter_map(|l| l.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    });
    let mut text: Vec<String> = lines
        .iter()
        .map(|line| {
            let cells = line.iter().zip(widths).map(|(cell, width)| format!("| {cell:<width$} "));
            cells.chain(["|".to_owned()]).collect()
        })
        .collect();
    let rule = widths.iter().map(|width| format!("|{}", "-".repeat(width + 2)));
    text.insert(1, rule.chain(["|".to_owned()]).collect());
    text.join("\n")
}

/// Three significant digits.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
