package backendsim

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/wire"
)

func TestI1AnOlderSessionIsRefused(t *testing.T) {
	w := running(t)
	old := w.till("r1", "i1")
	fresh := w.till("r1", "i1")
	if fresh.session != old.session+1 {
		t.Fatalf("sessions %d and %d", old.session, fresh.session)
	}
	old.closed()
	id := newID(t)
	late := *fresh
	late.session = old.session
	refused(t, late.ask(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 720, nil)), wire.CodeSession)
	moved(t, w, id)
	outcome(t, fresh.ask(w.query(id)), wire.OutcomeNotSeen, "")
}

func TestI1NothingIsHeardBeforeHello(t *testing.T) {
	w := running(t)
	r := w.caller("r1", "i1")
	defer r.conn.Close()
	refused(t, r.ask(w.query(newID(t))), wire.CodeSession)
}

func TestI1ARestartKeepsEverything(t *testing.T) {
	w := newWorld(t)
	w.start()
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	id, dead, code := newID(t), newID(t), buyer.show()
	first := r.ask(w.buy(id, code, 3000, tobacco(5), need("tobacco-day", 3000, 5)))
	outcome(t, first, wire.OutcomeApproved, "")
	acked(t, r.ask(w.reverse(dead)), wire.StatusAccepted, "", "")
	granted := w.capNow("tobacco-day").Granted
	w.stop()
	r.closed()

	w.start()
	defer w.stop()
	back := w.till("r1", "i1")
	if back.session != r.session+1 {
		t.Errorf("the session after the restart is %d, want %d", back.session, r.session+1)
	}
	if got := w.capNow("tobacco-day").Granted; got != granted {
		t.Errorf("granted was %v and is %v", granted, got)
	}
	answer := back.ask(w.query(id))
	outcome(t, answer, wire.OutcomeApproved, "")
	if answer.Answer.Approval != first.Answer.Approval {
		t.Error("the approval code changed")
	}
	outcome(t, back.ask(w.buy(dead, buyer.show(), 720, nil)), wire.OutcomeReversed, "")
	outcome(t, back.ask(w.buy(newID(t), code, 720, nil)), wire.OutcomeDeclined, "code.replayed")
	moved(t, w, id, 3000)
}

func TestWelcomeBringsThePolicyWhereTheRegistersIsOlder(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	if r.welcome.Policy != w.cfg.Note || r.welcome.Time != noon.UnixMilli() {
		t.Errorf("the welcome is %+v", r.welcome)
	}
	same := r.hello()
	same.Hello.Versions.Policy = 3
	if m := r.ask(same); m.Type != wire.TypeWelcome || m.Welcome.Policy != "" {
		t.Errorf("got %v with a policy of %d bytes, want none", m, len(m.Welcome.Policy))
	}
}

func TestI6AJournalThatWentBackOrForkedIsRefused(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	for range 3 {
		r.ask(w.query(newID(t)))
	}
	forked := r.wrap(w.query(newID(t)))
	forked.Journal = &wire.Head{Size: *r.size - 1, Root: sixtyFour}
	data, err := wire.Encode(forked)
	must(t, err)
	must(t, r.conn.WriteMessage(websocket.TextMessage, data))
	refused(t, r.await(forked.ID), wire.CodeRefused)
	restored := w.caller("r1", "i1")
	defer restored.conn.Close()
	refused(t, restored.ask(restored.hello()), wire.CodeRefused)
}

func TestI8EveryBadMessageIsAnswered(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	for _, c := range []struct {
		text string
		want wire.ErrorCode
	}{
		{`{`, wire.CodeSyntax},
		{`{"v":9,"type":"hello","id":"x"}`, wire.CodeVersion},
		{`{"v":1,"type":"hello","id":"x"}`, wire.CodeBody},
		{`{"v":1,"type":"surprise","id":"x"}`, wire.CodeType},
		{`{"v":1,"type":"freeze","id":"x","session":1,"freeze":{"note":"x"}}`, wire.CodeType},
	} {
		must(t, r.conn.WriteMessage(websocket.TextMessage, []byte(c.text)))
		refused(t, r.push(wire.TypeError), c.want)
	}
	must(t, r.conn.WriteMessage(websocket.BinaryMessage, []byte(`{}`)))
	refused(t, r.push(wire.TypeError), wire.CodeSyntax)
	outcome(t, r.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
	for range badMessages - 3 { // four were counted above; a type not known is not
		must(t, r.conn.WriteMessage(websocket.TextMessage, []byte(`{`)))
	}
	r.closed()
}

func TestOnlyThisSubprotocolIsSpoken(t *testing.T) {
	w := running(t)
	_, reply, err := (&websocket.Dialer{HandshakeTimeout: patience}).Dial("ws://"+w.addr+Path, nil)
	if err == nil || reply.StatusCode != http.StatusBadRequest {
		t.Fatalf("a dial without the subprotocol gave %v", err)
	}
}

func TestGoAwayHoldsUntilItIsCleared(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.Set(Fault{Kind: GoAway}))
	r.closed()
	dialler := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: patience}
	for range 3 {
		if _, reply, err := dialler.Dial("ws://"+w.addr+Path, nil); err == nil || reply.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("a dial while the backend is away gave %v", err)
		}
	}
	w.b.Clear(GoAway)
	w.till("r1", "i1")
}

func TestPingsAreAnswered(t *testing.T) {
	w := running(t)
	conn := w.dial()
	defer conn.Close()
	pong := make(chan string, 1)
	conn.SetPongHandler(func(data string) error { pong <- data; return nil })
	must(t, conn.WriteControl(websocket.PingMessage, []byte("there?"), time.Now().Add(patience)))
	must(t, conn.WriteMessage(websocket.TextMessage, []byte(`{`))) // its answer ends the read
	must(t, conn.SetReadDeadline(time.Now().Add(patience)))
	_, _, err := conn.ReadMessage()
	must(t, err)
	if got := <-pong; got != "there?" {
		t.Errorf("the pong says %q", got)
	}
}

func TestTheSwitchesOverHTTP(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/admin/faults", `{"kind":"refuse","count":1,"reason":"frozen"}`, http.StatusNoContent},
		{"POST", "/admin/faults", `{"kind":"explode"}`, http.StatusBadRequest},
		{"POST", "/admin/faults", `{"colour":"red"}`, http.StatusBadRequest},
		{"POST", "/admin/accounts/stop", `{"issuer":"demo-wallet","account":"stolen-0001"}`, http.StatusNoContent},
		{"POST", "/admin/accounts", `{"issuer":"demo-wallet","account":"account-0001","balance":5000}`, http.StatusNoContent},
		{"POST", "/admin/digits", `{"issuer":"paypay","account":"account-0009","code":"900081818800000000000001"}`, http.StatusNoContent},
		{"GET", "/admin/payments", "", http.StatusOK},
		{"GET", "/admin/charges?payment=x", "", http.StatusOK},
		{"GET", "/admin/caps", "", http.StatusOK},
		{"GET", "/admin/events", "", http.StatusOK},
		{"GET", "/admin/faults", "", http.StatusOK},
	} {
		if got := w.request(c.method, c.path, c.body); got != c.want {
			t.Errorf("%s %s %s: %d, want %d", c.method, c.path, c.body, got, c.want)
		}
	}
	buyer := w.phone("account-0001", boundLongAgo)
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 720, nil)), wire.OutcomeDeclined, "frozen")
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 5001, nil)), wire.OutcomeDeclined, "backend.declined")
	outcome(t, r.ask(w.buy(newID(t), w.phone("stolen-0001", boundLongAgo).show(), 720, nil)), wire.OutcomeDeclined, "account.denied")
	must(t, w.b.Set(Fault{Kind: DropBefore}))
	if got := w.request("DELETE", "/admin/faults", ""); got != http.StatusNoContent {
		t.Errorf("clearing: %d", got)
	}
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 720, nil)), wire.OutcomeApproved, "")
}

func TestALedgerIsReadWhileNobodyServes(t *testing.T) {
	w := newWorld(t)
	w.start()
	id := newID(t)
	outcome(t, w.till("r1", "i1").ask(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 720, nil)), wire.OutcomeApproved, "")
	w.stop()
	l, err := OpenLedger(context.Background(), w.cfg.File)
	must(t, err)
	rows, err := l.Payments(context.Background())
	must(t, err)
	if len(rows) != 1 || rows[0].ID != id || rows[0].State != Approved || rows[0].Amount != 720 {
		t.Errorf("the ledger holds %+v", rows)
	}
	events, err := l.Events(context.Background())
	must(t, err)
	if len(events) != 2 || events[0].Type != "hello" || events[1].Payment != id || events[1].Outcome != "approved" {
		t.Errorf("the events are %+v", events)
	}
	must(t, l.Close())
}

func TestI7NoCodeIsInTheFile(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	const digits = "900081818800000000000001"
	must(t, w.b.RegisterDigits(context.Background(), digits, "paypay", "account-0009"))
	m := w.buy(newID(t), digits, 720, nil)
	m.Authorise.Kind = "digits"
	outcome(t, r.ask(m), wire.OutcomeApproved, "")
	code := w.phone("account-0001", boundLongAgo).show()
	outcome(t, r.ask(w.buy(newID(t), code, 720, nil)), wire.OutcomeApproved, "")
	for _, secret := range []string{digits, code, "account-0001"} {
		if inFiles(t, w.cfg.File, secret) {
			t.Errorf("the ledger's files hold a secret of %d characters", len(secret))
		}
	}
	if !inFiles(t, w.cfg.File, "paypay") {
		t.Error("the ledger's files hold nothing: the search finds nothing")
	}
}
