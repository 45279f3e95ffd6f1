// Package enrol is what a register and the backend say to each other before the
// link can be trusted, and when a certificate is renewed: the one-time code, the
// two requests over HTTPS with their answers, and the name in a certificate.
// docs/enrolment.md tells it for a backend's developer. It imports nothing of the
// project and does no I/O.
//
// # Nouns
//
// A Code is what head office gives to the person who sets a register up: a
// secret that works once, and a hash of the backend's CA certificate, so that the
// very first connection is trusted too. A Request carries the code's secret and a
// certificate signing request (PKCS 10); its Answer is all that a register needs.
// A Renewal goes over the link's own TLS with the certificate that is to be
// renewed. A Name says, in a certificate, which register it belongs to.
//
// # Guarantees
//
//   - A code that was mistyped is told from a backend that is another: the code
//     has check characters of its own.
//   - Nothing here prints a secret: String of a Code hides it.
package enrol
