package keys

import (
	"crypto/ed25519"
	"crypto/x509"
	"net/url"
	"testing"
	"time"

	"sekisho/terminal/enrol"
)

// A backend whose next CA signs at once, without the one before it: the power goes
// in the middle of keeping what it gave, and the register starts all the same.
func TestI8APowerCutInARenewalLeavesARegisterThatStarts(t *testing.T) {
	b, stranger := newBackend(t), newBackend(t)
	for cut := 0; ; cut++ {
		data := t.TempDir()
		if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
			t.Fatal(err)
		}
		k, trust := inUse(t, data)
		f, err := Find(data)
		if err != nil {
			t.Fatal(err)
		}
		public := k.Register.Public().(ed25519.PublicKey)
		steps := f.renewing(trust, enrol.Renewed{Certificate: asPEM(stranger.certificate(public)), CA: asPEM(stranger.ca)})
		if err := run(steps[:cut]); err != nil {
			t.Fatal(err)
		}
		_, now := inUse(t, data)
		if cut < len(steps) {
			continue
		}
		if len(now.CAs) != 1 || !now.CAs[0].Equal(stranger.ca) {
			t.Errorf("%d CAs are trusted in the end", len(now.CAs))
		}
		return
	}
}

func TestRenewedCertificateIsLookedAt(t *testing.T) {
	b, data := newBackend(t), t.TempDir()
	if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
		t.Fatal(err)
	}
	k, trust := inUse(t, data)
	f, err := Find(data)
	if err != nil {
		t.Fatal(err)
	}
	public, stranger := k.Register.Public().(ed25519.PublicKey), newBackend(t)
	later := func(b *backend, public ed25519.PublicKey, days int) string {
		return asPEM(b.issue(public, func(c *x509.Certificate) {
			c.URIs, c.ExtKeyUsage = []*url.URL{nameOf(b.id).URI()}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			c.NotAfter = c.NotAfter.Add(time.Duration(days) * 24 * time.Hour)
		}))
	}
	for name, r := range map[string]enrol.Renewed{
		"shorter":     {Certificate: later(b, public, -1), CA: asPEM(b.ca)},
		"another key": {Certificate: later(b, stranger.office.Wallet.Public().(ed25519.PublicKey), 1), CA: asPEM(b.ca)},
		"another CA":  {Certificate: later(stranger, public, 1), CA: asPEM(b.ca)},
		"nothing":     {},
		"no CA":       {Certificate: later(b, public, 1)},
	} {
		if _, err := f.Renew(k, trust, r); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, same := inUse(t, data); !same.Certificate.Leaf.Equal(trust.Certificate.Leaf) {
		t.Error("the certificate is another")
	}
	// The next CA comes beside the old one, and then signs.
	renewed, err := f.Renew(k, trust, enrol.Renewed{Certificate: later(stranger, public, 1), CA: asPEM(b.ca) + asPEM(stranger.ca)})
	if err != nil {
		t.Fatal(err)
	}
	if _, now := inUse(t, data); len(now.CAs) != 2 || !now.Certificate.Leaf.Equal(renewed.Certificate.Leaf) || now.Certificate.Leaf.Equal(trust.Certificate.Leaf) {
		t.Error("the renewed certificate is not in its place")
	}
}
