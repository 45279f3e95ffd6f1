package scenario

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// thief speaks with a register's stolen key and certificate, and has no journal.
type thief struct {
	t    *testing.T
	w    *World
	keys tls.Certificate
	conn *websocket.Conn
	head wire.Head // what it says of a journal
	sent int
	in   int64 // session
}

// steals copies key and certificate.
func steals(t *testing.T, w *World) *thief {
	t.Helper()
	keys, err := tls.LoadX509KeyPair(w.path("register", "keys", "register.crt"), w.path("register", "keys", "register.key"))
	if err != nil {
		t.Fatal(err)
	}
	return &thief{t: t, w: w, keys: keys, head: wire.Head{Size: 1 << 20, Root: strings.Repeat("ab", 32)}}
}

// dial opens a link; of one that is refused it gives the answer's body.
func (f *thief) dial(ctx context.Context) (refused string) {
	f.t.Helper()
	ca, err := os.ReadFile(f.w.path("register", "keys", "backend.ca"))
	if err != nil {
		f.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{f.keys}}}
	conn, reply, err := d.DialContext(ctx, f.w.link(), nil)
	if err != nil {
		if reply == nil {
			f.t.Fatal(err)
		}
		body, _ := io.ReadAll(reply.Body) // what is missing shows in the comparison
		return fmt.Sprint(reply.StatusCode, " ", string(body))
	}
	f.t.Cleanup(func() { conn.Close() })
	f.conn = conn
	return ""
}

// ask sends a message and gives the one that answers it.
func (f *thief) ask(m wire.Message) wire.Message {
	f.t.Helper()
	f.sent++
	m.ID, m.Version, m.Session, m.Incarnation, m.Journal = fmt.Sprint("thief-", f.sent), 1, f.in, "stolen", &f.head
	text, err := wire.Encode(m)
	if err == nil {
		err = f.conn.WriteMessage(websocket.TextMessage, text)
	}
	for err == nil {
		if _, text, err = f.conn.ReadMessage(); err == nil {
			var told wire.Message
			if told, err = wire.Parse(text); err == nil && told.Re == m.ID {
				return told
			}
		}
	}
	f.t.Fatal(err)
	return wire.Message{}
}

// hello says that it is the register after a boot.
func (f *thief) hello() *wire.Welcome {
	f.t.Helper()
	m := f.greets()
	if m.Welcome == nil {
		f.t.Fatalf("hello was answered with %v %v", m, m.Error)
	}
	f.in = m.Welcome.Session
	return m.Welcome
}

func (f *thief) greets() wire.Message {
	f.t.Helper()
	f.in = 0
	return f.ask(wire.Message{Type: wire.TypeHello, Hello: &wire.Hello{Register: registerID, Store: storeID, Software: "none", Counters: []wire.Counter{}}})
}

// onePack asks for a pack of cigarettes, all of it need.
func (f *thief) onePack(code string) wire.Message {
	f.t.Helper()
	now := time.Now()
	day, hash := string(f.w.policy.Business.Day(now)), strings.Repeat("c", 64)
	need := wire.Amount{Units: 1}
	return f.ask(wire.Message{Type: wire.TypeAuthorise, Authorise: &wire.Authorise{
		Common: wire.Common{
			Payment: string(newRefundID()), BusinessDay: day, Window: day, NotAfter: now.Add(time.Minute).UnixMilli(), SaleHash: hash,
			Versions: wire.Versions{Policy: 1}, Clock: wire.ClockAuthenticated, Currency: wire.Currency,
		},
		Amount: 580, Kind: "pass", Issuer: Issuer, Code: code,
		Sale:   wire.Sale{Ref: "x", Revision: 1, Hash: hash, Lines: []wire.Line{{Category: "tobacco", Yen: 580, Units: 1}}},
		Spends: []wire.Spend{{Cap: "tobacco-day", Window: day, Need: need}},
	}})
}

// wantError checks that what the thief said was refused.
func (f *thief) wantError(m wire.Message, code wire.ErrorCode) {
	f.t.Helper()
	if m.Error == nil || m.Error.Code != code {
		f.t.Errorf("the thief is answered with %v %v, want error %s", m, m.Error, code)
	}
}

// links dials.
func (f *thief) links(ctx context.Context) {
	f.t.Helper()
	if refused := f.dial(ctx); refused != "" {
		f.t.Fatal(refused)
	}
}

// granted sums the units of grants for a cap.
func granted(list []wire.Grant, id string) (units int64) {
	for _, g := range list {
		if g.Cap == id {
			units += g.Total.Units
		}
	}
	return units
}

// Somebody has the register's key and certificate, and not its journal, while the
// register is at work: he is not heard, whatever he tries, and the register sells on,
// with the line and without (I3, I6).
func TestI6AThiefBesideASellingRegisterGetsNowhere(t *testing.T) {
	w := newSecureWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	must(w.Ready(ctx))
	must(s.soldWithoutTheLine(ctx, "ken"))
	before, err := w.Till.State(ctx)
	must(err)

	f := steals(t, w)
	f.links(ctx)
	told := f.hello()
	if told.Challenge == nil || len(told.Grants) != 0 || told.Quarantine != "" {
		t.Fatalf("he is welcomed with %+v", told)
	}
	text, err := s.newcomer("mei", longAgo)(ctx)
	must(err)
	f.wantError(f.onePack(text), wire.CodeSession)
	must(s.play(ctx, step{name: "one pack beside him", lines: times(1, pack), code: s.newcomer("mei4", longAgo), want: approved}))
	guess, err := f.proof(told)
	must(err)
	f.wantError(f.ask(guess), wire.CodeRefused)
	f.links(ctx)
	f.head.Size = 1
	f.wantError(f.greets(), wire.CodeTrouble)

	must(s.play(ctx, step{name: "one more pack", lines: times(1, pack), code: s.newcomer("aoi", longAgo), want: approved}))
	must(w.CutLine(ctx))
	must(s.all(ctx,
		step{name: "a pack without the line", lines: times(1, pack), code: s.newcomer("aoi44", longAgo), want: approvedOffline},
		step{name: "lunch without the line", lines: times(1, lunch), code: s.newcomer("ren", longAgo), want: approvedOffline},
	))
	must(w.MendLine(ctx))
	must(w.Settled(ctx))
	after, err := w.Till.State(ctx)
	must(err)
	if after.Incarnation != before.Incarnation || after.Quarantine != "" || after.Parked != 0 {
		t.Errorf("the register was %+v and is %+v", before, after)
	}
	rows, err := w.backend.Standings(ctx)
	must(err)
	if len(rows) != 1 || rows[0].Impostors != 2 || rows[0].Doubt != "" || rows[0].Incarnation != before.Incarnation {
		t.Errorf("head office sees %+v", rows)
	}
	s.wantRight(t, ctx)
}

// The same while the register is off: that may be a register which lost its journal,
// so he is let in, and gets what a payment needs and nothing unasked. With the old
// certificate revoked and the register enrolled anew it sells on, and he is shut out
// (I3, I6, I8).
func TestI6AStolenKeyWithoutTheJournalIsFoundOut(t *testing.T) {
	w := newSecureWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	must(w.Ready(ctx))
	must(s.soldWithoutTheLine(ctx, "ken"))
	must(w.StopDaemon(ctx)) // at night; the last checkpoint is with the backend

	f := steals(t, w)
	f.links(ctx)
	told := f.hello()
	if told.Challenge == nil || told.Checkpoint == nil || len(told.Grants) != 0 {
		t.Fatalf("a new incarnation without proof is welcomed with %+v", told)
	}
	text, err := s.newcomer("mei", longAgo)(ctx)
	must(err)
	f.wantError(f.onePack(text), wire.CodeSession)
	root, err := f.proof(told)
	must(err)
	if m := f.ask(root); m.Ack == nil || m.Ack.Status != wire.StatusRejected {
		t.Errorf("a leaf that he cannot know is answered with %v", m)
	}
	f.links(ctx)
	if told := f.hello(); told.Quarantine != backendsim.DoubtCheckpoint || len(told.Grants) != 0 {
		t.Errorf("without a proof he is welcomed with %+v", told)
	}
	if m := f.onePack(text); m.Answer == nil || m.Answer.Outcome != wire.OutcomeApproved || granted(m.Answer.Grants, "tobacco-day") != 1 || granted(m.Answer.Grants, "tobacco-offline") != 0 {
		t.Errorf("for a pack he gets %v %+v", m, m.Answer)
	}

	must(s.startAgain(ctx))
	inDoubt(t, ctx, w, backendsim.DoubtCheckpoint)
	must(s.onlineOnly(ctx, "aoi"))
	must(w.StopDaemon(ctx))
	must(w.backend.Revoke(ctx, registerID))
	must(w.enrol(ctx))
	must(s.startAgain(ctx))
	must(w.Ready(ctx))
	must(s.released(ctx, "ren"))
	if refused := f.dial(ctx); !strings.HasPrefix(refused, fmt.Sprint(http.StatusForbidden)) || !strings.Contains(refused, "certificate.revoked") {
		t.Errorf("the stolen certificate is answered with %q", refused)
	}
	s.wantRight(t, ctx)
}

// proof is a checkpoint over what welcome itself named, signed with the stolen key,
// and a leaf that is guessed.
func (f *thief) proof(told *wire.Welcome) (wire.Message, error) {
	key, ok := f.keys.PrivateKey.(ed25519.PrivateKey)
	if !ok {
		return wire.Message{}, errors.New("the key is no Ed25519 key")
	}
	origin := journal.Origin(storeID, registerID)
	signer, err := journal.NewSigner(origin, key)
	if err != nil {
		return wire.Message{}, err
	}
	head, err := headOf(told.Checkpoint)
	if err != nil {
		return wire.Message{}, err
	}
	note, err := journal.Checkpoint(origin, head, signer)
	return wire.Message{Type: wire.TypeCheckpoint, Checkpoint: &wire.Checkpoint{
		Note: note, From: head.Size, Proof: []string{},
		Leaf: &wire.LeafProof{Index: *told.Challenge, Hash: strings.Repeat("ab", 32), Proof: []string{}},
	}}, err
}

// A register goes on with a full outbox after it was enrolled anew: nothing is
// lost, and the certificate from before is refused as revoked (I1, I8).
func TestI1AFullOutboxOutlivesANewEnrolment(t *testing.T) {
	w := newSecureWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	must(w.Ready(ctx))
	must(w.CutLine(ctx))
	for _, who := range []string{"ken", "mei4", "aoi44", "ren444"} {
		must(s.play(ctx, step{name: "lunch without the line", lines: times(1, lunch), code: s.newcomer(who, longAgo), want: approvedOffline}))
	}
	must(w.StopDaemon(ctx))
	old := copyOf(t, w)

	must(w.enrol(ctx))
	w.backend.Clear(backendsim.GoAway)
	must(s.startAgain(ctx))
	must(w.Ready(ctx))
	must(w.Settled(ctx))
	for _, r := range s.Results {
		if v, err := w.Till.Payment(ctx, r.Verdict.Payment); err != nil || v.State != terminal.Settled {
			t.Errorf("%s: %s, %v", r.Step, v.State, err)
		}
	}
	register, err := registerLedger(ctx, w.LedgerFile())
	must(err)
	differences, err := Differences(ctx, register, w.backend.Ledger())
	must(err)
	for _, d := range differences {
		t.Error(d)
	}

	must(newShift(old, s.out).startAgain(ctx))
	st, err := old.Till.Await(ctx, func(st State) bool { return st.Link.Reason == terminal.LineRefused })
	must(err)
	if st.Link.Up {
		t.Error("the certificate from before is taken")
	}
	if why := doubtAt(t, w.backend); why != "" {
		t.Errorf("the register is in doubt: %s", why)
	}
	s.wantRight(t, ctx)
}

// headOf reads a head as the wire writes it.
func headOf(h *wire.Head) (journal.Head, error) {
	head := journal.Head{Size: h.Size}
	_, err := hex.Decode(head.Root[:], []byte(h.Root))
	return head, err
}
