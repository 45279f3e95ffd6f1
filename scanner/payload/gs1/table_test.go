package gs1

import "testing"

// TestTable holds what the rest of the package takes for granted of the table.
func TestTable(t *testing.T) {
	for i, r := range table {
		if len(r.from) != len(r.to) || r.from > r.to || r.from[:len(r.from)-1] != r.to[:len(r.to)-1] {
			t.Errorf("%s to %s is no run", r.from, r.to)
		}
		if i > 0 && table[i-1].to >= r.from && len(table[i-1].to) == len(r.from) {
			t.Errorf("%s is out of order", r.from)
		}
		if first := byPrefix[number2(r.from)][0]; len(first.from) != len(r.from) {
			t.Errorf("%s and %s begin alike and differ in length", first.from, r.from)
		}
		if r.predefined() && (len(r.parts) != 1 || r.parts[0].min != r.parts[0].max) {
			t.Errorf("%s has a length laid down for ever, and its parts have not", r.from)
		}
		for j, p := range r.parts {
			last := j == len(r.parts)-1
			if p.max < p.min || p.min < 1 || !last && (p.min != p.max || p.optional) {
				t.Errorf("%s: part %d varies in front of another", r.from, j)
			}
		}
		if r.title == "" {
			t.Errorf("%s has no title", r.from)
		}
	}
}

// Lengths laid down for ever, AI and data together (GS1 General
// Specifications).
func TestPredefinedLengths(t *testing.T) {
	lengths := map[string]int{"00": 20, "01": 16, "02": 16, "20": 4}
	for _, date := range []string{"11", "12", "13", "15", "16", "17"} {
		lengths[date] = 8
	}
	for _, r := range table {
		want, ok := lengths[r.from]
		switch {
		case r.from >= "3100" && r.from <= "3699" && len(r.from) == 4:
			want, ok = 10, true
		case r.from >= "410" && r.from <= "417":
			want, ok = 16, true
		}
		if r.predefined() != ok || ok && len(r.from)+r.parts[0].max != want {
			t.Errorf("%s: predefined %t, want %t of %d", r.from, r.predefined(), ok, want)
		}
	}
}
