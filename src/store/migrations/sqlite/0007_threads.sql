-- Officers search the exchanges of their party: by what it sent and was handed, newest first. The
-- new indexes begin as the ones that they take the place of.

CREATE INDEX messages_by_thread ON messages (exchange, sender, message_type, admitted_at);
DROP INDEX messages_by_exchange;
CREATE INDEX releases_by_thread ON releases (exchange, party, message_type, made_at, sender);
DROP INDEX releases_by_exchange;
CREATE INDEX members_by_party ON members (party, exchange);
