package scannersim

import (
	"context"
	"slices"
	"sync"

	"sekisho/firmware-mocks/scannersim/unit"
)

// diary keeps what people near the scanner noticed.
type diary struct {
	mu      sync.Mutex
	deeds   []unit.Deed
	changed chan struct{} // closed when there is more
}

func newDiary() *diary { return &diary{changed: make(chan struct{})} }

// add writes down what was noticed.
func (d *diary) add(noticed []unit.Deed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deeds = append(d.deeds, noticed...)
	close(d.changed)
	d.changed = make(chan struct{})
}

// read gives all that was noticed, and what tells of more.
func (d *diary) read() ([]unit.Deed, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.deeds), d.changed
}

// Deeds lists the sounds and lights since Open, in order.
func (s *Scanner) Deeds() []unit.Deed {
	deeds, _ := s.diary.read()
	return deeds
}

// Await waits until the sounds and lights since Open are what enough wants, or
// gives ctx's error.
func (s *Scanner) Await(ctx context.Context, enough func([]unit.Deed) bool) error {
	for {
		deeds, changed := s.diary.read()
		if enough(deeds) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
