package backendsim

import (
	"sync"
	"time"
)

const (
	usualDials   = 10      // dials and renewals of one register in a minute (docs/protocol.md)
	wrongCodes   = 10      // wrong one-time codes from one address in a minute: 80 bits cannot be guessed so
	callersKnown = 100_000 // whom a pace tells apart in a minute, several chains' registers; all others count as one
)

// pace counts what each caller did in the present minute.
type pace struct {
	most int

	mu    sync.Mutex
	began time.Time
	did   map[string]int
}

// over says how long a caller has to wait, 0 where he may go on.
func (p *pace) over(who string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.did[p.known(who, now)] < p.most {
		return 0
	}
	return p.began.Add(time.Minute).Sub(now)
}

// count counts one deed of a caller.
func (p *pace) count(who string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.did[p.known(who, now)]++
}

// known begins the next minute where this one is over, and gives the name that
// the caller counts under.
func (p *pace) known(who string, now time.Time) string {
	if age := now.Sub(p.began); p.did == nil || age < 0 || age >= time.Minute {
		p.began, p.did = now, map[string]int{}
	}
	if _, there := p.did[who]; !there && len(p.did) >= callersKnown {
		return ""
	}
	return who
}

// maxChatter is how many pings, pongs and messages of a type that is not known are
// read of one link in a second, ten times as many as the shortest silence of a
// policy asks for. All else that a link may say costs a transaction, or is counted
// (badMessages).
const maxChatter = 100

// chatter counts what is read of a link and decided by nobody.
type chatter struct {
	began time.Time
	said  int
}

// wait says how long the link has to wait before what it just said is answered: to
// the end of the span, and with it the next begins.
func (c *chatter) wait(now time.Time, span time.Duration) time.Duration {
	if now.Sub(c.began) >= span {
		*c = chatter{began: now}
	}
	if c.said++; c.said <= maxChatter {
		return 0
	}
	next := c.began.Add(span)
	*c = chatter{began: next, said: 1}
	return next.Sub(now)
}

// slow has the reader wait where it read too much of what nobody decides: the other
// side waits with it, and nothing is lost.
func (l *link) slow() {
	wait := l.chatter.wait(time.Now(), l.b.deadlines.chatter)
	if wait == 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-l.ctx.Done():
	case <-timer.C:
	}
}
