package backendsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// FaultKind names a way to misbehave.
type FaultKind string

// What befalls a message and its answer.
const (
	DropBefore FaultKind = "drop-before" // read a message and forget it
	DropAfter  FaultKind = "drop-after"  // do what it asks and forget the answer
	Double     FaultKind = "double"      // handle a message twice and send both answers
	Reorder    FaultKind = "reorder"     // keep an answer back until the next has left, or Delay (a second where it is 0) has passed
	Delay      FaultKind = "delay"       // handle a message after Delay, or when cleared, while later ones pass it
	Refuse     FaultKind = "refuse"      // decline an authorise, with Reason, or reject a refund
	GoAway     FaultKind = "go-away"     // close every link, refuse new ones
)

// What a backend that lies does with an answer. The ledger keeps the truth.
const (
	Withhold     FaultKind = "withhold"      // leave out the grants
	Misprice     FaultKind = "misprice"      // name another amount
	OtherPayment FaultKind = "other-payment" // name another payment
	OddWord      FaultKind = "odd-word"      // an outcome or status that nobody knows
	OldSession   FaultKind = "old-session"   // under the number of the session before
	Stray        FaultKind = "stray"         // first send a copy that answers what nobody sent
	OddType      FaultKind = "odd-type"      // first send a message of a type that nobody knows
	PushPolicy   FaultKind = "push-policy"   // after it push Note as a policy; where it is empty, the one in force with a forged text
	PushFreeze   FaultKind = "push-freeze"   // likewise a freeze
	Huge         FaultKind = "huge"          // in its place a frame of 100 MB
)

// What befalls a whole link: after the answer to a message of Type, or with Type
// empty as soon as the link stands.
const (
	Silence FaultKind = "silence" // nothing leaves any more, not even a pong
	Mute    FaultKind = "mute"    // pongs leave and no messages
	Trickle FaultKind = "trickle" // one byte leaves every Delay; a second where it is 0
)

// AnyType is the Type of a fault for messages of every type.
const AnyType wire.Type = "*"

// Fault is one switch. It holds for Count messages of its type (for GoAway:
// dials), or until cleared where Count is 0.
type Fault struct {
	Kind   FaultKind       `json:"kind"`
	Type   wire.Type       `json:"type,omitempty"` // of message; authorise where empty, but for links
	Count  int             `json:"count,omitempty"`
	Reason terminal.Reason `json:"reason,omitempty"` // backend.declined where empty
	Delay  time.Duration   `json:"delay,omitempty"`  // nanoseconds in JSON; 0 is until cleared
	Note   string          `json:"note,omitempty"`   // of PushPolicy and PushFreeze
	// Chance is the probability, for each message, that the fault befalls it; 0 is
	// always. What comes out depends on Seed and on the order of messages alone.
	Chance float64 `json:"chance,omitempty"`
	Seed   uint64  `json:"seed,omitempty"`
}

// Script is one fault or a list of them: either is JSON for it.
type Script []Fault

// UnmarshalJSON reads an object or an array, without unknown fields.
func (s *Script) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		return d.Decode((*[]Fault)(s))
	}
	*s = make(Script, 1)
	return d.Decode(&(*s)[0])
}

// ofLinks are the kinds that need no message.
var ofLinks = map[FaultKind]bool{GoAway: true, Silence: true, Mute: true, Trickle: true}

var kinds = map[FaultKind]bool{
	DropBefore: true, DropAfter: true, Double: true, Reorder: true, Delay: true, Refuse: true, GoAway: true,
	Withhold: true, Misprice: true, OtherPayment: true, OddWord: true, OldSession: true, Stray: true, OddType: true,
	PushPolicy: true, PushFreeze: true, Huge: true, Silence: true, Mute: true, Trickle: true,
}

func (f Fault) known() bool {
	return kinds[f.Kind] && f.Count >= 0 && f.Delay >= 0 && f.Chance >= 0 && f.Chance <= 1
}

// whole gives the fault with what its empty fields stand for.
func (f Fault) whole() Fault {
	if f.Type == "" && !ofLinks[f.Kind] {
		f.Type = wire.TypeAuthorise
	}
	if f.Kind == Refuse && f.Reason == "" {
		f.Reason = terminal.BackendDeclined
	}
	if f.Delay == 0 && (f.Kind == Reorder || f.Kind == Trickle) {
		f.Delay = time.Second
	}
	return f
}

// Set turns faults on, all or none of them; each takes the place of one of its
// kind and type. GoAway hangs up on everybody at once.
func (b *Backend) Set(all ...Fault) error {
	for _, f := range all {
		if !f.known() {
			return fmt.Errorf("backendsim: there is no fault %q of this shape", f.Kind)
		}
	}
	for _, f := range all {
		b.faults.put(f)
		if f.Kind == GoAway {
			b.hangUp(func(*link) bool { return true })
		}
	}
	return nil
}

// Clear turns all faults of a kind off; with "" every fault.
func (b *Backend) Clear(k FaultKind) { b.faults.clear(k) }
