-- What suspends sharing in an exchange until an officer has decided. A review stands while it is
-- open and for good once it was decided to keep; one that was resumed, or that a later one of its
-- kind and party took the place of, stands no more. The tables are small and looked up by the
-- exchange's own id, so that a hand-out that nothing suspends reads one page of one index.

CREATE TABLE reviews (
    row         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    exchange    TEXT    NOT NULL REFERENCES exchanges (id),
    kind        TEXT    NOT NULL,
    party       TEXT,                    -- null: every party that its kind concerns
    opened_at   INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    stands      INTEGER NOT NULL,
    resumed     INTEGER,                 -- null while undecided
    officer     TEXT,
    reason      TEXT,
    decided_at  INTEGER
) STRICT;
CREATE INDEX reviews_by_exchange ON reviews (exchange);
CREATE UNIQUE INDEX reviews_standing ON reviews (exchange, kind, coalesce(party, ''))
    WHERE stands = 1;
CREATE INDEX reviews_open ON reviews (opened_at) WHERE resumed IS NULL;

-- From which exchange a case was passed on.
CREATE TABLE passed_on (
    exchange  TEXT PRIMARY KEY REFERENCES exchanges (id),
    parent    TEXT NOT NULL REFERENCES exchanges (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX passed_on_by_parent ON passed_on (parent);

-- An exchange from before: of the same subject as an earlier one that its referrer knows.
INSERT INTO passed_on (exchange, parent)
    SELECT child, parent FROM (
        SELECT c.id AS child, p.id AS parent, max(p.row)
        FROM exchanges c
        JOIN exchanges p ON p.subject = c.subject AND p.row < c.row
        JOIN members m ON m.exchange = p.row
            AND substr(c.referrer || '/', 1, length(m.party) + 1) = m.party || '/'
        GROUP BY c.row);

-- Whom not to inform, from before: one open review each. The look at `e.row` makes the id anew
-- for every row.
INSERT INTO reviews (id, exchange, kind, party, opened_at, due_at, stands)
    SELECT (WITH RECURSIVE place (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM place WHERE n < 26)
            SELECT group_concat(substr('abcdefghijklmnopqrstuvwxyz234567',
                1 + (random() & 31), 1), '')
            FROM place WHERE e.row + w.key IS NOT NULL),
        e.id, 'withheld', w.value, unixepoch(), unixepoch() + 14 * 86400, 1
    FROM exchanges e, json_each(e.withheld) w
    WHERE e.withheld IS NOT NULL
    GROUP BY e.row, w.value;
