package wire

import (
	"encoding/json"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// Error is the body of an error message, and the error that Parse gives. Its
// text says what is wrong with the message, and never holds its contents.
type Error struct {
	Code ErrorCode `json:"code"`
	Text string    `json:"text"`
}

// Error gives code and text.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Text }

// ErrorCode says what kind of mistake a message held.
type ErrorCode string

// The codes of errors on the wire.
const (
	CodeSyntax  ErrorCode = "syntax"  // no JSON object of this shape
	CodeVersion ErrorCode = "version" // another version of the protocol
	CodeType    ErrorCode = "type"    // a type that this side does not know
	CodeBody    ErrorCode = "body"    // the body misses a field or has one out of range
	CodeSession ErrorCode = "session" // a message of another session
	CodeRefused ErrorCode = "refused" // this register may not do this
	CodeTrouble ErrorCode = "trouble" // the other side failed; try again later
)

// Parse reads one message. The error is an *Error; where the envelope could be
// read the message's ID is set all the same, so that the error can be answered.
func Parse(data []byte) (Message, error) {
	var m Message
	if len(data) > MaxMessage {
		return m, &Error{CodeSyntax, fmt.Sprintf("the message has more than %d bytes", MaxMessage)}
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return Message{}, &Error{CodeSyntax, "the message is no JSON object of this shape" + where(err)}
	}
	if !utf8.Valid(data) {
		return Message{}, &Error{CodeSyntax, "the message is not in UTF-8"}
	}
	if namedTwice(data) {
		return Message{}, &Error{CodeSyntax, "an object of the message has a name twice"}
	}
	if m.Version != Version {
		return Message{ID: m.ID}, &Error{CodeVersion, fmt.Sprintf("version %d is not spoken here, only %d", m.Version, Version)}
	}
	if err := m.check(); err != nil {
		return Message{ID: m.ID}, err
	}
	return m, nil
}

// where names the place of a JSON mistake without its contents.
func where(err error) string {
	switch e := err.(type) {
	case *json.SyntaxError:
		return fmt.Sprintf(" (at byte %d)", e.Offset)
	case *json.UnmarshalTypeError:
		return fmt.Sprintf(" (field %s)", e.Field)
	}
	return ""
}

// Encode gives the bytes of a message after the same checks that Parse makes,
// so that a mistake is found where it was made.
func Encode(m Message) ([]byte, error) {
	m.Version = Version
	if err := m.check(); err != nil {
		return nil, err
	}
	return json.Marshal(m)
}

// Check makes the checks of Encode alone.
func (m Message) Check() error { return m.check() }

// body is what each message's body can do: find its first mistake.
type body interface{ check() error }

// check holds the envelope against its type and lets the body check itself.
func (m Message) check() error {
	if !id(m.ID) || longer(m.Re, maxID) || longer(m.Incarnation, maxID) {
		return bad("id, re or incarnation is missing or too long")
	}
	if m.Session < 0 {
		return bad("session is below zero")
	}
	if m.Journal != nil && !m.Journal.ok() {
		return bad("journal is no head")
	}
	all := m.all()
	b, known := all[m.Type]
	if !known {
		return &Error{CodeType, "this type of message is not known here"}
	}
	if b == nil {
		return bad("the body that the type names is missing")
	}
	if count(all) != 1 {
		return bad("a message has exactly one body")
	}
	if m.Upward() && (m.Incarnation == "" || m.Journal == nil) {
		return bad("incarnation or journal head is missing")
	}
	return b.check()
}

// Upward says whether only a register sends such a message. An error goes either
// way.
func (m Message) Upward() bool {
	return upward[m.Type] || (m.Grants != nil && len(m.Grants.Counters) > 0)
}

var upward = map[Type]bool{
	TypeHello: true, TypeAuthorise: true, TypeQuery: true, TypeReversal: true, TypeAdvice: true,
	TypeVoid: true, TypeRefund: true, TypeJournal: true, TypeCheckpoint: true,
}

// all gives the bodies by type; a typed nil pointer is turned into nil.
func (m Message) all() map[Type]body {
	return map[Type]body{
		TypeHello: of(m.Hello), TypeWelcome: of(m.Welcome), TypeAuthorise: of(m.Authorise),
		TypeAnswer: of(m.Answer), TypeQuery: of(m.Query), TypeReversal: of(m.Reversal),
		TypeAdvice: of(m.Advice), TypeVoid: of(m.Void), TypeRefund: of(m.Refund), TypeAck: of(m.Ack),
		TypePolicy: of(m.Policy), TypeFreeze: of(m.Freeze), TypeDenials: of(m.Denials),
		TypeGrants: of(m.Grants), TypeJournal: of(m.Entries), TypeCheckpoint: of(m.Checkpoint),
		TypeError: of(m.Error),
	}
}

func of[T any, P interface {
	*T
	body
}](p P) body {
	if p == nil {
		return nil
	}
	return p
}

// count says how many bodies there are.
func count(all map[Type]body) int {
	n := 0
	for _, b := range all {
		if b != nil {
			n++
		}
	}
	return n
}

var (
	hex32 = regexp.MustCompile(`^[0-9a-f]{64}$`)
	uuid  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	day   = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
)

const (
	maxID    = 100  // characters of any identifier
	maxCode  = 4096 // characters of a payment code: the largest QR code holds 4,296 alphanumerics, no wallet's is near
	maxText  = 1000 // characters of a text for people
	maxItems = 1000 // caps, lines or counters in one message
	maxYen   = 1 << 53
	maxTime  = 253_402_300_799_999 // the last millisecond of the year 9999: dates have four digits
)

func bad(text string) error { return &Error{CodeBody, text} }
