-- What a foreign party knows of each case, and by which combination the case is then known. The
-- profile holds nothing but values that were released to that party.

CREATE TABLE known (
    exchange  INTEGER NOT NULL REFERENCES exchanges (row),
    party     TEXT    NOT NULL,
    profile   TEXT    NOT NULL,          -- JSON
    key       BLOB    NOT NULL,
    releases  INTEGER NOT NULL,
    PRIMARY KEY (exchange, party)
) STRICT, WITHOUT ROWID;

-- A group is counted.
CREATE INDEX known_by_key ON known (party, key);

-- Cases that were erased, as numbers.
CREATE TABLE folded (
    party  TEXT    NOT NULL,
    key    BLOB    NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (party, key)
) STRICT, WITHOUT ROWID;

-- Where a message is held because too few share the combination: how many do, how many have to.
ALTER TABLE holds ADD COLUMN alike INTEGER;
ALTER TABLE holds ADD COLUMN needed INTEGER;
