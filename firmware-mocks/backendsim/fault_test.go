package backendsim

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/wire"
)

// bought buys for 720 yen and gives the payment, and the message's id.
func (t *till) bought() (string, string) {
	t.w.t.Helper()
	id := newID(t.w.t)
	return id, t.tell(t.w.buy(id, t.w.phone("account-0001", boundLongAgo).show(), 720, nil)).ID
}

func TestI1AMessageHandledTwiceIsAnsweredTwiceAndChargedOnce(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.Set(Fault{Kind: Double, Count: 1}))
	id, told := r.bought()
	first, second := r.await(told), r.await(told)
	outcome(t, first, wire.OutcomeApproved, "")
	outcome(t, second, wire.OutcomeApproved, "")
	if first.ID == second.ID || first.Answer.Approval != second.Answer.Approval {
		t.Errorf("the answers are %+v and %+v", first.Answer, second.Answer)
	}
	moved(t, w, id, 720)
}

func TestAnAnswerKeptBackLeavesAfterTheNextOrInTime(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.Set(Fault{Kind: Reorder, Count: 1, Delay: time.Hour}))
	_, first := r.bought()
	_, second := r.bought()
	if a, b := r.push(wire.TypeAnswer), r.push(wire.TypeAnswer); a.Re != second || b.Re != first {
		t.Errorf("the answers came as %q and %q, want %q and %q", a.Re, b.Re, second, first)
	}
	must(t, w.b.Set(Fault{Kind: Reorder, Count: 1, Delay: time.Millisecond}))
	_, alone := r.bought()
	r.await(alone) // nothing follows it
}

// Each lie is told once, about this message alone, and the ledger knows better.
func TestABackendThatLiesTellsTheTruthWhenAskedAgain(t *testing.T) {
	for _, c := range []struct {
		kind FaultKind
		is   func(lie wire.Message, id string) bool
	}{
		{Misprice, func(m wire.Message, _ string) bool { return m.Answer.Amount == 721 }},
		{OtherPayment, func(m wire.Message, id string) bool { return m.Answer.Payment == nobodys }},
		{OddWord, func(m wire.Message, _ string) bool { return m.Answer.Outcome == "perhaps" }},
		{OldSession, func(m wire.Message, _ string) bool { return m.Session == 1 }},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			w := running(t)
			w.till("r1", "i1")
			r := w.till("r1", "i1")
			must(t, w.b.Set(Fault{Kind: c.kind, Count: 1}))
			id, told := r.bought()
			if lie := r.await(told); !c.is(lie, id) {
				t.Errorf("got %v %+v", lie, lie.Answer)
			}
			truth := r.ask(w.query(id))
			outcome(t, truth, wire.OutcomeApproved, "")
			if c.is(truth, id) || truth.Answer.Amount != 720 || truth.Answer.Payment != id {
				t.Errorf("asked again it says %+v", truth.Answer)
			}
		})
	}
}

func TestStrangeMessagesComeBeforeTheAnswer(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.Set(Fault{Kind: Stray, Count: 1}, Fault{Kind: OddType, Count: 1}))
	id, told := r.bought()
	for {
		_, data, err := r.conn.ReadMessage()
		must(t, err)
		if m, err := wire.Parse(data); err != nil {
			var odd *wire.Error
			if !errors.As(err, &odd) || odd.Code != wire.CodeType {
				t.Errorf("got %v, want a type that nobody knows", err)
			}
			break
		} else if m.Type == wire.TypeAnswer {
			t.Fatal("the answer came first")
		}
	}
	if stray := r.push(wire.TypeAnswer); stray.Re == told || stray.Answer.Payment == id || stray.Answer.Outcome != wire.OutcomeApproved {
		t.Errorf("the stray is %v %+v", stray, stray.Answer)
	}
	outcome(t, r.await(told), wire.OutcomeApproved, "")
}

func TestNotesArePushedAsTheyAreGivenOrForged(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.Set(Fault{Kind: PushPolicy, Count: 1, Note: "older"}, Fault{Kind: PushFreeze, Count: 1}))
	r.bought()
	if m := r.push(wire.TypePolicy); m.Policy.Note != "older" {
		t.Errorf("pushed is %q", m.Policy.Note)
	}
	m := r.push(wire.TypeFreeze)
	if at := strings.Index(m.Freeze.Note, "\n\n"); m.Freeze.Note == w.cfg.Note || !strings.HasSuffix(w.cfg.Note, m.Freeze.Note[at:]) {
		t.Errorf("the forged note is %.40q…, want another text under the same signatures", m.Freeze.Note)
	}
}

// A link that falls silent after its welcome still does what it is asked.
func TestALinkFallsSilent(t *testing.T) {
	for _, kind := range []FaultKind{Silence, Mute} {
		w := running(t)
		must(t, w.b.Set(Fault{Kind: kind, Type: wire.TypeHello, Count: 1}))
		deaf := w.till("r1", "i1") // it is welcomed
		pong := make(chan string, 1)
		deaf.conn.SetPongHandler(func(data string) error { pong <- data; return nil })
		id, _ := deaf.bought()
		must(t, deaf.conn.WriteControl(websocket.PingMessage, []byte("there?"), time.Now().Add(patience)))
		other := w.till("r2", "i1")
		for w.state(id) != Approved { // until the ledger shows it
			other.ask(w.query(newID(t)))
		}
		ended := make(chan int)
		go func() {
			read := 0
			for {
				if _, _, err := deaf.conn.ReadMessage(); err != nil {
					ended <- read
					return
				}
				read++
			}
		}()
		if kind == Mute {
			if got := <-pong; got != "there?" {
				t.Errorf("the pong says %q", got)
			}
		}
		must(t, w.b.Quarantine(t.Context(), "r1", "backend")) // its link ends
		if read := <-ended; read > 0 {
			t.Errorf("%s: %d messages came", kind, read)
		}
		if kind == Silence && len(pong) > 0 {
			t.Error("a silent link sent a pong")
		}
	}
}

func TestALinkIsSilentFromTheStart(t *testing.T) {
	w := running(t)
	must(t, w.b.Set(Fault{Kind: Silence, Count: 1}))
	r := w.caller("r1", "i1")
	defer r.conn.Close()
	r.tell(r.hello())
	for other := w.till("r2", "i1"); w.doubt("r1") == "never heard of"; { // until it was heard
		other.ask(w.query(newID(t)))
	}
	w.till("r1", "i2") // its hello ends the silent link
	if _, _, err := r.conn.ReadMessage(); err == nil {
		t.Error("something came")
	}
}

func TestBytesTrickle(t *testing.T) {
	w := running(t)
	const pause = 100 * time.Microsecond
	must(t, w.b.Set(Fault{Kind: Trickle, Type: wire.TypeHello, Count: 1, Delay: pause}))
	r := w.till("r1", "i1")
	begun := time.Now()
	answer := r.ask(w.query(newID(t)))
	outcome(t, answer, wire.OutcomeNotSeen, "")
	if took := time.Since(begun); took < 200*pause { // more than 200 bytes
		t.Errorf("the answer took %v", took)
	}
}

func TestAHugeFrameTakesAnAnswersPlace(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.Set(Fault{Kind: Huge, Count: 1}))
	id, _ := r.bought()
	r.conn.SetReadLimit(wire.MaxMessage)
	var err error
	for err == nil {
		_, _, err = r.conn.ReadMessage()
	}
	if !errors.Is(err, websocket.ErrReadLimit) {
		t.Errorf("the link ended by %v", err)
	}
	must(t, r.conn.Close())
	outcome(t, w.till("r1", "i1").ask(w.query(id)), wire.OutcomeApproved, "")
}

// The same seed befalls the same messages.
func TestChancesDependOnTheSeedAlone(t *testing.T) {
	row := func(seed uint64) []bool {
		var s switches
		s.put(Fault{Kind: DropAfter, Type: AnyType, Chance: 0.3, Seed: seed})
		var hits []bool
		for i := range 1000 {
			_, hit := s.take(DropAfter, []wire.Type{wire.TypeQuery, wire.TypeAdvice}[i%2])
			hits = append(hits, hit)
		}
		return hits
	}
	one := row(1)
	if !slices.Equal(one, row(1)) || slices.Equal(one, row(2)) {
		t.Error("the chances are not those of the seed")
	}
	n := 0
	for _, hit := range one {
		if hit {
			n++
		}
	}
	if n < 230 || n > 370 {
		t.Errorf("%d of 1000 messages were hit, want about 300", n)
	}
	var s switches
	s.put(Fault{Kind: Double, Type: AnyType, Chance: 0.5, Count: 2})
	hit := 0
	for range 100 {
		if _, now := s.take(Double, wire.TypeQuery); now {
			hit++
		}
	}
	if hit != 2 {
		t.Errorf("%d messages were doubled, want 2", hit)
	}
}

func TestFaultsAreData(t *testing.T) {
	w := running(t)
	for body, want := range map[string]int{
		`{"kind":"double"}`: http.StatusNoContent,
		`[{"kind":"reorder","type":"advice","delay":1000000},{"kind":"drop-after","type":"*","chance":0.25,"seed":7}]`: http.StatusNoContent,
		`[{"kind":"silence"},{"kind":"explode"}]`: http.StatusBadRequest, // all or none
		`[{"kind":"silence","colour":"red"}]`:     http.StatusBadRequest,
		`{"kind":"double","chance":1.5}`:          http.StatusBadRequest,
		`"double"`:                                http.StatusBadRequest,
	} {
		if got := w.request("POST", "/admin/faults", body); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
	got, err := json.Marshal(w.b.faults.list())
	must(t, err)
	want := `[{"kind":"double","type":"authorise"},{"kind":"drop-after","type":"*","chance":0.25,"seed":7},{"kind":"reorder","type":"advice","delay":1000000}]`
	if string(got) != want {
		t.Errorf("set are %s, want %s", got, want)
	}
}
