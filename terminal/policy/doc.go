// Package policy is head office's signed rules for a class of stores: caps,
// offline limits, watch list, issuers and times.
//
// # Nouns
//
// A note (golang.org/x/mod/sumdb/note) carries the rules as TOML text and a
// signature by a key whose verifier was pinned when the register was enrolled.
// A Policy is what Open made of a note.
//
// # Guarantees
//
//   - Open gives a Policy only for a note that verifies, for this chain and
//     environment, and whose text parses to the last key: an unknown key, a cap
//     whose scope and window do not go together, or a number out of range is an
//     *Error that names its place.
//   - A Policy is never changed after Open; it may be shared by goroutines.
//   - Nothing here reads a clock: what is past its date is the caller's to ask,
//     see Policy.GoodUntil.
//
// One signature is enough in this version of the format.
package policy
