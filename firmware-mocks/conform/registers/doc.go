// Package registers is the other direction of the conformance kit: it is the
// backend, and says rule by rule whether a register (sekishod, as a program) keeps
// to docs/protocol.md and docs/enrolment.md.
//
// # Nouns
//
// A play is one rule's run, with a register of its own: freshly enrolled by
// sekisho, started as a process, with a scanner on a pty and a POS that speaks the
// local API. A server is the backend's address, a dial is what came there, a link
// is a dial that was taken. What the backend says on a link the rule decides; what
// no rule is about, such as the acknowledgement of a checkpoint, the link says by
// itself.
//
// # Guarantees
//
//   - Every wait has an end: a register that says nothing fails a rule, it does not
//     hang the kit.
//   - The kit decides by the bytes that come, and by code of its own: it shares
//     codecs and signed notes with the register, which vectors hold, and no
//     backend with the kit's other direction.
//   - One rule's register cannot spoil another's: nothing is shared but head
//     office's keys.
package registers
