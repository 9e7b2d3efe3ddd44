-- What waits for an officer is looked at urgent first, a page at a time. How soon a hold is to be
-- looked at is kept with it, as far as its officers may know; one from before stands in its turn.

ALTER TABLE holds ADD COLUMN urgency TEXT NOT NULL DEFAULT 'routine';
CREATE INDEX holds_waiting ON holds (sender, recipient, alike IS NOT NULL, urgency, opened_at)
    WHERE released IS NULL;

-- What waits undelivered is counted by edge, and a release's own row is wide.
ALTER TABLE release_states ADD COLUMN edge TEXT NOT NULL DEFAULT '';   -- sender > recipient
UPDATE release_states SET edge = (SELECT r.sender || '>' || r.party || coalesce('/' || r.unit, '')
    FROM releases r WHERE r.row = release_states.release);
DROP INDEX release_states_queued;
CREATE INDEX release_states_queued ON release_states (edge, made_at) WHERE state = 'queued';
