package backendsim

import (
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// proves has a new incarnation of r1 say hello and show its journal.
func (w *world) proves(incarnation string, l *ledgerOf) *till {
	w.t.Helper()
	r, welcome := w.helloWith(incarnation, "", l.beyond())
	l.grow(l.size+1, "leaf")
	acked(l.t, r.ask(l.proving(welcome)), wire.StatusAccepted, "", "")
	return r
}

// sells checks that a till's session is the register's: it buys a pack from what it
// holds.
func sells(t *testing.T, w *world, r *till) {
	t.Helper()
	m := w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 600, tobacco(1), need("tobacco-day", 600, 1))
	outcome(t, r.ask(m), wire.OutcomeApproved, "")
}

// alone checks that nothing of r1 is another than it was before a newcomer came.
func (w *world) alone(before Standing, row CapTotal) {
	w.t.Helper()
	now := w.standing()
	if now.Incarnation != before.Incarnation || now.Session != before.Session || now.Doubt != before.Doubt || w.capNow("tobacco-day") != row {
		w.t.Errorf("a newcomer changed %+v into %+v, or the row %+v into %+v", before, now, row, w.capNow("tobacco-day"))
	}
}

func (w *world) standing() Standing {
	w.t.Helper()
	all, err := w.b.Standings(w.t.Context())
	must(w.t, err)
	for _, s := range all {
		if s.ID == "r1" {
			return s
		}
	}
	w.t.Fatal("r1 is not known")
	return Standing{}
}

// A newcomer gets nothing and changes nothing before it has shown the leaf; then
// all that a hello does is done at once.
func TestI6ANewIncarnationShowsThatItHasTheJournal(t *testing.T) {
	w, l := known(t)
	old := w.till("r1", "i1")
	standing, row := w.standing(), w.capNow("tobacco-day")
	r, welcome := w.helloWith("i2", "", l.beyond())
	if welcome.Challenge == nil || *welcome.Challenge != 3 || len(welcome.Grants) != 0 || welcome.Uploaded != 7 || welcome.Quarantine != "" || welcome.Session <= standing.Session {
		t.Fatalf("the welcome is %+v, want a challenge, a later session and no grants", welcome)
	}
	l.grow(8, "leaf")
	unproved := l.point(7)
	pay := w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 600, nil)
	for _, m := range []wire.Message{pay, w.query(newID(t)), w.reverse(newID(t)), giveUp(counted(wire.Amount{}, wire.Amount{}, wire.Amount{})), l.entries(7, 8), unproved} {
		refused(t, r.ask(m), wire.CodeSession)
	}
	r.tell(wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: "policy.signature", Text: "unheard"}})
	w.alone(standing, row)
	sells(t, w, old)
	acked(t, old.ask(l.point(7)), wire.StatusAccepted, "", "") // and its checkpoint takes the place of the one asked by
	refused(t, r.ask(l.proving(welcome)), wire.CodeRefused)
	r.closed()

	w.b.ledger.pick = func(n int64) int64 { return n - 1 }
	next, welcome := w.helloWith("i2", "", l.beyond())
	if *welcome.Challenge != 7 || welcome.Session <= r.session {
		t.Fatalf("the second hello is asked for leaf %d in session %d, want the last of the new checkpoint in one after %d", *welcome.Challenge, welcome.Session, r.session)
	}
	l.grow(9, "leaf")
	proof := l.proving(welcome)
	proved := next.ask(proof)
	acked(t, proved, wire.StatusAccepted, "", "")
	if !reserve(proved.Ack.Grants) {
		t.Errorf("proved, it holds %v and no reserve", proved.Ack.Grants)
	}
	old.closed()
	acked(t, next.ask(proof), wire.StatusAccepted, "", "") // it came twice
	has(t, next.ask(l.entries(7, 9)), 9)
	sells(t, w, next)
	if got := w.standing(); got.Incarnation != "i2" || got.Session != next.session || got.Impostors != 0 {
		t.Errorf("the register stands as %+v", got)
	}
	if _, welcome := w.helloWith("i2", "", l.beyond()); welcome.Challenge != nil || !reserve(welcome.Grants) {
		t.Errorf("the proved incarnation is welcomed with %+v", welcome)
	}
}

var wrongProofs = []struct {
	name string
	bad  func(*ledgerOf, *wire.Checkpoint)
}{
	{"another leaf", func(l *ledgerOf, m *wire.Checkpoint) { m.Leaf = l.leaf(7, 4) }},
	{"another leaf under its index", func(l *ledgerOf, m *wire.Checkpoint) { m.Leaf = l.leaf(7, 4); m.Leaf.Index = 3 }},
	{"another hash", func(_ *ledgerOf, m *wire.Checkpoint) { m.Leaf.Hash = strings.Repeat("0", 64) }},
	{"no path", func(_ *ledgerOf, m *wire.Checkpoint) { m.Leaf.Proof = nil }},
	{"the path in another tree", func(l *ledgerOf, m *wire.Checkpoint) { m.Leaf = l.leaf(8, 3) }},
	{"a tree that does not go on", func(_ *ledgerOf, m *wire.Checkpoint) { m.Proof = nil }},
	{"another's signature", func(l *ledgerOf, m *wire.Checkpoint) { m.Note = strings.ReplaceAll(m.Note, "8\n", "9\n") }},
}

// The register's key alone, without its journal, gets nobody rights. A register
// that lost its journal has a way out: it is let in, in doubt.
func TestI8AWrongLeafPutsARegisterThatIsNotLinkedInDoubt(t *testing.T) {
	for _, c := range wrongProofs {
		t.Run(c.name, func(t *testing.T) {
			w, l := known(t)
			w.hangUpAll()
			r, welcome := w.helloWith("i2", "", l.beyond())
			l.grow(8, "leaf")
			m := l.proving(welcome)
			c.bad(l, m.Checkpoint)
			acked(t, r.ask(m), wire.StatusRejected, "register.quarantine", "")
			r.closed()
			told, welcome := w.helloWith("i2", "", l.beyond())
			if welcome.Quarantine == "" || welcome.Checkpoint.Size != 7 || welcome.Challenge != nil || reserve(welcome.Grants) {
				t.Errorf("the welcome is %+v", welcome)
			}
			sells(t, w, told)
			refused(t, told.ask(l.entries(7, 8)), wire.CodeRefused) // whose leaves they are is not known
			if got := w.standing(); got.Impostors != 1 || got.Impostor != terminal.Millis(noon.UnixMilli()) {
				t.Errorf("head office sees %+v", got)
			}
			w.ends(told, l, "i2")
		})
	}
}

// hangUpAll ends every link and waits until the backend knows it.
func (w *world) hangUpAll() {
	w.t.Helper()
	for _, l := range w.b.linked(func(*link) bool { return true }) {
		r := &till{w: w, register: l.register(), session: l.who().session, conn: l.conn}
		w.unlinked(r)
	}
}

// Beside a register that is linked and proved somebody without its journal is
// refused, whatever he says, and the register does not notice.
func TestI6BesideALinkedRegisterAnImpostorIsRefused(t *testing.T) {
	for _, c := range wrongProofs {
		t.Run(c.name, func(t *testing.T) {
			w, l := known(t)
			old := w.till("r1", "i1")
			standing, row := w.standing(), w.capNow("tobacco-day")
			r, welcome := w.helloWith("i2", "", l.beyond())
			l.grow(8, "leaf")
			m := l.proving(welcome)
			c.bad(l, m.Checkpoint)
			refused(t, r.ask(m), wire.CodeRefused)
			r.closed()
			w.alone(standing, row)
			if got := w.standing(); got.Impostors != 1 || !got.Linked {
				t.Errorf("head office sees %+v", got)
			}
			sells(t, w, old)
			acked(t, old.ask(l.point(7)), wire.StatusAccepted, "", "")
			if again := w.till("r1", "i1"); again.welcome.Quarantine != "" || !reserve(again.welcome.Grants) {
				t.Errorf("the register is welcomed back with %+v", again.welcome)
			}
		})
	}
}

func TestI6BesideALinkedRegisterAShorterJournalIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		head func(*ledgerOf) *wire.Head
		word string
	}{
		"shorter":            {func(l *ledgerOf) *wire.Head { return l.fork(4).head() }, ""},
		"forked":             {func(l *ledgerOf) *wire.Head { return &wire.Head{Size: 7, Root: sixtyFour} }, ""},
		"in doubt of itself": {(*ledgerOf).beyond, "ledger.forked"},
	} {
		t.Run(name, func(t *testing.T) {
			w, l := known(t)
			old := w.till("r1", "i1")
			standing, row := w.standing(), w.capNow("tobacco-day")
			r := w.caller("r1", "i2")
			defer r.conn.Close()
			m := r.wrap(r.hello())
			m.Journal, m.Hello.Quarantine = c.head(l), c.word
			r.put(m)
			refused(t, r.await(m.ID), wire.CodeTrouble) // it may be this register's own link that only seems to live
			r.closed()
			w.alone(standing, row)
			sells(t, w, old)
			if got := w.standing(); got.Impostors != 1 {
				t.Errorf("head office sees %+v", got)
			}
			w.unlinked(old)
			r = w.caller("r1", "i2")
			defer r.conn.Close()
			r.put(m)
			if reply := r.await(m.ID); reply.Welcome == nil || reply.Welcome.Quarantine == "" || reply.Welcome.Challenge != nil {
				t.Errorf("once the old link is over it is answered with %+v", reply)
			}
		})
	}
}

// Who says nothing after the welcome loses the link, and nothing else happens: the
// line may have been too slow.
func TestI8AProofThatDoesNotComeEndsTheLink(t *testing.T) {
	w, l := known(t)
	w.stop()
	w.hurry = func(d *deadlines) { d.proof = 50 * time.Millisecond }
	w.start()
	old := w.till("r1", "i1")
	standing, row := w.standing(), w.capNow("tobacco-day")
	r, _ := w.helloWith("i2", "", l.beyond())
	r.closed()
	w.alone(standing, row)
	if got := w.standing(); got.Impostors != 1 {
		t.Errorf("head office sees %+v", got)
	}
	w.unlinked(old)
	late, _ := w.helloWith("i3", "", l.beyond())
	late.closed()
	if got := w.doubt("r1"); got != "" {
		t.Errorf("silence made the doubt %q", got)
	}
}

// What another session overtakes is refused, and says hello anew.
func TestI1AProofAfterAnotherSessionIsRefused(t *testing.T) {
	w, l := known(t)
	w.b.ledger.pick = pickLeaf
	first, one := w.helloWith("i2", "", l.beyond())
	second, two := w.helloWith("i2", "", l.beyond())
	third, three := w.helloWith("i2", "", l.beyond())
	l.grow(8, "leaf")
	acked(t, second.ask(l.proving(two)), wire.StatusAccepted, "", "")
	refused(t, first.ask(l.proving(one)), wire.CodeSession)
	l.grow(9, "leaf")
	refused(t, third.ask(l.proving(three)), wire.CodeRefused) // of the checkpoint before
	third.closed()
	sells(t, w, second)
	late, welcome := w.helloWith("i3", "", l.beyond())
	back, _ := w.helloWith("i2", "", l.beyond()) // the line broke, and it is there again
	if back.session <= late.session {
		t.Errorf("session %d was told twice", back.session)
	}
	refused(t, late.ask(l.proving(welcome)), wire.CodeSession)
	sells(t, w, back)
}

// A newcomer that proves itself takes over from a link that only seems to live, and
// what was retired is a copy from then on.
func TestI6AProvedNewcomerTakesOver(t *testing.T) {
	w, l := known(t)
	old := w.till("r1", "i1")
	r := w.proves("i2", l)
	old.closed()
	sells(t, w, r)
	if got := w.capNow("tobacco-day"); got.Burned == (terminal.Amount{}) {
		t.Error("what the old incarnation held is not burnt")
	}
	_, welcome := w.helloWith("i1", "", l.beyond())
	if welcome.Quarantine != DoubtCloned {
		t.Errorf("the retired one is welcomed with %q", welcome.Quarantine)
	}
}

// A hello, or a proof, that comes twice is answered alike.
func TestI1ANewcomersMessagesThatComeTwice(t *testing.T) {
	w, l := known(t)
	asked := int64(0)
	w.b.ledger.pick = func(int64) int64 { asked++; return asked }
	must(t, w.b.Set(Fault{Kind: Double, Type: "*"}))
	r, welcome := w.helloWith("i2", "", l.beyond())
	again := r.push(wire.TypeWelcome)
	if again.Welcome.Session != welcome.Session || *again.Welcome.Challenge != *welcome.Challenge || asked != 2 {
		t.Fatalf("asked for leaf %d in session %d, and then for %d in %d", *welcome.Challenge, welcome.Session, *again.Welcome.Challenge, again.Welcome.Session)
	}
	l.grow(8, "leaf")
	acked(t, r.ask(l.proving(welcome)), wire.StatusAccepted, "", "")
	acked(t, r.push(wire.TypeAck), wire.StatusAccepted, "", "")
	w.b.Clear("")
	sells(t, w, r)
	if got := w.doubt("r1"); got != "" {
		t.Errorf("the doubt is %q", got)
	}
}

// Between welcome and proof the backend is started again: nothing was kept but the
// number, and the register says hello anew.
func TestI1ARestartBetweenWelcomeAndProof(t *testing.T) {
	w, l := known(t)
	r, _ := w.helloWith("i2", "", l.beyond())
	w.stop()
	w.start()
	next, welcome := w.helloWith("i2", "", l.beyond())
	if next.session <= r.session || welcome.Challenge == nil {
		t.Fatalf("after session %d comes %d, welcomed with %+v", r.session, next.session, welcome)
	}
	l.grow(8, "leaf")
	acked(t, next.ask(l.proving(welcome)), wire.StatusAccepted, "", "")
	sells(t, w, next)
}

// I3: what a newcomer's hello told of its counters is not lost on the way to its
// proof.
func TestI3ANewcomersCountersAreTakenWithItsProof(t *testing.T) {
	w, l := known(t)
	r := w.caller("r1", "i2")
	defer r.conn.Close()
	m := r.wrap(r.hello(counted(wire.Amount{Yen: 1200, Units: 2}, wire.Amount{Yen: 600, Units: 1}, wire.Amount{})))
	m.Journal = l.beyond()
	*r.size = m.Journal.Size
	r.put(m)
	welcome := *r.await(m.ID).Welcome
	r.session = welcome.Session
	if got := w.allotted("i2"); got != (allotment{}) {
		t.Errorf("before the proof the backend counts %+v", got)
	}
	l.grow(8, "leaf")
	acked(t, r.ask(l.proving(welcome)), wire.StatusAccepted, "", "")
	if got := w.allotted("i2"); got.used != (amount{1200, 2}) || got.released != (amount{600, 1}) {
		t.Errorf("after the proof the backend counts %+v", got)
	}
}

// allotted is what the backend counts of an incarnation of r1.
func (w *world) allotted(incarnation string) (a allotment) {
	w.t.Helper()
	must(w.t, w.b.ledger.view(w.t.Context(), func(t *tx) (err error) {
		a, err = t.allotment("r1", incarnation, "tobacco-day", day)
		return err
	}))
	return a
}

// I8: who was let in without a proof shuts out nobody: the register itself may come
// after an impostor, and has to get where head office can release it.
func TestI8AnUnprovedLinkShutsOutNobody(t *testing.T) {
	for name, comes := range map[string]func(*testing.T, *world, *ledgerOf) wire.Welcome{
		"by its own word": func(_ *testing.T, w *world, l *ledgerOf) wire.Welcome {
			_, welcome := w.helloWith("i3", "ledger.older", l.beyond())
			return welcome
		},
		"by a wrong leaf": func(t *testing.T, w *world, l *ledgerOf) wire.Welcome {
			r, welcome := w.helloWith("i3", "", l.beyond())
			l.grow(8, "leaf")
			m := l.proving(welcome)
			m.Checkpoint.Leaf.Proof = nil
			acked(t, r.ask(m), wire.StatusRejected, "register.quarantine", "")
			_, welcome = w.helloWith("i3", "", l.beyond())
			return welcome
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, l := known(t)
			w.hangUpAll()
			first, _ := w.helloWith("i2", "ledger.older", l.beyond())
			if got := w.standing(); !got.Linked || got.Incarnation != "i2" {
				t.Fatalf("let in without a proof it stands as %+v", got)
			}
			welcome := comes(t, w, l)
			first.closed()
			if got := w.standing(); welcome.Quarantine == "" || welcome.Challenge != nil || got.Incarnation != "i3" {
				t.Errorf("welcomed with %+v it stands as %+v", welcome, got)
			}
		})
	}
}

// I3: a policy that came into force between a newcomer's welcome and its proof is
// told when the session opens: it may lower a cap.
func TestI3APolicyBetweenWelcomeAndProofIsTold(t *testing.T) {
	w, l := known(t)
	r, welcome := w.helloWith("i2", "", l.beyond())
	w.b.SetPolicy("the next policy", w.b.inForce().policy)
	w.b.SetRoles("the next roles", &policy.Roles{Version: 9})
	l.grow(8, "leaf")
	acked(t, r.ask(l.proving(welcome)), wire.StatusAccepted, "", "")
	if m := r.push(wire.TypePolicy); m.Policy.Note != "the next policy" || m.Policy.Roles != "the next roles" {
		t.Errorf("it is told %+v", m.Policy)
	}
}

// A register whose line broke before the proof, and which proved itself on another,
// is no impostor when the time of the first is over: head office would revoke it.
func TestI8AProofOnAnotherLinkIsNoImpostor(t *testing.T) {
	w, l := known(t)
	first, _ := w.helloWith("i2", "", l.beyond())
	links := w.b.linked(func(l *link) bool { c := l.who(); return c != nil && c.session == first.session })
	r := w.proves("i2", l)
	links[0].overdue()
	first.closed()
	if got := w.standing(); got.Impostors != 0 || got.Session != r.session {
		t.Errorf("the register stands as %+v", got)
	}
	sells(t, w, r)
}
