-- The backend's ledger. Times are milliseconds since 1970 UTC, amounts whole
-- yen and units. Everything is decided inside one transaction.

CREATE TABLE IF NOT EXISTS secret (
  id  INTEGER PRIMARY KEY CHECK (id = 1),
  key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;

CREATE TABLE IF NOT EXISTS account (
  key        TEXT PRIMARY KEY,           -- terminal.NewAccountKey
  issuer     TEXT NOT NULL,
  masked     TEXT NOT NULL,
  balance    INTEGER NOT NULL,           -- below zero only by an honoured advice
  stopped_at INTEGER NOT NULL DEFAULT 0  -- 0: in use
) STRICT;

CREATE TABLE IF NOT EXISTS wallet_code (
  hash    TEXT PRIMARY KEY,              -- keyed hash of the digits
  account TEXT NOT NULL REFERENCES account (key),
  made    INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS code_used (
  hash    TEXT PRIMARY KEY,              -- keyed hash of a pass's identity or of digits
  payment TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS register (
  id          TEXT PRIMARY KEY,
  store       TEXT NOT NULL,
  session     INTEGER NOT NULL,
  incarnation TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS incarnation (
  register TEXT NOT NULL REFERENCES register (id),
  id       TEXT NOT NULL,
  retired  INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)),
  size     INTEGER NOT NULL DEFAULT 0,   -- of the journal, the largest told
  PRIMARY KEY (register, id)
) STRICT;

CREATE TABLE IF NOT EXISTS journal_head (
  register    TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  size        INTEGER NOT NULL,
  root        TEXT NOT NULL,
  PRIMARY KEY (register, incarnation, size)
) STRICT;

CREATE TABLE IF NOT EXISTS cap_row (
  store          TEXT NOT NULL,
  cap            TEXT NOT NULL,
  window         TEXT NOT NULL,
  limit_yen      INTEGER NOT NULL,       -- 9223372036854775807: not limited
  limit_units    INTEGER NOT NULL,
  highest_yen    INTEGER NOT NULL,       -- the highest limit it had in this window
  highest_units  INTEGER NOT NULL,
  granted_yen    INTEGER NOT NULL DEFAULT 0,
  granted_units  INTEGER NOT NULL DEFAULT 0,
  returned_yen   INTEGER NOT NULL DEFAULT 0,
  returned_units INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (store, cap, window),
  CHECK (granted_yen - returned_yen BETWEEN 0 AND highest_yen),
  CHECK (granted_units - returned_units BETWEEN 0 AND highest_units)
) STRICT;

CREATE TABLE IF NOT EXISTS allotment (
  register       TEXT NOT NULL,
  incarnation    TEXT NOT NULL,
  store          TEXT NOT NULL,
  cap            TEXT NOT NULL,
  window         TEXT NOT NULL,
  granted_yen    INTEGER NOT NULL DEFAULT 0,
  granted_units  INTEGER NOT NULL DEFAULT 0,
  used_yen       INTEGER NOT NULL DEFAULT 0,  -- from here on as the register told
  used_units     INTEGER NOT NULL DEFAULT 0,
  released_yen   INTEGER NOT NULL DEFAULT 0,
  released_units INTEGER NOT NULL DEFAULT 0,
  returned_yen   INTEGER NOT NULL DEFAULT 0,
  returned_units INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (register, incarnation, cap, window)
) STRICT;

CREATE TABLE IF NOT EXISTS payment (
  id          TEXT PRIMARY KEY,
  register    TEXT NOT NULL,
  store       TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN
    ('approved', 'declined', 'reversed', 'advised-accepted', 'advised-rejected', 'voided')),
  offline     INTEGER NOT NULL CHECK (offline IN (0, 1)),  -- it came as an advice
  amount      INTEGER NOT NULL CHECK (amount > 0),
  refunded    INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
  reason      TEXT NOT NULL DEFAULT '',
  bearer      TEXT NOT NULL DEFAULT '',
  approval    TEXT NOT NULL DEFAULT '',
  issuer      TEXT NOT NULL DEFAULT '',
  account     TEXT NOT NULL DEFAULT '',
  masked      TEXT NOT NULL DEFAULT '',
  code_hash   TEXT NOT NULL DEFAULT '',
  created     INTEGER NOT NULL,          -- of an advice as the register told, else when decided
  decided     INTEGER NOT NULL,
  answer      TEXT NOT NULL              -- the JSON of the answer or ack, given again
) STRICT;

CREATE TABLE IF NOT EXISTS tombstone (
  payment  TEXT PRIMARY KEY,
  register TEXT NOT NULL,
  at       INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS spend (
  payment     TEXT NOT NULL REFERENCES payment (id),
  register    TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  store       TEXT NOT NULL,
  cap         TEXT NOT NULL,
  window      TEXT NOT NULL,
  yen         INTEGER NOT NULL,
  units       INTEGER NOT NULL,
  PRIMARY KEY (payment, cap, window)
) STRICT;

-- No uniqueness here on purpose: a double charge shall be seen, not prevented
-- by the table that is to show it.
CREATE TABLE IF NOT EXISTS charge (
  id      INTEGER PRIMARY KEY,
  payment TEXT NOT NULL,
  account TEXT NOT NULL,
  kind    TEXT NOT NULL CHECK (kind IN ('charge', 'credit')),
  why     TEXT NOT NULL,                 -- the type of the message that made it
  amount  INTEGER NOT NULL CHECK (amount > 0),
  at      INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS operation (   -- voids and refunds by their own ids
  id      TEXT PRIMARY KEY,
  payment TEXT NOT NULL,
  ack     TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS event (       -- what happened, for the demo's console
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  register TEXT NOT NULL,
  type     TEXT NOT NULL,
  payment  TEXT NOT NULL,
  outcome  TEXT NOT NULL
) STRICT;
