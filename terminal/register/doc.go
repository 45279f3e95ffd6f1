// Package register is the loop that owns a register.
//
// # Nouns
//
// A Register owns one till's state: the sale, the payment that is being
// decided, what is unresolved, whether the line is up. Its loop is one
// goroutine that does no I/O: scanner, link, store, pages and timers send it
// events, and what it decides is carried out by a Store, a Backend and a
// Signal. A rule is a pure function of policy, usage, event and now.
//
// # Guarantees
//
//   - I1: a payment's id is made before anything is sent; a payment found
//     "sent" at start is unknown; it is asked about and reversed, never sent
//     again.
//   - I2: a verdict is signalled only after the Store has returned.
//   - I3: a store's cap is spent from counters that only the backend's grants
//     fill, in the transaction that reads them.
//   - I4: no answer is neither yes nor no: only an answer, or the
//     acknowledgement of a reversal, ends an unknown.
//   - I5: what cannot be checked is refused for high-resale goods; ordinary
//     goods go on selling within the offline limits.
//   - I6: the journal's head goes up signed, each time with the proof that it
//     extends the one before; roles, policy and freeze never go back a version.
//     A ledger that is not what this boot or the backend last saw puts the
//     register in quarantine: online only, nothing from what it holds.
//   - I8: nothing waits for ever: every wait has a timer or a key of the
//     cashier's that ends it, and the unit that scanned hears an end of every
//     scan.
package register
