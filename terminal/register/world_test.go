package register_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"sekisho/offline"
	"sekisho/scanner/aim"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	realm = "test/chain"
	inc1  = terminal.Incarnation("11111111111111111111111111111111")
	inc2  = terminal.Incarnation("22222222222222222222222222222222")
	// digits is what the policy's only wallet shows: 24 of them.
	digits = "900012345678901234567890"
)

// The world's goods: packs are watched, rice balls are not.
var (
	riceBall = terminal.Line{GTIN: "4902777130835", Quantity: 1, Price: 150}
	packet   = terminal.Line{GTIN: "2000000000015", Quantity: 1, Price: 580}
)

func packs(n int64) []terminal.Line {
	l := packet
	l.Quantity = n
	return []terminal.Line{l}
}

// world is one register with a real ledger, a line that records and a clock
// that the test's bubble moves.
type world struct {
	t        *testing.T
	dir      string
	inc      terminal.Incarnation
	anchor   register.Anchor
	items    map[terminal.GTIN]register.Item
	double   time.Duration // register.Config.DoubleRead
	scanners int           // register.Config.Scanners
	boot     time.Time
	ppm      time.Duration // how much the boot clock runs ahead, in millionths
	dawdle   time.Duration // how long the clock takes to say what it is
	wrong    time.Duration // by which the wall clock is
	bought   int           // see buys
	session  int64
	found    string                   // what the next start finds wrong with the ledger
	loaded   func(*register.Snapshot) // changes what the store gives at the next start; nil for nothing
	asked    atomic.Int64             // how often the clock was: a loop that spins asks without end

	disk  *disk
	line  *line
	shown *shown
	ears  ears
	reg   *register.Register
	stop  func() // ends the register and closes the ledger
}

// inWorld runs a test in a bubble of virtual time, with the register started and
// its line up under policy 1.
func inWorld(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	bare(t, func(t *testing.T, w *world) {
		w.start()
		w.up(w.policy(1))
		test(t, w)
	})
}

// bare is inWorld before the register starts.
func bare(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	keys()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: t.TempDir(), inc: inc1, boot: time.Now()}
		defer func() {
			if w.stop != nil {
				w.stop()
			}
		}()
		test(t, w)
	})
}

// Boot and Wall make the world a register.Clock on the bubble's time.
func (w *world) Boot() time.Duration {
	w.asked.Add(1)
	time.Sleep(w.dawdle)
	passed := time.Since(w.boot)
	return passed + passed*w.ppm/1_000_000
}
func (w *world) Wall() time.Time { return time.Now().Add(w.wrong) }

// Save makes the world a register.AnchorStore, as long as one boot lasts.
func (w *world) Save(a register.Anchor) error {
	w.anchor = a
	return nil
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// start opens the ledger and runs a register on it.
func (w *world) start() {
	w.t.Helper()
	store, err := offline.Open(w.t.Context(), w.dir, offline.Options{})
	w.must(err)
	w.runs(store)
}

// runs runs a register on an open ledger.
func (w *world) runs(store *offline.Store) {
	w.t.Helper()
	w.disk = &disk{Store: store, t: w.t, loaded: w.loaded}
	w.line = &line{t: w.t}
	w.shown = &shown{}
	w.disk.shown = w.shown
	w.reg = register.New(register.Config{
		Identity: policy.Identity{Register: "r1", Store: "s1", Class: "convenience", Realm: realm},
		Roles:    keys().roles, Signer: checkpointSigner(), Quarantine: w.found, StoreKey: []byte("store"), Sealer: keys().sealer.PublicKey(), Items: w.items, DoubleRead: w.double, Scanners: w.scanners,
		Store: w.disk, Backend: w.line, Signal: w.shown, Clock: w, Anchors: w,
		Log: slog.New(slog.DiscardHandler), Incarnation: w.inc, Anchor: w.anchor,
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.reg.Run(ctx) }()
	w.stop = func() {
		w.stop = nil
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Run: %v", err)
		}
		if err := store.Close(); err != nil {
			w.t.Errorf("Close: %v", err)
		}
		w.ears.wantEnds(w.t)
	}
	synctest.Wait()
}

// restart ends the register and starts it again on the same ledger.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// up brings a welcome.
func (w *world) up(policy string, grants ...wire.Grant) {
	w.session++
	w.line.set(true)
	w.reg.LinkUp(w.t.Context(), wire.Welcome{Session: w.session, Time: time.Now().UnixMilli(), Policy: policy, Grants: grants})
	synctest.Wait()
	if w.session == 1 {
		w.receive(wire.Message{Type: wire.TypeDenials, Denials: &wire.Denials{To: 1, Part: 1, Parts: 1}})
	}
}

func (w *world) down() {
	w.line.set(false)
	w.reg.LinkDown(w.t.Context(), terminal.LineUnreachable)
	synctest.Wait()
}

func (w *world) receive(m wire.Message) {
	w.t.Helper()
	m.Version, m.ID = wire.Version, "b"
	if _, err := wire.Encode(m); err != nil {
		w.t.Fatalf("the test's own message is wrong: %v", err)
	}
	w.reg.Received(w.t.Context(), m)
	synctest.Wait()
}

func (w *world) grant(grants ...wire.Grant) {
	w.t.Helper()
	w.receive(wire.Message{Type: wire.TypeGrants, Grants: &wire.Grants{Grants: grants}})
}

// answer brings the backend's word on a payment; change edits it.
func (w *world) answer(id terminal.PaymentID, o wire.Outcome, change ...func(*wire.Answer)) {
	w.t.Helper()
	p := w.payment(id)
	a := &wire.Answer{Payment: string(id), Outcome: o, Amount: int64(p.Amount), Approval: "A1", Time: time.Now().UnixMilli()}
	for _, c := range change {
		c(a)
	}
	w.receive(wire.Message{Type: wire.TypeAnswer, Answer: a})
}

func (w *world) ack(id terminal.PaymentID, of wire.Type, s wire.Status, reason terminal.Reason) {
	w.t.Helper()
	w.receive(wire.Message{Type: wire.TypeAck, Ack: &wire.Ack{
		Payment: string(id), Of: of, Status: s, Reason: string(reason), Time: time.Now().UnixMilli(),
	}})
}

// sells puts a sale that is ready.
func (w *world) sells(ref terminal.SaleRef, lines ...terminal.Line) {
	w.t.Helper()
	if _, err := w.put(ref, true, lines...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(ref terminal.SaleRef, ready bool, lines ...terminal.Line) (terminal.Sale, error) {
	s := terminal.Sale{Ref: ref, Lines: lines}
	for _, l := range lines {
		s.Total += l.Price * terminal.Yen(l.Quantity)
	}
	return w.reg.PutSale(w.t.Context(), s, ready)
}

func (w *world) scan(text string) {
	w.reg.Scanned(w.t.Context(), aim.QR, text, w.hear())
	synctest.Wait()
}

// pays shows a fresh pass of an account bound long ago, and gives the payment.
func (w *world) pays(account string) terminal.PaymentID {
	w.t.Helper()
	w.scan(w.passOf(account, 100*24*time.Hour))
	return w.current()
}

func (w *world) current() terminal.PaymentID {
	w.t.Helper()
	v := w.reg.View().Verdict
	if v == nil {
		w.t.Fatalf("no payment: %+v", w.reg.View().Notice)
	}
	return v.Payment
}

// after lets time pass. While the line is up its pongs are heard.
func (w *world) after(d time.Duration) {
	for d > 0 {
		step := min(d, pongs)
		<-time.After(step)
		synctest.Wait()
		if d -= step; w.line.is() && step == pongs {
			w.reg.Heard()
		}
	}
	synctest.Wait()
}

// pongs is how often the line's pongs are heard: seldom, so that a test of days
// takes no long time, and never more than a second before a test looks.
const pongs = 10 * time.Second

// suspended lets time pass in which the machine sleeps: nothing is heard.
func (w *world) suspended(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (w *world) payment(id terminal.PaymentID) terminal.Payment {
	w.t.Helper()
	p, err := w.disk.Payment(w.t.Context(), id)
	w.must(err)
	return p
}

func (w *world) wantState(id terminal.PaymentID, want terminal.State, why terminal.Reason) {
	w.t.Helper()
	if p := w.payment(id); p.State != want || p.Reason != why {
		w.t.Fatalf("payment is %q (%q), want %q (%q)", p.State, p.Reason, want, why)
	}
}

func (w *world) wantNotice(want terminal.Reason) {
	w.t.Helper()
	var got terminal.Reason
	if n := w.reg.View().Notice; n != nil {
		got = n.Reason
	}
	if got != want {
		w.t.Fatalf("notice %q, want %q", got, want)
	}
}

func (w *world) day() terminal.BusinessDay { return w.reg.View().BusinessDay }

// counter gives a cap's counter of today.
func (w *world) counter(id terminal.CapID) terminal.Counter {
	w.t.Helper()
	list, err := w.disk.Counters(w.t.Context(), w.inc, w.day())
	w.must(err)
	for _, c := range list {
		if c.Key.Cap == id {
			return c
		}
	}
	return terminal.Counter{}
}

// wantUnits checks granted, used, released and held units of a cap.
func (w *world) wantUnits(id terminal.CapID, granted, used, released int64) {
	w.t.Helper()
	c := w.counter(id)
	got := [3]int64{c.Granted.Units, c.Used.Units, c.Released.Units}
	if got != [3]int64{granted, used, released} {
		w.t.Fatalf("%s: granted, used, released = %v, want %d, %d, %d", id, got, granted, used, released)
	}
}

func (w *world) units(id terminal.CapID, total int64) wire.Grant {
	return wire.Grant{Cap: string(id), Window: string(w.day()), Total: wire.Amount{Units: total}}
}

// leaves gives the whole journal.
func (w *world) leaves() []journal.Entry {
	w.t.Helper()
	list, err := w.disk.Entries(w.t.Context(), w.kept().Pruned, 10_000)
	w.must(err)
	var out []journal.Entry
	for _, l := range list {
		e, err := journal.Parse(l.Bytes)
		w.must(err)
		out = append(out, e)
	}
	return out
}

// loseCache removes the cache's files while the register is stopped.
func (w *world) loseCache() {
	w.t.Helper()
	found, err := filepath.Glob(filepath.Join(w.dir, "cache.db*"))
	w.must(err)
	if len(found) == 0 {
		w.t.Fatal("there is no cache to lose")
	}
	for _, name := range found {
		w.must(os.Remove(name))
	}
}

// seed writes to the ledger while no register runs.
func (w *world) seed(decide func(register.Usage) (register.Changes, error)) {
	w.t.Helper()
	store, err := offline.Open(w.t.Context(), w.dir, offline.Options{})
	w.must(err)
	_, err = store.Decide(w.t.Context(), register.Scope{}, decide)
	w.must(err)
	w.must(store.Close())
}
