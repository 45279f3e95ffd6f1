// Package wire is what travels on the websocket between a register and the
// backend, subprotocol "sekisho.v1": one JSON object a text message. It imports
// nothing of the project; both sides translate at their edge.
//
// # Nouns
//
// A Message is an envelope and exactly one body, the one that its type names.
// The envelope carries the request id, the id it answers, the session, the
// register's incarnation and its journal head. Registers send hello, authorise,
// query, reversal, advice, void, refund, journal, checkpoint and error;
// backends send welcome, answer, ack, grants, policy, freeze, denials and error.
//
// # Guarantees
//
//   - Parse takes only a message of this version whose body fits its type, with
//     every required field present and in range; the *Error says which is not.
//   - Fields that it does not know are ignored; an unknown type is an error with
//     code "type", to be answered, not to end the link; an unknown outcome is
//     kept as it came and never equals OutcomeApproved.
//   - Amounts are whole yen and units, never negative; times are milliseconds
//     since 1970 UTC; both sides name the currency.
//   - A String of any message prints its type and ids, never a payment code.
//
// History: 1 (2026-11): first.
package wire

// Version is the version of this protocol. It grows when an old reader would
// misunderstand a new writer.
const Version = 1

// Subprotocol is the websocket subprotocol's name (RFC 6455, 1.9).
const Subprotocol = "sekisho.v1"

// MaxMessage is the most bytes of one message that either side reads: a policy
// of some hundred kilobytes fits, a flood does not.
const MaxMessage = 1 << 20
