package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/cmd/settings"
	"sekisho/terminal"
	"sekisho/terminal/register"
)

// Each bound of doctor's, from both sides; what a script can reach is in
// testdata.
func TestDoctorsBounds(t *testing.T) {
	now := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	of := func(change func(*register.View)) *patient {
		v := &register.View{
			Time: terminal.MillisOf(now), Clock: "authenticated", Storage: "ok", Scanner: "connected",
			Link:   register.LinkView{Up: true, LastContact: terminal.MillisOf(now)},
			Policy: register.PolicyView{Version: 1, State: "in-force", GoodUntil: terminal.MillisOf(now.Add(policyWarn))},
		}
		change(v)
		return &patient{staff: &staff{now: func() time.Time { return now }}, state: v}
	}
	down := func(ago time.Duration) func(*register.View) {
		return func(v *register.View) { v.Link = register.LinkView{LastContact: terminal.MillisOf(now.Add(-ago))} }
	}
	until := func(left time.Duration) func(*register.View) {
		return func(v *register.View) { v.Policy.GoodUntil = terminal.MillisOf(now.Add(left)) }
	}
	told := func(off time.Duration) func(*register.View) {
		return func(v *register.View) { v.Time = terminal.MillisOf(now.Add(off)) }
	}
	as := func(change func(*register.View)) func(*register.View) { return change }
	for _, c := range []struct {
		name   string
		check  func(*patient) finding
		change func(*register.View)
		want   level
	}{
		{"daemon", (*patient).daemon, as(func(*register.View) {}), ok},
		{"stopping", (*patient).daemon, as(func(v *register.View) { v.Stopping = true }), warn},
		{"storage", (*patient).storage, as(func(*register.View) {}), ok},
		{"a slow disk", (*patient).storage, as(func(v *register.View) { v.Storage = "slow" }), warn},
		{"a failed disk", (*patient).storage, as(func(v *register.View) { v.Storage = "failed" }), fail},
		{"a state of a later release", (*patient).storage, as(func(v *register.View) { v.Storage = "odd" }), fail},
		{"clock", (*patient).clock, told(-clockOff), ok},
		{"a clock that is off", (*patient).clock, told(clockOff + time.Second), warn},
		{"a clock that is off the other way", (*patient).clock, told(-clockOff - time.Second), warn},
		{"no authenticated time", (*patient).clock, as(func(v *register.View) { v.Clock = "wall" }), warn},
		{"line", (*patient).line, as(func(*register.View) {}), ok},
		{"line just down", (*patient).line, down(0), warn},
		{"line long down", (*patient).line, down(lineFail - time.Second), warn},
		{"line too long down", (*patient).line, down(lineFail), fail},
		{"never heard", (*patient).line, as(func(v *register.View) { v.Link = register.LinkView{} }), fail},
		{"line just bad", (*patient).line, as(func(v *register.View) {
			v.Link = register.LinkView{State: terminal.LineBad, Reason: terminal.LineSlow, LastContact: v.Time}
		}), warn},
		{"policy", (*patient).policyInForce, until(policyWarn), ok},
		{"policy near its end", (*patient).policyInForce, until(policyWarn - time.Second), warn},
		{"policy at its end", (*patient).policyInForce, until(0), fail},
		{"stale", (*patient).policyInForce, as(func(v *register.View) { v.Policy.State = "stale" }), fail},
		{"missing", (*patient).policyInForce, as(func(v *register.View) { v.Policy.State = "missing" }), fail},
		{"frozen", (*patient).frozen, as(func(v *register.View) { v.Frozen = []string{"tobacco"} }), warn},
		{"not frozen", (*patient).frozen, as(func(*register.View) {}), ok},
		{"quarantine", (*patient).quarantine, as(func(v *register.View) { v.Quarantine = "ledger.older" }), fail},
		{"a quarantine of a later release", (*patient).quarantine, as(func(v *register.View) { v.Quarantine = "new.word" }), fail},
		{"no quarantine", (*patient).quarantine, as(func(*register.View) {}), ok},
		{"outbox", (*patient).outbox, as(func(v *register.View) { v.Outbox = 3 }), ok},
		{"parked", (*patient).outbox, as(func(v *register.View) { v.Outbox, v.Parked = 3, 1 }), warn},
	} {
		f := c.check(of(c.change))
		if f.Level != c.want || f.Says == "" || (f.Level == ok) != (f.Remedy == "") {
			t.Errorf("%s: %+v, want %s and a remedy where it is not ok", c.name, f, c.want)
		}
	}
	for free, want := range map[uint64]level{spaceFail - 1: fail, spaceFail: warn, spaceWarn - 1: warn, spaceWarn: ok} {
		if f := spaceFor(free); f.Level != want {
			t.Errorf("%d bytes free: %+v", free, f)
		}
	}
	silent := &patient{staff: &staff{}}
	for _, c := range checks[9:] {
		if c.name == "scanner" || c.name == "backend" || c.name == "unresolved payments" {
			continue // seen without the daemon
		}
		if f := c.look(silent); f.Level != warn || f.Remedy == "" {
			t.Errorf("%s without the daemon: %+v", c.name, f)
		}
	}
}

// The till is in trouble when either of its scanners is away.
func TestDoctorLooksForBothScanners(t *testing.T) {
	here, gone := t.TempDir(), filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		first, second, state string
		want                 level
		names                string // what the finding speaks of
	}{
		{here, "", "connected", ok, here},
		{gone, "", "disconnected", fail, "setting scanner "},
		{here, "", "disconnected", fail, "cannot open"},
		{here, here + "/.", "connected", ok, " and " + here},
		{here, gone, "disconnected", fail, "setting second_scanner "},
	} {
		p := &patient{staff: &staff{cfg: settings.Settings{Scanner: c.first, SecondScanner: c.second}}, state: &register.View{Scanner: c.state}}
		if f := p.scanner(); f.Level != c.want || !strings.Contains(f.Says+f.Remedy, c.names) {
			t.Errorf("%+v: %+v", c, f)
		}
	}
}

// Every reason of the line has words and a remedy of its own; one of a later
// release has its name.
func TestDoctorKnowsEveryReasonOfTheLine(t *testing.T) {
	seen := map[string]bool{}
	for _, why := range append(terminal.LineReasons(), "odd") {
		says, remedy := lineReason(why)
		if says == "" || remedy == "" || seen[says] || (says == string(why)) != (why == "odd") {
			t.Errorf("%s: %q, %q", why, says, remedy)
		}
		seen[says] = true
	}
}

// A short break mends itself; what a person must mend does not, and what says to
// wait needs not say it twice.
func TestDoctorSaysToWaitWhereWaitingHelps(t *testing.T) {
	now := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	for _, why := range append(terminal.LineReasons(), "odd") {
		for silent, short := range map[time.Duration]bool{0: true, lineWarn - time.Second: true, lineWarn: false} {
			p := &patient{state: &register.View{Time: terminal.MillisOf(now)}}
			p.state.Link = register.LinkView{State: terminal.LineDown, Reason: why, LastContact: terminal.MillisOf(now.Add(-silent))}
			wants := short && (why == terminal.LineUnreachable || why == terminal.LineSilent)
			if f := p.line(); strings.HasPrefix(f.Remedy, "wait a minute; ") != wants || strings.Count(f.Remedy, "wait") > 1 {
				t.Errorf("%s after %v: %q", why, silent, f.Remedy)
			}
		}
	}
}

func TestI8DoctorKnowsEveryReasonOfAQuarantine(t *testing.T) {
	for _, why := range register.Doubts() {
		if doubts[why].says == "" {
			t.Errorf("nothing is said of %s", why)
		}
	}
}
