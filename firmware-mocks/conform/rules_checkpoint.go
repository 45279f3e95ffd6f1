package conform

import (
	"crypto/ed25519"
	"crypto/rand"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var checkpointRules = []Rule{
	{"checkpoint.first", "A first checkpoint is accepted, and the next welcome names it.", points, func(p *play) {
		t := p.keyed(p.a())
		at := t.point(0)
		w := t.again().hello()
		p.want(p.over() || w.Checkpoint != nil && *w.Checkpoint == at, "the next welcome does not name the checkpoint that was kept")
	}},
	{"checkpoint.extends", "A checkpoint with the proof that it extends the last is accepted.", points, func(p *play) {
		t := p.keyed(p.a())
		from := t.m.kept
		for range 3 {
			t.outcome(newID(), wire.OutcomeNotSeen)
			from = t.point(from).Size
		}
	}},
	{"checkpoint.again", "A checkpoint that is kept already is accepted again.", points, func(p *play) {
		t := p.keyed(p.a())
		m := t.pointed(t.m.kept)
		t.accept(m)
		m.ID = ""
		t.accepted(m)
	}},
	{"checkpoint.stale", "A proof from another size than the last kept gets error refused and ends the link; nothing is in doubt.", points, func(p *play) {
		t := p.keyed(p.a())
		from := t.m.kept
		first := t.point(from)
		t.outcome(newID(), wire.OutcomeNotSeen)
		t.refused(t.pointed(first.Size-1), wire.CodeRefused)
		t.closed()
		w := t.again().hello()
		p.want(p.over() || w.Quarantine == "" && w.Checkpoint != nil && *w.Checkpoint == first, "the next welcome does not name the checkpoint that was kept, or says quarantine %q", w.Quarantine)
	}},
}

var doubtRules = []Rule{
	{"checkpoint.other-key", "A checkpoint that another key signed is rejected with register.quarantine, ends the link, and the next welcome says checkpoint.invalid.", points, func(p *play) {
		t := p.keyed(p.spoil())
		_, key, err := ed25519.GenerateKey(rand.Reader)
		p.want(err == nil, "the kit made no key: %v", err)
		m := t.pointed(0)
		if !p.over() {
			other := machine{Register: Register{Store: t.m.Store, ID: t.m.ID, Key: key}}
			m.Checkpoint.Note = other.sign(&t.m.tree)
		}
		t.doubt(m, "checkpoint.invalid")
	}},
	{"checkpoint.origin", "A checkpoint of another register's journal is not taken, by whatever key.", points, func(p *play) {
		t := p.keyed(p.spoil())
		m := t.pointed(0)
		if !p.over() {
			other := machine{Register: Register{Store: t.m.Store, ID: p.b().ID, Key: t.m.Key}}
			m.Checkpoint.Note = other.sign(&t.m.tree)
		}
		t.doubt(m, "checkpoint.invalid")
	}},
	{"checkpoint.forked", "A checkpoint whose proof does not hold is rejected with register.quarantine; the next welcome says ledger.forked.", points, func(p *play) {
		t := p.keyed(p.spoil())
		from := t.point(0).Size
		other := tree{}
		for range from + 3 {
			other.grow(newID())
		}
		m := wire.Message{Type: wire.TypeCheckpoint, Checkpoint: &wire.Checkpoint{Note: t.m.sign(&other), From: from, Proof: other.proof(from)}}
		t.doubt(m, "ledger.forked")
	}},
	{"checkpoint.smaller", "A checkpoint of a size below the last kept puts the register in quarantine.", points, func(p *play) {
		t := p.keyed(p.spoil())
		before := t.m.copy()
		t.outcome(newID(), wire.OutcomeNotSeen)
		t.point(0)
		m := wire.Message{Type: wire.TypeCheckpoint, Checkpoint: &wire.Checkpoint{Note: t.m.sign(&before), From: 0}}
		t.doubt(m, "ledger.older")
	}},
	{"hello.older", "A new incarnation whose journal is shorter than the last checkpoint is welcomed with quarantine ledger.older.", theSessions, func(p *play) {
		t := p.keyed(p.spoil())
		before := t.m.copy()
		t.outcome(newID(), wire.OutcomeNotSeen)
		t.point(0)
		t.hangUp()
		t.m.tree = before
		w := p.dial(t.m).helloWith(before.head())
		p.want(p.over() || w.Quarantine == "ledger.older", "the welcome says quarantine %q", w.Quarantine)
	}},
	{"hello.forked", "A new incarnation whose journal is as long as the last checkpoint, with another root, is welcomed with quarantine ledger.forked.", theSessions, func(p *play) {
		t := p.keyed(p.spoil())
		size := t.point(0).Size
		other := tree{}
		for range size {
			other.grow(newID())
		}
		t.hangUp()
		w := p.dial(t.m).helloWith(other.head())
		p.want(p.over() || w.Quarantine == "ledger.forked", "the welcome says quarantine %q", w.Quarantine)
	}},
	{"quarantine.own-word", "A register that holds itself in doubt is believed, whatever the reason, until head office's word.", theDoubt, func(p *play) {
		t := p.inDoubt("kit.says-so")
		w := t.again().hello()
		p.want(w.Quarantine == "kit.says-so" || p.over(), "the next welcome says quarantine %q", w.Quarantine)
	}},
	{"quarantine.incarnation", "A new incarnation does not end a quarantine.", theDoubt, func(p *play) {
		t := p.inDoubt("kit.says-so")
		w := p.dial(t.m).hello()
		p.want(w.Quarantine != "" || p.over(), "a new incarnation of a register in doubt was welcomed without quarantine")
	}},
	{"quarantine.restart", "A quarantine lasts over a restart of the backend.", theDoubt, func(p *play) {
		p.need(p.k.cfg.Restart != nil, "a way to restart the backend")
		t := p.inDoubt("kit.says-so")
		p.restart()
		w := t.again().hello()
		p.want(w.Quarantine != "" || p.over(), "after a restart the register is whole again")
	}},
	{"quarantine.sells", "A register in quarantine is granted what a payment needs with the payment, and nothing unasked.", theDoubt, func(p *play) {
		c := p.roomy(1)
		t := p.inDoubt("kit.says-so")
		before := t.counter(string(c.ID), p.today()).Granted
		p.want(before == wire.Amount{} || p.over(), "a register in doubt was granted %v unasked", before)
		payment, line := newID(), portion(c, 1)
		t.bought(payment, p.fresh(), price, line)
		now := t.counter(string(c.ID), p.today()).Granted
		p.want(now == count(c, price, []wire.Line{line}) || p.over(), "a payment needed %v, and a register in doubt holds %v", count(c, price, []wire.Line{line}), now)
		t.undo(payment, line)
	}},
	{"quarantine.released", "Head office's release ends the link; the next welcome names the incarnation, and a new one is whole.", theDoubt, func(p *play) {
		p.headed()
		t := p.inDoubt("kit.says-so")
		p.release(t.m)
		t.closed()
		next := t.again()
		m := next.greeting()
		m.Hello.Quarantine = "kit.says-so"
		w := next.helloAs(m)
		p.want(w.Released == t.incarnation || p.over(), "the welcome after the release names %q, not the incarnation that said the last hello", w.Released)
		w = p.dial(t.m).hello()
		p.want(w.Quarantine == "" && w.Released == "" || p.over(), "a new incarnation after the release is still in quarantine %q", w.Quarantine)
	}},
	{"quarantine.ordered", "Head office may put a register in quarantine: its link ends, and the next welcome says why.", theDoubt, func(p *play) {
		p.headed()
		t := p.join(p.spoil())
		p.quarantine(t.m, "kit.ordered")
		t.closed()
		w := t.again().hello()
		p.want(w.Quarantine == "kit.ordered" || p.over(), "the next welcome says quarantine %q", w.Quarantine)
	}},
}

// keyed joins a register whose key the backend has.
func (p *play) keyed(m *machine) *till {
	p.need(m.Key != nil, "the registers' keys for checkpoints")
	return p.join(m)
}

// pointed is a checkpoint of the journal as it is, from a size that the backend
// keeps.
func (t *till) pointed(from int64) wire.Message {
	if t.p.over() {
		return wire.Message{Type: wire.TypeCheckpoint, Checkpoint: &wire.Checkpoint{Note: "none"}}
	}
	t.m.grow("a checkpoint")
	return wire.Message{Type: wire.TypeCheckpoint, Journal: t.m.head(), Checkpoint: &wire.Checkpoint{
		Note: t.m.sign(&t.m.tree), From: from, Proof: t.m.proof(from),
	}}
}

// point has a checkpoint kept and gives what it says.
func (t *till) point(from int64) wire.Head { return t.accept(t.pointed(max(from, t.m.kept))) }

func (t *till) accept(m wire.Message) wire.Head {
	t.accepted(m)
	if t.p.over() {
		return wire.Head{}
	}
	t.m.kept = m.Journal.Size
	return *m.Journal
}

// prove meets the challenge of a welcome.
func (t *till) prove(w wire.Welcome) {
	if t.p.over() || w.Checkpoint == nil || w.Challenge == nil {
		return
	}
	t.accept(t.proof(w))
}

// proof is the checkpoint that a welcome asks for.
func (t *till) proof(w wire.Welcome) wire.Message {
	t.p.want(w.Checkpoint != nil && w.Challenge != nil, "the welcome has no challenge")
	if t.p.over() {
		return t.pointed(0)
	}
	m := t.pointed(w.Checkpoint.Size)
	m.Checkpoint.Leaf = t.m.audit(*w.Challenge, w.Checkpoint.Size)
	return m
}

// doubt sends a checkpoint that must put the register in quarantine, and wants
// the next welcome to say so.
func (t *till) doubt(m wire.Message, why string) {
	t.rejected(m, string(terminal.Quarantined))
	t.closed()
	w := t.again().hello()
	t.p.want(w.Quarantine == why || t.p.over(), "the next welcome says quarantine %q, not %q", w.Quarantine, why)
}

// helloWith says hello with a journal of its own, until the backend knows that no
// other link of the register lives.
func (t *till) helloWith(head *wire.Head) (w wire.Welcome) {
	t.p.alone(func() bool {
		m := t.greeting()
		m.Journal = head
		reply := t.ask(m)
		if reply.Error != nil && reply.Error.Code == wire.CodeTrouble {
			t = t.again()
			return false
		}
		if reply.Welcome == nil {
			t.p.fail("hello was answered with %s", named(reply))
			return true
		}
		w = *reply.Welcome
		return true
	})
	return w
}

// inDoubt is a till that told the backend of its own doubt and was believed.
func (p *play) inDoubt(why string) *till {
	t := p.dial(p.spoil())
	m := t.greeting()
	m.Hello.Quarantine = why
	w := t.helloAs(m)
	p.want(w.Quarantine == why || p.over(), "a register in doubt of itself is welcomed with quarantine %q", w.Quarantine)
	return t
}
