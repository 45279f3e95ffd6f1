package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sekisho/terminal"
)

// TestI1I2I3I4I6I8LinkStorm sells through every fault of the network and of the
// backend, while register and backend are killed with signal 9 at random moments.
// Both ledgers must come to agree, again and again; see books.check for what on.
//
// ROUNDS sets how many rounds (5; make link-storm plays 100), SEED the plans.
func TestI1I2I3I4I6I8LinkStorm(t *testing.T) {
	rounds := intFrom(t, "ROUNDS", 5)
	seed := uint64(intFrom(t, "SEED", int(time.Now().UnixNano()&0xffffffff)))
	t.Logf("SEED=%d ROUNDS=%d", seed, rounds)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(rounds)*20*time.Second)
	defer cancel()
	s := newStorm(t, ctx)
	s.rounds = rounds
	for round := 1; round <= rounds && !t.Failed(); round++ {
		p := planFor(seed, round)
		s.check(t, p, s.round(ctx, p))
		if round%agreeEvery == 0 && !t.Failed() {
			s.check(t, p, s.agree(ctx))
		}
	}
	if !t.Failed() {
		s.check(t, planFor(seed, rounds), s.end(ctx))
	}
	t.Log(s.tally())
	if t.Failed() {
		t.Logf("SEED=%d plays the same plans; what happens between the processes has an order of its own each time", seed)
	}
}

const (
	// agreeEvery rounds everything is mended and both ledgers are compared.
	agreeEvery = 10
	// settleTime bounds how long the ledgers may take to agree once all is well: the
	// policy's times add up to some 3 s, and the machine is busy with more.
	settleTime = 20 * time.Second
)

// stormRules are a store's, at development speed, and caps small enough to run
// out. They are raised now and then.
func stormRules() Rules {
	r := DemoRules()
	r.Answer, r.GiveUp = 300*time.Millisecond, time.Second
	r.Silence, r.Redial = time.Second, 100*time.Millisecond
	r.TobaccoDay = 6
	r.Also = fmt.Sprintf(cartridgeCap, 5)
	return r
}

const cartridgeCap = `
[[cap]]
id = "e-cigarette-day"
scope = "store"
window = "day"
category = "e-cigarette"
units = %d
`

// storm is the whole of it: one register, one backend, and what is between them.
type storm struct {
	dir      string
	log      *os.File
	programs programs
	w        *World
	net      *network
	backend  *remote
	office   office
	seller   *seller

	away      atomic.Bool // the register was killed
	listening sync.WaitGroup
	due       atomic.Pointer[due]

	rounds int
	kills  map[string]int
	missed int // kills whose moment did not come: they came at another
}

// due is the moment at which a round's kill is due.
type due struct {
	kill kill
	mu   sync.Mutex
	seen int
	now  chan struct{}
}

// moment tells a round's kill of something that happened.
func (s *storm) moment(what string) {
	d := s.due.Load()
	if d == nil || d.kill.At != what {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen++; d.seen == d.kill.Nth {
		close(d.now)
	}
}

func newStorm(t *testing.T, ctx context.Context) *storm {
	t.Helper()
	dir, err := os.MkdirTemp("", "storm")
	if err != nil {
		t.Fatal(err)
	}
	s := &storm{dir: dir, kills: map[string]int{}}
	t.Cleanup(func() {
		s.cleanUp()
		if !t.Failed() {
			os.RemoveAll(dir)
		}
	})
	if err := s.open(ctx); err != nil {
		t.Fatalf("the storm does not begin, see %s: %v", dir, err)
	}
	return s
}

// open starts everything in fair weather.
func (s *storm) open(ctx context.Context) error {
	var err error
	if s.log, err = os.Create(filepath.Join(s.dir, "log")); err != nil {
		return err
	}
	if s.programs, err = buildPrograms(s.dir); err != nil {
		return err
	}
	if s.backend, err = newRemote(s.programs.sim, s.dir, s.log); err != nil {
		return err
	}
	if s.net, err = newNetwork(s.backend.link, func(up bool) { s.moment(map[bool]string{true: atUp, false: atDown}[up]) }); err != nil {
		return err
	}
	s.office = office{began: time.Now(), rules: stormRules(), operator: filepath.Join(s.dir, "operator")}
	s.w, err = NewWorld(ctx, Setup{
		Dir: s.dir, Binary: binary, Listen: "127.0.0.1:0", Rules: s.office.rules, Fast: true, Log: s.log,
		Backend: s.net.address, Enrols: s.programs.staff, Code: s.begin,
	})
	if err != nil {
		return err
	}
	s.seller = newSeller(s.w, &s.away, s.moment)
	s.listen(ctx)
	return s.w.Ready(ctx)
}

// begin starts the backend on head office's keys and gives a one-time code for
// the register.
func (s *storm) begin(ctx context.Context, w *World) (string, error) {
	s.office.keys = w.keys
	if _, err := s.office.policyNote(); err != nil {
		return "", err
	}
	if err := s.backend.start(ctx); err != nil {
		return "", err
	}
	var made struct{ Code string }
	err := s.backend.tell(ctx, "codes", map[string]any{"store": storeID, "register": registerID, "class": Class}, &made)
	return made.Code, err
}

// listen follows the daemon that runs now.
func (s *storm) listen(ctx context.Context) {
	ready := make(chan struct{})
	s.listening.Go(func() { s.seller.listen(ctx, ready) })
	<-ready
}

// agree mends everything, waits until nothing is unresolved, and compares.
func (s *storm) agree(ctx context.Context) error {
	if err := s.settle(ctx); err != nil {
		return err
	}
	b, err := readBooks(ctx, s.w.LedgerFile(), s.backend.file())
	if err != nil {
		return err
	}
	return errors.Join(b.check(s.seller)...)
}

func (s *storm) settle(ctx context.Context) error {
	if err := s.backend.clear(ctx, ""); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	if err := s.seller.tidy(ctx, false, "hand-over"); err != nil {
		return fmt.Errorf("I8: the last sale does not end: %w", err)
	}
	st, err := s.w.Till.Await(ctx, func(st State) bool { return st.Link.State != terminal.LineDown && st.Unresolved == 0 && st.Outbox == 0 })
	if err != nil || st.Parked > 0 {
		return fmt.Errorf("I8: after %v of fair weather: line %s, %d unresolved, %d in the outbox, %d parked: %w",
			settleTime, st.Link.State, st.Unresolved, st.Outbox, st.Parked, err)
	}
	if st.Quarantine != "" {
		return wrong("I3, I6: the register is in quarantine, %s, and did nothing wrong", st.Quarantine)
	}
	return nil
}

// end compares a last time, stops everything in good order, and has the journal
// proved.
func (s *storm) end(ctx context.Context) error {
	if err := s.agree(ctx); err != nil {
		return err
	}
	s.away.Store(true)
	if err := s.w.StopDaemon(ctx); err != nil {
		return fmt.Errorf("the register does not end in good order: %w", err)
	}
	s.listening.Wait()
	s.backend.end(syscall.SIGTERM)
	b, err := readBooks(ctx, s.w.LedgerFile(), s.backend.file())
	if err != nil {
		return err
	}
	if len(b.register) == 0 || s.rounds >= 2*agreeEvery && len(s.seller.handed) == 0 {
		return errors.New("nothing was sold: the storm says nothing")
	}
	return errors.Join(append(b.check(s.seller), b.proved(ctx, s.programs.staff, s.w)...)...)
}

// check fails the test with what helps to find out why.
func (s *storm) check(t *testing.T, p plan, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("round %d: %v\nplan: %v\neverything lies in %s", p.Round, err, p, s.dir)
	}
}

// cleanUp ends every process and frees every port.
func (s *storm) cleanUp() {
	s.away.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	if s.w != nil {
		if s.w.daemon != nil {
			s.w.KillDaemon()
		}
		_ = s.w.Close(ctx) // the verdict is out
	}
	s.listening.Wait()
	if s.backend != nil {
		s.backend.end(syscall.SIGKILL)
	}
	if s.net != nil {
		_ = s.net.close()
	}
	s.log.Close()
}

// tally says what the storm was made of.
func (s *storm) tally() string {
	states := map[terminal.State]int{}
	for _, all := range s.seller.told {
		states[all[len(all)-1]]++
	}
	return fmt.Sprintf("kills: %v, %d of them not at their moment; payments as told last: %v; why: %v; %d handed over, %d voids, %d refunds, %d deeds turned down; %d proxies hung",
		s.kills, s.missed, states, s.seller.whys, len(s.seller.handed), len(s.seller.voided), len(s.seller.refunds), s.seller.refused, s.net.lost)
}
