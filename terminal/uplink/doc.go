// Package uplink is the websocket client: it dials the backend, says hello,
// keeps the line alive and carries messages both ways.
//
// # Nouns
//
// A Link is the client of one register. A session begins with the backend's
// welcome and ends with the connection. A Till is what the link serves: it gives
// the hello and takes what comes.
//
// # Guarantees
//
//   - One goroutine writes to a connection; messages leave in the order of Send.
//   - Everything that waits has a deadline: dial, welcome, each write, and the
//     silence after which a line counts as down.
//   - Send never blocks. A message that it took may be lost with the line; one
//     that it refused has not left.
//   - After a failure the next dial waits a random time below a bound that
//     doubles from three seconds up to a minute (full jitter), so that 20,000
//     stores do not come back in one second.
package uplink
