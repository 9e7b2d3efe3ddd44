-- Which message a correction says anew. A correction is of a message that is none itself, so that
-- what is said of a message now is found by one look.

CREATE TABLE corrections (
    message  INTEGER PRIMARY KEY REFERENCES messages (row),
    target   INTEGER NOT NULL REFERENCES messages (row)
) STRICT;
CREATE INDEX corrections_by_target ON corrections (target);

-- Erasures: what was erased when, and by whom. What is left of the messages themselves is proof.

CREATE TABLE erasures (
    row                INTEGER PRIMARY KEY,
    id                 TEXT    NOT NULL UNIQUE,
    exchange           TEXT    NOT NULL REFERENCES exchanges (id),
    whole              INTEGER NOT NULL,     -- the exchange, and not only messages of it
    messages           INTEGER NOT NULL,     -- how many
    reason             TEXT    NOT NULL,
    party              TEXT    NOT NULL,     -- address: whose officer, or who asked
    officer            TEXT,                 -- null where a party's own message asked
    erase_by           TEXT    NOT NULL,
    include_backups    INTEGER NOT NULL,
    recoverable_until  TEXT    NOT NULL,
    at                 INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX erasures_whole ON erasures (exchange) WHERE whole = 1;

-- Who was told to erase, and what each answered last.
CREATE TABLE erasure_notices (
    erasure       INTEGER NOT NULL REFERENCES erasures (row),
    notice        INTEGER NOT NULL REFERENCES messages (row),
    party         TEXT    NOT NULL,
    result        TEXT,                      -- null while unanswered
    legal_basis   TEXT,
    erased_on     TEXT,
    confirmed_at  INTEGER,
    PRIMARY KEY (notice, party)
) STRICT, WITHOUT ROWID;
CREATE INDEX erasure_notices_by_erasure ON erasure_notices (erasure);
