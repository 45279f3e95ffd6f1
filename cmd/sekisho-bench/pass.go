package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"sekisho/terminal/pass"
)

const (
	passRounds = 2000 // each with a pass and keys of its own, so that no cache is measured
	passGoal   = 1.3  // decoding may add this much to the two signatures
	signedSize = 180  // bytes: about what each signature of a pass stands over
)

// bareSignatures is the limit's material: one signature of each kind.
type bareSignatures struct {
	message  []byte
	issuer   ed25519.PublicKey
	byIssuer []byte
	device   *ecdsa.PublicKey
	digest   []byte // SHA-256 of message
	byDevice []byte // ASN.1, over digest
}

// passFigure measures text to verified pass, against one bare Ed25519 and one
// bare P-256 verification.
func passFigure() (fmt.Stringer, error) {
	texts, bare := make([]string, passRounds), make([]bareSignatures, passRounds)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("issuer's key: %w", err)
	}
	for i := range passRounds {
		if texts[i], bare[i], err = freshPass(private); err != nil {
			return nil, err
		}
	}
	trust := pass.Trust{Audience: "bench/dev", Keys: map[string]pass.IssuerKey{
		"bench-01": {Issuer: "bench-wallet", Key: public},
	}}
	value, limit, err := inTurn(passRounds,
		func(round int) error {
			_, err := pass.Verify(texts[round], trust)
			return err
		},
		func(round int) error { return bare[round].verify() },
	)
	return figure{"pass-verify", value, "ed25519+p256", limit, passGoal}, err
}

// freshPass makes a device, its credential, one pass, and bare signatures by
// the same two keys.
func freshPass(issuer ed25519.PrivateKey) (string, bareSignatures, error) {
	device, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", bareSignatures{}, fmt.Errorf("device's key: %w", err)
	}
	now := time.Now()
	credential, err := pass.IssueCredential(issuer, pass.Credential{
		Issuer: "bench-wallet", KeyID: "bench-01", Audience: "bench/dev", Account: "account-" + rand.Text()[:8],
		Device: &device.PublicKey, BoundAt: now.AddDate(-1, 0, 0), Issued: now, Expires: now.AddDate(0, 0, 1),
		OfflineYen: 5000, OfflineCount: 3,
	})
	if err != nil {
		return "", bareSignatures{}, err
	}
	var id pass.ID
	if _, err := rand.Read(id[:]); err != nil {
		return "", bareSignatures{}, err
	}
	text, err := pass.Device{Key: device, Credential: credential}.Make(now, id, 1)
	if err != nil {
		return "", bareSignatures{}, err
	}
	bare, err := signBare(issuer, device)
	return text, bare, err
}

func signBare(issuer ed25519.PrivateKey, device *ecdsa.PrivateKey) (bareSignatures, error) {
	message := make([]byte, signedSize)
	if _, err := rand.Read(message); err != nil {
		return bareSignatures{}, err
	}
	digest := sha256.Sum256(message)
	byDevice, err := ecdsa.SignASN1(rand.Reader, device, digest[:])
	if err != nil {
		return bareSignatures{}, fmt.Errorf("bare signature: %w", err)
	}
	return bareSignatures{
		message:  message,
		issuer:   issuer.Public().(ed25519.PublicKey),
		byIssuer: ed25519.Sign(issuer, message),
		device:   &device.PublicKey,
		digest:   digest[:],
		byDevice: byDevice,
	}, nil
}

func (b bareSignatures) verify() error {
	if !ed25519.Verify(b.issuer, b.message, b.byIssuer) || !ecdsa.VerifyASN1(b.device, b.digest, b.byDevice) {
		return errors.New("a bare signature does not hold")
	}
	return nil
}
