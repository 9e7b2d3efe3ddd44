-- What is governed: parties, agreements, officers, policies and exceptions, version by version, and
-- every step of a version's life. Which version is in force follows from `effective_at` and the
-- clock; nothing here is ever deleted.

CREATE TABLE versions (
    row           INTEGER PRIMARY KEY,
    kind          TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    text          TEXT    NOT NULL,      -- TOML as written, comments and all
    digest        BLOB    NOT NULL,      -- of its canonical form: what officers sign
    state         TEXT    NOT NULL,
    effective_at  INTEGER,               -- unix seconds, once approved
    UNIQUE (kind, id, version)
) STRICT;

CREATE TABLE version_steps (
    version  INTEGER NOT NULL REFERENCES versions (row),
    step     INTEGER NOT NULL,           -- from 1
    act      TEXT    NOT NULL,
    officer  TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    needs    TEXT,                       -- how many officers it was found to take, where signed
    jws      TEXT,                       -- the officer's own word, where the act is one
    entry    INTEGER NOT NULL,           -- in the governance ledger
    at       INTEGER NOT NULL,
    PRIMARY KEY (version, step)
) STRICT, WITHOUT ROWID;
