//! Bars made on the server: one row of days for each edge, all to one scale.
//!
//! An SVG of presentation attributes and classes, so that no style stands in the page.

use std::collections::BTreeMap;

use time::{Date, Duration};

use crate::domain::Address;
use crate::exchange::overview::Flow;

/// Width of a day, of its bar, and height of the highest bar, in units of the drawing.
const DAY: u64 = 20;
const BAR: u64 = 14;
const HEIGHT: u64 = 48;
/// How many edges are drawn; all of them stand in the table.
const DRAWN_MAX: usize = 12;

/// One bar.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

/// One edge.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) sender: Address,
    pub(super) recipient: Address,
    pub(super) total: u64,
    /// One for each day.
    pub(super) counts: Vec<u64>,
    pub(super) bars: Vec<Bar>,
}

/// All edges over the same days.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) days: Vec<Date>,
    pub(super) series: Vec<Series>,
    /// The highest count of a day.
    pub(super) most: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

impl Chart {
    /// From `since` to `until`, both counted.
    pub(super) fn new(flows: &[Flow], since: Date, until: Date) -> Self {
        let mut days = Vec::new();
        let mut day = since;
        while day <= until {
            days.push(day);
            let next = day.saturating_add(Duration::DAY);
            if next == day {
                break;
            }
            day = next;
        }
        let mut edges: BTreeMap<(&Address, &Address), Vec<u64>> = BTreeMap::new();
        for flow in flows {
            let edge = (&flow.sender, &flow.recipient);
            let counts = edges.entry(edge).or_insert_with(|| vec![0; days.len()]);
            let at = usize::try_from((flow.day - since).whole_days()).ok();
            if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
                *count += flow.count;
            }
        }
        let most = edges.values().flatten().copied().max().unwrap_or(0);
        let series = edges.into_iter().map(|((sender, recipient), counts)| Series {
            sender: sender.clone(),
            recipient: recipient.clone(),
            total: counts.iter().sum(),
            bars: bars(&counts, most),
            counts,
        });
        let series = series.collect();
        let width = u64::try_from(days.len()).unwrap_or(0) * DAY;
        Self { days, series, most, width, height: HEIGHT }
    }

    /// The edges that are drawn.
    pub(super) fn drawn(&self) -> impl Iterator<Item = &Series> {
        self.series.iter().take(DRAWN_MAX)
    }

    /// The days on which anything went, the newest first, with the count of each edge.
    pub(super) fn rows(&self) -> Vec<(Date, Vec<u64>)> {
        let row = |(at, day): (usize, &Date)| {
            let counts = self.series.iter().map(|one| one.counts.get(at).copied().unwrap_or(0));
            (*day, counts.collect::<Vec<_>>())
        };
        let rows = self.days.iter().enumerate().rev().map(row);
        rows.filter(|(_, counts)| counts.iter().any(|count| *count > 0)).collect()
    }
}

fn bars(counts: &[u64], most: u64) -> Vec<Bar> {
    let bar = |(at, count): (u64, &u64)| {
        // what is there is seen
        let height = (*count).saturating_mul(HEIGHT).checked_div(most)?.max(2);
        let (x, y) = (at * DAY + (DAY - BAR) / 2, HEIGHT.saturating_sub(height));
        (*count > 0).then_some(Bar { x, y, width: BAR, height })
    };
    (0u64..).zip(counts).filter_map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn every_count_has_a_bar_to_one_scale() {
        let flow = |sender: &str, day, count| Flow {
            sender: sender.parse().unwrap(),
            recipient: "kemensos".parse().unwrap(),
            day,
            count,
        };
        let flows = [
            flow("bnpt", date!(2026 - 11 - 01), 96),
            flow("bnpt", date!(2026 - 11 - 30), 48),
            flow("cuta-be", date!(2026 - 11 - 30), 1),
            flow("cuta-be", date!(2026 - 12 - 01), 500),
        ];
        let chart = Chart::new(&flows, date!(2026 - 11 - 01), date!(2026 - 11 - 30));
        assert_eq!((chart.days.len(), chart.most, chart.series.len()), (30, 96, 2));
        let heights: Vec<u64> = chart.series[0].bars.iter().map(|bar| bar.height).collect();
        assert_eq!((heights, chart.series[0].total), (vec![48, 24], 144));
        assert_eq!(chart.series[1].bars, [Bar { x: 583, y: 46, width: 14, height: 2 }]);
        assert_eq!(chart.rows().len(), 2);
        let empty = Chart::new(&[], date!(2026 - 11 - 01), date!(2026 - 11 - 30));
        assert!(empty.series.is_empty() && empty.rows().is_empty());
    }
}
