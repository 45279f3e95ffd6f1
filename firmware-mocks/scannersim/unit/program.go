package unit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Programmable is a unit with settings that its manual's bar codes change, and
// for which no command of the till's is documented. What is programmed lasts
// without power.
type Programmable interface {
	Unit
	// Programs names what can be programmed.
	Programs() []string
	// Program does what showing the unit that bar code does, false if it has none
	// of that name.
	Program(name string) bool
}

// Program shows a unit the bar code of its manual with this name. The error lists
// those there are.
func Program(u Unit, name string) error {
	p, ok := u.(Programmable)
	if !ok {
		return errors.New("this model has nothing to program: what it can be set to, the till sets")
	}
	if !p.Program(name) {
		return fmt.Errorf("this model cannot be programmed with %q: take one of %s", name, strings.Join(p.Programs(), ", "))
	}
	return nil
}

// switches are settings by name, all off in the factory.
type switches struct {
	names []string
	on    []bool
}

// newSwitches makes them, all off.
func newSwitches(names ...string) switches {
	return switches{names, make([]bool, len(names))}
}

// Programs names what can be programmed.
func (s *switches) Programs() []string { return slices.Clone(s.names) }

// Program switches one on, for good; false if there is none of that name.
func (s *switches) Program(name string) bool {
	for i, n := range s.names {
		if n == name {
			s.on[i] = true
			return true
		}
	}
	return false
}

// programmed tells whether one is on.
func (s *switches) programmed(name string) bool {
	for i, n := range s.names {
		if n == name {
			return s.on[i]
		}
	}
	return false
}
