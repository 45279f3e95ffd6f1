package framing

import (
	"strings"
	"time"
)

const (
	// newlandPatience is how long a unit may take to answer a command. Newland's
	// guides name no time; a unit answers within some 50 ms.
	newlandPatience = 500 * time.Millisecond
	// newlandTries is how often a command is sent in all.
	newlandTries = 3
)

// newlandOrder is one command, without what frames it: as it is sent first, and as it is
// sent again when no answer came, without the beep that may have sounded.
type newlandOrder struct{ first, again string }

// newlandOrders sends commands one at a time to a unit that answers each: the set-up in
// its turn, and before what is left of it the till's newest answer. A command that
// stays unanswered is sent again, and given up at last or when a newer one waits.
type newlandOrders struct {
	setup []string      // still to be sent
	next  newlandOrder  // the newest answer, if it has to wait
	under newlandOrder  // sent and not answered
	tries int           // how often under was sent
	sent  time.Duration // when under was last sent
}

// later adds set-up.
func (o *newlandOrders) later(commands ...string) { o.setup = append(o.setup, commands...) }

// put sends an order now, or next.
func (o *newlandOrders) put(now time.Duration, next newlandOrder, out *Out) {
	if o.next = next; o.under == (newlandOrder{}) {
		o.proceed(now, out)
	}
}

// proceed sends what is to be sent next, if anything is.
func (o *newlandOrders) proceed(now time.Duration, out *Out) {
	o.under, o.next, o.tries = o.next, newlandOrder{}, 0
	if o.under == (newlandOrder{}) && len(o.setup) > 0 {
		o.under = newlandOrder{o.setup[0], o.setup[0]}
		o.setup = o.setup[1:]
	}
	if o.under != (newlandOrder{}) {
		o.send(now, o.under.first, out)
	}
}

func (o *newlandOrders) send(now time.Duration, command string, out *Out) {
	o.tries++
	o.sent = now
	out.say(newlandHead + command + newlandTail)
}

// tick sends again what was not answered in time, or gives it up.
func (o *newlandOrders) tick(now time.Duration, out *Out) {
	switch {
	case o.under == (newlandOrder{}) || now-o.sent < newlandPatience:
	case o.tries == newlandTries || o.next != (newlandOrder{}):
		o.proceed(now, out)
	default:
		o.send(now, o.under.again, out)
	}
}

// answered tells whether an answer that begins with said is to the command under
// way, and not a late one to another.
func (o *newlandOrders) answered(said string) bool {
	command, _, _ := strings.Cut(o.under.first, ";")
	return command != "" && strings.HasPrefix(said, command)
}

// idleFor tells whether nothing was sent for a while, longer than the tries take.
func (o *newlandOrders) idleFor(now, while time.Duration) bool { return now-o.sent >= while }
