//! What waits for an officer: counted over narrow indexes, read by the page.

use rusqlite::{Connection, named_params};
use serde_json::{Value, json};

use super::super::StoreError;
use super::super::desk::{DeskCount, DeskPage, DeskRow, HoldsOf, ReviewsOf, Undecided};
use super::columns::{Columns, address};
use super::read::{self, many};
use super::reviews;
use crate::domain::PartyId;

const HOLDS: &str = "SELECT min(row), sender, recipient, alike IS NOT NULL AS is_group, count(*),
        min(opened_at)
    FROM holds WHERE released IS NULL GROUP BY sender, recipient, is_group";
const REVIEWS: &str = "SELECT min(r.row), e.referrer, e.receiver, r.party, count(*),
        min(r.opened_at), count(*) FILTER (WHERE r.due_at < :now)
    FROM reviews r CROSS JOIN exchanges e ON e.id = r.exchange
    WHERE r.resumed IS NULL GROUP BY e.referrer, e.receiver, r.party";
/// By the narrow indexes alone: what is on the page is looked up by its row.
const PAGE: &str = "SELECT row, is_hold FROM (
        SELECT h.row AS row, 1 AS is_hold, h.urgency AS urgency, h.opened_at AS since
        FROM json_each(:holds) of CROSS JOIN holds h ON h.sender = of.value ->> 0
            AND h.recipient = of.value ->> 1 AND (h.alike IS NOT NULL) = (of.value ->> 2)
        WHERE h.released IS NULL
        UNION ALL
        SELECT r.row, 0, CASE WHEN r.due_at < :now THEN 'overdue' ELSE 'routine' END, r.opened_at
        FROM reviews r CROSS JOIN exchanges e ON e.id = r.exchange
        WHERE r.resumed IS NULL AND EXISTS (SELECT 1 FROM json_each(:reviews) of
            WHERE e.referrer = of.value ->> 0 AND e.receiver = of.value ->> 1
                AND r.party IS of.value ->> 2))
    ORDER BY CASE urgency WHEN 'immediate' THEN 0 WHEN 'overdue' THEN 1 WHEN 'urgent' THEN 2
        ELSE 3 END, since, is_hold, row
    LIMIT :limit OFFSET :from";

pub(super) fn undecided(db: &Connection, now: i64) -> Result<Undecided, StoreError> {
    let holds = many(db, HOLDS, [], |row| {
        let columns = Columns::of("holds", row);
        let of = HoldsOf {
            sender: columns.word("sender")?,
            recipient: columns.word("recipient")?,
            is_group: columns.raw("is_group")?,
        };
        let count = columns.count("count")?;
        let oldest_at = columns.raw("oldest")?;
        Ok((of, DeskCount { count, oldest_at, overdue: 0 }))
    })?;
    let reviews = many(db, REVIEWS, named_params! { ":now": now }, |row| {
        let columns = Columns::of("reviews", row);
        let of = ReviewsOf {
            referrer: columns.word("referrer")?,
            receiver: columns.word("receiver")?,
            party: columns.word_or_null("party")?,
        };
        let count = columns.count("count")?;
        let oldest_at = columns.raw("oldest")?;
        let overdue = columns.count("overdue")?;
        Ok((of, DeskCount { count, oldest_at, overdue }))
    })?;
    Ok(Undecided { holds, reviews })
}

pub(super) fn page(db: &Connection, page: &DeskPage) -> Result<Vec<DeskRow>, StoreError> {
    let hold =
        |of: &HoldsOf| json!([address(&of.sender), address(&of.recipient), i32::from(of.is_group)]);
    let review = |of: &ReviewsOf| {
        json!([
            address(&of.referrer),
            address(&of.receiver),
            of.party.as_ref().map(PartyId::as_str)
        ])
    };
    let holds: Value = page.holds.iter().map(hold).collect();
    let reviews: Value = page.reviews.iter().map(review).collect();
    let key = named_params! {
        ":holds": holds.to_string(),
        ":reviews": reviews.to_string(),
        ":now": page.now,
        ":from": i64::try_from(page.from).unwrap_or(i64::MAX),
        ":limit": page.limit,
    };
    let places: Vec<(i64, bool)> = many(db, PAGE, key, |row| {
        let columns = Columns::from("desk", row, 0);
        Ok((columns.raw("row")?, columns.raw("is_hold")?))
    })?;
    let mut rows = Vec::with_capacity(places.len());
    for (row, is_hold) in places {
        if is_hold {
            rows.extend(read::hold_at(db, row)?.map(DeskRow::Hold));
        } else {
            rows.extend(reviews::review_at(db, row)?.map(DeskRow::Review));
        }
    }
    Ok(rows)
}
