package register

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// Why a register's rights are in doubt. The first two either side finds, the rest
// the backend alone.
const (
	LedgerOlder       = "ledger.older"        // entries that were there before are gone: it was put back
	LedgerForked      = "ledger.forked"       // entries that were there before are others now
	CheckpointInvalid = "checkpoint.invalid"  // the backend got a checkpoint, or a proof of the journal, that is not this register's
	Cloned            = "register.cloned"     // two machines say that they are this register
	Overspent         = "allotment.overspent" // more was sold of a cap than was granted
	InDoubt           = "backend"             // head office or the backend says so, with a word of its own or none
)

// Doubts are all the reasons.
func Doubts() []string {
	return []string{LedgerOlder, LedgerForked, CheckpointInvalid, Cloned, Overspent, InDoubt}
}

// toldDoubt gives the reason that the backend's word stands for.
func toldDoubt(why string) string {
	if slices.Contains(Doubts(), why) {
		return why
	}
	return InDoubt
}

// doubt puts the register in quarantine: from now on, and for good once it is
// stored. It sells online only, and nothing from what it holds, until head office
// releases it. The first reason stays, but that the backend's mere word makes room
// for what it says more closely.
func (r *Register) doubt(why string, cause error) {
	if r.quarantine != "" && (r.quarantine != InDoubt || why == InDoubt) {
		return
	}
	r.quarantine = why
	r.cfg.Log.Error("this register's rights are in doubt: it sells online only, until head office releases it", "reason", why, "cause", cause)
	r.tellView(EventCaps)
	r.report(string(terminal.Quarantined), "this register holds itself in doubt: "+why, "")
	now, inc := r.now(), r.cfg.Incarnation
	// It may have been found in the middle of something: the disk comes next.
	c := Changes{Quarantine: &why, Entries: []journal.Draft{quarantineEntry(why, inc, now)}}
	r.first(func() {
		r.decide(Scope{}, func(Usage) (Changes, error) { return c, nil }, func(err error) {
			if err != nil {
				r.cfg.Log.Error("the quarantine could not be kept yet; it is tried again", "error", err)
				r.owe(quarantineOwed, c, func() {})
			}
		})
	})
}

// finds is doubt for what this register found out by itself in the middle of a
// session: another begins, whose hello tells it, or head office would see nothing
// that it could release.
func (r *Register) finds(why string) {
	known := r.quarantine != "" && !r.admission.wanted // what cannot be proved the next hello has to say
	r.doubt(why, nil)
	if !known {
		r.cfg.Backend.Redial()
	}
}

// quarantineOwed names a quarantine that rules and is not stored yet.
const quarantineOwed = "quarantine"

// restoreDoubt takes over a quarantine: the stored one, or the one that this
// start found and that is not stored yet.
func (r *Register) restoreDoubt(s Snapshot) {
	if r.quarantine == "" {
		r.quarantine = s.Quarantine
	}
	if r.quarantine == "" {
		r.quarantine = r.cfg.Quarantine
	}
	if s.Quarantine != "" {
		r.cfg.Quarantine = ""
	}
}

// withFound stores the quarantine that this start found along with a decision,
// until one is stored: the anchor that is saved after it fits the ledger, and no
// later start would find anything.
func (r *Register) withFound(decide func(Usage) (Changes, error)) func(Usage) (Changes, error) {
	why, now, inc := r.cfg.Quarantine, r.now(), r.cfg.Incarnation
	if why == "" {
		return decide
	}
	return func(u Usage) (Changes, error) {
		c, err := decide(u)
		if err == nil && c.Quarantine == nil {
			c.Quarantine, c.Entries = &why, append(c.Entries, quarantineEntry(why, inc, now))
		}
		return c, err
	}
}

func quarantineEntry(why string, inc terminal.Incarnation, now terminal.Millis) journal.Draft {
	return journal.Draft{Entry: journal.Entry{Type: journal.TypeQuarantine, Time: now, Incarnation: inc, Reason: terminal.Reason(why)}}
}

// heed takes what a welcome says about this register's rights.
func (r *Register) heed(w wire.Welcome, then func()) {
	switch {
	case w.Released != "" && w.Released == string(r.cfg.Incarnation):
		r.renew(r.endQuarantine)
	case w.Quarantine != "":
		r.doubt(toldDoubt(w.Quarantine), errors.New(w.Quarantine))
		then()
	default:
		then()
	}
}

// HelloRefused says that the backend did not take the hello. Trouble passes; a
// refusal means that this register is not what the backend knows: it must not
// sell from what it holds, and says its next hello as another incarnation, which
// holds nothing, so that head office can see it and release it. It does so once
// until a hello is welcomed again, also where it was in doubt before.
func (r *Register) HelloRefused(ctx context.Context, why *wire.Error) {
	if why.Code != wire.CodeRefused {
		return
	}
	r.post(ctx, event{run: func() {
		if r.renewed {
			return
		}
		r.doubt(InDoubt, why)
		r.queue = append(r.queue, event{run: func() { r.renew(func() { r.renewed = true }) }})
	}})
}

// renew makes the register another incarnation. That is saved in the anchor
// first, so that a process killed afterwards does not come back as the old one.
func (r *Register) renew(then func()) {
	if r.afterJob(func() { r.renew(then) }) {
		return
	}
	if r.cfg.Quarantine != "" {
		return // its anchor would hide what this start found
	}
	next := NewIncarnation()
	a := r.anchor()
	a.Incarnation = next
	r.working, r.since = true, r.cfg.Clock.Boot()
	r.clerk.jobs <- job{anchor: a, then: func(err error) {
		if !errors.Is(err, errNothing) {
			r.cfg.Log.Error("a new incarnation could not be kept: it is tried again with the next session", "error", err)
			return
		}
		r.cfg.Incarnation = next
		then()
	}}
}

// endQuarantine begins as another incarnation, as head office allows, and drops
// the line, so that the next hello names it.
func (r *Register) endQuarantine() {
	now, inc, none := r.now(), r.cfg.Incarnation, ""
	r.decide(Scope{}, func(Usage) (Changes, error) {
		return Changes{Quarantine: &none, Entries: []journal.Draft{quarantineEntry(none, inc, now)}}, nil
	}, func(err error) {
		if err != nil {
			r.cfg.Log.Error("the end of the quarantine could not be kept: head office must release this register again", "error", err)
		} else {
			r.quarantine = ""
			r.paidUp(quarantineOwed)
		}
		r.lineIsDown(terminal.LineStarting)
		r.cfg.Backend.Redial()
	})
}

// NewIncarnation gives the name of a register that begins anew: 128 random bits
// in hex.
func NewIncarnation() terminal.Incarnation {
	var id [16]byte
	rand.Read(id[:]) // never fails since Go 1.24
	return terminal.Incarnation(hex.EncodeToString(id[:]))
}

// report tells the backend what is wrong here; it may be lost with the line.
func (r *Register) report(code, text, re string) {
	r.send(wire.Message{Type: wire.TypeError, ID: newID(), Re: re, Error: &wire.Error{Code: wire.ErrorCode(code), Text: text}})
}
