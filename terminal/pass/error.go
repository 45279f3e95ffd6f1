package pass

import "errors"

// Code says why a pass is not accepted, for machines.
type Code string

// The codes of an [Error].
const (
	Malformed         Code = "malformed"          // not a pass as docs/pass.md defines it: misread, cut short, another encoding
	Forged            Code = "forged"             // unknown issuer key, a signature that does not hold, another algorithm than the key's
	WrongAudience     Code = "wrong-audience"     // signed well, for another chain or environment
	Expired           Code = "expired"            // older than a pass may be: the phone shows an old picture
	CredentialExpired Code = "credential-expired" // the phone was too long without the line
	FromFuture        Code = "from-future"        // made later than now: the phone's clock or the till's is wrong
)

// Error is the error of [Verify] and [Pass.Fresh]. It holds fixed words only,
// nothing of the code that was read.
type Error struct {
	Code   Code
	Reason string // which check failed, for a developer's eye
}

// Error gives code and reason in one line.
func (e *Error) Error() string { return "pass: " + string(e.Code) + ": " + e.Reason }

// CodeOf returns the Code of the [Error] in err's chain, or "" if there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func malformed(reason string) error { return &Error{Malformed, reason} }
func forged(reason string) error    { return &Error{Forged, reason} }
