package enrol

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
)

// The lengths of a code's parts, in bytes. 80 random bits are out of reach of
// guessing over the network; 128 bits of SHA-256 of somebody else's certificate
// to be met are out of reach at all; two bytes of check let one mistyped code in
// 65,536 through, which the backend then refuses.
const (
	secretSize = 10
	caSize     = 16
	checkSize  = 2
)

// group is how many characters of a code stand together when it is written.
const group = 5

// ErrCode says that a text is no one-time code.
var ErrCode = errors.New("this is no one-time code: it has 45 letters and digits; copy it whole, or ask head office for a new one")

// alphabet is Crockford's base 32, without I, L, O and U.
var alphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// Code is a one-time code.
type Code struct {
	secret [secretSize]byte
	ca     [caSize]byte
}

// NewCode makes a code with a fresh secret, for the backend whose CA certificate
// is given (DER).
func NewCode(ca []byte) Code {
	var c Code
	rand.Read(c.secret[:]) // never fails since Go 1.24
	c.ca = caHash(ca)
	return c
}

// ParseCode reads a code as Text wrote it. Case, spaces and hyphens do not
// matter; I and L are read as 1, O as 0. The error is ErrCode.
func ParseCode(text string) (Code, error) {
	plain := strings.NewReplacer("-", "", " ", "", "I", "1", "L", "1", "O", "0").Replace(strings.ToUpper(strings.TrimSpace(text)))
	raw, err := alphabet.DecodeString(plain)
	if err != nil || len(raw) != secretSize+caSize+checkSize {
		return Code{}, ErrCode
	}
	body, check := raw[:secretSize+caSize], raw[secretSize+caSize:]
	if sum := sha256.Sum256(body); string(sum[:checkSize]) != string(check) {
		return Code{}, ErrCode
	}
	return Code{[secretSize]byte(body[:secretSize]), [caSize]byte(body[secretSize:])}, nil
}

// Text writes the code in groups, for a person to copy. It is a secret until it
// was used.
func (c Code) Text() string {
	body := append(c.secret[:], c.ca[:]...)
	sum := sha256.Sum256(body)
	plain := alphabet.EncodeToString(append(body, sum[:checkSize]...))
	var groups []string
	for len(plain) > group {
		groups, plain = append(groups, plain[:group]), plain[group:]
	}
	return strings.Join(append(groups, plain), "-")
}

// Secret gives the part that Request carries, 16 characters.
func (c Code) Secret() string { return alphabet.EncodeToString(c.secret[:]) }

// Fits says whether a CA certificate (DER) is the one that the code names.
func (c Code) Fits(ca []byte) bool { return caHash(ca) == c.ca }

// String hides the code.
func (c Code) String() string { return "a one-time code" }

// GoString is String, for %#v.
func (c Code) GoString() string { return c.String() }

func caHash(der []byte) [caSize]byte {
	sum := sha256.Sum256(der)
	return [caSize]byte(sum[:caSize])
}
