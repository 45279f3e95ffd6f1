// Package terminal holds the words and the arithmetic of one till, and nothing
// else: no clock, no disk, no network, nothing of the project imported.
//
// # Nouns
//
// A Sale is what the customer buys: Lines of goods with a total. A sale has
// revisions; one is frozen while a payment is open. A Payment is one attempt to
// pay a sale's revision with a code that the customer shows; its id is made
// before anything is sent and is the idempotency key everywhere. A Cap is a
// ceiling in yen and units; a store's cap is split by escrow, and a Counter is
// what one incarnation of one register holds of it. A Verdict is what the
// cashier and the POS hear: an outcome, a Reason and a sentence.
//
// # Guarantees
//
//   - Money is Yen, a whole number; sums are checked for overflow.
//   - A payment's State changes only by Payment.Move, along the arrows drawn in
//     payment.go.
//   - A Counter only grows, and what is held of it is never below zero: that is
//     the whole of promise I3 on the register's side.
//   - Every Reason has a sentence in every supported language that tells the
//     cashier what to do, accuses nobody and names no limit.
package terminal
