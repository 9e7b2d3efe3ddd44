-- A reference is looked up only among those that were handed to a party: its own ones need no
-- index, and every entry saved is a page per message that is not picked at random.

ALTER TABLE members ADD COLUMN handed INTEGER NOT NULL DEFAULT 1;
UPDATE members SET handed = 0 WHERE EXISTS (
    SELECT 1 FROM exchanges e WHERE e.row = members.exchange
        AND substr(e.referrer || '/', 1, length(members.party) + 1) = members.party || '/');
DROP INDEX members_by_subject;
CREATE INDEX members_by_handed ON members (subject_ref, party) WHERE handed = 1;

-- What one party was ever handed, by time: asked for on the day of a breach.
CREATE INDEX releases_by_party ON releases (party, made_at);

-- Months under whose keys anything was ever sealed: whether a key is missing is asked at start.
CREATE TABLE months (month TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO months SELECT month FROM message_objects
    UNION SELECT month FROM releases WHERE month IS NOT NULL;

-- Written anew after a commit that failed: there is room again only if the largest message fits.
CREATE TABLE room (id INTEGER PRIMARY KEY CHECK (id = 1), bytes BLOB NOT NULL) STRICT;
