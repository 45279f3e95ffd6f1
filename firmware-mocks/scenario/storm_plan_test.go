package scenario

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// plan is one round of the storm: what goes wrong, when, and what is sold
// meanwhile. It follows from seed and round alone. What happens in between does
// not: processes, disk and network have their own order of things each time.
type plan struct {
	Round  int
	Winds  []wind             `json:",omitempty"`
	Faults []backendsim.Fault `json:",omitempty"` // of the backend, set before the first sale
	Kill   kill
	Office string `json:",omitempty"` // what head office does before the first sale
	Fair   bool   `json:",omitempty"` // the line is up when the first sale begins
	Sales  []sale
}

// wind is one fault of the network, for a time that counts from the round's
// first sale.
type wind struct {
	Kind   string         // a toxic's name, or cut
	Stream string         `json:",omitempty"` // upstream, downstream; both where empty
	With   map[string]int `json:",omitempty"` // the toxic's attributes
	After  time.Duration
	For    time.Duration
}

// Kinds of winds that are no toxic of the library's.
const (
	windCut   = "cut"   // every connection closed, none taken
	windStall = "stall" // connections stay open, and what is on them arrives late
	windStale = "stale" // likewise, but only on those that are open when it begins
)

// kill says who dies (kill -9), and at what moment.
type kill struct {
	Who    string        `json:",omitempty"` // register, backend, both, or nobody
	At     string        `json:",omitempty"` // a moment below
	Nth    int           `json:",omitempty"` // of them
	Delay  time.Duration `json:",omitempty"` // after the moment
	Latest time.Duration `json:",omitempty"` // after the first sale began, should the moment not come
	Down   time.Duration `json:",omitempty"` // the backend stays away for so long
	Reboot bool          `json:",omitempty"` // the register's machine, not its process alone
}

// Moments at which a kill is due, besides the states of a payment.
const (
	atBegin = "begin" // the first sale begins
	atUp    = "up"    // bytes left the register
	atDown  = "down"  // bytes left the backend
)

// sale is one customer.
type sale struct {
	Goods  string        // a key of baskets
	Code   string        // pass, digits, again (the code before), friend (a customer who was here)
	Bound  time.Duration `json:",omitempty"` // the phone, so long ago; longAgo where 0
	GiveUp bool          `json:",omitempty"` // the cashier does not wait for an unknown
	Then   string        // hand-over, void, walk (to the next sale), leave (on the screen)
	Retry  bool          `json:",omitempty"` // not paid: the same sale is paid with another code
	Refund int           `json:",omitempty"` // of an earlier payment, in percent
}

// baskets are what customers buy.
var baskets = map[string][]terminal.Line{
	"lunch":     times(1, lunch),
	"lunches":   times(3, lunch),
	"pack":      times(1, pack),
	"packs":     times(3, pack),
	"cartridge": times(1, cartridge),
	"mixed":     append(append(times(1, lunch), times(1, pack)...), times(1, cartridge)...),
	"feast":     times(1, feast),
}

// planFor makes a round's plan.
func planFor(seed uint64, round int) plan {
	d := dice{rand.New(rand.NewPCG(seed, uint64(round)))}
	p := plan{Round: round, Kill: d.kill(), Office: d.office()}
	for range d.pick(1, 3, 4, 2) { // most often one or two at a time
		p.Winds = append(p.Winds, d.wind())
	}
	for range d.pick(4, 4, 2) {
		p.Faults = append(p.Faults, d.fault())
	}
	for range 2 + d.IntN(4) {
		p.Sales = append(p.Sales, d.sale())
	}
	p.Fair = d.IntN(3) > 0
	// By chance alone a refund and a fault of one would seldom meet.
	if slices.ContainsFunc(p.Sales, func(s sale) bool { return s.Refund > 0 }) && d.IntN(3) == 0 {
		kind := []backendsim.FaultKind{backendsim.Double, backendsim.DropAfter}[d.IntN(2)]
		p.Faults = append(p.Faults, backendsim.Fault{Kind: kind, Type: wire.TypeRefund, Count: 1})
	}
	return p
}

// String gives the plan as JSON, one line.
func (p plan) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// dice is where a plan comes from.
type dice struct{ *rand.Rand }

// pick gives an index, each as likely as its weight says.
func (d dice) pick(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := d.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return 0
}

func (d dice) one(of ...string) string { return of[d.IntN(len(of))] }

func (d dice) ms(from, to int) time.Duration {
	return time.Duration(from+d.IntN(to-from+1)) * time.Millisecond
}

// wind: what a store's line does, at a hundredth of the time.
func (d dice) wind() wind {
	w := wind{Stream: d.one("", "upstream", "downstream"), After: d.ms(0, 150), For: d.ms(50, 900)}
	switch w.Kind = d.one("latency", "bandwidth", "slicer", "slow_close", "timeout", "reset_peer", "limit_data", windCut, windStall, windStale); w.Kind {
	case "latency":
		w.With = map[string]int{"latency": 20 + d.IntN(300), "jitter": d.IntN(20)}
	case "bandwidth": // KB/s: a payment is some 2 KB
		w.With = map[string]int{"rate": 1 + d.IntN(8)}
	case "slicer":
		w.With = map[string]int{"average_size": 40, "size_variation": 20, "delay": 500}
	case "slow_close":
		w.With = map[string]int{"delay": 50 + d.IntN(300)}
	case "timeout": // passes nothing, and ends the connection at last
		w.With = map[string]int{"timeout": d.IntN(2) * 400}
	case "reset_peer":
		w.With = map[string]int{"timeout": d.IntN(100)}
	case "limit_data": // breaks off within a message
		w.With = map[string]int{"bytes": 200 + d.IntN(6000)}
	case windCut:
		w.Stream = ""
	}
	return w
}

// fault is one of the backend's own.
func (d dice) fault() backendsim.Fault {
	f := backendsim.Fault{Count: 1 + d.IntN(2)}
	switch d.pick(4, 5, 3, 1, 1, 1, 1, 4, 3, 1, 1) {
	case 0:
		f.Kind, f.Type = backendsim.DropBefore, d.message()
	case 1:
		f.Kind, f.Type = backendsim.DropAfter, d.message()
	case 2:
		f.Kind, f.Type, f.Delay = backendsim.Delay, d.message(), d.ms(50, 700)
	case 3:
		f.Kind = backendsim.Withhold
	case 4:
		f.Kind = backendsim.Misprice
	case 5:
		f.Kind = backendsim.Refuse
	case 6:
		f.Kind = backendsim.GoAway
	case 7:
		f.Kind, f.Type = backendsim.Double, d.message()
	case 8:
		f.Kind, f.Type, f.Delay = backendsim.Reorder, d.message(), d.ms(100, 600)
	case 9:
		f.Kind, f.Type = backendsim.OldSession, d.message()
	case 10:
		f.Kind, f.Type = backendsim.Silence, d.message()
	}
	return f
}

// message is a type that a fault is about.
func (d dice) message() wire.Type {
	types := []wire.Type{
		wire.TypeAuthorise, wire.TypeQuery, wire.TypeReversal, wire.TypeAdvice, wire.TypeVoid, wire.TypeRefund, wire.TypeCheckpoint, wire.TypeHello,
	}
	return types[d.pick(6, 3, 3, 4, 3, 4, 1, 1)]
}

func (d dice) kill() kill {
	k := kill{Who: []string{"register", "backend", "both", ""}[d.pick(4, 3, 1, 2)]}
	if k.Who == "" {
		return k
	}
	k.At = d.one(
		atBegin, atUp, atDown, atUp, atDown, atUp, atDown,
		string(terminal.Sent), string(terminal.Sent), string(terminal.Sent), string(terminal.Approved), string(terminal.Unknown),
		string(terminal.Reversing), string(terminal.ApprovedOffline), string(terminal.Advised),
	)
	k.Nth, k.Delay, k.Latest = 1+d.pick(5, 2, 1), d.ms(0, d.IntN(40)), d.ms(50, 900)
	if k.Who != "register" {
		k.Down = d.ms(0, 500)
	}
	k.Reboot = k.Who != "backend" && d.IntN(12) == 0
	return k
}

// office: now and then a newer policy, a freeze for a round, an account stopped.
func (d dice) office() string {
	return []string{"", "policy", "freeze", "stop-account"}[d.pick(16, 2, 1, 1)]
}

func (d dice) sale() sale {
	s := sale{
		Goods:  []string{"lunch", "lunches", "pack", "packs", "cartridge", "mixed", "feast"}[d.pick(5, 2, 4, 1, 3, 2, 1)],
		Code:   []string{"pass", "digits", "again", "friend"}[d.pick(8, 3, 1, 3)],
		Then:   []string{"hand-over", "void", "walk", "leave"}[d.pick(5, 4, 2, 1)],
		GiveUp: d.IntN(3) == 0,
		Retry:  d.IntN(4) == 0,
	}
	if d.IntN(8) == 0 {
		s.Bound = anHour
	}
	if d.IntN(2) == 0 {
		s.Refund = 10 + 10*d.IntN(6)
	}
	return s
}
