package conform

import (
	"encoding/base64"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var trustRules = []Rule{
	{"challenge.asked", "A new incarnation of a register with a checkpoint is challenged for a leaf below it, and proved by the right one.", theWho, func(p *play) {
		t := p.keyed(p.a())
		t.point(0)
		next := p.dial(p.a())
		w := next.hello()
		if p.over() {
			return
		}
		p.want(w.Challenge != nil, "the welcome has no challenge")
		if w.Challenge == nil {
			return
		}
		next.prove(w)
		p.want(next.again().hello().Challenge == nil || p.over(), "a proved incarnation is challenged again")
	}},
	{"challenge.anew", "Each hello of an unproved incarnation is challenged, and not for the same leaf each time.", theWho, func(p *play) {
		const hellos = 6
		t := p.keyed(p.a())
		for range 40 {
			t.m.grow("one more leaf to be asked for")
		}
		t.point(0)
		t = p.dial(p.a())
		asked := map[int64]bool{}
		for range hellos {
			w := t.hello()
			p.want(w.Challenge != nil || p.over(), "an unproved incarnation was not challenged anew")
			if p.over() {
				return
			}
			asked[*w.Challenge] = true
			t = t.again()
		}
		p.want(len(asked) > 1, "%d hellos were asked for the same leaf", hellos)
	}},
	{"challenge.unproved", "Before the proof nothing is granted, and all but the checkpoint with the leaf gets error session and changes nothing.", theWho, unproved},
	{"challenge.beside", "A hello that is to be proved ends no link: the register's own session goes on until the proof, which ends its link.", theWho, func(p *play) {
		old := p.keyed(p.a())
		old.point(0)
		next := p.dial(p.a())
		w := next.hello()
		old.outcome(newID(), wire.OutcomeNotSeen)
		next.prove(w)
		old.closed()
		next.outcome(newID(), wire.OutcomeNotSeen)
	}},
	{"challenge.overtaken", "A proof that comes after another session was opened gets error session.", theWho, func(p *play) {
		old := p.keyed(p.a())
		old.point(0)
		late := p.dial(p.a())
		w := late.hello()
		p.want(w.Challenge != nil || p.over(), "the welcome has no challenge")
		next := old.rejoin()
		late.refused(late.proof(w), wire.CodeSession)
		next.outcome(newID(), wire.OutcomeNotSeen)
	}},
	{"challenge.impostor", "Beside a linked register a wrong leaf gets error refused and the end of its link, and the register goes on as before.", theWho, func(p *play) {
		old := p.keyed(p.a())
		old.point(0)
		t := p.dial(p.a())
		t.refused(t.wrongProof(t.hello()), wire.CodeRefused)
		t.closed()
		old.undisturbed()
	}},
	{"challenge.beside-shorter", "Beside a linked register a hello with a shorter journal gets error trouble and the end of its link, and the register goes on as before.", theWho, func(p *play) {
		old := p.keyed(p.a())
		before := old.m.copy()
		old.outcome(newID(), wire.OutcomeNotSeen)
		old.point(0)
		t := p.dial(p.a())
		m := t.greeting()
		m.Journal = before.head()
		t.refused(m, wire.CodeTrouble)
		t.closed()
		old.undisturbed()
	}},
	{"challenge.none", "Without a checkpoint that the backend keeps there is nothing to challenge.", theWho, func(p *play) {
		m := p.spoil()
		p.want(p.dial(m).hello().Challenge == nil, "a register that never sent a checkpoint is challenged")
		p.want(p.dial(m).hello().Challenge == nil, "its next incarnation is")
	}},
	{"upload.accepted", "Leaves are taken in order; the acknowledgement and the next welcome say how many.", theUpload, func(p *play) {
		t := p.keyed(p.b())
		size := t.point(0).Size
		got := t.accepted(t.leaves(0, size)).Size
		p.want(got == size || p.over(), "of %d leaves the backend says that it has %d", size, got)
		w := t.again().hello()
		p.want(w.Uploaded == size || p.over(), "the next welcome says that %d of %d leaves were uploaded", w.Uploaded, size)
	}},
	{"upload.again", "Leaves that come again change nothing.", theUpload, func(p *play) {
		t := p.keyed(p.b())
		size := t.point(0).Size
		t.accepted(t.leaves(0, size))
		got := t.accepted(t.leaves(0, size)).Size
		p.want(got == size || p.over(), "after leaves came again the backend has %d of %d", got, size)
	}},
	{"upload.gap", "Leaves beyond a gap change nothing.", theUpload, func(p *play) {
		t := p.keyed(p.spoil())
		size := t.point(0).Size
		got := t.accepted(t.leaves(size-1, size)).Size
		p.want(got == 0 || p.over(), "with leaf %d alone the backend says that it has %d leaves from the first on", size-1, got)
	}},
	{"upload.unproved", "From an incarnation that was let in without a proof leaves are refused.", theUpload, func(p *play) {
		t := p.letIn()
		t.refused(t.leaves(0, 1), wire.CodeRefused)
	}},
	{"upload.changed", "A leaf that comes again as another one is rejected, and the register is in quarantine: ledger.forked.", theUpload, func(p *play) {
		t := p.keyed(p.spoil())
		size := t.point(0).Size
		t.accepted(t.leaves(0, size))
		t.forgedLeaves(size)
	}},
	{"upload.mismatch", "Leaves whose tree has not the checkpoint's root are rejected, and the register is in quarantine: ledger.forked.", theUpload, func(p *play) {
		t := p.keyed(p.spoil())
		t.forgedLeaves(t.point(0).Size)
	}},
	{"challenge.wrong", "A wrong leaf of a register that is not linked is rejected and ends the link; the register is let in, in quarantine: checkpoint.invalid.", theWho, func(p *play) {
		t := p.letIn()
		t.outcome(newID(), wire.OutcomeNotSeen)
	}},
	{"clone.doubted", "An incarnation that was retired and says hello again is welcomed, and the register is in quarantine: register.cloned.", theWho, func(p *play) {
		m := p.spoil()
		old := p.dial(m)
		old.hello()
		p.dial(m).hello()
		w := p.dialAs(m, old.incarnation).hello()
		p.want(w.Quarantine == "register.cloned" || p.over(), "a retired incarnation is welcomed with quarantine %q", w.Quarantine)
	}},
	{"advice.overspent", "An advice that spends more than was ever granted is rejected, and the register is in quarantine: allotment.overspent.", theWho, func(p *play) {
		c := p.offlineGoods()
		t := p.join(p.spoil())
		line := portion(c, 1)
		line.Units = t.held(string(c.ID)).Units + 1
		line.Yen = max(line.Yen, t.held(string(c.ID)).Yen+1)
		t.rejected(t.advise(newID(), p.fresh(), price, line), "")
		w := t.again().hello()
		p.want(w.Quarantine == "allotment.overspent" || p.over(), "the next welcome says quarantine %q", w.Quarantine)
	}},
}

// unproved says all but what it was asked for.
func unproved(p *play) {
	p.keyed(p.a()).point(0)
	t := p.dial(p.a())
	w := t.hello()
	p.want(len(w.Grants) == 0 || p.over(), "an unproved incarnation was granted %v", w.Grants)
	payment := newID()
	t.refused(t.buy(payment, p.fresh(), price), wire.CodeSession)
	for _, m := range []wire.Message{t.query(payment), t.reverse(newID()), t.leaves(0, 1), t.pointed(t.m.kept)} {
		t.refused(m, wire.CodeSession)
	}
	t.prove(w)
	t.outcome(payment, wire.OutcomeNotSeen)
}

// wrongProof answers a welcome's challenge with a leaf that the journal has not.
func (t *till) wrongProof(w wire.Welcome) wire.Message {
	m := t.proof(w)
	if m.Checkpoint.Leaf != nil {
		m.Checkpoint.Leaf.Hash = strings.Repeat("e", 64)
	}
	return m
}

// undisturbed wants a register's link, its session and its incarnation to be as if
// nobody else had come.
func (t *till) undisturbed() {
	t.outcome(newID(), wire.OutcomeNotSeen)
	w := t.again().hello()
	t.p.want(w.Quarantine == "" && w.Challenge == nil || t.p.over(), "the register's next welcome says quarantine %q, or challenges it", w.Quarantine)
}

// letIn is a register that showed a wrong leaf while no other link of it lived: in
// quarantine.
func (p *play) letIn() *till {
	m := p.spoil()
	t := p.keyed(m)
	t.outcome(newID(), wire.OutcomeNotSeen)
	t.point(0)
	t.hangUp()
	var reply wire.Message
	p.alone(func() bool {
		t = p.dial(m)
		reply = t.ask(t.wrongProof(t.hello()))
		return reply.Error == nil
	})
	p.want(p.over() || reply.Ack != nil && reply.Ack.Status == wire.StatusRejected && reply.Ack.Reason == string(terminal.Quarantined),
		"a wrong leaf was answered with %s", named(reply))
	t.closed()
	t = t.again()
	w := t.hello()
	p.want(w.Quarantine == "checkpoint.invalid" || p.over(), "the next welcome says quarantine %q", w.Quarantine)
	return t
}

// hangUp ends a till's link in good order.
func (t *till) hangUp() {
	if t.p.over() || t.ended {
		return
	}
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = t.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(t.p.k.cfg.Patience)) // the link may have ended
	t.closed()
}

// alone tries what needs that no link of the register lives until the backend knows
// that its last one is over.
func (p *play) alone(done func() bool) {
	for end := time.Now().Add(p.k.cfg.Patience); !done() && !p.over() && time.Now().Before(end); {
		p.pause()
	}
}

// leaves is the upload of leaves from one place to before another.
func (t *till) leaves(from, to int64) wire.Message {
	e := &wire.Entries{From: from}
	if !t.p.over() {
		for _, leaf := range t.m.tree.leaves[from:min(to, from+mostLeaves)] {
			e.Leaves = append(e.Leaves, base64.StdEncoding.EncodeToString(leaf))
		}
	}
	return wire.Message{Type: wire.TypeJournal, Entries: e}
}

// mostLeaves is how many a message has at most.
const mostLeaves = 1000

// forgedLeaves uploads the journal with its first leaf changed, and wants
// quarantine for it.
func (t *till) forgedLeaves(size int64) {
	m := t.leaves(0, size)
	if t.p.over() {
		return
	}
	m.Entries.Leaves[0] = base64.StdEncoding.EncodeToString([]byte(`{"another":"leaf"}`))
	t.rejected(m, string(terminal.Quarantined))
	w := t.again().hello()
	t.p.want(w.Quarantine == "ledger.forked" || t.p.over(), "the next welcome says quarantine %q", w.Quarantine)
}
