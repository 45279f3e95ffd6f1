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
//   - Everything that waits has a deadline: dial, welcome, each write, the silence
//     after which a line counts as down, and the end of each message: bytes that
//     trickle in do not keep a line up for ever.
//   - Every end of a try or a session has a terminal.LineReason, made of types and
//     codes. It is told to the till each time, and to the log once.
//   - Send never blocks. A message that it took may be lost with the line; one
//     that it refused has not left.
//   - After a failure the next dial waits a random time below a bound that
//     doubles up to a minute (full jitter), so that 20,000 stores do not come back
//     in one second; what a backend asks for with Retry-After comes before it. Only
//     a session that stood for the time of a silence begins this anew, and after one
//     that the whole chain may have lost the wait begins at Crowd failures.
//   - Each ping counts once for the till's picture of the line: by its own pong, or
//     as unanswered when the next one goes.
package uplink
