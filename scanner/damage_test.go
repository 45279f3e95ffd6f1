package scanner_test

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/scanner/framing"
	"sekisho/scanner/payload"
	passes "sekisho/terminal/pass"
)

// customers makes codes that pay, and goods.
type customers struct {
	phone  *walletsim.Phone
	trust  passes.Trust
	random *rand.Rand
}

func newCustomers(t *testing.T, seed uint64) *customers {
	t.Helper()
	issuer := walletsim.Issuer{
		Name: "wallet", KeyID: "key-1", Audience: "chain/dev", Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)),
	}
	phone, err := walletsim.NewPhone(issuer, walletsim.Owner{Account: "account-0001", BoundAt: time.Now(), Ceilings: walletsim.Ceilings{Yen: 1, Count: 1}}, 1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return &customers{phone: phone, trust: issuer.Trust(), random: rand.New(rand.NewPCG(seed, 3))}
}

// next is a code and what it is; one that pays has not been shown before.
func (c *customers) next(t *testing.T) (unit.Symbol, payload.Kind) {
	t.Helper()
	switch c.random.IntN(8) {
	case 0:
		text, err := c.phone.Pass()
		if err != nil {
			t.Fatal(err)
		}
		return unit.Symbol{Identifier: "]Q1", Data: text}, payload.Pass
	case 1:
		text, err := c.phone.EMV()
		if err != nil {
			t.Fatal(err)
		}
		return unit.Symbol{Identifier: "]Q1", Data: text}, payload.EMVContainer
	case 2, 3, 4:
		return unit.Symbol{Identifier: "]C0", Data: c.phone.Digits(walletsim.PayPay)}, payload.WalletDigits
	}
	return c.article(), payload.Goods
}

// article is goods, in one case of three with the short number of small things.
func (c *customers) article() unit.Symbol {
	if c.random.IntN(3) == 0 {
		return unit.Symbol{Identifier: "]E4", Data: withCheckDigit(fmt.Sprintf("49%05d", c.random.IntN(1e5)))}
	}
	return unit.Symbol{Identifier: "]E0", Data: withCheckDigit(fmt.Sprintf("49%010d", c.random.IntN(1e10)))}
}

// withCheckDigit is 7 or 12 digits and the last one of their GTIN (GS1 General
// Specifications, 7.9: from the right, three times and once in turns).
func withCheckDigit(digits string) string {
	sum := 0
	for i := range digits {
		weight := 3 - 2*(i%2)
		sum += int(digits[len(digits)-1-i]-'0') * weight
	}
	return digits + string(rune('0'+(10-sum%10)%10))
}

// rawLine is a line without a checksum: what a driver makes of bytes that suffered.
type rawLine struct {
	driver framing.Driver
	out    framing.Out
	now    time.Duration
}

// say brings the till a symbol with one fault, and then perhaps silence.
func (l *rawLine) say(s unit.Symbol, f *unit.Faults, identified, silence bool) []framing.Got {
	frame := s.Data + "\r"
	if identified {
		frame = s.Identifier + frame
	}
	l.out.Reset()
	for _, p := range f.Frame([]byte(frame)) {
		l.now += p.Pause
		l.driver.Feed(l.now, p.Data, &l.out)
	}
	if silence {
		l.now += time.Second
		l.driver.Tick(l.now, &l.out)
	}
	return l.out.Got
}

// A line without a checksum delivers damaged codes that nobody can tell from whole
// ones. None of them pays by itself: a damaged pass is forged, a damaged article is
// another article at most. What is still taken for a wallet's digits or an EMV
// container was one before, or two rows of digits whose terminator was lost while
// another code came in the same breath. Those two kinds are never approved by the
// till itself, line up or down: the backend is asked, and knows no such code (the
// scripts of package scenario show digits that no wallet showed). The chance that
// it knows one, because it is another customer's, is that of guessing one.
func TestDamagedCodesOfARawLineDoNotPay(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := newCustomers(t, seed)
	line := &rawLine{driver: framing.New(framing.FamilyRaw)}
	f := unit.NewFaults(seed, 1, unit.Lose, unit.Flip, unit.Checksum, unit.Baud, unit.Split)
	taken := map[string]int{}
	before, quiet := payload.NotPayment, true // the code shown last, and whether silence came behind it
	for range 20_000 {
		s, kind := c.next(t)
		silence := c.random.IntN(2) == 0
		for _, got := range line.say(s, f, c.random.IntN(2) == 0, silence) {
			if got.Kind != framing.GotFrame || got.Frame.Text == s.Data {
				continue
			}
			seems := payload.Classify(got.Frame.Symbology, got.Frame.Text, nil).Kind
			taken[fmt.Sprintf("%v taken for %v", kind, seems)]++
			c.judge(t, got.Frame, seems, kind, before, quiet)
		}
		before, quiet = kind, silence
	}
	for what, n := range taken {
		t.Logf("%5d times a damaged %s", n, what)
	}
}

// judge demands that a damaged code does not pay.
func (c *customers) judge(t *testing.T, f framing.Frame, seems, kind, before payload.Kind, quiet bool) {
	t.Helper()
	joined := !quiet && rows(before) && rows(kind)
	switch seems {
	case payload.Pass:
		if _, err := passes.Verify(f.Text, c.trust); err == nil {
			t.Errorf("a damaged %v is a pass that verifies", kind)
		}
	case payload.WalletDigits:
		if kind != payload.WalletDigits && !joined {
			t.Errorf("a damaged %v of %d bytes is taken for a wallet's digits", kind, len(f.Text))
		}
	case payload.EMVContainer:
		if kind != payload.EMVContainer || !strings.HasPrefix(f.Text, "hQVDUFYwMW") {
			t.Errorf("a damaged %v is taken for a container", kind)
		}
	}
}

// rows tells whether a kind of code is a row of digits.
func rows(k payload.Kind) bool { return k == payload.Goods || k == payload.WalletDigits }
