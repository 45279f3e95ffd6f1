package backendsim

import (
	"sync"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// FaultKind names a way to misbehave.
type FaultKind string

// The faults.
const (
	DropBefore FaultKind = "drop-before" // read a message and forget it
	DropAfter  FaultKind = "drop-after"  // do what it asks and forget the answer
	Refuse     FaultKind = "refuse"      // decline an authorise, with Reason, or reject a refund
	Delay      FaultKind = "delay"       // handle a message after Delay, or when cleared, while later ones pass it
	GoAway     FaultKind = "go-away"     // close every link, refuse new ones
	Withhold   FaultKind = "withhold"    // answer without the grants
	Misprice   FaultKind = "misprice"    // answer with another amount
)

// Fault is one switch. It holds for Count messages of its type (for GoAway:
// dials), or until cleared where Count is 0.
type Fault struct {
	Kind   FaultKind       `json:"kind"`
	Type   wire.Type       `json:"type,omitempty"` // of message; authorise where empty
	Count  int             `json:"count,omitempty"`
	Reason terminal.Reason `json:"reason,omitempty"` // backend.declined where empty
	Delay  time.Duration   `json:"delay,omitempty"`  // nanoseconds in JSON; 0 is until cleared
}

func (f Fault) known() bool {
	switch f.Kind {
	case DropBefore, DropAfter, Refuse, Delay, GoAway, Withhold, Misprice:
		return f.Count >= 0 && f.Delay >= 0
	}
	return false
}

// switches are the faults that are set, one of each kind and type.
type switches struct {
	mu   sync.Mutex
	set  map[[2]string]Fault
	late chan struct{} // closed when Delay is cleared; nil where nobody asked
}

func (s *switches) put(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Type == "" && f.Kind != GoAway {
		f.Type = wire.TypeAuthorise
	}
	if f.Kind == Refuse && f.Reason == "" {
		f.Reason = terminal.BackendDeclined
	}
	if s.set == nil {
		s.set = map[[2]string]Fault{}
	}
	s.set[[2]string{string(f.Kind), string(f.Type)}] = f
}

// clear takes back all faults of a kind; "" means all.
func (s *switches) clear(k FaultKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.set {
		if k == "" || key[0] == string(k) {
			delete(s.set, key)
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

// take asks for a fault and counts it down.
func (s *switches) take(k FaultKind, of wire.Type) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := [2]string{string(k), string(of)}
	f, ok := s.set[key]
	if !ok {
		return Fault{}, false
	}
	if f.Count == 1 {
		delete(s.set, key)
	} else if f.Count > 1 {
		f.Count--
		s.set[key] = f
	}
	return f, true
}

func (s *switches) list() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Fault{}
	for _, f := range s.set {
		all = append(all, f)
	}
	return all
}
