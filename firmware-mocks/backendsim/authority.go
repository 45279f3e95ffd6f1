package backendsim

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// The lives of certificates. A register renews at two thirds of its own.
const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 90 * 24 * time.Hour
	clockSlack      = time.Hour // a register's clock may be late by so much
)

// The states of an authority.
const (
	signing = "signing" // it signs what is made now
	next    = "next"    // registers are told of it; it signs from the switch on
	old     = "old"     // it signed before; what it signed is good still
)

// authority is one CA.
type authority struct {
	id    int64
	state string
	cert  *x509.Certificate
	key   crypto.Signer
}

// makeAuthority makes a CA that signs itself, valid from a little before now.
func makeAuthority(now time.Time) (der, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	name := pkix.Name{Organization: []string{"sekisho backendsim"}, CommonName: "CA " + rand.Text()[:8]}
	template := &x509.Certificate{
		SerialNumber: newSerial(), Subject: name, NotBefore: now.Add(-clockSlack), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if der, err = x509.CreateCertificate(rand.Reader, template, template, private.Public(), private); err != nil {
		return nil, nil, err
	}
	key, err = x509.MarshalPKCS8PrivateKey(private)
	return der, key, err
}

// newSerial makes a certificate's number: 127 random bits.
func newSerial() *big.Int {
	raw := make([]byte, 16)
	rand.Read(raw) // never fails since Go 1.24
	raw[0] &= 0x7f
	return new(big.Int).SetBytes(raw)
}

// authorities gives the CAs, the one that signs first.
func (t *tx) authorities() ([]authority, error) {
	var all []authority
	err := t.each(func(scan func(...any) error) error {
		var a authority
		var der, key []byte
		if err := scan(&a.id, &a.state, &der, &key); err != nil {
			return err
		}
		private, err := x509.ParsePKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		a.key, _ = private.(crypto.Signer) // makeAuthority made it
		a.cert, err = x509.ParseCertificate(der)
		all = append(all, a)
		return err
	}, "SELECT id, state, certificate, key FROM authority ORDER BY state != 'signing', id")
	return all, err
}

func (t *tx) addAuthority(state string, now time.Time) error {
	der, key, err := makeAuthority(now)
	if err != nil {
		return err
	}
	return t.exec("INSERT INTO authority (state, certificate, key) VALUES (?, ?, ?)", state, der, key)
}

// certify makes the first CA, and reads all there are.
func (b *Backend) certify(ctx context.Context) error {
	var all []authority
	err := b.ledger.change(ctx, func(t *tx) (err error) {
		if known, err := t.has("SELECT 1 FROM authority"); err != nil {
			return err
		} else if !known {
			if err := t.addAuthority(signing, b.now()); err != nil {
				return err
			}
		}
		all, err = t.authorities()
		return err
	})
	if err != nil {
		return fmt.Errorf("backendsim: the CA: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cas = all
	return nil
}

func (b *Backend) authorities() []authority {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cas
}

// caText is what registers get as ca: all CAs, the one that signs first.
func caText(all []authority) string {
	var text strings.Builder
	for _, a := range all {
		text.WriteString(pemOf(a.cert.Raw))
	}
	return text.String()
}

// newest is the highest id of all CAs: that of the next one, where there is one.
func newest(all []authority) (id int64) {
	for _, a := range all {
		id = max(id, a.id)
	}
	return id
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// CA gives the certificates that registers trust, in PEM, the one that signs
// first.
func (b *Backend) CA() string { return caText(b.authorities()) }

// AddCA makes the CA that shall follow. Registers are told of it with their
// certificates; nothing is signed with it yet.
func (b *Backend) AddCA(ctx context.Context) error {
	return b.changeCA(ctx, func(t *tx) error {
		if there, err := t.has("SELECT 1 FROM authority WHERE state = 'next'"); err != nil || there {
			return errors.Join(err, errIf(there, "there is a next CA already: switch to it first"))
		}
		return t.addAuthority(next, b.now())
	})
}

// SwitchCA has the next CA sign from now on. It does not while a register with a
// good certificate has not heard of it, unless forced; such a register must be
// enrolled again. One-time codes that nobody used name the CA before: they end.
func (b *Backend) SwitchCA(ctx context.Context, force bool) error {
	return b.changeCA(ctx, func(t *tx) error {
		all, err := t.authorities()
		if err != nil {
			return err
		}
		if newest(all) == all[0].id {
			return errors.New("backendsim: there is no next CA: add one, and give the registers time to renew")
		}
		if len(all) > 2 {
			return errors.New("backendsim: the old CA is there still: drop it first")
		}
		deaf, err := t.notTold(newest(all), b.now())
		if err != nil {
			return err
		}
		if len(deaf) > 0 && !force {
			return fmt.Errorf("backendsim: %s have not renewed since the next CA was added and would have to be enrolled again", strings.Join(deaf, ", "))
		}
		for _, change := range []string{
			"UPDATE authority SET state = 'old' WHERE state = 'signing'",
			"UPDATE authority SET state = 'signing' WHERE state = 'next'",
			"DELETE FROM code WHERE serial = ''",
		} {
			if err := t.exec(change); err != nil {
				return err
			}
		}
		return nil
	})
}

// notTold lists the registers with good certificates none of which came with the
// CA of that id.
func (t *tx) notTold(id int64, now time.Time) (registers []string, err error) {
	err = t.each(func(scan func(...any) error) error {
		var register string
		err := scan(&register)
		registers = append(registers, register)
		return err
	}, "SELECT register FROM certificate WHERE revoked = 0 AND ends > ? GROUP BY register HAVING max(authority) < ? ORDER BY 1", now.UnixMilli(), id)
	return registers, err
}

// DropCA takes the old CA away: what it signed is foreign from now on, and links by
// it end.
func (b *Backend) DropCA(ctx context.Context) error {
	err := b.changeCA(ctx, func(t *tx) error {
		there, err := t.has("SELECT 1 FROM authority WHERE state = 'old'")
		if err != nil || !there {
			return errors.Join(err, errIf(!there, "there is no old CA"))
		}
		return t.exec("DELETE FROM authority WHERE state = 'old'")
	})
	if err != nil {
		return err
	}
	for _, l := range b.linked(func(l *link) bool { return l.shown != nil }) {
		if _, err := b.ours(l.shown.leaf); err != nil {
			l.stop()
		}
	}
	return nil
}

func errIf(yes bool, text string) error {
	if yes {
		return errors.New("backendsim: " + text)
	}
	return nil
}

func (b *Backend) changeCA(ctx context.Context, do func(*tx) error) error {
	if err := b.ledger.change(ctx, do); err != nil {
		return err
	}
	return b.certify(ctx)
}
