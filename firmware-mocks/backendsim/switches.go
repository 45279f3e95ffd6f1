package backendsim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"

	"sekisho/terminal/wire"
)

// switches are the faults that are set, one of each kind and type.
type switches struct {
	mu   sync.Mutex
	set  map[key]*armed
	late chan struct{} // closed when Delay is cleared; nil where nobody asked
}

type key struct {
	kind FaultKind
	of   wire.Type
}

// armed is a fault with its own row of chances.
type armed struct {
	Fault
	chance *rand.Rand
}

func (s *switches) put(f Fault) {
	f = f.whole()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = map[key]*armed{}
	}
	s.set[key{f.Kind, f.Type}] = &armed{f, rand.New(rand.NewPCG(f.Seed, 0))}
}

// clear takes back all faults of a kind; "" means all.
func (s *switches) clear(k FaultKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at := range s.set {
		if k == "" || at.kind == k {
			delete(s.set, at)
		}
	}
	if (k == "" || k == Delay) && s.late != nil {
		close(s.late)
		s.late = nil
	}
}

// cleared is closed when Delay is cleared from now on.
func (s *switches) cleared() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.late == nil {
		s.late = make(chan struct{})
	}
	return s.late
}

// take asks whether a fault befalls a message of a type, and counts it down. With
// type "" it is asked of a link.
func (s *switches) take(k FaultKind, of wire.Type) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, hit := s.draw(key{k, of}); hit || of == "" {
		return f, hit
	}
	return s.draw(key{k, AnyType})
}

func (s *switches) draw(at key) (Fault, bool) {
	f, ok := s.set[at]
	if !ok || (f.Chance > 0 && f.chance.Float64() >= f.Chance) {
		return Fault{}, false
	}
	if f.Count == 1 {
		delete(s.set, at)
	}
	before := f.Fault
	f.Count = max(0, f.Count-1)
	return before, true
}

// list gives what is set, by kind and type.
func (s *switches) list() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Fault{}
	for _, f := range s.set {
		all = append(all, f.Fault)
	}
	slices.SortFunc(all, func(a, b Fault) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Type, b.Type)) })
	return all
}
