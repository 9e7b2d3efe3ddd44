//! A covering array: few rows in which every pair of values of two factors stands at least once.
//!
//! Greedy, row by row, as in Cohen, Dalal, Fredman and Patton, "The AETG System" (1997): begin with
//! a pair that is not covered, then choose for each other factor the value that covers most.

use std::collections::BTreeSet;

type Pair = ((usize, usize), (usize, usize));

/// Rows of one value per factor; `sizes` says how many values each factor has, `strong` which
/// pairs of factors count.
pub(crate) fn array(sizes: &[usize], strong: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut open: BTreeSet<Pair> = strong
        .iter()
        .flat_map(|(a, b)| {
            (0..sizes[*a]).flat_map(move |x| (0..sizes[*b]).map(move |y| ((*a, x), (*b, y))))
        })
        .collect();
    let mut rows = Vec::new();
    while let Some(((a, x), (b, y))) = open.first().copied() {
        let mut row: Vec<Option<usize>> = vec![None; sizes.len()];
        row[a] = Some(x);
        row[b] = Some(y);
        for factor in 0..sizes.len() {
            if row[factor].is_none() {
                row[factor] = Some(best(&open, &row, factor, (sizes[factor], rows.len())));
            }
        }
        let row: Vec<usize> = row.into_iter().flatten().collect();
        open.retain(|(one, other)| row[one.0] != one.1 || row[other.0] != other.1);
        rows.push(row);
    }
    rows
}

/// The value that covers most together with what is chosen; equal ones take turns.
fn best(
    open: &BTreeSet<Pair>,
    row: &[Option<usize>],
    factor: usize,
    (size, turn): (usize, usize),
) -> usize {
    let covers = |value: usize| {
        let chosen = row.iter().enumerate().filter_map(|(at, value)| value.map(|it| (at, it)));
        chosen
            .filter(|other| {
                let (one, two) = ((factor, value), *other);
                open.contains(&(one.min(two), one.max(two)))
            })
            .count()
    };
    (0..size).map(|step| (turn + step) % size).max_by_key(|value| covers(*value)).unwrap_or(0)
}

#[test]
fn every_pair_stands_in_some_row() {
    let (sizes, strong) = ([7, 5, 4, 3], [(0, 1), (0, 2), (1, 2), (1, 3)]);
    let rows = array(&sizes, &strong);
    for (a, b) in strong {
        for x in 0..sizes[a] {
            for y in 0..sizes[b] {
                assert!(rows.iter().any(|row| row[a] == x && row[b] == y), "{a}={x} {b}={y}");
            }
        }
    }
    assert!(rows.len() < 60, "{}", rows.len());
}
