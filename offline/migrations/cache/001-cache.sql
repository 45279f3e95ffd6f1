-- What the backend can send again. Later migrations only add.
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value INTEGER NOT NULL CHECK (value >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('schema', 1), ('min_reader', 1);

CREATE TABLE policy (
	version INTEGER PRIMARY KEY CHECK (version > 0),
	note    TEXT NOT NULL
) STRICT;
