package backendsim

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// ledgerOf is a register's journal: its tree and the key of its checkpoints.
type ledgerOf struct {
	t      *testing.T
	origin string
	signer note.Signer
	vkey   string
	size   int64
	hashes []tlog.Hash
	leaves [][]byte
	told   int64 // see beyond
}

func newLedgerOf(t *testing.T, register string) *ledgerOf {
	origin := "sekisho/" + store + "/" + register
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	must(t, err)
	signer, err := note.NewSigner(skey)
	must(t, err)
	return &ledgerOf{t: t, origin: origin, signer: signer, vkey: vkey}
}

func (l *ledgerOf) ReadHashes(at []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(at))
	for i, index := range at {
		found[i] = l.hashes[index]
	}
	return found, nil
}

// grow appends leaves whose bytes depend on salt.
func (l *ledgerOf) grow(to int64, salt string) {
	l.t.Helper()
	for ; l.size < to; l.size++ {
		leaf := fmt.Appendf(nil, "%s %d", salt, l.size)
		more, err := tlog.StoredHashes(l.size, leaf, l)
		must(l.t, err)
		l.leaves = append(l.leaves, leaf)
		l.hashes = append(l.hashes, more...)
	}
}

func (l *ledgerOf) fork(at int64) *ledgerOf {
	l.t.Helper()
	other := *l
	other.size, other.hashes, other.leaves = 0, nil, nil
	other.grow(at, "leaf")
	return &other
}

func (l *ledgerOf) root() tlog.Hash {
	l.t.Helper()
	root, err := tlog.TreeHash(l.size, l)
	must(l.t, err)
	return root
}

func (l *ledgerOf) head() *wire.Head {
	root := l.root()
	return &wire.Head{Size: l.size, Root: hex.EncodeToString(root[:])}
}

// point is a checkpoint of the whole journal with the proof from an earlier size.
func (l *ledgerOf) point(from int64) wire.Message {
	l.t.Helper()
	root := l.root()
	point := wire.Checkpoint{Note: l.sign(l.size, base64.StdEncoding.EncodeToString(root[:])), From: from}
	if from > 0 {
		proof, err := tlog.ProveTree(l.size, from, l)
		must(l.t, err)
		for _, h := range proof {
			point.Proof = append(point.Proof, hex.EncodeToString(h[:]))
		}
	}
	return wire.Message{Type: wire.TypeCheckpoint, Checkpoint: &point}
}

func (l *ledgerOf) sign(size int64, root string) string {
	l.t.Helper()
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", l.origin, size, root)}, l.signer)
	must(l.t, err)
	return string(signed)
}

// enrolled is a backend that knows the key of a register with some entries, and
// the register's till.
func enrolled(t *testing.T) (*world, *ledgerOf, *till) {
	w := running(t)
	l := newLedgerOf(t, "r1")
	must(t, w.b.Enrol(context.Background(), store, "r1", l.vkey))
	l.grow(5, "leaf")
	size := int64(100) // its messages name a journal beyond every checkpoint of these tests
	w.sizes["r1i1"] = &size
	return w, l, w.till("r1", "i1")
}

func (w *world) doubt(register string) string {
	w.t.Helper()
	all, err := w.b.Ledger().Registers(context.Background())
	must(w.t, err)
	for _, r := range all {
		if r.ID == register {
			return r.Doubt
		}
	}
	return "never heard of"
}

func TestI6ACheckpointIsKeptIfItExtendsTheLast(t *testing.T) {
	w, l, r := enrolled(t)
	first := l.point(0)
	acked(t, r.ask(first), wire.StatusAccepted, "", "")
	l.grow(9, "leaf")
	second := l.point(5)
	for range 2 {
		acked(t, r.ask(second), wire.StatusAccepted, "", "")
	}
	acked(t, r.ask(first), wire.StatusAccepted, "", "") // late, and known
	rows, err := w.b.Ledger().Checkpoints(context.Background(), "r1")
	must(t, err)
	if len(rows) != 2 || rows[0].Note != first.Checkpoint.Note || rows[1].Size != 9 || rows[1].Root != l.head().Root {
		t.Errorf("kept are %+v", rows)
	}
	welcome := w.till("r1", "i1").welcome
	if welcome.Checkpoint == nil || *welcome.Checkpoint != *l.head() || welcome.Quarantine != "" {
		t.Errorf("the welcome has checkpoint %+v and doubt %q, want the last one and none", welcome.Checkpoint, welcome.Quarantine)
	}
}

func TestI6ACheckpointThatDoesNotFitPutsTheRegisterInDoubt(t *testing.T) {
	for _, c := range []struct {
		name string
		bad  func(*ledgerOf) wire.Message
		want string
	}{
		{"history rewritten, signed with the register's own key", func(l *ledgerOf) wire.Message {
			other := l.fork(3)
			other.grow(9, "forged")
			return other.point(5)
		}, DoubtForked},
		{"another root at the size that was kept", func(l *ledgerOf) wire.Message {
			other := l.fork(3)
			other.grow(5, "forged")
			return other.point(0)
		}, DoubtForked},
		{"entries taken away", func(l *ledgerOf) wire.Message { return l.fork(4).point(0) }, DoubtOlder},
		{"no proof", func(l *ledgerOf) wire.Message {
			l.grow(9, "leaf")
			m := l.point(5)
			m.Checkpoint.Proof = nil
			return m
		}, DoubtForked},
		{"another's key", func(l *ledgerOf) wire.Message {
			l.grow(9, "leaf")
			l.signer = newLedgerOf(l.t, "r1").signer
			return l.point(5)
		}, DoubtCheckpoint},
		{"another register's journal", func(l *ledgerOf) wire.Message {
			l.grow(9, "leaf")
			l.origin = "sekisho/" + store + "/r2"
			return l.point(5)
		}, DoubtCheckpoint},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, l, r := enrolled(t)
			acked(t, r.ask(l.point(0)), wire.StatusAccepted, "", "")
			acked(t, r.ask(c.bad(l)), wire.StatusRejected, "register.quarantine", "")
			if got := w.doubt("r1"); got != c.want {
				t.Errorf("the doubt is %q, want %q", got, c.want)
			}
			r.closed() // so that the next welcome tells it
			again := w.till("r1", "i1")
			if again.welcome.Quarantine != c.want {
				t.Errorf("the welcome says %q", again.welcome.Quarantine)
			}
			rows, err := w.b.Ledger().Checkpoints(context.Background(), "r1")
			must(t, err)
			if len(rows) != 1 {
				t.Errorf("kept are %+v", rows)
			}
			acked(t, again.ask(c.bad(l)), wire.StatusRejected, "register.quarantine", "")
			outcome(t, again.ask(w.query(newID(t))), wire.OutcomeNotSeen, "") // it knows: its link stays
		})
	}
}

// An acknowledgement was lost: the register proves from where it believes the
// backend to be, and learns better with the next welcome.
func TestI8AProofFromAnOlderCheckpointIsNoDoubt(t *testing.T) {
	w, l, r := enrolled(t)
	for _, size := range []int64{5, 7} {
		l.grow(size, "leaf")
		acked(t, r.ask(l.point(min(size-2, 5)/5*5)), wire.StatusAccepted, "", "")
	}
	l.grow(9, "leaf")
	refused(t, r.ask(l.point(5)), wire.CodeRefused)
	r.closed()
	again := w.till("r1", "i1")
	if w.doubt("r1") != "" || again.welcome.Checkpoint == nil || again.welcome.Checkpoint.Size != 7 {
		t.Fatalf("the doubt is %q, the welcome's checkpoint %+v", w.doubt("r1"), again.welcome.Checkpoint)
	}
	acked(t, again.ask(l.point(7)), wire.StatusAccepted, "", "")
}

func TestACheckpointOfARegisterThatIsNotEnrolledIsRefused(t *testing.T) {
	w := running(t)
	l := newLedgerOf(t, "r1")
	l.grow(5, "leaf")
	refused(t, w.till("r1", "i1").ask(l.point(0)), wire.CodeRefused)
	if err := w.b.Enrol(context.Background(), store, "r1", "no key"); err == nil {
		t.Error("a key that is none was enrolled")
	}
}

// hello says hello as an incarnation with a head and a word of its own.
func (w *world) helloWith(incarnation, quarantine string, head *wire.Head) (*till, wire.Welcome) {
	w.t.Helper()
	r := w.caller("r1", incarnation)
	w.t.Cleanup(func() { r.conn.Close() })
	m := r.wrap(r.hello())
	m.Hello.Quarantine = quarantine
	if head != nil {
		m.Journal = head
		*r.size = head.Size
	}
	r.put(m)
	reply := r.await(m.ID)
	if reply.Type != wire.TypeWelcome {
		w.t.Fatalf("hello was answered by %v: %+v", reply, reply.Error)
	}
	r.session = reply.Welcome.Session
	return r, *reply.Welcome
}

// unlinked waits until the backend knows that a till's link is over.
func (w *world) unlinked(r *till) {
	w.t.Helper()
	r.conn.Close()
	for end := time.Now().Add(patience); ; {
		gone := true
		for _, l := range w.b.linked(func(*link) bool { return true }) {
			if c := l.who(); c != nil && c.register == r.register && c.session == r.session {
				gone = false
			}
		}
		if gone {
			return
		}
		if time.Now().After(end) {
			w.t.Fatal("the backend does not notice that the link is over")
		}
		runtime.Gosched()
	}
}

func TestI6AHelloWithAnOlderOrForkedJournalIsDoubted(t *testing.T) {
	for _, c := range []struct {
		name string
		head func(*ledgerOf) *wire.Head
		word string
		want string
	}{
		{"older", func(l *ledgerOf) *wire.Head { return l.fork(4).head() }, "", DoubtOlder},
		{"forked", func(l *ledgerOf) *wire.Head {
			other := l.fork(3)
			other.grow(5, "forged")
			return other.head()
		}, "", DoubtForked},
		{"by its own word", func(l *ledgerOf) *wire.Head { return l.head() }, "ledger.damaged", "ledger.damaged"},
		{"sound", func(l *ledgerOf) *wire.Head { return l.head() }, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, l, r := enrolled(t)
			acked(t, r.ask(l.point(0)), wire.StatusAccepted, "", "")
			w.unlinked(r)
			fresh, welcome := w.helloWith("i2", c.word, c.head(l))
			if welcome.Quarantine != c.want || w.doubt("r1") != c.want {
				t.Errorf("the welcome says %q, the ledger %q, want %q", welcome.Quarantine, w.doubt("r1"), c.want)
			}
			l.grow(6, "leaf")
			if c.want == "" {
				welcome.Grants = fresh.ask(l.proving(welcome)).Ack.Grants
			}
			if reserve(welcome.Grants) != (c.want == "") {
				t.Errorf("granted: %v", welcome.Grants)
			}
		})
	}
}

// In doubt a register sells what it asks for, and nothing is granted unasked;
// released, it goes on with a new incarnation and a new row of checkpoints.
func TestI8AQuarantineEndsByHeadOfficesWord(t *testing.T) {
	w, l, r := enrolled(t)
	ctx := context.Background()
	acked(t, r.ask(l.point(0)), wire.StatusAccepted, "", "")
	must(t, w.b.Quarantine(ctx, "r1", "backend"))
	r.closed()
	w.unlinked(r)
	doubted, welcome := w.helloWith("i2", "backend", &wire.Head{Size: 7, Root: sixtyFour})
	if welcome.Quarantine != "backend" || total(welcome.Grants, "tobacco-day") != (wire.Amount{}) {
		t.Fatalf("the welcome is %+v", welcome)
	}
	buyer := w.phone("account-0001", boundLongAgo)
	answer := doubted.ask(w.buy(newID(t), buyer.show(), 600, tobacco(1), need("tobacco-day", 600, 1)))
	outcome(t, answer, wire.OutcomeApproved, "")
	if got := total(answer.Answer.Grants, "tobacco-day"); got != (wire.Amount{Yen: 600, Units: 1}) {
		t.Errorf("granted %v, want the need and no reserve", got)
	}
	must(t, w.b.Release(ctx, "r1"))
	doubted.closed()
	_, told := w.helloWith("i2", "backend", &wire.Head{Size: 9, Root: sixtyFour})
	if told.Quarantine != "" || told.Released != "i2" || told.Checkpoint != nil {
		t.Errorf("after the release the welcome is %+v", told)
	}
	other := l.fork(2) // what the quarantine was about is settled: the journal begins anew
	fresh, clean := w.helloWith("i3", "", other.head())
	if clean.Quarantine != "" || clean.Released != "" || total(clean.Grants, "tobacco-day") == (wire.Amount{}) {
		t.Errorf("the new incarnation's welcome is %+v", clean)
	}
	acked(t, fresh.ask(other.point(0)), wire.StatusAccepted, "", "")
	if err := w.b.Release(ctx, "r9"); err == nil {
		t.Error("a register was released that never said hello")
	}
	must(t, w.b.Release(ctx, "r1")) // in no doubt: nothing to do
	if w.capNow("tobacco-day").Burned == (terminal.Amount{}) {
		t.Error("nothing is burnt: the first incarnation's reserve was")
	}
}
