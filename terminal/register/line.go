package register

import (
	"slices"
	"time"

	"sekisho/terminal"
)

// The bounds by which a line is called bad and good again. They hang on the
// policy's silence, which is six seconds at a store's pace, so that a test that
// runs fast turns fast.
const (
	slowPart  = 3   // a pong that takes a third of a silence (2 s) is slow: a customer would wait
	calmPart  = 6   // one within a sixth (1 s) is calm
	quietSpan = 5   // so many silences (30 s) of calm pongs make a bad line good
	quietMost = 50  // (5 min) and so many at most, after it turned bad again and again
	breakSpan = 20  // (2 min) within so many silences…
	breaksBad = 3   // …so many breaks are one too many
	goodSpan  = 100 // (10 min) a line that was good for so long wants half the quiet next time
	pingsKept = 9   // of which a third that is slow is too much
	asksKept  = 5   // payments asked of the backend, of which two without an answer in time are too much
)

// line judges how the line to the backend serves payments: up, bad, or down. It
// is a pure state machine; every time is on the boot clock.
//
//	         came                      two slow pongs in a row, three of nine,
//	 down ──────────▶ up                two late answers of five, or
//	  ▲ ▲             │ ▲               the third break in two minutes
//	  │ └─── broke ───┘ │
//	broke               │ a quiet stretch: calm pongs and nothing late,
//	  │                 │ 30 s, doubled with each relapse to 5 min
//	  └───── bad ───────┘
//
// That it is bad outlasts a break: a line that comes back must prove itself.
type line struct {
	silence time.Duration       // of the session: the unit of every bound
	stands  bool                // a session is open
	end     terminal.LineReason // why the last one ended
	bad     terminal.LineReason // why the line is bad; "" while it is good
	since   time.Duration       // when state last became another
	trouble time.Duration       // the last sign that the line is not well
	turned  time.Duration       // when it last became good
	quiet   int                 // how many silences of calm are wanted; 0 before it was ever bad
	pings   []bool              // whether the latest were slow, the newest last
	asks    []bool              // whether the latest payments had no answer in time, likewise
	breaks  []time.Duration     // when it broke of late
}

// state gives how the line is, and why where it is not up.
func (l *line) state() (terminal.LineState, terminal.LineReason) {
	switch {
	case !l.stands:
		return terminal.LineDown, l.end
	case l.bad != "":
		return terminal.LineBad, l.bad
	}
	return terminal.LineUp, ""
}

// came: a session opened, with the policy's silence.
func (l *line) came(now, silence time.Duration) {
	l.silence, l.stands, l.trouble = silence, true, now
	l.pings = nil
}

// broke: the session ended, or a try opened none. An end that the register itself
// wanted says nothing about the line.
func (l *line) broke(now time.Duration, why terminal.LineReason) {
	stood := l.stands
	l.stands, l.end, l.trouble = false, why, now
	if !stood || why == terminal.LineStarting {
		return
	}
	l.breaks = slices.DeleteFunc(append(l.breaks, now), func(at time.Duration) bool { return now-at > breakSpan*l.silence })
	if len(l.breaks) >= breaksBad {
		l.turnBad(now, terminal.LineUnstable)
	}
}

// beat: the answer to a ping took so long, or has not come in so long.
func (l *line) beat(now, took time.Duration) {
	if !l.stands {
		return
	}
	slow := took >= l.silence/slowPart
	l.pings = lastOf(append(l.pings, slow), pingsKept)
	switch {
	case took > l.silence/calmPart:
		l.trouble = now
		row := len(l.pings) > 1 && l.pings[len(l.pings)-2]
		if slow && (row || count(l.pings) >= pingsKept/3) {
			l.turnBad(now, terminal.LineSlow)
		}
	case l.bad != "" && now-l.trouble >= time.Duration(l.quiet)*l.silence:
		l.turnGood(now)
	}
}

// asked: a payment was asked of the backend over a line that stood, and the
// answer came in time or late.
func (l *line) asked(now time.Duration, late bool) {
	l.asks = lastOf(append(l.asks, late), asksKept)
	if !late {
		return
	}
	l.trouble = now
	if count(l.asks) >= 2 {
		l.turnBad(now, terminal.LineSlow)
	}
}

func (l *line) turnBad(now time.Duration, why terminal.LineReason) {
	if l.bad != "" {
		return
	}
	l.bad = why
	if l.quiet == 0 {
		l.quiet = quietSpan
		return
	}
	good := now - l.turned
	if good < goodSpan*l.silence {
		l.quiet = min(2*l.quiet, quietMost)
		return
	}
	for ; good >= goodSpan*l.silence && l.quiet > quietSpan; good -= goodSpan * l.silence {
		l.quiet = max(l.quiet/2, quietSpan)
	}
}

// turnGood forgets what made the line bad: it took a whole quiet stretch.
func (l *line) turnGood(now time.Duration) {
	l.bad, l.turned = "", now
	l.pings, l.asks, l.breaks = nil, nil, nil
}

func lastOf(list []bool, n int) []bool { return list[max(0, len(list)-n):] }

func count(list []bool) (n int) {
	for _, yes := range list {
		if yes {
			n++
		}
	}
	return n
}

// onLine lets something happen to the line and tells of what became of it.
func (r *Register) onLine(happened func(l *line, now time.Duration)) {
	now := r.cfg.Clock.Boot()
	state, why := r.line.state()
	happened(&r.line, now)
	after, reason := r.line.state()
	if after == state && reason == why {
		return
	}
	if after != state {
		r.line.since = now
	}
	if after == terminal.LineBad || state == terminal.LineBad { // the link logs its own ends
		r.cfg.Log.Warn("the line to the backend is another now", "state", after, "reason", reason, "before", state)
	}
	r.tellView(EventLink)
}

// asked tells the line whether a payment's answer came in time. One whose line
// broke meanwhile says nothing: the break is told already.
func (r *Register) asked(id terminal.PaymentID, late bool) {
	w := r.waits[id]
	if w == nil || w.asked == 0 {
		return
	}
	if w.asked == r.session {
		r.onLine(func(l *line, now time.Duration) { l.asked(now, late) })
	}
	w.asked = 0
}

// lineView gives the line as page and POS see it.
func (r *Register) lineView() LinkView {
	state, why := r.line.state()
	return LinkView{
		Up: state == terminal.LineUp, State: state, Reason: why,
		Since:       r.now() - terminal.Millis((r.cfg.Clock.Boot() - r.line.since).Milliseconds()),
		LastContact: r.time.lastContact(),
	}
}

// online says whether the backend is asked first.
func (r *Register) online() bool {
	state, _ := r.line.state()
	return state == terminal.LineUp
}
