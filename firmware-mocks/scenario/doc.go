// Package scenario plays whole days at a till with the real daemon: a real
// serial line (a pty), a real websocket, real SQLite files and real signatures.
//
// # Nouns
//
// A World is one store in a folder: keys, head office's policy, a backend, a
// scanner, phones, and sekishod as a process of its own. A Till is the POS: it
// speaks the local API. A Step is one thing that happens at the till, with the
// verdict that must come of it. A shift is a list of steps.
//
// # Guarantees
//
//   - The daemon is reached by its public doors only: serial line, websocket,
//     HTTP, files.
//   - What came out is read from the API and from both ledgers, never from what
//     the mocks think they did.
package scenario
