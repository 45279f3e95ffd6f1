-- Who may speak: the CA, one-time codes and certificates; what head office
-- published, and what was refused. Times are milliseconds since 1970 UTC.

CREATE TABLE IF NOT EXISTS authority (   -- at most one in each state
  id          INTEGER PRIMARY KEY,
  state       TEXT NOT NULL UNIQUE CHECK (state IN ('next', 'signing', 'old')),
  certificate BLOB NOT NULL,             -- DER
  key         BLOB NOT NULL              -- PKCS 8
) STRICT;

CREATE TABLE IF NOT EXISTS store_key (
  store TEXT PRIMARY KEY,
  key   BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;

CREATE TABLE IF NOT EXISTS certificate (
  serial    TEXT PRIMARY KEY,            -- hex
  register  TEXT NOT NULL,
  store     TEXT NOT NULL,
  key       BLOB NOT NULL,               -- Ed25519, 32 bytes
  chain     TEXT NOT NULL,               -- PEM, as it was given out
  made      INTEGER NOT NULL,
  ends      INTEGER NOT NULL,
  authority INTEGER NOT NULL,            -- the newest CA that its register was told of with it
  revoked   INTEGER NOT NULL DEFAULT 0   -- when; 0: it is not
) STRICT;
CREATE INDEX IF NOT EXISTS certificate_register ON certificate (register);

CREATE TABLE IF NOT EXISTS code (
  hash     TEXT PRIMARY KEY,             -- keyed hash of the secret
  store    TEXT NOT NULL,
  register TEXT NOT NULL,
  class    TEXT NOT NULL,
  made     INTEGER NOT NULL,
  serial   TEXT NOT NULL DEFAULT ''      -- of the certificate that it got; '' while it was not used
) STRICT;

CREATE TABLE IF NOT EXISTS published (   -- signed notes that were put in force here
  kind    TEXT NOT NULL CHECK (kind IN ('policy', 'roles')),
  version INTEGER NOT NULL,
  note    TEXT NOT NULL,
  PRIMARY KEY (kind, version)
) STRICT;

CREATE TABLE IF NOT EXISTS parked (      -- payments' messages that were refused
  register TEXT NOT NULL,
  type     TEXT NOT NULL,
  payment  TEXT NOT NULL,
  code     TEXT NOT NULL,
  text     TEXT NOT NULL,
  first    INTEGER NOT NULL,
  last     INTEGER NOT NULL,
  count    INTEGER NOT NULL,
  PRIMARY KEY (register, type, payment, code)
) STRICT;
