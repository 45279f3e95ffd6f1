package unit

// Tally is what became of the symbols of some shifts.
type Tally struct {
	Shown, Read, Heard int // symbols held before the eye, reads of units, frames of tills
	Refused            int // reads given up by the unit, which said so
	Cut                int // reads that a pulled cable may have cut short
	Missing            int // symbols read, never heard, and neither refused nor cut
	Doubled            int // heard more often than read
	Invented           int // heard, and never read
	Dropped            int // times that the till said that bytes were thrown away
}

// Add adds another tally.
func (t *Tally) Add(o Tally) {
	t.Shown += o.Shown
	t.Read += o.Read
	t.Heard += o.Heard
	t.Refused += o.Refused
	t.Cut += o.Cut
	t.Missing += o.Missing
	t.Doubled += o.Doubled
	t.Invented += o.Invented
	t.Dropped += o.Dropped
}

// fate is how often the till may have heard a symbol.
type fate struct{ least, most int }

// Judge holds what a till heard, the data of each frame, against what the unit
// read. A symbol that was read twice may be heard once: sent again after a broken
// packet, the second read cannot be told from the first sent again. Shown is left
// to whoever knows.
func Judge(reads []Read, heard []string, dropped int) Tally {
	t := Tally{Read: len(reads), Heard: len(heard), Dropped: dropped}
	due := map[string]fate{}
	for _, r := range reads {
		f := due[r.Symbol.Data]
		f.most++
		switch {
		case r.Lost:
			t.Refused++
		case r.Cut:
			t.Cut++
		default:
			f.least = 1
		}
		due[r.Symbol.Data] = f
	}
	times := map[string]int{}
	for _, text := range heard {
		times[text]++
		if _, known := due[text]; !known {
			t.Invented++
		}
	}
	for text, f := range due {
		t.Missing += max(0, f.least-times[text])
		t.Doubled += max(0, times[text]-f.most)
	}
	return t
}
