package framing

import (
	"strings"
	"time"
)

const (
	// orderPatience is how long a unit may take to answer a command. Newland's
	// guides name no time; a unit answers within some 50 ms.
	orderPatience = 500 * time.Millisecond
	// orderTries is how often a command is sent in all.
	orderTries = 3
)

// order is one command, without what frames it: as it is sent first, and as it is
// sent again when no answer came, without the beep that may have sounded.
type order struct{ first, again string }

// orders sends commands one at a time to a unit that answers each: the set-up in
// its turn, and before what is left of it the till's newest answer. A command that
// stays unanswered is sent again, and given up at last or when a newer one waits.
type orders struct {
	setup []string      // still to be sent
	next  order         // the newest answer, if it has to wait
	under order         // sent and not answered
	tries int           // how often under was sent
	sent  time.Duration // when under was last sent
}

// later adds set-up.
func (o *orders) later(commands ...string) { o.setup = append(o.setup, commands...) }

// put sends an order now, or next.
func (o *orders) put(now time.Duration, next order, out *Out) {
	if o.next = next; o.under == (order{}) {
		o.proceed(now, out)
	}
}

// proceed sends what is to be sent next, if anything is.
func (o *orders) proceed(now time.Duration, out *Out) {
	o.under, o.next, o.tries = o.next, order{}, 0
	if o.under == (order{}) && len(o.setup) > 0 {
		o.under = order{o.setup[0], o.setup[0]}
		o.setup = o.setup[1:]
	}
	if o.under != (order{}) {
		o.send(now, o.under.first, out)
	}
}

func (o *orders) send(now time.Duration, command string, out *Out) {
	o.tries++
	o.sent = now
	out.say(newlandHead + command + newlandTail)
}

// tick sends again what was not answered in time, or gives it up.
func (o *orders) tick(now time.Duration, out *Out) {
	switch {
	case o.under == (order{}) || now-o.sent < orderPatience:
	case o.tries == orderTries || o.next != (order{}):
		o.proceed(now, out)
	default:
		o.send(now, o.under.again, out)
	}
}

// answered tells whether an answer that begins with said is to the command under
// way, and not a late one to another.
func (o *orders) answered(said string) bool {
	command, _, _ := strings.Cut(o.under.first, ";")
	return command != "" && strings.HasPrefix(said, command)
}

// idleFor tells whether nothing was sent for a while, longer than the tries take.
func (o *orders) idleFor(now, while time.Duration) bool { return now-o.sent >= while }
