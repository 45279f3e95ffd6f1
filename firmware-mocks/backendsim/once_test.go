package backendsim

import (
	"context"
	"slices"
	"testing"
	"time"

	"sekisho/terminal/wire"
)

const (
	boundLongAgo = 365 * 24 * time.Hour
	boundNow     = time.Hour
)

// outcome checks an answer's two words.
func outcome(t *testing.T, m wire.Message, want wire.Outcome, reason string) {
	t.Helper()
	if m.Type != wire.TypeAnswer {
		t.Fatalf("got %v %+v, want an answer", m, m.Error)
	}
	if m.Answer.Outcome != want || m.Answer.Reason != reason {
		t.Fatalf("the answer is %q %q, want %q %q", m.Answer.Outcome, m.Answer.Reason, want, reason)
	}
}

func acked(t *testing.T, m wire.Message, want wire.Status, reason, bearer string) {
	t.Helper()
	if m.Type != wire.TypeAck {
		t.Fatalf("got %v %+v, want an ack", m, m.Error)
	}
	if a := m.Ack; a.Status != want || a.Reason != reason || a.Bearer != bearer {
		t.Fatalf("the ack is %q %q %q, want %q %q %q", a.Status, a.Reason, a.Bearer, want, reason, bearer)
	}
}

func refused(t *testing.T, m wire.Message, want wire.ErrorCode) {
	t.Helper()
	if m.Type != wire.TypeError || m.Error.Code != want {
		t.Fatalf("got %v %+v, want error %q", m, m.Error, want)
	}
}

func moved(t *testing.T, w *world, payment string, want ...int64) {
	t.Helper()
	if got := w.money(payment); !slices.Equal(got, want) {
		t.Fatalf("the money of the payment moved by %v, want %v", got, want)
	}
}

func TestI1AnAuthoriseThatComesTwiceIsChargedOnceAndAnsweredAlike(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	id := newID(t)
	buy := w.buy(id, w.phone("account-0001", boundLongAgo).show(), 720, nil)
	first := r.ask(buy)
	outcome(t, first, wire.OutcomeApproved, "")
	w.pass(time.Second)
	second := r.ask(buy)
	a, b := *first.Answer, *second.Answer
	if b.Time != a.Time+1000 {
		t.Errorf("the second answer's time is %d, want the present", b.Time)
	}
	a.Time, b.Time = 0, 0
	if a.Approval != b.Approval || a.Account != b.Account || a.Key != b.Key || a.Amount != b.Amount || len(a.Approval) != 6 {
		t.Errorf("the answers differ: %+v and %+v", a, b)
	}
	if a.Account != "…0001" || a.Amount != 720 || len(a.Key) != 16 {
		t.Errorf("the answer is %+v", a)
	}
	moved(t, w, id, 720)
}

func TestI1AReversedIdIsNeverCharged(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	id := newID(t)
	for range 2 {
		acked(t, r.ask(w.reverse(id)), wire.StatusAccepted, "", "")
	}
	outcome(t, r.ask(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 720, nil)), wire.OutcomeReversed, "")
	outcome(t, r.ask(w.query(id)), wire.OutcomeReversed, "")
	moved(t, w, id)
	if got := w.state(id); got != Reversed {
		t.Errorf("the tombstone reads %q", got)
	}
}

func TestI4AQueryOfAnIdNotSeenBuriesNothing(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	id := newID(t)
	outcome(t, r.ask(w.query(id)), wire.OutcomeNotSeen, "")
	outcome(t, r.ask(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 720, nil)), wire.OutcomeApproved, "")
}

func TestI1ALateAuthoriseIsDeclinedForGood(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	id := newID(t)
	buy := w.buy(id, w.phone("account-0001", boundLongAgo).show(), 720, nil)
	w.pass(10*time.Second + time.Millisecond)
	outcome(t, r.ask(buy), wire.OutcomeDeclined, "authorise.late")
	outcome(t, r.ask(w.query(id)), wire.OutcomeDeclined, "authorise.late")
	moved(t, w, id)
}

func TestI1AnAnswerLostIsLearntByQuery(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.Set(Fault{Kind: DropAfter, Count: 1}))
	id := newID(t)
	r.tell(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 720, nil))
	answer := r.ask(w.query(id))
	outcome(t, answer, wire.OutcomeApproved, "")
	if len(answer.Answer.Approval) != 6 {
		t.Errorf("the approval code is %q", answer.Answer.Approval)
	}
	moved(t, w, id, 720)
}

func TestI1AnAuthoriseDroppedBeforeIsNotSeen(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.Set(Fault{Kind: DropBefore, Count: 1}))
	id, buyer := newID(t), w.phone("account-0001", boundLongAgo)
	buy := w.buy(id, buyer.show(), 720, nil)
	r.tell(buy)
	outcome(t, r.ask(w.query(id)), wire.OutcomeNotSeen, "")
	moved(t, w, id)
	outcome(t, r.ask(buy), wire.OutcomeApproved, "")
}

func TestI1AReversalOvertakesADelayedAuthorise(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.Set(Fault{Kind: Delay, Count: 1, Delay: 50 * time.Millisecond}))
	id := newID(t)
	late := r.tell(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 720, nil))
	acked(t, r.ask(w.reverse(id)), wire.StatusAccepted, "", "")
	outcome(t, r.await(late.ID), wire.OutcomeReversed, "")
	moved(t, w, id)
}

// A delay without a time lasts until somebody ends it, and no longer.
func TestADelayedAuthoriseIsDecidedWhenTheFaultIsCleared(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.Set(Fault{Kind: Delay}))
	id := newID(t)
	late := r.tell(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 720, nil))
	outcome(t, r.ask(w.query(id)), wire.OutcomeNotSeen, "")
	w.b.Clear(Refuse)
	outcome(t, r.ask(w.query(id)), wire.OutcomeNotSeen, "")
	w.b.Clear(Delay)
	outcome(t, r.await(late.ID), wire.OutcomeApproved, "")
	outcome(t, r.ask(w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 720, nil)), wire.OutcomeApproved, "")
}

func TestI1AReversalAfterApprovalCreditsOnce(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	id, buyer := newID(t), w.phone("account-0001", boundLongAgo)
	code := buyer.show()
	outcome(t, r.ask(w.buy(id, code, 720, nil)), wire.OutcomeApproved, "")
	for range 2 {
		acked(t, r.ask(w.reverse(id)), wire.StatusAccepted, "", "")
	}
	moved(t, w, id, 720, -720)
	outcome(t, r.ask(w.buy(id, code, 720, nil)), wire.OutcomeReversed, "")
	outcome(t, r.ask(w.buy(newID(t), code, 720, nil)), wire.OutcomeDeclined, "code.replayed")
	moved(t, w, id, 720, -720)
}

func TestI1APassPaysOnce(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	code, online, offline := buyer.show(), newID(t), newID(t)
	outcome(t, r.ask(w.buy(online, code, 720, nil)), wire.OutcomeApproved, "")
	outcome(t, r.ask(w.buy(newID(t), code, 720, nil)), wire.OutcomeDeclined, "code.replayed")
	acked(t, r.ask(w.advise(offline, code, 720, nil, nil)), wire.StatusRejected, "code.replayed", "store")
	moved(t, w, offline)
}

func TestI1AnAdviceThatComesTwiceIsChargedOnce(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	id := newID(t)
	advice := w.advise(id, w.phone("account-0001", boundLongAgo).show(), 720, nil, nil)
	for range 2 {
		acked(t, r.ask(advice), wire.StatusAccepted, "", "")
	}
	moved(t, w, id, 720)
	outcome(t, r.ask(w.query(id)), wire.OutcomeApproved, "")
}

func TestI1AnAdviceIsAnsweredAlikeAfterItsVoid(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	for _, c := range []struct {
		yen            int64
		want           wire.Status
		reason, bearer string
	}{
		{720, wire.StatusAccepted, "", ""},
		{3001, wire.StatusRejected, "offline.limit", string(BearerStore)},
	} {
		id := newID(t)
		advice := w.advise(id, w.phone("account-0001", boundLongAgo).show(), c.yen, nil, nil)
		acked(t, r.ask(advice), c.want, c.reason, c.bearer)
		acked(t, r.ask(w.undo(id, newID(t))), wire.StatusAccepted, "", "")
		acked(t, r.ask(advice), c.want, c.reason, c.bearer)
	}
}

func TestI1VoidAndRefundGiveBackAtMostTheWhole(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	id, refund, void := newID(t), newID(t), newID(t)
	outcome(t, r.ask(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 1000, nil)), wire.OutcomeApproved, "")
	for range 2 {
		acked(t, r.ask(w.giveBack(id, refund, 300)), wire.StatusAccepted, "", "")
	}
	acked(t, r.ask(w.giveBack(id, newID(t), 701)), wire.StatusRejected, "refund.refused", "")
	for range 2 {
		acked(t, r.ask(w.undo(id, void)), wire.StatusAccepted, "", "")
	}
	acked(t, r.ask(w.undo(id, newID(t))), wire.StatusAccepted, "", "")
	acked(t, r.ask(w.giveBack(id, newID(t), 1)), wire.StatusRejected, "refund.refused", "")
	refused(t, r.ask(w.giveBack(id, refund, 299)), wire.CodeRefused)
	moved(t, w, id, 1000, -300, -700)
	acked(t, r.ask(w.undo(newID(t), newID(t))), wire.StatusRejected, "backend.declined", "store")
	refused(t, r.ask(w.undo(newID(t), void)), wire.CodeRefused)
}

func TestI1DigitsPayOnceAndOnlyForALittleWhile(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	digits := func(code string) wire.Message {
		m := w.buy(newID(t), code, 720, nil)
		m.Authorise.Kind = "digits"
		return r.ask(m)
	}
	const one, two = "900081818800000000000001", "900081818800000000000002"
	must(t, w.b.RegisterDigits(context.Background(), one, "paypay", "account-0009"))
	must(t, w.b.RegisterDigits(context.Background(), two, "paypay", "account-0009"))
	outcome(t, digits(one), wire.OutcomeApproved, "")
	outcome(t, digits(one), wire.OutcomeDeclined, "code.replayed")
	outcome(t, digits("900081818800000000000003"), wire.OutcomeDeclined, "backend.declined")
	w.pass(onlineLife + time.Second)
	outcome(t, digits(two), wire.OutcomeDeclined, "code.expired")
}

func TestDeclines(t *testing.T) {
	w := running(t)
	ctx := context.Background()
	r := w.till("r1", "i1")
	must(t, w.b.StopAccount(ctx, "demo-wallet", "stolen-0001"))
	must(t, w.b.SetAccount(ctx, "demo-wallet", "poor-0001", 719))
	stale := w.phone("account-0001", boundLongAgo).show()
	w.pass(onlineLife + w.cfg.Policy.Pass.Tolerance + time.Second)
	forged := []byte(w.phone("account-0001", boundLongAgo).show())
	forged[len(forged)-1] ^= 1
	for _, c := range []struct{ name, code, kind, reason string }{
		{"a stopped account", w.phone("stolen-0001", boundLongAgo).show(), "pass", "account.denied"},
		{"too little money", w.phone("poor-0001", boundLongAgo).show(), "pass", "backend.declined"},
		{"an old picture", stale, "pass", "code.expired"},
		{"a wrong signature", string(forged), "pass", "code.forged"},
		{"a kind not known here", "x", "emv", "backend.declined"},
	} {
		id := newID(t)
		m := w.buy(id, c.code, 720, nil)
		m.Authorise.Kind = c.kind
		t.Log(c.name)
		outcome(t, r.ask(m), wire.OutcomeDeclined, c.reason)
		moved(t, w, id)
	}
	must(t, w.b.Set(Fault{Kind: Refuse, Count: 1, Reason: "cap.account"}))
	buyer := w.phone("account-0002", boundLongAgo)
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 720, nil)), wire.OutcomeDeclined, "cap.account")
	outcome(t, r.ask(w.buy(newID(t), buyer.show(), 720, nil)), wire.OutcomeApproved, "")
}
