package terminal

// LineState is how the line to the backend serves payments.
type LineState string

// The states of the line.
const (
	LineUp   LineState = "up"   // payments are asked of the backend
	LineBad  LineState = "bad"  // there is a line, but none to wait for: the offline rules decide, all else goes on over it
	LineDown LineState = "down" // there is none
)

// LineReason says why a line is not up, for the page and for head office.
type LineReason string

// The reasons for a line that is bad or down.
const (
	LineStarting    LineReason = "starting"    // not tried yet: since the start, or since the till itself ended a session
	LineUnreachable LineReason = "unreachable" // no connection: cable, router, name or the backend's machine
	LineSilent      LineReason = "silent"      // connected, and then nothing came for too long
	LineClosed      LineReason = "closed"      // the backend ended it, or asked to come back later
	LineUntrusted   LineReason = "untrusted"   // the other side is not the backend of enrolment, or its certificate is past its date
	LineRefused     LineReason = "refused"     // the backend does not know this register, or has revoked it
	LineProtocol    LineReason = "protocol"    // the other side does not speak sekisho.v1
	LineSlow        LineReason = "slow"        // bad: what comes back takes too long
	LineUnstable    LineReason = "unstable"    // bad: it broke too often of late
)

// LineReasons lists the reasons, for those who need a sentence for each.
func LineReasons() []LineReason {
	return []LineReason{
		LineStarting, LineUnreachable, LineSilent, LineClosed, LineUntrusted, LineRefused, LineProtocol, LineSlow, LineUnstable,
	}
}
