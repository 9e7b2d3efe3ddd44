-- The first shape. Landed migrations never change; a later one goes into a file of its own.
--
-- Tables join on small row numbers that grow with time, so that rows of one message lie together
-- and only five pages per message are picked at random (by the ids that the outside knows).
-- What changes is kept apart from what is large: a payload is written once and erased once.

CREATE TABLE rules (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    generation  INTEGER NOT NULL,
    digest      BLOB
) STRICT;
INSERT INTO rules (id, generation, digest) VALUES (1, 0, NULL);

CREATE TABLE exchanges (
    row             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    state           TEXT    NOT NULL,
    referrer        TEXT    NOT NULL,
    receiver        TEXT    NOT NULL,
    origin          TEXT    NOT NULL,
    onward          TEXT,               -- JSON array; null if empty
    withheld        TEXT,               -- JSON array; null if empty
    subject         TEXT    NOT NULL,
    reference_date  TEXT    NOT NULL,
    opened_at       INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    exchange     INTEGER NOT NULL REFERENCES exchanges (row),
    party        TEXT    NOT NULL,
    reference    TEXT    NOT NULL UNIQUE,
    subject_ref  TEXT,
    PRIMARY KEY (exchange, party)
) STRICT, WITHOUT ROWID;

-- a reference that was handed to a party stands in that exchange only
CREATE INDEX members_by_subject ON members (subject_ref, party);

CREATE TABLE last_projections (
    exchange      INTEGER NOT NULL REFERENCES exchanges (row),
    party         TEXT    NOT NULL,
    message_type  TEXT    NOT NULL,
    digest        BLOB    NOT NULL,
    PRIMARY KEY (exchange, party, message_type)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    row              INTEGER PRIMARY KEY,
    sender           TEXT    NOT NULL,   -- party
    message_id       TEXT    NOT NULL,
    unit             TEXT,
    message_type     TEXT    NOT NULL,
    purpose          TEXT    NOT NULL,
    digest           BLOB    NOT NULL,
    state            TEXT    NOT NULL,
    exchange         INTEGER NOT NULL REFERENCES exchanges (row),
    entry            INTEGER NOT NULL,
    admitted_at      INTEGER NOT NULL,
    retention_until  TEXT    NOT NULL,
    receipt          TEXT    NOT NULL,
    UNIQUE (sender, message_id)
) STRICT;
CREATE INDEX messages_by_exchange ON messages (exchange);

-- The object as received; the row is deleted when the payload is erased.
CREATE TABLE message_objects (
    message      INTEGER PRIMARY KEY REFERENCES messages (row),
    month        TEXT NOT NULL,
    wrapped_key  BLOB NOT NULL,
    ciphertext   BLOB NOT NULL
) STRICT;

CREATE TABLE recipients (
    message         INTEGER NOT NULL REFERENCES messages (row),
    position        INTEGER NOT NULL,
    recipient       TEXT    NOT NULL,    -- address
    state           TEXT    NOT NULL,
    pending         TEXT,                -- JSON array; null if empty
    code            TEXT,
    policy_id       TEXT,
    policy_version  INTEGER,
    policy_digest   BLOB,
    PRIMARY KEY (message, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE releases (
    row             INTEGER PRIMARY KEY,
    release_id      TEXT    NOT NULL UNIQUE,
    party           TEXT    NOT NULL,    -- of the recipient
    unit            TEXT,
    exchange        INTEGER NOT NULL REFERENCES exchanges (row),
    message         INTEGER NOT NULL REFERENCES messages (row),
    sender          TEXT    NOT NULL,    -- address
    message_id      TEXT    NOT NULL,
    message_type    TEXT    NOT NULL,
    digest          BLOB    NOT NULL,
    policy_id       TEXT    NOT NULL,
    policy_version  INTEGER NOT NULL,
    policy_digest   BLOB    NOT NULL,
    release_schema  BLOB    NOT NULL,
    origin_salt     TEXT    NOT NULL,
    supplements     TEXT,                -- release_id
    urgent          INTEGER NOT NULL,
    made_at         INTEGER NOT NULL,
    statement       TEXT    NOT NULL,
    month           TEXT,                -- with the next two the disclosure that holds the body;
    wrapped_key     BLOB,                -- null once it is erased
    ciphertext      BLOB
) STRICT;
CREATE INDEX releases_by_message ON releases (message);
CREATE INDEX releases_by_exchange ON releases (exchange, party);

-- What changes about a release, kept apart so that its large row is written once.
CREATE TABLE release_states (
    release  INTEGER PRIMARY KEY REFERENCES releases (row),
    state    TEXT    NOT NULL,
    made_at  INTEGER NOT NULL,
    entry    INTEGER                     -- of the first hand-out
) STRICT;
CREATE INDEX release_states_queued ON release_states (made_at) WHERE state = 'queued';

-- Not yet handed out in this view. Urgent ones (calm = 0) go first, then by age.
CREATE TABLE waiting (
    view     TEXT    NOT NULL,           -- address
    calm     INTEGER NOT NULL,
    release  INTEGER NOT NULL REFERENCES releases (row),
    PRIMARY KEY (view, calm, release)
) STRICT, WITHOUT ROWID;

CREATE TABLE handed_out (
    view          TEXT    NOT NULL,      -- address
    seq           INTEGER NOT NULL,
    release       INTEGER NOT NULL REFERENCES releases (row),
    acknowledged  INTEGER NOT NULL,
    PRIMARY KEY (view, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX handed_out_by_release ON handed_out (release, view);
CREATE INDEX handed_out_unacknowledged ON handed_out (view, seq) WHERE acknowledged = 0;

CREATE TABLE seqs (
    view  TEXT    PRIMARY KEY,
    next  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE acknowledgements (
    release   INTEGER PRIMARY KEY REFERENCES releases (row),
    received  INTEGER NOT NULL,
    jws       TEXT    NOT NULL,
    receipt   TEXT    NOT NULL,
    entry     INTEGER NOT NULL,
    at        INTEGER NOT NULL
) STRICT;

CREATE TABLE holds (
    row         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    message     INTEGER NOT NULL REFERENCES messages (row),
    sender      TEXT    NOT NULL,        -- address
    message_id  TEXT    NOT NULL,
    recipient   TEXT    NOT NULL,        -- address
    release     TEXT,                    -- release_id
    leaves      TEXT    NOT NULL,        -- JSON array
    findings    TEXT    NOT NULL,        -- JSON array
    opened_at   INTEGER NOT NULL,
    released    INTEGER,                 -- null while undecided
    officer     TEXT,
    reason      TEXT,
    decided_at  INTEGER
) STRICT;
CREATE INDEX holds_by_message ON holds (message);
CREATE INDEX holds_open ON holds (opened_at) WHERE released IS NULL;

CREATE TABLE policies (
    row     INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,
    text    TEXT NOT NULL
) STRICT;

CREATE TABLE release_schemas (
    row        INTEGER PRIMARY KEY,
    digest     BLOB NOT NULL,
    recipient  TEXT NOT NULL,            -- party
    text       TEXT NOT NULL,
    UNIQUE (digest, recipient)
) STRICT;

CREATE TABLE assertions (
    party       TEXT    NOT NULL,
    jti         TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (party, jti)
) STRICT, WITHOUT ROWID;
CREATE INDEX assertions_by_expiry ON assertions (expires_at);

CREATE TABLE refusals (
    row         INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    sender      TEXT    NOT NULL,        -- party
    message_id  TEXT,
    digest      BLOB    NOT NULL,
    code        TEXT    NOT NULL,
    jws         TEXT    NOT NULL,
    entry       INTEGER NOT NULL,
    at          INTEGER NOT NULL
) STRICT;

CREATE TABLE ledger_heads (
    ledger    TEXT    PRIMARY KEY,
    size      INTEGER NOT NULL,
    root      BLOB    NOT NULL,
    frontier  BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- `size` is the size that the entry's commit made durable: the one its first proof is for.
CREATE TABLE ledger_entries (
    row     INTEGER PRIMARY KEY,
    ledger  TEXT    NOT NULL,
    idx     INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    salt    BLOB    NOT NULL,
    event   BLOB    NOT NULL,
    UNIQUE (ledger, idx)
) STRICT;

-- Hashes of complete subtrees; level 0 holds the leaf hashes.
CREATE TABLE ledger_nodes (
    ledger  TEXT    NOT NULL,
    level   INTEGER NOT NULL,
    idx     INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    PRIMARY KEY (ledger, level, idx)
) STRICT, WITHOUT ROWID;
