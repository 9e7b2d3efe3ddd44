-- Information requests, each with its own thread. What it is about is a case that asker and asked
-- both know; where that is null it is a topic, or nothing that both know.

CREATE TABLE requests (
    row          INTEGER PRIMARY KEY,
    exchange     TEXT    NOT NULL UNIQUE REFERENCES exchanges (id),
    about        TEXT             REFERENCES exchanges (id),
    topic        INTEGER NOT NULL,
    asker        TEXT    NOT NULL,      -- address
    asked        TEXT    NOT NULL,      -- address
    message_id   TEXT    NOT NULL,      -- of the asker's message
    purpose      TEXT    NOT NULL,
    respond_by   TEXT    NOT NULL,
    answer_at    INTEGER,               -- abroad: when its one answer leaves
    opened_at    INTEGER NOT NULL,
    outcome      TEXT,                  -- null while nobody has decided
    answer       TEXT,                  -- message_id of the message that decided, if one has
    officer      TEXT,                  -- else who has
    reason       TEXT,
    decided_at   INTEGER,
    closed       INTEGER NOT NULL       -- whether its answer is made for good
) STRICT;
CREATE INDEX requests_open ON requests (answer_at) WHERE closed = 0;
CREATE INDEX requests_by_answer ON requests (answer) WHERE answer IS NOT NULL;

-- Releases that wait for a moment of their own and stand in no view before.
CREATE TABLE not_before (
    release  INTEGER PRIMARY KEY REFERENCES releases (row)
) STRICT;
