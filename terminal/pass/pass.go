// Package pass issues and verifies the pass: the code on a customer's phone
// that a till can check without the line.
//
// Two signatures make a pass. When an account is bound to a device, the issuer
// (the wallet's backend) signs a credential for that device: a CWT (RFC 8392)
// that names the account by a pseudonym, the device's public key, the time of
// binding and what the device may spend offline. For each payment the device
// signs a short message around that credential: when, which pass, the how
// manieth. The text of a pass is "SK1:" and the base45 (RFC 9285) of that
// message; docs/pass.md is its definition, docs/vectors/pass.json its vectors.
//
// What a verified pass tells: this issuer bound this account to this device,
// this long ago, for this chain and environment, and the device signed at the
// time it claims. Whether that time is now is asked of [Pass.Fresh], with a
// clock that the caller trusts; whether the pass was seen before is the
// register's to know, by [Pass.Identity]. The amount is not in a pass.
//
// Guarantees:
//   - A pass has one encoding, the device's signature apart: what is decoded is
//     encoded again and must give the same bytes. The signature is malleable
//     (ECDSA: s and n-s both verify), so a pass is known by its Identity and
//     never by its text.
//   - The algorithm follows from the key: Ed25519 for issuers, ES256 for
//     devices. A message that names another is refused.
//   - Input is bounded before it is decoded; errors carry a [Code] and fixed
//     words, never a part of the input.
package pass

import (
	"crypto/ecdsa"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"
)

// ID is a pass's identifier: 16 random bytes, chosen by the device for each
// pass. It prints as its last four characters, like every code.
type ID [16]byte

// String is the ID for people: an ellipsis and its last four hex digits.
func (id ID) String() string { return mask(hex.EncodeToString(id[:])) }

// Credential is what an issuer says of one device, signed, as a CWT.
type Credential struct {
	Issuer   string // the issuer's name, claim iss; 1 to 32 bytes of visible ASCII
	KeyID    string // names the issuer's key, COSE header kid; 1 to 16 bytes, not text
	Audience string // chain and environment, as in "chain/dev", claim aud; 1 to 32 bytes of visible ASCII
	Account  string // the account's pseudonym, claim sub; 8 to 64 bytes of visible ASCII

	Device  *ecdsa.PublicKey // the device's P-256 key, claim cnf
	BoundAt time.Time        // when the account was bound to the device, whole seconds
	Issued  time.Time        // when the credential was signed, claim iat, whole seconds
	Expires time.Time        // the first second at which it no longer holds, claim exp

	OfflineYen   int64 // most yen to approve offline in any 24 h; 0 is nothing
	OfflineCount int64 // most payments to approve offline in any 24 h; 0 is none
}

// Pass is a verified pass: every field stands under a signature that held.
// Its account and id are for comparing, never for showing: Pass and its
// Credential print themselves masked.
type Pass struct {
	Credential
	PassID   ID
	Counter  uint64    // grows by one with each pass the device makes, below 2^63
	IssuedAt time.Time // by the device's clock, whole seconds
}

// Identity is what makes two passes the same pass, whatever their signature
// bytes: one byte with the length of the issuer's name, the name, and the 16
// bytes of the pass id. The caller hashes it under a key before storing it.
func (p Pass) Identity() []byte {
	out := make([]byte, 0, 1+len(p.Issuer)+len(p.PassID))
	out = append(out, byte(len(p.Issuer)))
	out = append(out, p.Issuer...)
	return append(out, p.PassID[:]...)
}

// Masked is the account for a receipt or a page: an ellipsis and the last four
// characters of the pseudonym.
func (c Credential) Masked() string { return mask(c.Account) }

// String describes the credential with its account masked.
func (c Credential) String() string {
	return fmt.Sprintf("credential of %s for %s", c.Issuer, c.Masked())
}

// GoString keeps %#v from printing what String hides.
func (c Credential) GoString() string { return c.String() }

// LogValue keeps the pseudonym and the key out of structured logs.
func (c Credential) LogValue() slog.Value {
	return slog.GroupValue(slog.String("issuer", c.Issuer), slog.String("account", c.Masked()))
}

// String describes the pass with its account and id masked.
func (p Pass) String() string {
	return fmt.Sprintf("pass %s of %s for %s", p.PassID, p.Issuer, p.Masked())
}

// GoString keeps %#v from printing what String hides.
func (p Pass) GoString() string { return p.String() }

// LogValue keeps the pseudonym, the whole id and the key out of structured logs.
func (p Pass) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("pass", p.PassID.String()),
		slog.String("issuer", p.Issuer),
		slog.String("account", p.Masked()),
	)
}

// mask keeps the last four characters of a string of at least eight, and
// nothing of a shorter one.
func mask(s string) string {
	const shown, least = 4, 8
	if len(s) < least {
		return "…"
	}
	return "…" + s[len(s)-shown:]
}
