package wire

import (
	"crypto/hpke"
	"encoding/base64"
)

// evidenceInfo is the first part of the HPKE info; the payment id follows, so
// that the evidence of one payment cannot be passed off as another's.
const evidenceInfo = "sekisho.evidence.v1\n"

// SealEvidence seals the code of a payment approved offline to the backend:
// HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
// ChaCha20-Poly1305; the result is base64 of the encapsulated key and the
// ciphertext. The register itself cannot open it again.
func SealEvidence(to hpke.PublicKey, payment, code string) (string, error) {
	sealed, err := hpke.Seal(to, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(evidenceInfo+payment), []byte(code))
	if err != nil {
		return "", &Error{CodeBody, "the evidence cannot be sealed"}
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// OpenEvidence opens what SealEvidence made for the same payment.
func OpenEvidence(key hpke.PrivateKey, payment, evidence string) (string, error) {
	sealed, err := base64.StdEncoding.DecodeString(evidence)
	if err != nil {
		return "", &Error{CodeBody, "the evidence is no base64"}
	}
	code, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(evidenceInfo+payment), sealed)
	if err != nil {
		return "", &Error{CodeBody, "the evidence does not open for this payment"}
	}
	return string(code), nil
}
