-- Which message a correction says anew. A correction is of a message that is none itself, so that
-- what is said of a message now is found by one look.

CREATE TABLE corrections (
    message  INTEGER PRIMARY KEY REFERENCES messages (row),
    target   INTEGER NOT NULL REFERENCES messages (row)
) STRICT;
CREATE INDEX corrections_by_target ON corrections (target);
