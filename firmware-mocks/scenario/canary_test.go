package scenario

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

// canaries are secrets that are sent through everything, by a name for people.
type canaries map[string][]byte

// forms gives the ways in which a secret could lie about: as it is, in hex and
// in base64 at each of its three offsets. A long one is looked for in pieces,
// since a file may cut it in two.
func forms(secret []byte) [][]byte {
	const piece = 24
	var all [][]byte
	for at := 0; at < len(secret); at += piece {
		part := secret[at:min(at+piece, len(secret))]
		if at > 0 && len(part) < piece {
			break
		}
		all = append(all, part, []byte(hex.EncodeToString(part)), []byte(strings.ToUpper(hex.EncodeToString(part))))
		for offset := range 3 {
			shifted := append(make([]byte, offset), part...)
			for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				text := encoding.EncodeToString(shifted)
				all = append(all, []byte(text[offset+1:len(text)-2])) // without what its neighbours have a part in
			}
		}
	}
	return all
}

// found says which canaries are in a text.
func (c canaries) found(text []byte) []string {
	var names []string
	for name, secret := range c {
		if slices.ContainsFunc(forms(secret), func(form []byte) bool { return bytes.Contains(text, form) }) {
			names = append(names, name)
		}
	}
	return names
}

func (c canaries) add(name string, secret []byte) {
	if len(secret) < 6 {
		panic("a canary that short is found everywhere: " + name)
	}
	c[name] = secret
}

// recorder keeps everything that the daemon answers.
type recorder struct {
	next http.RoundTripper
	mu   sync.Mutex
	said bytes.Buffer
}

// RoundTrip implements http.RoundTripper. What is meant to be kept by the
// browser alone, its cookies, is no answer.
func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	res, err := r.next.RoundTrip(q)
	if err != nil || strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	headers := res.Header.Clone()
	headers.Del("Set-Cookie")
	fmt.Fprintf(&r.said, "%s %v\n%s\n", res.Status, headers, body)
	return res, err
}

// TestI7CanariesAreNowhere sends codes, a card's number, PINs, tokens and keys
// through a running register, by every door that takes something, and then looks
// for them in everything that it said and left: log, ledger, cache, WAL, run
// folder, answers, pages and errors.
func TestI7CanariesAreNowhere(t *testing.T) {
	var log bytes.Buffer
	w, _ := worldWith(t, Setup{Rules: DemoRules(), Log: &log})
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	if err := w.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	heard := &recorder{next: w.Till.client.Transport}
	w.Till.client.Transport = heard
	p := &pos{t: t, ctx: ctx, w: w}
	secrets := canaries{}
	p.keysAndTokens(secrets)
	p.codes(secrets)
	p.wrongRequests(secrets)
	p.managersPage(secrets, heard)

	places := map[string][]byte{"answers and pages": heard.said.Bytes()}
	p.files(places, secrets)
	if err := w.StopDaemon(ctx); err != nil {
		t.Fatal(err)
	}
	p.files(places, secrets)
	places["log"] = log.Bytes()
	for place, text := range places {
		for _, name := range secrets.found(text) {
			t.Errorf("%s is in %s", name, place)
		}
	}
	// The search itself must find what is there.
	known := canaries{"sale": []byte("canary-sale")}
	for _, place := range []string{"answers and pages", "register/ledger.db"} {
		if len(known.found(places[place])) == 0 {
			t.Errorf("the search finds nothing in %s: the test is wrong", place)
		}
	}
	if !strings.Contains(log.String(), "sekishod stopped") || len(secrets) < 15 {
		t.Errorf("%d canaries; the log is not whole: the test is wrong", len(secrets))
	}
}

// keysAndTokens takes what lies in the register's own files.
func (p *pos) keysAndTokens(c canaries) {
	read := func(parts ...string) []byte {
		text, err := os.ReadFile(p.w.path(parts...))
		if err != nil {
			p.t.Fatal(err)
		}
		return bytes.TrimSpace(text)
	}
	c.add("the POS's token", read("run", "pos.token"))
	c.add("the staff's token", read("run", "staff.token"))
	store := read("register", "keys", "store.key")
	c.add("the store's key in hex", store)
	raw, err := hex.DecodeString(string(store))
	if err != nil {
		p.t.Fatal(err)
	}
	c.add("the store's key", raw)
	block, _ := pem.Decode(read("register", "keys", "register.key"))
	c.add("the register's key", block.Bytes[len(block.Bytes)-32:]) // PKCS 8 ends with the seed
}

// codes pays with every kind of code, with the line and without, and shows what
// is none.
func (p *pos) codes(c canaries) {
	customer, err := p.w.NewCustomer(p.ctx, "canary", longAgo, wellOff)
	if err != nil {
		p.t.Fatal(err)
	}
	c.add("an account", []byte(customer.Phone.Account()))
	pass := func() string {
		text, err := customer.Phone.Pass()
		if err != nil {
			p.t.Fatal(err)
		}
		return text
	}
	emv, err := customer.Phone.EMV()
	if err != nil {
		p.t.Fatal(err)
	}
	digits := customer.Phone.Digits(walletsim.PayPay)
	if err := p.w.backend.RegisterDigits(p.ctx, digits, "paypay", customer.Phone.Account()); err != nil {
		p.t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a pass": pass(), "digits": digits, "an EMV code": emv,
		"a card's number": "4111111111111111", "a card's track": ";4111111111111111=29121011000012345678?",
	} {
		c.add(name, []byte(text))
		p.shown(text)
	}
	if err := p.w.CutLine(p.ctx); err != nil {
		p.t.Fatal(err)
	}
	offline := pass()
	c.add("a pass without the line", []byte(offline))
	p.shown(offline) // its evidence waits, sealed, in the outbox
	p.shown(offline)
	p.files(map[string][]byte{}, c)
	if err := p.w.MendLine(p.ctx); err != nil {
		p.t.Fatal(err)
	}
}

// shown puts a sale, shows a text until the register says something of it, and
// ends the sale.
func (p *pos) shown(text string) {
	p.t.Helper()
	ref := terminal.SaleRef("canary-" + string(p.w.NextRef()))
	if err := p.w.Till.Put(p.ctx, ref, []terminal.Line{lunch}); err != nil {
		p.t.Fatal(err)
	}
	if err := p.w.ShowText(p.ctx, text); err != nil {
		p.t.Fatal(err)
	}
	s, err := p.w.Till.Await(p.ctx, func(s State) bool {
		return s.Notice != nil || s.Verdict != nil && s.Verdict.Sale == ref && s.Verdict.Outcome != terminal.OutcomeUnknown
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if s.Verdict != nil && s.Verdict.Outcome == terminal.OutcomeApproved {
		p.must("", "POST", "v1/payments/"+string(s.Verdict.Payment)+"/handed-over", nil, nil)
		return
	}
	p.must("", "POST", "v1/sales/"+string(ref)+"/cancel", nil, nil)
}

// wrongRequests puts secrets where none belongs.
func (p *pos) wrongRequests(c canaries) {
	const card = "5555444433332226"
	c.add("a card's number in a request", []byte(card))
	c.add("a wrong token", []byte("canary-wrong-token-0123456789"))
	type object = map[string]any
	p.must("request.invalid", "PUT", "v1/sales/x", object{"lines": []object{}, "total": card}, nil)
	p.must("sale.invalid", "PUT", "v1/sales/x", object{"lines": []object{{"gtin": card}}, "total": 0}, nil)
	p.must("request.invalid", "GET", "v1/payments/"+card, nil, nil)
	p.must("request.invalid", "GET", "v1/payments?unresolved="+card, nil, nil)
	p.must("request.invalid", "GET", "v1/journal?from="+card+card, nil, nil)
	p.must("route.unknown", "GET", "v1/"+card, nil, nil)
	staff := p.w.Till.token
	p.w.Till.token = "canary-wrong-token-0123456789"
	p.must("request.token", "GET", "v1/state", nil, nil)
	p.must("request.token", "POST", "v1/payments/"+newRefund()+"/void", nil, nil)
	p.w.Till.token = staff
}

// managersPage sets a PIN, types wrong ones and the right one, and looks around.
func (p *pos) managersPage(c canaries, heard *recorder) {
	c.add("the PIN", []byte("73501946"))
	c.add("a wrong PIN", []byte("73501947"))
	set := exec.CommandContext(p.ctx, p.w.setup.Binary, "--config", p.w.path("sekishod.toml"), "--set-pin")
	set.Stdin = strings.NewReader("73501946\n")
	out, err := set.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	heard.said.Write(out)
	b := &pageBrowser{pos: p, client: &http.Client{Transport: heard, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	b.open("/?token=canary-wrong-token-0123456789", nil)
	b.open("/?token="+string(c["the POS's token"]), nil)
	b.open("/", nil)
	b.open("/manager", nil)
	b.open("/manager/pin", url.Values{"pin": {"73501947"}})
	b.open("/manager/pin", url.Values{"pin": {"73501946"}})
	b.open("/manager", nil)
	page := b.open("/manager/journal", nil)
	if !strings.Contains(page, "canary-sale") {
		p.t.Error("the manager sees no journal: the test is wrong")
	}
	if _, rest, ok := strings.Cut(page, `"/manager/payments/`); ok {
		id, _, _ := strings.Cut(rest, `"`)
		b.open("/manager/payments/"+id, nil)
	}
	for i, cookie := range b.cookies {
		c.add(fmt.Sprintf("cookie %d", i), []byte(cookie.Value))
	}
	if len(b.cookies) != 2 {
		p.t.Errorf("%d cookies, want the page's and the manager's", len(b.cookies))
	}
}

// pageBrowser keeps cookies and names its origin, as a browser does.
type pageBrowser struct {
	*pos
	client  *http.Client
	cookies []*http.Cookie
}

// open gives what a page shows.
func (b *pageBrowser) open(path string, form url.Values) string {
	b.t.Helper()
	base := strings.TrimSuffix(b.w.Till.base, "/")
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(b.ctx, method, base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", base)
	}
	for _, c := range b.cookies {
		req.AddCookie(c)
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	b.cookies = append(b.cookies, res.Cookies()...)
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// files reads everything that the register left, but for the files that are made
// to hold secrets, and looks through it: a WAL may be gone at the end.
func (p *pos) files(places map[string][]byte, c canaries) {
	own := []string{"run/pos.token", "run/staff.token"}
	for _, folder := range []string{"register", "run"} {
		err := filepath.WalkDir(p.w.path(folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name, _ := filepath.Rel(p.w.setup.Dir, path)
			if entry.IsDir() || strings.HasPrefix(name, "register/keys/") && name != "register/keys/pin" || slices.Contains(own, name) {
				return nil
			}
			text, err := os.ReadFile(path)
			places[name] = text
			for _, secret := range c.found(text) {
				p.t.Errorf("%s is in %s", secret, name)
			}
			return err
		})
		if err != nil {
			p.t.Fatal(err)
		}
	}
}
