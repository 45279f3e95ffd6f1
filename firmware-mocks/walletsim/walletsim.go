// Package walletsim is a customer's phone, and the wallet's backend as far as
// the phone needs it.
//
// An [Issuer] binds accounts to devices: it holds an Ed25519 key and signs
// credentials. A [Phone] is bound to one account. It makes passes, which a till
// can check offline, and shows what other wallets show: single-use digits
// ([Phone.Digits]) and an EMV container ([Phone.EMV]). [MerchantCode] is the
// code that stands on a shop's counter and that customers show by mistake.
//
// What else passes a till's scanner is described as data and written as text:
// [CPM] (EMV and JPQR containers of any shape), [MPM] (shops' codes),
// [ElementString], [Link] and [Bill] (GS1), [Magazine], [Book], [InStore] and
// [WithAddOn] (goods). [QR], [DataMatrix], [GS1DataMatrix], [Code128], [GS1128]
// and [EAN] draw texts as pictures for a scanner; package wear spoils them as
// life does.
//
// The phone signs passes with the product's own package, which vectors from
// another language hold; every other code is written here from the documents
// and shares nothing with the daemon's readers. Given a seed, a phone's keys,
// ids and digits come out the same in every run, its signatures do not.
//
// A Phone may be used by several goroutines.
package walletsim

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"sekisho/terminal/pass"
)

// CredentialLife is how long an Issuer's credentials hold.
const CredentialLife = 24 * time.Hour

// Issuer is the issuing side of a wallet's backend.
type Issuer struct {
	Name     string // as in the policy's table of issuers
	KeyID    string // names Key
	Audience string // chain and environment
	Key      ed25519.PrivateKey
}

// Trust is what a till must know to believe this issuer alone.
func (i Issuer) Trust() pass.Trust {
	return pass.Trust{Audience: i.Audience, Keys: map[string]pass.IssuerKey{
		i.KeyID: {Issuer: i.Name, Key: i.Key.Public().(ed25519.PublicKey)},
	}}
}

// Ceilings is what an account may spend offline in any 24 hours.
type Ceilings struct {
	Yen   int64
	Count int64 // payments
}

// Owner is what an issuer knows of a phone.
type Owner struct {
	Account  string    // pseudonym, 8 to 64 characters of visible ASCII
	BoundAt  time.Time // since when the account is bound to this phone
	Ceilings Ceilings
}

// Phone is one phone, bound to one account.
type Phone struct {
	issuer Issuer
	owner  Owner
	now    func() time.Time

	mu      sync.Mutex
	random  *rand.ChaCha8
	device  pass.Device
	counter uint64
	shown   map[string]bool // digits are single use
}

// NewPhone binds a phone and fetches its first credential. A seed of 0 takes
// one from the system; any other gives the same phone in each run.
func NewPhone(issuer Issuer, owner Owner, seed uint64, now func() time.Time) (*Phone, error) {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	if seed == 0 {
		if _, err := crand.Read(key[:]); err != nil {
			return nil, fmt.Errorf("walletsim: seed: %w", err)
		}
	}
	p := &Phone{issuer: issuer, owner: owner, now: now, random: rand.NewChaCha8(key), shown: map[string]bool{}}
	if err := p.Renew(); err != nil {
		return nil, err
	}
	return p, nil
}

// Account is the pseudonym that the phone is bound to.
func (p *Phone) Account() string { return p.owner.Account }

// Renew fetches a credential that starts now, for a fresh device key, as a
// phone does when it is online. Without it the phone goes on with the old one,
// past its end too.
func (p *Phone) Renew() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	key, err := p.deviceKey()
	if err != nil {
		return err
	}
	now := p.now()
	credential, err := pass.IssueCredential(p.issuer.Key, pass.Credential{
		Issuer:       p.issuer.Name,
		KeyID:        p.issuer.KeyID,
		Audience:     p.issuer.Audience,
		Account:      p.owner.Account,
		Device:       &key.PublicKey,
		BoundAt:      p.owner.BoundAt,
		Issued:       now,
		Expires:      now.Add(CredentialLife),
		OfflineYen:   p.owner.Ceilings.Yen,
		OfflineCount: p.owner.Ceilings.Count,
	})
	if err != nil {
		return fmt.Errorf("walletsim: renew: %w", err)
	}
	p.device = pass.Device{Key: key, Credential: credential}
	return nil
}

// deviceKey makes a P-256 key of the phone's own randomness. One number in
// 2^32 is no private key; the next is taken then.
func (p *Phone) deviceKey() (*ecdsa.PrivateKey, error) {
	const tries = 8
	for range tries {
		var raw [32]byte
		p.fill(raw[:])
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw[:]); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("walletsim: no device key in eight tries")
}

// Pass makes a new pass, of now and with the next counter.
func (p *Phone) Pass() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counter++
	var id pass.ID
	p.fill(id[:])
	text, err := p.device.Make(p.now(), id, p.counter)
	if err != nil {
		return "", fmt.Errorf("walletsim: %w", err)
	}
	return text, nil
}

// fill fills b with the phone's randomness; ChaCha8's Read never fails.
func (p *Phone) fill(b []byte) { _, _ = p.random.Read(b) }
