package register

import (
	"context"
	"encoding/base64"
	"runtime/debug"
	"slices"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/denials"
	"sekisho/terminal/wire"
)

const (
	// maxDenied bounds what one set may bring, in bytes of Add: more than twice
	// the 1,500,000 accounts that the design reckons with, at 12 bytes each.
	maxDenied = 40 << 20
	// maxBodies is how many deltas are kept before they are made one: each has to
	// be merged again at every start.
	maxBodies = 32
)

// delta is a change of the denied accounts on its way here, in parts.
type delta struct {
	from, to int64
	next     int // the part that comes next
	change   denials.Change
}

// takeDenials collects the parts of a change, in order, and applies it once the
// last is there. What does not fit is dropped; see refetchDenials.
func (r *Register) takeDenials(d wire.Denials) {
	if d.Part == 1 {
		r.coming = &delta{from: d.From, to: d.To, next: 1, change: denials.Change{Before: map[string]terminal.Millis{}}}
	}
	c := r.coming
	if c == nil || c.from != d.From || c.to != d.To || c.next != d.Part {
		r.coming = nil
		r.refetchDenials("a part of the denied accounts came out of order")
		return
	}
	add, err1 := base64.StdEncoding.DecodeString(d.Add)
	remove, err2 := base64.StdEncoding.DecodeString(d.Remove)
	if err1 != nil || err2 != nil || len(c.change.Add)+len(c.change.Remove)+len(add)+len(remove) > maxDenied {
		r.cfg.Log.Warn("the denied accounts cannot be read, or are too many")
		r.coming = nil
		return
	}
	c.change.Add, c.change.Remove = append(c.change.Add, add...), append(c.change.Remove, remove...)
	for issuer, at := range d.Before {
		c.change.Before[issuer] = max(c.change.Before[issuer], terminal.Millis(at))
	}
	if c.next++; d.Part < d.Parts {
		return
	}
	r.coming = nil
	r.deltas = append(r.deltas, *c)
	r.applyDenials()
}

// applyDenials applies the next complete change: beside the loop, since a whole
// set takes its time, and one after the other. It is stored before it is used.
func (r *Register) applyDenials() {
	if r.applying || len(r.deltas) == 0 {
		return
	}
	d := r.deltas[0]
	r.deltas = slices.Delete(r.deltas, 0, 1) // [1:] would keep its megabytes
	base := r.denials
	switch {
	case d.from == 0:
		base = &denials.Set{}
	case base != nil && d.to <= r.texts.denials:
		r.applyDenials() // told twice
		return
	case base == nil || d.from != r.texts.denials:
		r.refetchDenials("a change of the denied accounts is of another version than is held")
		r.applyDenials()
		return
	}
	r.applying = true
	whole := d.from == 0 || r.bodies >= maxBodies
	merged := whole && d.from != 0
	aside(r, func(context.Context) applied { return apply(base, d.change, merged) }, func(a applied) { r.storeDenials(d.to, whole, a) })
}

// refetchEvery is how often denied accounts that do not fit drop the line at most:
// a backend that goes on telling them must not keep the till from paying.
const refetchEvery = 10 * time.Minute

// refetchDenials drops the line, since the backend tells on from the version that
// a hello names: without another one nobody is denied from now on.
func (r *Register) refetchDenials(why string) {
	now := r.cfg.Clock.Boot()
	again := r.refetched == 0 || now-r.refetched >= refetchEvery
	r.cfg.Log.Warn(why+"; the next session brings them again", "held", r.texts.denials, "redials", again)
	if again {
		r.refetched = now
		r.cfg.Backend.Redial()
	}
}

// applied is a set after a change, and the form in which that is kept.
type applied struct {
	set  *denials.Set
	body []byte
	err  error
}

// apply makes the next set. Merged, it is kept as one change from nothing, else
// the change is kept as it came.
func apply(base *denials.Set, change denials.Change, merged bool) applied {
	set, err := base.Apply(change)
	if err != nil {
		return applied{err: err}
	}
	if merged {
		change = set.Whole()
	}
	body, err := change.Body()
	return applied{set: set, body: body, err: err}
}

func (r *Register) storeDenials(version int64, whole bool, a applied) {
	if a.err != nil {
		r.applying = false
		r.cfg.Log.Error("the denied accounts cannot be applied; the set before stays in force", "error", a.err)
		r.applyDenials()
		return
	}
	c := Changes{Denials: &DenialsCopy{Version: version, Reset: whole, Bodies: [][]byte{a.body}}}
	use := func() {
		r.denials, r.texts.denials, r.bodies = a.set, version, r.bodies+1
		if whole {
			r.bodies = 1
		}
		r.readMuch = r.readMuch || len(a.body) >= muchRead
	}
	r.decide(Scope{}, func(Usage) (Changes, error) { return c, nil }, func(err error) {
		r.applying = false
		if err != nil {
			r.cfg.Log.Error("the denied accounts could not be kept yet; the set before stays in force, and it is tried again", "error", err)
			r.owe(denialsOwed, c, use)
		} else {
			r.paidUp(denialsOwed)
			use()
			r.tellView(EventPolicy)
		}
		r.applyDenials()
	})
}

// muchRead is from how many bytes of denied accounts on their memory is handed
// back: less is what a till needs in a minute anyway.
const muchRead = 1 << 20

// handBack gives the memory that a large set took on its way here, some ten times
// what it keeps, back to the machine: the runtime would hold it until it has
// allocated as much again, which on a till may be days. It is called once nothing
// holds the set's parts any more.
func (r *Register) handBack() {
	if !r.readMuch || r.working || r.applying {
		return
	}
	r.readMuch = false
	aside(r, func(context.Context) struct{} { debug.FreeOSMemory(); return struct{}{} }, func(struct{}) {})
}

// denialsOwed names denied accounts that are not stored yet.
const denialsOwed = "denials"

// restoreDenials takes over the cached set. After a reopened ledger the one in
// memory is as new.
func (r *Register) restoreDenials(kept DenialsCopy) {
	if kept.Version == 0 || r.denials != nil && r.texts.denials >= kept.Version {
		return
	}
	set := &denials.Set{}
	for _, body := range kept.Bodies {
		r.readMuch = r.readMuch || len(body) >= muchRead
		change, err := denials.ParseBody(body)
		if err == nil {
			set, err = set.Apply(change)
		}
		if err != nil {
			r.cfg.Log.Error("the cached denied accounts cannot be read; waiting for the backend's", "error", err)
			return
		}
	}
	r.denials, r.texts.denials, r.bodies = set, kept.Version, len(kept.Bodies)
}
