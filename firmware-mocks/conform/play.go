package conform

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"sekisho/terminal/wire"
)

// play is the run of one rule. The first thing that goes wrong stays, and all
// that is asked after it does nothing: so a check reads like the rule.
type play struct {
	k     *Kit
	ctx   context.Context
	stop  context.CancelFunc
	err   error  // what went wrong
	needs string // what the kit was not given
	froze bool   // something is stopped for the rule
	was   string // text of the policy before the rule changed it
	tills []*till
	work  sync.WaitGroup // the tills' readers
}

func (k *Kit) play(ctx context.Context) *play {
	p := &play{k: k}
	p.ctx, p.stop = context.WithTimeout(ctx, ruleTime)
	return p
}

// over says whether nothing more is to be tried.
func (p *play) over() bool { return p.err != nil || p.needs != "" }

// fail notes what went wrong.
func (p *play) fail(format string, args ...any) {
	if !p.over() {
		p.err = fmt.Errorf(format, args...)
	}
}

// want fails where what the rule says is not so.
func (p *play) want(holds bool, format string, args ...any) {
	if !holds {
		p.fail(format, args...)
	}
}

// need ends the rule untried where something is not there.
func (p *play) need(there bool, what string) {
	if !there && !p.over() {
		p.needs = what
	}
}

// The registers: a and b of one store, c of another.
func (p *play) a() *machine { return p.k.machines[0] }
func (p *play) b() *machine { return p.k.machines[1] }
func (p *play) c() *machine { return p.k.machines[2] }

// spoil gives a register that the rule may bring into doubt for good.
func (p *play) spoil() *machine {
	p.need(len(p.k.spare) > 0, "one more register of the first store, to bring it into doubt")
	if p.over() {
		return p.a()
	}
	m := p.k.spare[0]
	p.k.spare = p.k.spare[1:]
	return m
}

// leave gives back what the rule's registers hold, as at a clean stop, so that one
// rule does not use up the next one's caps.
func (p *play) leave() {
	seen := map[*machine]bool{}
	for _, t := range slices.Clone(p.tills) {
		if !seen[t.m] && t.session > 0 {
			seen[t.m] = true
			p.handIn(p.linked(t.m))
		}
	}
}

// handIn gives back what a till's incarnation holds, by another link where the
// backend ended this one. Whether that works is a rule of its own.
func (p *play) handIn(t *till) {
	for range 2 {
		if p.over() || t.doubted || t.keeps || !t.holds() {
			return
		}
		if t.ended {
			t = t.again()
			t.hello()
		}
		t.giveBack()
		p.err, p.needs = nil, ""
	}
}

// linked is the till with a register's latest session in this rule, if any.
func (p *play) linked(m *machine) *till {
	for _, t := range slices.Backward(p.tills) {
		if t.m == m && t.session > 0 {
			return t
		}
	}
	return nil
}

// end closes what is open.
func (p *play) end() {
	p.stop()
	for _, t := range p.tills {
		t.conn.Close()
	}
	p.work.Wait()
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// now is the kit's clock: passes are made by it, so the backend's must agree with
// it as a phone's does.
func (p *play) now() time.Time { return time.Now() }

// today is the business day of the policy.
func (p *play) today() string { return string(p.k.policy.Business.Day(p.now())) }

// counterKey names a counter of one incarnation.
type counterKey struct{ id, window string }

// totals reads what a list of grants says of a cap today.
func (p *play) total(list []wire.Grant, capID string) wire.Amount {
	for _, g := range list {
		if g.Cap == capID && g.Window == p.today() {
			return g.Total
		}
	}
	return wire.Amount{}
}
