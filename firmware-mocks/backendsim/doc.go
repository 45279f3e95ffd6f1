// Package backendsim is a payment backend to test registers against: a real
// websocket server (wire.Subprotocol, path /v1/link) with its own SQLite file, or memory.
// It is never linked into sekishod. It decides payments and counts caps by
// itself, from docs/protocol.md, so that a mistake in the register's arithmetic
// cannot hide behind the same mistake here.
//
// # Nouns
//
// A link is one websocket connection; hello opens a session on it, and only a
// register's latest session is heard. A cap row is one store cap in one window:
// its limit and what was granted of it to all incarnations of all registers. An
// allotment is one incarnation's part of a cap row: what it was granted, and
// the totals that it told. A payment is what became of one payment id; a
// tombstone is the reversal of an id that was not seen. A charge is one movement
// on a customer's account, and there is one row for each, so that a second one
// would be seen. A register in doubt is quarantined: it gets nothing unasked,
// until head office releases it. Denials are the accounts that every register is
// told to refuse, as a set with a version; a freeze is what head office stopped
// everywhere. A checkpoint is a register's signed head of its journal. A fault is a switch that makes the backend misbehave.
//
// # Guarantees
//
//   - I1: a message that comes twice is decided once and answered alike; a pass
//     or a wallet's code pays at most one payment; a reversed id is never charged.
//   - I2: an answer leaves only after the transaction that made it is on disk.
//   - I3: granted less returned of a cap row is never above the highest limit it
//     had; a payment's whole need is granted for all caps together with its
//     approval, or nothing is. What a retired incarnation held stays granted.
//     An account's caps are exact over all registers with the line up.
//   - I4: the query of an id that was not seen changes nothing.
//   - I6: a checkpoint is kept only if it extends the last one, a freeze note only
//     if it is newer and, unless the policy role signed it, lifts nothing.
//   - I7: codes and passes are kept as keyed hashes, accounts as their keys.
//   - I8: every message that can be read gets an answer or an error.
//
// # Trust
//
// Over TLS a register is who its certificate says; without, on this machine
// alone, who its hello says. The CA, the codes and the certificates are in the
// ledger, and what a store's registers share. docs/enrolment.md is the contract.
//
// # The operator
//
// Methods of Backend, and JSON over HTTP below /admin/ for callers on this
// machine; docs/backend-mock.md lists them.
//
// What was decided is in the ledger alone: a Backend that was closed, or killed,
// goes on where it stopped when it is opened on the same file.
package backendsim
