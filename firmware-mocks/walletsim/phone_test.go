package walletsim

import (
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"sekisho/terminal/pass"
)

// start is a second of the test's own clock.
var start = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)

// clock is a time that the test moves.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func demoIssuer() Issuer {
	return Issuer{
		Name: "demo-wallet", KeyID: "demo-001", Audience: "demo-chain/dev",
		Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)),
	}
}

func demoPhone(t *testing.T, seed uint64) (*Phone, *clock) {
	t.Helper()
	c := &clock{start}
	owner := Owner{Account: "k7Qm2xT9vB4r", BoundAt: start.AddDate(-1, 0, 0), Ceilings: Ceilings{Yen: 5000, Count: 3}}
	phone, err := NewPhone(demoIssuer(), owner, seed, c.read)
	if err != nil {
		t.Fatal(err)
	}
	return phone, c
}

func verified(t *testing.T, phone *Phone) *pass.Pass {
	t.Helper()
	text, err := phone.Pass()
	if err != nil {
		t.Fatal(err)
	}
	p, err := pass.Verify(text, demoIssuer().Trust())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPhonesPassVerifiesAndTellsItsOwner(t *testing.T) {
	phone, clock := demoPhone(t, 1)
	p := verified(t, phone)
	if p.Account != phone.Account() || !p.BoundAt.Equal(start.AddDate(-1, 0, 0)) || p.OfflineYen != 5000 || p.OfflineCount != 3 {
		t.Error("the pass tells of another owner")
	}
	if !p.IssuedAt.Equal(start) || p.Counter != 1 {
		t.Errorf("issued at %v, counter %d", p.IssuedAt, p.Counter)
	}
	clock.now = start.Add(61 * time.Second)
	if err := p.Fresh(clock.now, time.Minute, 0); pass.CodeOf(err) != pass.Expired {
		t.Errorf("after 61 s: %v", err)
	}
	next := verified(t, phone)
	if next.Counter != 2 || next.PassID == p.PassID || next.Fresh(clock.now, time.Minute, 0) != nil {
		t.Error("the next pass is not a new one")
	}
}

func TestAPhoneWithoutTheLineRunsOutAndRenews(t *testing.T) {
	phone, clock := demoPhone(t, 1)
	first := verified(t, phone)
	clock.now = start.Add(CredentialLife)
	if err := verified(t, phone).Fresh(clock.now, time.Minute, 0); pass.CodeOf(err) != pass.CredentialExpired {
		t.Errorf("after a day: %v", err)
	}
	if err := phone.Renew(); err != nil {
		t.Fatal(err)
	}
	renewed := verified(t, phone)
	if err := renewed.Fresh(clock.now, time.Minute, 0); err != nil {
		t.Errorf("renewed: %v", err)
	}
	if renewed.Device.Equal(first.Device) {
		t.Error("a credential was renewed for the old key")
	}
	if !renewed.BoundAt.Equal(first.BoundAt) {
		t.Error("renewing moved the time of binding")
	}
}

func TestASeedGivesTheSamePhone(t *testing.T) {
	a, _ := demoPhone(t, 7)
	b, _ := demoPhone(t, 7)
	other, _ := demoPhone(t, 8)
	p, q, r := verified(t, a), verified(t, b), verified(t, other)
	if !p.Device.Equal(q.Device) || p.PassID != q.PassID || a.Digits(PayPay) != b.Digits(PayPay) {
		t.Error("one seed, two phones")
	}
	if p.Device.Equal(r.Device) || p.PassID == r.PassID {
		t.Error("two seeds, one phone")
	}
	x, _ := demoPhone(t, 0)
	y, _ := demoPhone(t, 0)
	if verified(t, x).PassID == verified(t, y).PassID {
		t.Error("without a seed two phones are one")
	}
}

func TestAPhoneNeedsAnOwner(t *testing.T) {
	if _, err := NewPhone(demoIssuer(), Owner{Account: "short", BoundAt: start}, 1, (&clock{start}).read); err == nil {
		t.Error("bound to a pseudonym that no credential can hold")
	}
}

// The shapes are those of the shops' observations, written here once more.
func TestDigitsLookLikeTheirService(t *testing.T) {
	phone, _ := demoPhone(t, 3)
	for name, want := range map[string]struct {
		service Service
		prefix  string
		length  int
	}{
		"Alipay":      {Alipay, "28", 18},
		"WeChat Pay":  {WeChatPay, "13", 18},
		"UnionPay":    {UnionPay, "62", 19},
		"PayPay":      {PayPay, "9000818188", 24},
		"Rakuten Pay": {RakutenPay, "900001", 16},
		"d-barai":     {DBarai, "90000002", 22},
		"Merpay":      {Merpay, "31589900", 19},
		"au PAY":      {AuPay, "31589921", 19},
		"Yucho Pay":   {YuchoPay, "31589931", 19},
	} {
		code := phone.Digits(want.service)
		if !strings.HasPrefix(code, want.prefix) || len(code) != want.length || strings.Trim(code, "0123456789") != "" {
			t.Errorf("%s: %s", name, code)
		}
	}
	if len(Services()) != 9 {
		t.Errorf("%d services", len(Services()))
	}
}

func TestDigitsAreSingleUse(t *testing.T) {
	phone, _ := demoPhone(t, 3)
	narrow := Service{"narrow", "9", 2} // ten codes in all
	seen := map[string]bool{}
	for range 10 {
		seen[phone.Digits(narrow)] = true
	}
	if len(seen) != 10 {
		t.Errorf("%d of ten codes: one came twice", len(seen))
	}
}
