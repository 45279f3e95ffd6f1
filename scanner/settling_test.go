package scanner

import (
	"slices"
	"testing"
	"time"
)

func TestSettling(t *testing.T) {
	opened := time.Unix(1_700_000_000, 0)
	const timeout = -1 // a read that timed out
	for _, c := range []struct {
		name string
		ms   []int // when bytes came, from the opening
		want []trust
	}{
		{"silence, then scans", []int{timeout, 500, 501}, []trust{settled, believed, believed}},
		{"a scan before the first time-out", []int{60, 61, timeout}, []trust{settled, believed, believed}},
		{"noise at once", []int{0, 49, 98, 147, 197}, []trust{distrust, distrust, distrust, distrust, settled}},
		{"noise, then silence", []int{10, timeout, timeout}, []trust{distrust, settled, believed}},
		{"just too early, just late enough", []int{49, 99}, []trust{distrust, settled}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := settling{since: opened}
			for i, ms := range c.ms {
				var got trust
				if ms == timeout {
					got = s.quiet()
				} else {
					got = s.heard(opened.Add(time.Duration(ms) * time.Millisecond))
				}
				if got != c.want[i] {
					t.Errorf("step %d, %d ms: %d, want %d", i, ms, got, c.want[i])
				}
			}
		})
	}
}

func TestDisconnectedIsToldOnceForEachReason(t *testing.T) {
	for _, c := range []struct{ reasons, want []string }{
		{[]string{"absent", "absent", "absent"}, []string{"absent"}},
		{[]string{"unplugged", "absent", "absent"}, []string{"unplugged"}},
		{[]string{"absent", "denied", "denied", "absent"}, []string{"absent", "denied", "absent"}},
		{[]string{"unplugged", "", "unplugged"}, []string{"unplugged"}},
	} {
		s := New(Config{Path: "x"}, nil)
		var got []string
		for _, reason := range c.reasons {
			s.disconnected(reason, func(e Event) { got = append(got, e.Reason) })
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("after %q: told %q, want %q", c.reasons, got, c.want)
		}
	}
}
