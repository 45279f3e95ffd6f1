package pass

import (
	"crypto/ed25519"
	"strings"
	"time"

	"github.com/veraison/go-cose"
)

// IssuerKey is one public key that may sign credentials, and whose it is.
type IssuerKey struct {
	Issuer string // must equal the credential's iss
	Key    ed25519.PublicKey
}

// Trust is whom a till believes. It is read only, so that goroutines may share
// it.
type Trust struct {
	Audience string               // this till's chain and environment
	Keys     map[string]IssuerKey // by key id, the bytes of the COSE kid
}

// Verify reads the text of a pass exactly as it was scanned, untrimmed, and
// checks its structure, both signatures and its audience. It knows no time: a
// pass of last year verifies, and [Pass.Fresh] says that it is old. Every error
// is an *[Error].
func Verify(text string, trust Trust) (*Pass, error) {
	message, header, err := openText(text)
	if err != nil {
		return nil, err
	}
	var body payload
	if !decodeOnly(message.Payload, &body) || len(body.PassID) != len(ID{}) || body.IssuedAt > maxUnix || body.Counter > maxInt {
		return nil, malformed("payload")
	}
	credential, err := verifyCredential(body.Credential, trust)
	if err != nil {
		return nil, err
	}
	if err := verifySign1(message, header.Algorithm, cose.AlgorithmES256, credential.Device, externalAAD); err != nil {
		return nil, err
	}
	return &Pass{
		Credential: credential,
		PassID:     ID(body.PassID),
		Counter:    body.Counter,
		IssuedAt:   seconds(body.IssuedAt),
	}, nil
}

// Fresh tells whether the pass may be used at the time now: made no longer ago
// than maxAge, by a credential that still holds, each with the tolerance that
// the policy grants to clocks. The error is an *[Error] with code FromFuture,
// CredentialExpired or Expired, in this order: a new picture on a phone whose
// credential is over would not help its owner.
func (p Pass) Fresh(now time.Time, maxAge, tolerance time.Duration) error {
	switch {
	case p.IssuedAt.Sub(now) > tolerance:
		return &Error{FromFuture, "pass issued later than now"}
	case p.Issued.Sub(now) > tolerance:
		return &Error{FromFuture, "credential issued later than now"}
	case now.Sub(p.Expires) >= tolerance:
		return &Error{CredentialExpired, "credential is over"}
	case now.Sub(p.IssuedAt) > maxAge+tolerance:
		return &Error{Expired, "pass is too old"}
	}
	return nil
}

// openText undoes prefix, base45 and the outer COSE message.
func openText(text string) (sign1, deviceHeader, error) {
	var header deviceHeader
	encoded, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return sign1{}, header, malformed("prefix")
	}
	if len(text) > MaxText {
		return sign1{}, header, malformed("too long")
	}
	data, ok := decodeBase45(encoded)
	if !ok {
		return sign1{}, header, malformed("base45")
	}
	message, ok := openSign1(data, &header)
	if !ok {
		return sign1{}, header, malformed("outer message")
	}
	return message, header, nil
}

// verifyCredential checks the issuer's signature before it reads a claim.
func verifyCredential(cwt []byte, trust Trust) (Credential, error) {
	var header issuerHeader
	message, ok := openSign1(cwt, &header)
	if !ok {
		return Credential{}, malformed("credential")
	}
	issuer, ok := trust.Keys[string(header.KeyID)]
	if !ok || len(issuer.Key) != ed25519.PublicKeySize { // crypto/ed25519 panics on another length
		return Credential{}, forged("unknown issuer key")
	}
	if err := verifySign1(message, header.Algorithm, cose.AlgorithmEdDSA, issuer.Key, nil); err != nil {
		return Credential{}, err
	}
	var set claims
	if !decodeOnly(message.Payload, &set) {
		return Credential{}, malformed("claims")
	}
	credential, ok := set.credential(string(header.KeyID))
	switch {
	case !ok:
		return Credential{}, malformed("a claim is out of bounds")
	case credential.Issuer != issuer.Issuer:
		return Credential{}, forged("the key is another issuer's")
	case credential.Audience != trust.Audience:
		return Credential{}, &Error{WrongAudience, "for another chain or environment"}
	}
	return credential, nil
}

// verifySign1 checks one signature. The algorithm alg comes from the caller, who
// has the key; go-cose refuses a message that has named another.
func verifySign1(m sign1, named, alg cose.Algorithm, key any, external []byte) error {
	verifier, err := cose.NewVerifier(alg, key)
	if err != nil {
		return forged("unusable key")
	}
	protected, err := encMode.Marshal(m.Protected)
	if err != nil {
		return malformed("protected header")
	}
	signed := cose.Sign1Message{
		Headers: cose.Headers{
			RawProtected: protected,
			Protected:    cose.ProtectedHeader{cose.HeaderLabelAlgorithm: named},
		},
		Payload:   m.Payload,
		Signature: m.Signature,
	}
	if signed.Verify(external, verifier) != nil {
		return forged("signature, or another algorithm than the key's")
	}
	return nil
}
