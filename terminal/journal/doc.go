// Package journal is the register's append-only log: its entries, their
// canonical form and their Merkle tree.
//
// # Nouns
//
// An Entry is the public part of one change. A Private is what the law may want
// erased; it is kept beside the entry, and the entry holds only its salted
// hash, so that erasing it leaves every proof valid. A leaf is the entry's
// canonical bytes: JSON by RFC 8785, integers only. A Head is the size and root
// of the tree over the leaves (RFC 6962, as golang.org/x/mod/sumdb/tlog).
//
// # Guarantees
//
//   - The same entry always gives the same bytes, in any language: see the
//     vectors in docs/vectors/journal.json, made by another program.
//   - Parse takes only canonical bytes, so that one entry has one leaf.
//   - Nothing in an entry or a private part is a payment code.
package journal
