// Package pin guards the manager's page: it keeps a PIN as an Argon2id hash and
// counts wrong ones, so that a till of which somebody has hours yields nothing.
//
// # Guarantees
//
//   - A try is counted on the disk (fsync done) before its PIN is compared: a
//     killed process or a pulled plug gives no try for free.
//   - After five wrong ones each further try waits, a minute at first and up to
//     an hour, by the time since boot alone: no clock that is set can end a wait,
//     and after a reboot the whole wait begins again.
//   - One PIN is compared or changed at a time, among all processes.
//   - The PIN is in no error and in no file.
package pin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The parameters of Argon2id (RFC 9106): OWASP's least for interactive use,
// which a till's processor does in some 50 ms and 19 MiB.
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	threads = 1
	saltLen = 16 // bytes
	hashLen = 32 // bytes
)

// How long a PIN may be, in characters. Six digits and the waits between tries
// keep a guesser at it for centuries.
const (
	least = 6
	most  = 64
)

// The errors of a PIN; match them with errors.Is.
var (
	ErrWeak   = fmt.Errorf("a PIN has %d to %d characters that can be typed, not all the same", least, most)
	ErrFormat = errors.New("the file does not hold a PIN as sekishod --set-pin writes it: set the PIN again")
)

// Hash gives the PHC string under which a PIN is kept, or ErrWeak.
func Hash(pin string) (string, error) {
	if !fit(pin) {
		return "", ErrWeak
	}
	var salt [saltLen]byte
	rand.Read(salt[:]) // never fails (crypto/rand)
	sum := argon2.IDKey([]byte(pin), salt[:], passes, memory, threads, hashLen)
	return prefix + b64.EncodeToString(salt[:]) + "$" + b64.EncodeToString(sum), nil
}

var b64 = base64.RawStdEncoding.Strict()

// prefix begins every hash that this release makes; it takes no others, so that
// nobody can weaken one by its parameters.
var prefix = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, memory, passes, threads)

// verify compares a PIN with its hash.
func verify(phc, pin string) (bool, error) {
	rest, ok := strings.CutPrefix(phc, prefix)
	salt64, sum64, two := strings.Cut(rest, "$")
	salt, badSalt := b64.DecodeString(salt64)
	sum, badSum := b64.DecodeString(sum64)
	if !ok || !two || badSalt != nil || badSum != nil || len(salt) != saltLen || len(sum) != hashLen {
		return false, ErrFormat
	}
	if len(pin) > 4*most {
		pin = "" // longer than any: not worth the memory, and as wrong as any other
	}
	got := argon2.IDKey([]byte(pin), salt, passes, memory, threads, hashLen)
	return subtle.ConstantTimeCompare(got, sum) == 1, nil
}

// fit says whether a PIN may be one.
func fit(pin string) bool {
	runes := []rune(pin)
	if len(runes) < least || len(runes) > most {
		return false
	}
	same := true
	for _, r := range runes {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return false
		}
		same = same && r == runes[0]
	}
	return !same
}
