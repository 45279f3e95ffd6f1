// Package web is what POS, cashier and manager see of a register: the local API
// under /v1, its stream of events, the cashier's page, and the manager's page
// behind a PIN.
//
// # Nouns
//
// A Server answers requests by asking a register.Desk and never decides
// anything itself. Events is the register's Signal: it hands what the register
// tells to every client of GET /v1/events. The two are made apart, because the
// register needs its Signal before the Server can be given the register. A
// problem is an answer that says what is wrong (RFC 9457).
//
// # Guarantees
//
//   - Bad input never reaches the register: bodies are read strictly, field by
//     field, and the answer names the field and what is wrong with it.
//   - Emit never waits. A client that does not keep up is cut off; when it comes
//     back it is told the present picture, so it can be late but not wrong.
//   - What came with an id is told again to a client that asks from that id on,
//     as long as it is remembered: events come at least once.
//   - Only this machine's own programs and pages are served: the Host must be
//     loopback, and a page of another origin cannot change anything.
//   - Nobody is served without a token or the page's cookie; see Tokens. A token
//     in a page's address is taken out of it at once.
//   - The page never shows a verdict that the register has not told, and says so
//     where the register does not answer.
package web
