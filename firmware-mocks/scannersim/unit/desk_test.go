package unit_test

import (
	"slices"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
)

// desk is a unit with power and its own clock, and a notebook of what it did.
type desk struct {
	t   *testing.T
	u   unit.Unit
	now time.Duration
	out unit.Out
}

// set gives a unit power and forgets how it begins.
func set(t *testing.T, u unit.Unit, programs ...string) *desk {
	t.Helper()
	for _, p := range programs {
		if !u.(unit.Programmable).Program(p) {
			t.Fatalf("no program %q", p)
		}
	}
	d := &desk{t: t, u: u, now: time.Hour}
	u.PowerOn(d.now, &d.out)
	d.out.Reset()
	return d
}

// hear sends bytes and demands what the unit does at once.
func (d *desk) hear(p, line string, deeds ...unit.Deed) {
	d.t.Helper()
	d.u.Hear(d.now, []byte(p), &d.out)
	d.want(line, deeds...)
}

// see shows an EAN-13 and demands what the unit does at once; nothing at all is
// "not read".
func (d *desk) see(data, line string, deeds ...unit.Deed) {
	d.t.Helper()
	read := d.u.See(d.now, unit.Symbol{Identifier: "]E0", Data: data}, &d.out)
	if read != (line != "" || len(deeds) > 0) {
		d.t.Errorf("read %q: %v", data, read)
	}
	d.want(line, deeds...)
}

// pass lets time pass and demands what the unit does meanwhile.
func (d *desk) pass(wait time.Duration, deeds ...unit.Deed) {
	d.t.Helper()
	end := d.now + wait
	for at, waits := d.u.Due(); waits && at <= end; at, waits = d.u.Due() {
		d.u.Tick(at, &d.out)
	}
	d.now = end
	d.want("", deeds...)
}

// replug takes the power away and gives it back.
func (d *desk) replug() {
	d.t.Helper()
	d.u.PowerOn(d.now, &d.out)
	d.want("")
}

// want holds what the unit did against what it should have done.
func (d *desk) want(line string, deeds ...unit.Deed) {
	d.t.Helper()
	if string(d.out.Line) != line || !slices.Equal(d.out.Deeds, deeds) {
		d.t.Errorf("it said %q and did %q,\nwant %q and %q", d.out.Line, d.out.Deeds, line, deeds)
	}
	d.out.Reset()
}

const jan = "4901234567894"
