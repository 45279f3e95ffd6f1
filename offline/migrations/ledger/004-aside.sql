-- What can never be told has a way out, and what was refused afterwards is found
-- at once.

-- Items of the outbox that were set aside by hand, for head office. With the first
-- one min_reader becomes 4: until then the release before can read this file. The
-- payment of an item may be gone.
CREATE TABLE aside (
	id      INTEGER PRIMARY KEY,
	kind    TEXT NOT NULL,
	payment TEXT NOT NULL,
	body    BLOB NOT NULL
) STRICT;
CREATE TRIGGER aside_never_changes BEFORE UPDATE ON aside
BEGIN
	SELECT RAISE(ABORT, 'what was set aside never changes');
END;
CREATE TRIGGER aside_never_goes BEFORE DELETE ON aside
BEGIN
	SELECT RAISE(ABORT, 'what was set aside is never deleted');
END;

CREATE INDEX payment_rejected ON payment (decided) WHERE state = 'rejected';
