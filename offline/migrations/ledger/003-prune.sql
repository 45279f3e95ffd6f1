-- Entries whose retention is over go; their hashes stay, and with them every
-- proof of the others.

-- pruned: the index of the first entry that is still here. With the first that
-- goes min_reader becomes 3: until then the release before can read this file.
INSERT INTO meta (key, value) VALUES ('pruned', 0);
CREATE TRIGGER pruned_never_goes_back BEFORE UPDATE ON meta WHEN NEW.key = 'pruned' AND NEW.value < OLD.value
BEGIN
	SELECT RAISE(ABORT, 'what was pruned does not come back');
END;
CREATE TRIGGER journal_keeps_the_rest BEFORE DELETE ON journal WHEN OLD.seq >= (SELECT value FROM meta WHERE key = 'pruned')
BEGIN
	SELECT RAISE(ABORT, 'a journal entry that is not pruned never goes');
END;

-- How long the journal was at a time that the backend had told, about once a
-- day: an entry's own time is the wall clock's where the backend was not heard.
CREATE TABLE age (
	at   INTEGER PRIMARY KEY CHECK (at >= 0),
	size INTEGER NOT NULL CHECK (size >= 0)
) STRICT;
