// Package sekisho is the root of the tree and holds nothing but tests of it.
//
// # Where things are
//
//	cmd/sekishod            the daemon of one register: configuration and wiring
//	cmd/sekisho-sim         the simulator's command: demo, keys
//	cmd/sekisho-bench       the figures of make bench
//
//	terminal                the till's words and rules, pure
//	terminal/pass           passes: issuing, verifying
//	terminal/wire           what travels on the websocket
//	terminal/policy         head office's signed policy
//	terminal/journal        the Merkle log's entries
//	scanner/aim             symbology identifiers
//	scanner/framing         bytes to frames
//	scanner/payload         a frame to its meaning
//
//	terminal/register       the loop that owns a register, and what it needs
//	    storetest           the contract of its Store
//
//	terminal/uplink         the websocket client
//	terminal/web            local API and pages
//	scanner                 a serial port that comes back
//	offline                 SQLite: the ledger and the cache
//
//	firmware-mocks          scanner, phone, backend: never linked into sekishod
//
// # Who may import whom
//
// From top to bottom the four groups of packages are the core, the register,
// the adapters and the mocks. The core knows nothing but itself, the register
// only the core, adapters these two and never each other; commands put them
// together. The mocks know some of the core and count caps, decide payments and
// write bytes with code of their own, so that a mistake cannot hide behind its
// twin. TestImports holds everybody to it, package by package.
package sekisho
