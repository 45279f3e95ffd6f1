// Package conform is the conformance kit of docs/protocol.md and
// docs/enrolment.md: it plays registers against any backend that speaks them and
// says rule by rule which hold. docs/conformance.md tells a backend's developer
// what it needs and how to read it.
//
// # Nouns
//
// A Rule is one promise of the documents, with the section that makes it and a
// check. A play is one rule's run: its registers, their links and the first thing
// that went wrong. A till is a register's side of one link; a machine is a register
// with its key and its journal, which live through all rules of a run.
//
// # Guarantees
//
//   - Every wait has an end: a backend that says nothing fails a rule, it does not
//     hang the kit.
//   - A rule that could not be tried is never told as held: it is "not checked",
//     with what it needs.
//   - The kit judges by the documents alone; of the product's code it uses the
//     codecs (wire, pass, policy, journal), which vectors hold.
package conform
