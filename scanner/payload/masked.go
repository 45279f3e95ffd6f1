package payload

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
)

// shown is how many characters of a code may be seen. A code shorter than
// twice that shows none, or most of it would stand in the log.
const shown = 4

// Reveal gives the text that was scanned, less the scanner's own additions
// (AIM identifier, ECI protocol). It is secret: hand it to the backend or a
// verifier, never to a log, a file or an error.
func (c Code) Reveal() string {
	if c.raw == nil {
		return ""
	}
	return *c.raw
}

// Masked gives the last four characters behind an ellipsis, "…1234", or the
// ellipsis alone when the text is shorter than eight. What cannot be printed
// shows as a question mark. The last characters of an EMV container are base64
// of the middle of something, so it shows the card's last four digits, or, where
// it has none or is malformed, the ellipsis alone. Text of no known kind shows
// nothing: it may be the rest of a container, or a password.
func (c Code) Masked() string {
	if c.Kind == EMVContainer || c.Why == WhyEMVMalformed || c.Why == WhyText {
		return "…" + c.last
	}
	return mask(c.Reveal())
}

// mask keeps the last four characters of a text of eight and more.
func mask(text string) string {
	runes := []rune(text)
	if len(runes) < 2*shown {
		return "…"
	}
	return "…" + strings.Map(visible, string(runes[len(runes)-shown:]))
}

// visible keeps terminals and log readers safe from what a stranger printed.
func visible(r rune) rune {
	if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
		return '?'
	}
	return r
}

// String gives kind and masked text, "wallet-digits …1234".
func (c Code) String() string { return c.Kind.String() + " " + c.Masked() }

// Format makes every verb print what String says, %#v and %+v included.
func (c Code) Format(s fmt.State, _ rune) { io.WriteString(s, c.String()) }

// LogValue is what slog writes for a code: its String.
func (c Code) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON writes the String as a JSON string.
func (c Code) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }
