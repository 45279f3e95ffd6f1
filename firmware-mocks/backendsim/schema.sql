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
  stopped_at INTEGER NOT NULL DEFAULT 0, -- 0: in use
  ends       INTEGER NOT NULL DEFAULT 0, -- of its last credential that was seen here
  limit_yen   INTEGER NOT NULL DEFAULT -1, -- told with each answer; -1: nothing is told
  limit_count INTEGER NOT NULL DEFAULT -1
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
  incarnation TEXT NOT NULL,
  doubt       TEXT NOT NULL DEFAULT '',  -- why its rights are in doubt; '' where they are not
  released    TEXT NOT NULL DEFAULT '',  -- the incarnation whose doubt head office ended last
  epoch       INTEGER NOT NULL DEFAULT 0 -- grows with each release: its checkpoints begin anew
) STRICT;
CREATE INDEX IF NOT EXISTS register_store ON register (store);

CREATE TABLE IF NOT EXISTS enrolled (
  register TEXT PRIMARY KEY,
  store    TEXT NOT NULL,
  vkey     TEXT NOT NULL                 -- of its checkpoints, as note.NewVerifier reads it
) STRICT;
CREATE INDEX IF NOT EXISTS enrolled_store ON enrolled (store);

CREATE TABLE IF NOT EXISTS checkpoint (
  register TEXT NOT NULL,
  epoch    INTEGER NOT NULL,
  size     INTEGER NOT NULL,
  root     TEXT NOT NULL,                -- hex
  note     TEXT NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (register, epoch, size)
) STRICT;

CREATE TABLE IF NOT EXISTS incarnation (
  register TEXT NOT NULL REFERENCES register (id),
  id       TEXT NOT NULL,
  retired  INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)),
  stopped  INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1)), -- it gave back what it held
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
CREATE INDEX IF NOT EXISTS allotment_store ON allotment (store, window);

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
  decided     INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS payment_account ON payment (account, created);

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
CREATE INDEX IF NOT EXISTS spend_incarnation ON spend (register, incarnation, cap, window);

-- Advices of what was approved after a boot, before the backend was heard.
CREATE TABLE IF NOT EXISTS unheard (
  payment TEXT PRIMARY KEY REFERENCES payment (id)
) STRICT;

-- Advices whose register says that it heard the backend later than can be.
CREATE TABLE IF NOT EXISTS age (
  payment TEXT PRIMARY KEY REFERENCES payment (id),
  told    INTEGER NOT NULL,              -- milliseconds since the last contact
  least   INTEGER NOT NULL               -- as the backend knows
) STRICT;

-- What a payment counts against the caps on its account.
CREATE TABLE IF NOT EXISTS account_count (
  payment TEXT NOT NULL REFERENCES payment (id),
  account TEXT NOT NULL,
  cap     TEXT NOT NULL,
  yen     INTEGER NOT NULL,
  units   INTEGER NOT NULL,
  PRIMARY KEY (payment, cap)
) STRICT;
CREATE INDEX IF NOT EXISTS account_count_account ON account_count (account, cap);

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
  amount  INTEGER NOT NULL,              -- 0 of a void
  ack     TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS freeze (      -- every note that was published
  version INTEGER PRIMARY KEY,
  note    TEXT NOT NULL,
  at      INTEGER NOT NULL,
  stops   TEXT NOT NULL                  -- JSON: what it stops
) STRICT;

-- Denied accounts by terminal.AccountKey. A row that was taken back stays, so
-- that its removal can be told.
CREATE TABLE IF NOT EXISTS denial (
  account TEXT PRIMARY KEY,
  until   INTEGER NOT NULL,              -- minutes since 1970
  at      INTEGER NOT NULL,              -- when it was denied
  version INTEGER NOT NULL,              -- of the set, with this row as it is
  removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1))
) STRICT;
CREATE INDEX IF NOT EXISTS denial_since ON denial (version);

CREATE TABLE IF NOT EXISTS issued_before ( -- older credentials of an issuer are void
  issuer  TEXT PRIMARY KEY,
  before  INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  version INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS denial_version (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO denial_version (id, version) VALUES (1, 1);

CREATE TABLE IF NOT EXISTS event (       -- what happened, for the demo's console
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  register TEXT NOT NULL,
  type     TEXT NOT NULL,
  payment  TEXT NOT NULL,
  outcome  TEXT NOT NULL
) STRICT;

-- Leaves that registers uploaded, one row here for each epoch in which some came.
-- What lies below first was taken from the epoch base.
CREATE TABLE IF NOT EXISTS upload (
  register TEXT NOT NULL,
  epoch    INTEGER NOT NULL,
  size     INTEGER NOT NULL,             -- leaves that are here, from the first on
  first    INTEGER NOT NULL DEFAULT 0,
  base     INTEGER NOT NULL DEFAULT -1,  -- -1: none
  alone    INTEGER NOT NULL DEFAULT 0 CHECK (alone IN (0, 1)), -- no earlier epoch fits before it
  PRIMARY KEY (register, epoch)
) STRICT;

CREATE TABLE IF NOT EXISTS upload_leaf (
  register TEXT NOT NULL,
  epoch    INTEGER NOT NULL,
  place    INTEGER NOT NULL,
  leaf     BLOB NOT NULL,
  PRIMARY KEY (register, epoch, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS upload_hash (
  register TEXT NOT NULL,
  epoch    INTEGER NOT NULL,
  place    INTEGER NOT NULL,             -- tlog.StoredHashIndex
  hash     BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (register, epoch, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS unproved (    -- incarnations that were let in, in doubt, without a proof of the journal
  register    TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  PRIMARY KEY (register, incarnation)
) STRICT;

CREATE TABLE IF NOT EXISTS newcomer (    -- who said hello as a new incarnation, to be proved
  register TEXT PRIMARY KEY,
  session  INTEGER NOT NULL,             -- the highest number that one was told
  failed   INTEGER NOT NULL DEFAULT 0,   -- how many proved nothing
  last     INTEGER NOT NULL DEFAULT 0    -- when one did so last
) STRICT;
