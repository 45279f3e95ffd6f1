package pass

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/veraison/go-cose"
)

// IssueCredential is the issuer's side: it signs c with an Ed25519 key and
// returns the CWT that the device puts into its passes. Times are cut to whole
// seconds. A fresh device key for each credential keeps two credentials of one
// account from being linked by their keys.
func IssueCredential(issuer crypto.Signer, c Credential) ([]byte, error) {
	if field := c.check(); field != "" {
		return nil, fmt.Errorf("pass: credential: %s out of bounds", field)
	}
	set, err := claimsOf(c)
	if err != nil {
		return nil, fmt.Errorf("pass: device key: %w", err)
	}
	body, err := encMode.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("pass: claims: %w", err)
	}
	header := cose.ProtectedHeader{cose.HeaderLabelKeyID: []byte(c.KeyID)}
	return signMessage(issuer, cose.AlgorithmEdDSA, header, body, nil)
}

// Device is the phone's side: the key that its credential names and that
// credential.
type Device struct {
	Key        crypto.Signer // P-256; signs a SHA-256 digest, as secure hardware does
	Credential []byte        // the CWT from IssueCredential, for this key
}

// Make makes the text of one pass. The id is 16 random bytes, new each time;
// counter is one more than the last pass's.
func (d Device) Make(at time.Time, id ID, counter uint64) (string, error) {
	key, ok := d.Key.Public().(*ecdsa.PublicKey)
	switch {
	case !ok || key.Curve != elliptic.P256():
		return "", errors.New("pass: the device's key is not a P-256 key")
	case !representable(at):
		return "", errors.New("pass: issued-at out of bounds")
	case counter > maxInt:
		return "", errors.New("pass: counter out of bounds")
	}
	body, err := encMode.Marshal(payload{
		IssuedAt:   uint64(at.Unix()),
		PassID:     id[:],
		Counter:    counter,
		Credential: d.Credential,
	})
	if err != nil {
		return "", fmt.Errorf("pass: payload: %w", err)
	}
	message, err := signMessage(d.Key, cose.AlgorithmES256, cose.ProtectedHeader{}, body, externalAAD)
	if err != nil {
		return "", err
	}
	return textOf(message), nil
}

// textOf is what the QR code holds.
func textOf(message []byte) string {
	return string(appendBase45([]byte(Prefix), message))
}

// signMessage makes a tagged COSE_Sign1 whose header names the algorithm.
func signMessage(key crypto.Signer, alg cose.Algorithm, header cose.ProtectedHeader, body, external []byte) ([]byte, error) {
	signer, err := cose.NewSigner(alg, key)
	if err != nil {
		return nil, fmt.Errorf("pass: signing key: %w", err)
	}
	header.SetAlgorithm(alg)
	message, err := cose.Sign1(rand.Reader, signer, cose.Headers{Protected: header}, body, external)
	if err != nil {
		return nil, fmt.Errorf("pass: sign: %w", err)
	}
	return message, nil
}
