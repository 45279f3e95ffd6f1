-- Caps over time, what one boot sold offline, refunds, roles, freeze, the clock's
-- mark and quarantine.

-- A release that knows only schema 1 would sell in spite of a freeze or a
-- quarantine, and lose a payment's refunds when it writes it again: it must keep
-- away.
UPDATE meta SET value = 2 WHERE key = 'min_reader';

-- mark: the highest authenticated time.
INSERT INTO meta (key, value) VALUES ('mark', 0);

INSERT INTO outbox_kind (name) VALUES ('refund');

ALTER TABLE payment ADD COLUMN incarnation TEXT NOT NULL DEFAULT '';
UPDATE payment SET incarnation = coalesce(body ->> 'incarnation', '');
CREATE INDEX payment_boot ON payment (incarnation) WHERE offline = 1;

-- Whether an account is barred must not cost a look at all that it ever bought.
CREATE INDEX payment_bars ON payment (account, decided) WHERE bars = 1;

-- What a payment takes of each cap that sums payments, written together with
-- the payment. counting: whether it still counts. Each index holds all that one
-- sum needs, so that a sum reads the rows of its window and no others.
CREATE TABLE tally (
	payment  TEXT NOT NULL REFERENCES payment (id),
	cap      TEXT NOT NULL,
	account  TEXT NOT NULL,
	created  INTEGER NOT NULL CHECK (created >= 0),
	yen      INTEGER NOT NULL CHECK (yen >= 0),
	units    INTEGER NOT NULL CHECK (units >= 0),
	counting INTEGER NOT NULL CHECK (counting IN (0, 1)),
	PRIMARY KEY (payment, cap)
) STRICT, WITHOUT ROWID;
CREATE INDEX tally_register ON tally (cap, created, yen, units) WHERE counting = 1;
CREATE INDEX tally_account ON tally (cap, account, created, yen, units) WHERE counting = 1;

-- Signed notes other than the policy: 'roles', 'freeze'.
CREATE TABLE note (
	kind    TEXT PRIMARY KEY,
	version INTEGER NOT NULL CHECK (version > 0),
	text    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER note_never_goes_back BEFORE UPDATE ON note WHEN NEW.version < OLD.version
BEGIN
	SELECT RAISE(ABORT, 'a note never goes back a version');
END;
CREATE TRIGGER note_never_goes BEFORE DELETE ON note
BEGIN
	SELECT RAISE(ABORT, 'a note never goes');
END;

-- At most one row: why this register's rights are in doubt.
CREATE TABLE quarantine (
	only   INTEGER PRIMARY KEY CHECK (only = 1),
	reason TEXT NOT NULL CHECK (reason <> '')
) STRICT;

-- The entries of one case. A leaf that is no JSON has no payment.
CREATE INDEX journal_payment ON journal (CASE WHEN json_valid(CAST(leaf AS TEXT)) THEN CAST(leaf AS TEXT) ->> 'payment' END);
