-- What the backend last told of an account.
CREATE TABLE account_limit (
	account TEXT PRIMARY KEY CHECK (account <> ''),
	yen     INTEGER NOT NULL CHECK (yen >= 0),
	count   INTEGER NOT NULL CHECK (count >= 0),
	told    INTEGER NOT NULL CHECK (told >= 0)
) STRICT, WITHOUT ROWID;

-- Denied accounts: a set and the changes to it, in the order in which they came.
-- denials: the version that they lead to; 0 for none.
INSERT INTO meta (key, value) VALUES ('denials', 0);
CREATE TABLE denials (
	row     INTEGER PRIMARY KEY,
	version INTEGER NOT NULL CHECK (version > 0),
	body    BLOB NOT NULL
) STRICT;
