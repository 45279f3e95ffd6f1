-- The ledger as the first release writes it. Later migrations only add.
-- Times are milliseconds since 1970, UTC. Amounts are whole yen.

-- schema: number of the last migration. min_reader: the lowest schema number
-- that a release must know to open this file. commits: grows by one with each
-- transaction, so that a commit whose outcome is in doubt can be looked up.
-- clean: 1 after an orderly end. policy: the highest version ever in force.
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value INTEGER NOT NULL CHECK (value >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('schema', 1), ('min_reader', 1), ('commits', 0), ('clean', 1), ('policy', 0);

-- The known states and kinds are rows, not CHECKs: a later migration can add a
-- row, but can change no CHECK.
CREATE TABLE payment_state (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO payment_state (name) VALUES
	('refused'), ('sent'), ('approved'), ('declined'), ('unknown'), ('reversing'), ('reversed'),
	('approved-offline'), ('advised'), ('settled'), ('rejected');

CREATE TABLE sale_state (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO sale_state (name) VALUES ('open'), ('ready'), ('paying'), ('paid');

CREATE TABLE outbox_kind (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO outbox_kind (name) VALUES ('reversal'), ('void'), ('advice');

-- body is the whole payment; the columns beside it are what is asked for.
CREATE TABLE payment (
	row        INTEGER PRIMARY KEY, -- in the order in which they were first stored
	id         TEXT NOT NULL UNIQUE CHECK (id <> ''),
	number     INTEGER NOT NULL CHECK (number >= 0),
	state      TEXT NOT NULL REFERENCES payment_state (name),
	sale       TEXT NOT NULL,
	account    TEXT NOT NULL,
	amount     INTEGER NOT NULL CHECK (amount >= 0),
	offline    INTEGER NOT NULL CHECK (offline IN (0, 1)),
	approved   INTEGER NOT NULL CHECK (approved IN (0, 1)),
	voided     INTEGER NOT NULL CHECK (voided IN (0, 1)),
	bars       INTEGER NOT NULL CHECK (bars IN (0, 1)), -- a decline of the account itself
	unresolved INTEGER NOT NULL CHECK (unresolved IN (0, 1)),
	created    INTEGER NOT NULL CHECK (created >= 0),
	decided    INTEGER NOT NULL CHECK (decided >= 0),
	body       TEXT NOT NULL CHECK (json_valid(body))
) STRICT;
CREATE INDEX payment_account ON payment (account, created);
CREATE INDEX payment_sale ON payment (sale);
CREATE INDEX payment_created ON payment (created);
CREATE INDEX payment_unresolved ON payment (row) WHERE unresolved = 1;

-- Totals of one incarnation's part of a store cap in one window.
CREATE TABLE counter (
	cap            TEXT NOT NULL,
	day            TEXT NOT NULL,
	incarnation    TEXT NOT NULL,
	granted_yen    INTEGER NOT NULL CHECK (granted_yen >= 0),
	granted_units  INTEGER NOT NULL CHECK (granted_units >= 0),
	used_yen       INTEGER NOT NULL CHECK (used_yen >= 0),
	used_units     INTEGER NOT NULL CHECK (used_units >= 0),
	released_yen   INTEGER NOT NULL CHECK (released_yen >= 0 AND released_yen <= used_yen),
	released_units INTEGER NOT NULL CHECK (released_units >= 0 AND released_units <= used_units),
	returned_yen   INTEGER NOT NULL CHECK (returned_yen >= 0),
	returned_units INTEGER NOT NULL CHECK (returned_units >= 0),
	sent_yen       INTEGER NOT NULL CHECK (sent_yen >= 0),
	sent_units     INTEGER NOT NULL CHECK (sent_units >= 0),
	got_yen        INTEGER NOT NULL CHECK (got_yen >= 0),
	got_units      INTEGER NOT NULL CHECK (got_units >= 0),
	PRIMARY KEY (cap, day, incarnation),
	CHECK (granted_yen + got_yen - sent_yen - returned_yen - used_yen + released_yen >= 0),
	CHECK (granted_units + got_units - sent_units - returned_units - used_units + released_units >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX counter_incarnation ON counter (incarnation, day);
CREATE TRIGGER counter_never_shrinks BEFORE UPDATE ON counter
WHEN NEW.granted_yen < OLD.granted_yen OR NEW.granted_units < OLD.granted_units
	OR NEW.used_yen < OLD.used_yen OR NEW.used_units < OLD.used_units
	OR NEW.released_yen < OLD.released_yen OR NEW.released_units < OLD.released_units
	OR NEW.returned_yen < OLD.returned_yen OR NEW.returned_units < OLD.returned_units
	OR NEW.sent_yen < OLD.sent_yen OR NEW.sent_units < OLD.sent_units
	OR NEW.got_yen < OLD.got_yen OR NEW.got_units < OLD.got_units
BEGIN
	SELECT RAISE(ABORT, 'a counter never shrinks');
END;

CREATE TABLE seen (
	key     TEXT PRIMARY KEY CHECK (key <> ''),
	payment TEXT NOT NULL REFERENCES payment (id),
	keep    INTEGER NOT NULL CHECK (keep >= 0) -- may be forgotten after this
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_keep ON seen (keep);

-- AUTOINCREMENT: the id of an item that was acknowledged is never used again.
CREATE TABLE outbox (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	kind    TEXT NOT NULL REFERENCES outbox_kind (name),
	payment TEXT NOT NULL REFERENCES payment (id),
	body    BLOB NOT NULL,
	parked  INTEGER NOT NULL DEFAULT 0 CHECK (parked IN (0, 1))
) STRICT;
CREATE INDEX outbox_payment ON outbox (payment);

-- At most one row: the register's sale.
CREATE TABLE sale (
	only    INTEGER PRIMARY KEY CHECK (only = 1),
	ref     TEXT NOT NULL CHECK (ref <> ''),
	state   TEXT NOT NULL REFERENCES sale_state (name),
	payment TEXT NOT NULL,
	body    TEXT NOT NULL CHECK (json_valid(body))
) STRICT;

CREATE TABLE journal (
	seq     INTEGER PRIMARY KEY CHECK (seq >= 0),
	leaf    BLOB NOT NULL,
	private BLOB,
	salt    BLOB CHECK (salt IS NULL OR length(salt) = 32),
	CHECK (private IS NULL OR salt IS NOT NULL)
) STRICT;
CREATE TRIGGER journal_never_changes BEFORE UPDATE OF seq, leaf ON journal
BEGIN
	SELECT RAISE(ABORT, 'a journal entry never changes');
END;

-- The Merkle tree's hashes, idx as golang.org/x/mod/sumdb/tlog counts them.
CREATE TABLE hash (
	idx  INTEGER PRIMARY KEY CHECK (idx >= 0),
	hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER hash_never_changes BEFORE UPDATE ON hash
BEGIN
	SELECT RAISE(ABORT, 'a stored hash never changes');
END;
CREATE TRIGGER hash_never_goes BEFORE DELETE ON hash
BEGIN
	SELECT RAISE(ABORT, 'a stored hash is never deleted');
END;
