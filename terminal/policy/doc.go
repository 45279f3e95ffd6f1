// Package policy is head office's signed rules for a class of stores: caps,
// offline limits, watch list, issuers and times.
//
// # Nouns
//
// A note (golang.org/x/mod/sumdb/note) carries the rules as TOML text and
// the signatures of keys that the roles name. A Policy is what Roles.OpenPolicy
// made of it.
//
// Roles, a note signed by the root key that was pinned at enrolment, name the
// keys of the policy role (m of n), those of the freeze role, and the root that
// signs the next roles. A Freeze stops goods or issuers at once.
//
// # Guarantees
//
//   - A Policy comes only of a note that enough keys signed, for this chain and
//     environment, and whose text parses to the last key: an unknown key, a cap
//     whose scope and window do not go together, or a number out of range is an
//     *Error that names its place.
//   - A Policy is never changed once it is open; it may be shared by goroutines.
//   - Nothing here reads a clock: what is past its date is the caller's to ask,
//     see Policy.GoodUntil.
package policy
