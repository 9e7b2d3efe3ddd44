-- What the officers' console remembers for a while: sessions, and invitations not taken yet. The
-- key is a hash of what the browser holds, so that nobody signs in with what is read here.

CREATE TABLE tickets (
    key         TEXT    PRIMARY KEY,
    value       TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_by_expiry ON tickets (expires_at);
