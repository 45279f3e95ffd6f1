// Package offline keeps what a register must not forget, in two SQLite files.
//
// # Nouns
//
// The ledger (ledger.db) holds payments and what they take of the caps that sum
// them, counters, codes seen, the outbox, the open sale, the journal with its
// Merkle hashes, and by what the register stands: roles, freeze, quarantine, the
// mark of its clock. The cache (cache.db) holds what the backend can send again:
// the text of the policy, limits of accounts, denied accounts. Both lie in
// one data folder, which belongs to one process. A Store is the two files open
// and carries out what a register decides; its contract is register.Store,
// held by terminal/register/storetest. A Reader is the ledger opened by another
// process, to be looked at while the register runs.
//
// # Guarantees
//
//   - I2: when Decide returns without an error, its changes are on the disk:
//     WAL and synchronous=FULL, and Open refuses to start unless SQLite itself
//     says so. The package's default, NORMAL, loses acknowledged sales when the
//     power fails.
//   - All or nothing: a decision is a transaction of the ledger, or one savepoint
//     of it: decisions that wait share a transaction and its commit. A policy's
//     text goes into the cache first, under its version; it counts only once
//     the ledger names that version. A cache that takes neither a limit nor
//     denied accounts fails no decision: a limit is then kept in memory, and of
//     the denied accounts nothing more until a whole set comes.
//   - A commit that returns an error is neither done nor undone. Nothing is
//     tried again: the files are closed and opened, so that SQLite reads what
//     is really there, and a number that every transaction raises says which it
//     was. What is found there is copied out of the log by a checkpoint before
//     it counts, because a kernel that failed to write a page once may take it
//     for written. Where that cannot be done the answer is ErrInDoubt.
//   - I3: a counter that shrinks, or holds less than nothing, is refused here
//     too, by code and by the schema.
//   - I6: journal entries and hashes only come. VerifyAll proves every one, and
//     holds the other tables against them.
//   - I7: what is erased is overwritten in the file (secure_delete), and in the
//     log with the next checkpoint, at the latest with a clean stop.
//   - One connection writes, in one goroutine that Close ends, and only it
//     checkpoints. Others read through connections that cannot write.
//   - A damaged ledger is never deleted or changed: Open says so and stops. A
//     damaged cache is moved aside and begun afresh.
//   - A file written by a later release, which says that this one cannot read
//     it, is left as it is.
package offline
