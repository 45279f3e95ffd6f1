package conform

import (
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"math/big"
	"strings"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var codeRules = []Rule{
	{"pass.once", "A pass that has paid pays no other payment: code.replayed.", theCodes, func(p *play) {
		t, code := p.join(p.a()), p.fresh()
		t.approved(t.buy(newID(), code, price))
		t.declined(t.buy(newID(), code, price), string(terminal.CodeReplayed))
	}},
	{"pass.once-reversed", "Also after a reversal of the payment, the pass pays no other.", theCodes, func(p *play) {
		t, code, payment := p.join(p.a()), p.fresh(), newID()
		t.approved(t.buy(payment, code, price))
		t.accepted(t.reverse(payment))
		t.declined(t.buy(newID(), code, price), string(terminal.CodeReplayed))
	}},
	{"pass.once-text", "A pass is known by issuer and pass id: another text of it is the same pass.", theCodes, func(p *play) {
		t, code := p.join(p.a()), p.fresh()
		t.approved(t.buy(newID(), code, price))
		t.declined(t.buy(newID(), otherText(code), price), string(terminal.CodeReplayed))
	}},
	{"pass.once-stores", "A pass that paid in one store pays in no other.", theCodes, func(p *play) {
		a, c, code := p.join(p.a()), p.join(p.c()), p.fresh()
		a.approved(a.buy(newID(), code, price))
		c.declined(c.buy(newID(), code, price), string(terminal.CodeReplayed))
	}},
	{"pass.once-raced", "A pass shown at two registers at once pays at one.", theCodes, passRaced},
	{"pass.not-used-up", "A pass whose payment was declined may pay another.", theCodes, func(p *play) {
		t, code := p.join(p.a()), p.fresh()
		m := t.buy(newID(), code, price)
		m.Authorise.NotAfter = p.now().Add(-time.Minute).UnixMilli()
		t.declined(m, "")
		t.approved(t.buy(newID(), code, price))
	}},
	{"pass.forged", "A pass of an issuer's key that the policy does not name is declined with code.forged.", theCodes, func(p *play) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		p.want(err == nil, "the kit made no key: %v", err)
		issuer := p.wallet()
		issuer.Key = key
		t := p.join(p.a())
		t.declined(t.buy(newID(), p.show(p.phone(issuer, p.somebody(), p.now)), price), string(terminal.CodeForged))
	}},
	{"pass.audience", "A pass for another chain or environment is declined with code.forged.", theCodes, func(p *play) {
		issuer := p.wallet()
		issuer.Audience += "x"
		t := p.join(p.a())
		t.declined(t.buy(newID(), p.show(p.phone(issuer, p.somebody(), p.now)), price), string(terminal.CodeForged))
	}},
	{"pass.malformed", "What is no pass is declined with code.forged.", theCodes, func(p *play) {
		t, code := p.join(p.a()), p.fresh()
		t.declined(t.buy(newID(), "SK1:"+strings.Repeat("0", 60), price), string(terminal.CodeForged))
		t.declined(t.buy(newID(), "SK1:", price), string(terminal.CodeForged))
		if !p.over() {
			t.declined(t.buy(newID(), code[:len(code)-3], price), string(terminal.CodeForged))
		}
	}},
	{"pass.expired", "With the line up a pass of four minutes pays; one of ten minutes is declined with code.expired.", theCodes, func(p *play) {
		t := p.join(p.a())
		t.approved(t.buy(newID(), p.shownAt(4*time.Minute), price))
		t.declined(t.buy(newID(), p.shownAt(10*time.Minute), price), string(terminal.CodeExpired))
	}},
	{"pass.future", "A pass made beyond the policy's tolerance after now is declined with code.expired.", theCodes, func(p *play) {
		t := p.join(p.a())
		t.declined(t.buy(newID(), p.shownAt(-p.k.policy.Pass.Tolerance-10*time.Minute), price), string(terminal.CodeExpired))
	}},
}

// passRaced shows one pass at two registers at once.
func passRaced(p *play) {
	a, b, code := p.join(p.a()), p.join(p.c()), p.fresh()
	one, two := a.buy(newID(), code, price), b.buy(newID(), code, price)
	first, second := a.tell(one), b.tell(two)
	x, y := answerOf(a.await(one.Type, first)), answerOf(b.await(two.Type, second))
	p.want((x.Outcome == wire.OutcomeApproved) != (y.Outcome == wire.OutcomeApproved), "one pass at two registers is %s and %s", x.Outcome, y.Outcome)
}

// otherText writes a pass with the other of its device's two signatures, (r, n-s),
// which verifies too (docs/pass.md, "One encoding"): the pass ends with s.
func otherText(code string) string {
	body, found := strings.CutPrefix(code, "SK1:")
	raw := unbase45(body)
	const size = 32
	if !found || len(raw) < 2*size {
		return code
	}
	tail := raw[len(raw)-size:]
	s := new(big.Int).SetBytes(tail)
	s.Sub(elliptic.P256().Params().N, s).FillBytes(tail)
	return "SK1:" + base45(raw)
}

// alphabet45 is that of base45 (RFC 9285).
const alphabet45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

func base45(data []byte) string {
	var out []byte
	for ; len(data) > 1; data = data[2:] {
		n := int(data[0])<<8 | int(data[1])
		out = append(out, alphabet45[n%45], alphabet45[n/45%45], alphabet45[n/2025])
	}
	if len(data) == 1 {
		out = append(out, alphabet45[data[0]%45], alphabet45[data[0]/45])
	}
	return string(out)
}

func unbase45(text string) []byte {
	var out []byte
	digit := func(i int) int { return strings.IndexByte(alphabet45, text[i]) }
	for ; len(text) > 2; text = text[3:] {
		n := digit(0) + 45*digit(1) + 2025*digit(2)
		out = append(out, byte(n>>8), byte(n))
	}
	if len(text) == 2 {
		out = append(out, byte(digit(0)+45*digit(1)))
	}
	return out
}
