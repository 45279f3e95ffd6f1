package conform

import (
	"encoding/base64"
	"strings"

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
	{"challenge.unproved", "An unproved incarnation is granted what a payment needs with the payment, and nothing unasked.", theWho, func(p *play) {
		c := p.roomy(1)
		p.keyed(p.a()).point(0)
		t := p.dial(p.a())
		got := p.total(t.hello().Grants, string(c.ID))
		p.want(got == wire.Amount{} || p.over(), "an unproved incarnation was granted %v unasked", got)
		line, payment := portion(c, 1), newID()
		t.bought(payment, p.fresh(), price, line)
		got = t.counter(string(c.ID), p.today()).Granted
		p.want(got == count(c, price, []wire.Line{line}) || p.over(), "an unproved incarnation needed %v and was granted %v", count(c, price, []wire.Line{line}), got)
		t.undo(payment, line)
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
	{"upload.unproved", "From an unproved incarnation leaves are refused.", theUpload, func(p *play) {
		p.keyed(p.b()).point(0)
		t := p.dial(p.b())
		t.hello()
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
	{"challenge.wrong", "A wrong leaf puts the register in quarantine: checkpoint.invalid.", theWho, func(p *play) {
		m := p.spoil()
		t := p.keyed(m)
		t.outcome(newID(), wire.OutcomeNotSeen)
		t.point(0)
		t = p.dial(m)
		w := t.hello()
		p.want(w.Challenge != nil || p.over(), "the welcome has no challenge")
		if p.over() {
			return
		}
		point := t.pointed(w.Checkpoint.Size)
		point.Checkpoint.Leaf = m.audit(*w.Challenge, w.Checkpoint.Size)
		point.Checkpoint.Leaf.Hash = strings.Repeat("e", 64)
		t.doubt(point, "checkpoint.invalid")
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
