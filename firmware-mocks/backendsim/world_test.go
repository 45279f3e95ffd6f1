package backendsim

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/pass"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The caps of the tests' policy: twenty packs and 30,000 yen of tobacco a day,
// 50,000 yen of gift cards, and 5,000 yen of tobacco while the line is down.
const policyText = `version = %d
realm = "demo-chain/dev"
good_until = 2030-01-01T00:00:00Z
classes = ["demo"]
[business]
zone = "Asia/Tokyo"
cut_over = "05:00"
[times]
answer = "5s"
query = "3s"
give_up = "45s"
[pass]
life = "60s"
tolerance = "30s"
[device]
new_for = "72h"
new_units_online = 1
[offline]
floor = 3000
account_yen = 5000
account_count = 3
full_for = "1h"
nothing_after = "24h"
decline_bars = "24h"
boot_yen = 4000
[reserve]
register_percent = 10
store_percent = 30
[[category]]
id = "tobacco"
high_resale = true
[[category]]
id = "gift-card"
high_resale = true
[[cap]]
id = "tobacco-day"
scope = "store"
window = "day"
category = "tobacco"
yen = 30000
units = %d
[[cap]]
id = "gift-day"
scope = "store"
window = "day"
category = "gift-card"
yen = 50000
[[cap]]
id = "tobacco-offline"
scope = "store"
window = "day"
category = "tobacco"
yen = 5000
offline_only = true
[[pass_issuer]]
name = "demo-wallet"
key_id = "demo-001"
key = "%s"
`

const (
	store = "store-1"
	day   = "2026-01-05"
)

// noon of the business day above, in the store's zone.
var noon = time.Date(2026, 1, 5, 3, 0, 0, 0, time.UTC)

// world is a backend on a real file, which can be stopped and started.
type world struct {
	t      testing.TB
	cfg    Config
	b      *Backend
	tls    bool // serve with certificates
	addr   string
	served sync.WaitGroup
	issuer ed25519.PrivateKey
	signer note.Signer

	hurry func(*deadlines) // shortens what a test would have to wait for

	also string // more of the policy's text

	sizes map[string]*int64 // of the journals, by register and incarnation

	mu  sync.Mutex
	now time.Time
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, now: noon, sizes: map[string]*int64{}}
	_, w.issuer, _ = ed25519.GenerateKey(rand.Reader)
	secret, _, err := note.GenerateKey(rand.Reader, "demo-chain")
	must(t, err)
	w.signer, err = note.NewSigner(secret)
	must(t, err)
	key, err := hpke.DHKEM(ecdh.X25519()).GenerateKey()
	must(t, err)
	text, p := w.policy(3, 20)
	w.cfg = Config{
		File: file(t), Note: text, Policy: p, Key: key,
		Now: w.clock, Log: slog.New(slog.DiscardHandler),
	}
	return w
}

// inMemory begins the names of tests that run in memory; see TestInMemory.
const inMemory = "TestInMemory/"

func file(t testing.TB) string {
	if strings.HasPrefix(t.Name(), inMemory) {
		return ""
	}
	return filepath.Join(t.TempDir(), "backend.db")
}

func (w *world) policy(version, packs int) (string, *policy.Policy) {
	key := base64.StdEncoding.EncodeToString(w.issuer.Public().(ed25519.PublicKey))
	text := fmt.Sprintf(policyText, version, packs, key) + w.also
	signed, err := policy.Sign(text, w.signer)
	must(w.t, err)
	p, err := policy.Parse(text)
	must(w.t, err)
	return signed, p
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// start opens the backend and serves it, on the same address every time.
func (w *world) start() {
	w.t.Helper()
	var err error
	w.b, err = Open(context.Background(), w.cfg)
	must(w.t, err)
	if w.addr == "" {
		w.addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", w.addr)
	must(w.t, err)
	w.addr = l.Addr().String()
	if w.hurry != nil {
		w.hurry(&w.b.deadlines)
	}
	b := w.b
	w.served.Go(func() {
		serve := func() error { return b.Serve(l) }
		if w.tls {
			serve = func() error { return b.ServeTLS(l, "127.0.0.1", "backend.example") }
		}
		if err := serve(); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *world) stop() {
	w.t.Helper()
	must(w.t, w.b.Close())
	w.served.Wait()
}

func running(t *testing.T) *world {
	w := newWorld(t)
	w.start()
	t.Cleanup(w.stop)
	return w
}

// phone makes passes of one account.
type phone struct {
	w       *world
	device  pass.Device
	counter uint64
}

func (w *world) phone(account string, bound time.Duration) *phone {
	w.t.Helper()
	return w.phoneFor(account, bound, 24*time.Hour)
}

// phoneFor makes passes under a credential that ends after some time.
func (w *world) phoneFor(account string, bound, life time.Duration) *phone {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(w.t, err)
	now := w.clock()
	cwt, err := pass.IssueCredential(w.issuer, pass.Credential{
		Issuer: "demo-wallet", KeyID: "demo-001", Audience: "demo-chain/dev", Account: account, Device: &key.PublicKey,
		BoundAt: now.Add(-bound), Issued: now, Expires: now.Add(life), OfflineYen: 10_000, OfflineCount: 5,
	})
	must(w.t, err)
	return &phone{w: w, device: pass.Device{Key: key, Credential: cwt}}
}

func (p *phone) show() string {
	p.w.t.Helper()
	p.counter++
	id := pass.ID(uuid.New())
	text, err := p.device.Make(p.w.clock(), id, p.counter)
	must(p.w.t, err)
	return text
}

var sixtyFour = strings.Repeat("c", 64)

func (w *world) common(payment string) wire.Common {
	return wire.Common{
		Payment: payment, BusinessDay: day, Window: day, SaleHash: sixtyFour, Clock: wire.ClockAuthenticated,
		Currency: wire.Currency, Versions: wire.Versions{Policy: 3},
	}
}

// buy asks for ordinary goods, or with lines and spends for watched ones.
func (w *world) buy(payment, code string, yen int64, lines []wire.Line, spends ...wire.Spend) wire.Message {
	c := w.common(payment)
	c.NotAfter = w.clock().Add(10 * time.Second).UnixMilli()
	return wire.Message{Type: wire.TypeAuthorise, Authorise: &wire.Authorise{
		Common: c, Amount: yen, Kind: "pass", Code: code, Sale: sale(lines), Spends: spends,
	}}
}

func (w *world) advise(payment, code string, yen int64, lines []wire.Line, counters []wire.Counter, spends ...wire.Spend) wire.Message {
	c := w.common(payment)
	c.Counters = counters
	evidence, err := wire.SealEvidence(w.cfg.Key.PublicKey(), payment, code)
	must(w.t, err)
	return wire.Message{Type: wire.TypeAdvice, Advice: &wire.Advice{
		Common: c, Amount: yen, Kind: "pass", Issuer: "demo-wallet", Sale: sale(lines), Spends: spends,
		Created: w.clock().UnixMilli(), Evidence: evidence,
	}}
}

func sale(lines []wire.Line) wire.Sale {
	return wire.Sale{Ref: "r1", Revision: 1, Hash: sixtyFour, Lines: lines}
}

func tobacco(packs int64) []wire.Line {
	return []wire.Line{{Category: "tobacco", Yen: 600 * packs, Units: packs}}
}

func need(id string, yen, units int64) wire.Spend {
	return wire.Spend{Cap: id, Window: day, Need: wire.Amount{Yen: yen, Units: units}}
}

func held(id string, yen, units int64) wire.Spend {
	return wire.Spend{Cap: id, Window: day, Reserved: wire.Amount{Yen: yen, Units: units}}
}

func (w *world) query(payment string) wire.Message {
	return wire.Message{Type: wire.TypeQuery, Query: &wire.Query{Common: w.common(payment)}}
}

func (w *world) reverse(payment string) wire.Message {
	return wire.Message{Type: wire.TypeReversal, Reversal: &wire.Reversal{Common: w.common(payment), Why: "timeout"}}
}

func (w *world) undo(payment, id string) wire.Message {
	return wire.Message{Type: wire.TypeVoid, Void: &wire.Void{Common: w.common(payment), ID: id}}
}

func (w *world) giveBack(payment, id string, yen int64) wire.Message {
	return wire.Message{Type: wire.TypeRefund, Refund: &wire.Refund{Common: w.common(payment), ID: id, Amount: yen}}
}

// total gives what a list of grants names of a cap today.
func total(list []wire.Grant, id string) wire.Amount {
	for _, g := range list {
		if g.Cap == id && g.Window == day {
			return g.Total
		}
	}
	return wire.Amount{}
}

// capNow gives a cap row of today.
func (w *world) capNow(id string) CapTotal {
	w.t.Helper()
	rows, err := w.b.Ledger().Caps(context.Background())
	must(w.t, err)
	for _, r := range rows {
		if r.Cap == id && r.Window == day {
			return r
		}
	}
	return CapTotal{}
}

// money gives the movements of a payment as signed yen, oldest first.
func (w *world) money(payment string) []int64 {
	w.t.Helper()
	rows, err := w.b.Ledger().Charges(context.Background(), payment)
	must(w.t, err)
	yen := []int64{}
	for _, r := range rows {
		if r.Kind == Credit {
			r.Amount = -r.Amount
		}
		yen = append(yen, r.Amount)
	}
	return yen
}

func (w *world) state(payment string) State {
	w.t.Helper()
	rows, err := w.b.Ledger().Payments(context.Background())
	must(w.t, err)
	for _, r := range rows {
		if r.ID == payment {
			return r.State
		}
	}
	return ""
}

func newID(t testing.TB) string {
	t.Helper()
	id, err := uuid.NewV7()
	must(t, err)
	return id.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get asks the backend's HTTP side.
func (w *world) request(method, path, body string) int {
	w.t.Helper()
	r, err := http.NewRequest(method, "http://"+w.addr+path, strings.NewReader(body))
	must(w.t, err)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Do(r)
	must(w.t, err)
	must(w.t, reply.Body.Close())
	return reply.StatusCode
}

// inFiles searches the ledger's file and its write-ahead log.
func inFiles(t testing.TB, file, text string) bool {
	t.Helper()
	for _, name := range []string{file, file + "-wal"} {
		data, err := os.ReadFile(name)
		must(t, err)
		if strings.Contains(string(data), text) {
			return true
		}
	}
	return false
}
