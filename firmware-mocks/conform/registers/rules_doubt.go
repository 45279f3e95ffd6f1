package registers

import (
	"strings"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

var doubtRules = []rule{
	{"quarantine.told", "A register that the welcome holds in doubt says so in its next hello.", theDoubt, quarantineTold},
	{"quarantine.allotments", "In quarantine nothing is sold from what is held: all that a payment takes is its need.", theDoubt, quarantineAllotments},
	{"quarantine.offline", "In quarantine nothing is sold without the line.", theDoubt, quarantineOffline},
	{"quarantine.boot", "A quarantine outlasts a boot.", theDoubt, quarantineBoot},
	{"quarantine.released", "A release of this incarnation: the next hello is a new one's, without quarantine.", theDoubt, quarantineReleased},
	{"quarantine.other-release", "The release of another incarnation ends nothing.", theDoubt, quarantineOtherRelease},
	{"quarantine.older", "A checkpoint longer than the journal: the register holds itself in doubt, ledger.older.", theDoubt, quarantineOlder},
	{"quarantine.forked", "A checkpoint with another root than the journal had: the register holds itself in doubt, ledger.forked.", theDoubt, quarantineForked},
	{"quarantine.checkpoint", "A checkpoint that is rejected puts the register in doubt.", points, quarantineCheckpoint},
	{"quarantine.refused", "A hello that is refused is followed by one of a new incarnation, in doubt.", theSessions, quarantineRefused},
}

// doubted is a link whose welcome held the register in doubt.
func (p *play) doubted() *link {
	l := p.begin()
	l.grant(5)
	l.approveTo(l.takes(1, 1, 0), 5)
	l.close(1000)
	next := p.joins(func(_ *wire.Hello, w *wire.Welcome) { w.Quarantine = "ledger.forked" })
	p.till(func(s scenario.State) bool { return s.Quarantine != "" && s.Link.Up }, "the quarantine")
	return next
}

func quarantineTold(p *play) {
	next := p.doubted().again()
	p.want(next.hello.Hello.Quarantine == "ledger.forked", "hello says quarantine %q", next.hello.Hello.Quarantine)
}

func quarantineAllotments(p *play) {
	p.doubted().takes(2, 0, 2)
}

func quarantineOffline(p *play) {
	p.doubted().down()
	v := p.verdict(p.sell(lunch), terminal.Refused)
	p.want(v.Reason == terminal.Quarantined, "the till refused with %q", v.Reason)
}

func quarantineBoot(p *play) {
	p.doubted()
	p.restart(true)
	next := p.link()
	next.greet(nil)
	p.want(next.hello.Hello.Quarantine == "ledger.forked", "hello after a boot says quarantine %q", next.hello.Hello.Quarantine)
}

func quarantineReleased(p *play) {
	l := p.doubted()
	old := l.hello.Incarnation
	l.close(1000)
	p.joins(func(_ *wire.Hello, w *wire.Welcome) { w.Released = old })
	next := p.open()
	p.want(next.hello.Incarnation != old, "the incarnation outlives its release")
	p.want(next.hello.Hello.Quarantine == "", "hello says quarantine %q after a release", next.hello.Hello.Quarantine)
	next.takes(2, 0, 2)
}

func quarantineOtherRelease(p *play) {
	l := p.doubted()
	l.close(1000)
	other := p.joins(func(_ *wire.Hello, w *wire.Welcome) { w.Released = strings.Repeat("0", 32) })
	p.till(func(s scenario.State) bool { return s.Link.Up }, "the line to be up")
	other.takes(2, 0, 2)
	next := other.again()
	p.want(next.hello.Hello.Quarantine != "", "the release of another incarnation ended the quarantine")
}

// holdsInDoubt welcomes with a checkpoint that is not this journal's, and wants
// the next hello to say why.
func (p *play) holdsInDoubt(kept wire.Head, why string) {
	p.begin().close(1000)
	l := p.joins(func(_ *wire.Hello, w *wire.Welcome) { w.Checkpoint, w.Uploaded = &kept, 0 })
	p.till(func(s scenario.State) bool { return s.Quarantine != "" }, "the quarantine")
	p.mu.Lock()
	p.kept, p.leaves = nil, nil
	p.mu.Unlock()
	got := l.again().hello.Hello.Quarantine
	p.want(got == why, "hello says quarantine %q, not %s", got, why)
}

func quarantineOlder(p *play) {
	p.holdsInDoubt(wire.Head{Size: 1 << 20, Root: strings.Repeat("0", 64)}, "ledger.older")
}

func quarantineForked(p *play) {
	p.holdsInDoubt(wire.Head{Size: 1, Root: strings.Repeat("0", 64)}, "ledger.forked")
}

func quarantineCheckpoint(p *play) {
	p.start()
	l := p.joins(nil, wire.TypeCheckpoint)
	m := l.point()
	l.write(wire.Message{Type: wire.TypeAck, Re: m.ID, Ack: &wire.Ack{Of: wire.TypeCheckpoint, Status: wire.StatusRejected, Reason: "register.quarantine", Time: now()}})
	p.till(func(s scenario.State) bool { return s.Quarantine != "" }, "the quarantine")
	next := l.again()
	p.want(next.hello.Hello.Quarantine != "", "hello says no quarantine")
}

func quarantineRefused(p *play) {
	l := p.begin()
	l.close(1000)
	refused := p.link()
	hello := refused.first(wire.TypeHello)
	refused.write(wire.Message{Type: wire.TypeError, Re: hello.ID, Error: &wire.Error{Code: wire.CodeRefused, Text: "the kit knows another register"}})
	next := p.link()
	next.greet(nil)
	p.want(next.hello.Incarnation != hello.Incarnation, "the next hello is of the incarnation that was refused")
	p.want(next.hello.Hello.Quarantine != "", "the next hello says no quarantine")
}
