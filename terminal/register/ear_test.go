package register_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"sekisho/scanner/aim"
	"sekisho/scanner/framing"
)

// ears are what the units of a world heard of each scan. When the world's
// register ends, each must have heard an end (I8).
type ears struct {
	mu    sync.Mutex
	heard [][]framing.Answer // by scan
}

// hear is the reply to one more scan.
func (w *world) hear() func(framing.Answer) {
	e := &w.ears
	e.mu.Lock()
	defer e.mu.Unlock()
	scan, shown := len(e.heard), w.shown
	e.heard = append(e.heard, nil)
	return func(a framing.Answer) {
		e.mu.Lock()
		e.heard[scan] = append(e.heard[scan], a)
		e.mu.Unlock()
		shown.mu.Lock()
		defer shown.mu.Unlock()
		shown.order = append(shown.order, fmt.Sprintf("beep %d %s", scan, a))
	}
}

// of gives what a scan's unit heard, scans counted from the latest, 0, back.
func (e *ears) of(back int) []framing.Answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.heard[len(e.heard)-1-back])
}

// wantEnds checks that each unit was told an end.
func (e *ears) wantEnds(t *testing.T) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, heard := range e.heard {
		if len(heard) == 0 || heard[len(heard)-1] == framing.Wait {
			t.Errorf("I8: the unit of scan %d of %d waits for ever: it heard %v", i+1, len(e.heard), heard)
		}
	}
}

// wantHeard checks what the unit heard of the latest scan.
func (w *world) wantHeard(want ...framing.Answer) {
	w.t.Helper()
	synctest.Wait() // who asked is answered before the unit
	if got := w.ears.of(0); !slices.Equal(got, want) {
		w.t.Fatalf("the unit heard %v, want %v", got, want)
	}
}

// goods scans an article.
func (w *world) goods(gtin string) {
	w.reg.Scanned(w.t.Context(), aim.EAN13, gtin, w.hear())
	synctest.Wait()
}
