package registers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal/enrol"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

// play is the run of one rule. The first thing that goes wrong stays, and all that
// is asked after it does nothing: so a check reads like the rule.
type play struct {
	k      *Kit
	ctx    context.Context
	stop   context.CancelFunc
	dir    string
	rules  scenario.Rules // of the policy in force
	ca     authority
	who    acquaintance
	server *server
	world  *scenario.World
	runs   bool // the daemon does
	links  []*link
	work   sync.WaitGroup
	number int64 // of the latest session

	mu     sync.Mutex
	err    error  // what went wrong
	needs  string // what the kit was not given
	kept   *wire.Head
	leaves [][]byte // of the journal that came up
	replay journal.Replay
	news   chan struct{} // something of these two came
}

// quickly are the paces of a rule's policy: what nearly every rule waits for is
// short, and what no rule may run into on a slow machine is long. An answer or a
// pong that is late makes the line a bad one, which asks for nothing; a payment that
// is given up is asked about no more.
func quickly() scenario.Rules {
	r := scenario.DemoRules()
	r.Answer, r.GiveUp, r.Silence, r.Redial = 1500*time.Millisecond, time.Minute, 15*time.Second, 100*time.Millisecond
	return r
}

// The policy's `times.query`.
const queryEvery = 300 * time.Millisecond

func (k *Kit) play(ctx context.Context, id string) (*play, error) {
	p := &play{k: k, rules: quickly(), dir: filepath.Join(k.cfg.Dir, id)}
	p.who.renewal, p.news = make(chan asked, 10), make(chan struct{}, 1)
	p.ctx, p.stop = context.WithTimeout(ctx, ruleTime)
	err := os.MkdirAll(p.dir, 0o700)
	if err == nil {
		err = os.CopyFS(filepath.Join(p.dir, "operator"), os.DirFS(filepath.Join(k.cfg.Dir, "operator")))
	}
	if err == nil {
		p.ca, err = newAuthority()
	}
	if err == nil {
		p.who.code = enrol.NewCode(p.ca.cert.Raw)
		p.server, err = p.serve()
	}
	if err != nil {
		p.stop()
	}
	return p, err
}

func (p *play) secured() bool { return p.k.cfg.Sekisho != "" }

// over says whether nothing more is to be tried.
func (p *play) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err != nil || p.needs != ""
}

// fail notes what went wrong.
func (p *play) fail(format string, args ...any) {
	if !p.over() {
		p.mu.Lock()
		defer p.mu.Unlock()
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
		p.mu.Lock()
		defer p.mu.Unlock()
		p.needs = what
	}
}

// overTLS ends a rule untried that is about certificates, where there are none.
func (p *play) overTLS() {
	p.need(p.secured(), "TLS, and sekisho beside the register's program, which enrols it")
}

// act does something wrong in the backend's place, but for a test that wants to
// see the rule fail.
func (p *play) act(do func()) {
	if !p.k.tap.deaf && !p.over() {
		do()
	}
}

// start enrols the register and starts it.
func (p *play) start() {
	if p.over() {
		return
	}
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		p.fail("no log: %w", err)
		return
	}
	p.work.Go(func() { <-p.ctx.Done(); log.Close() })
	w, err := scenario.NewWorld(p.ctx, p.setup(log))
	if err != nil {
		p.fail("the register did not start: %w", err)
		return
	}
	p.world, p.runs = w, true
}

// setup is a register whose backend is the kit.
func (p *play) setup(log io.Writer) scenario.Setup {
	return scenario.Setup{
		Dir: p.dir, Binary: p.k.cfg.Sekishod, Enrols: p.k.cfg.Sekisho, Listen: host + ":0", Rules: p.rules, Fast: true,
		Log: log, Backend: p.server.address,
		Code: func(context.Context, *scenario.World) (string, error) { return p.who.code.Text(), nil },
	}
}

// restart starts the register's process again, as after a power cut where it
// boots.
func (p *play) restart(boots bool) {
	if p.over() {
		return
	}
	p.world.KillDaemon()
	p.runs = false
	if boots {
		p.want(p.world.ForgetBoot() == nil, "the run folder was not taken away")
	}
	if err := p.world.StartDaemon(p.ctx); err != nil {
		p.fail("the register did not start again: %w", err)
		return
	}
	p.runs = true
}

// begin starts a register and opens its line: the policy is in force.
func (p *play) begin() *link {
	p.start()
	return p.open()
}

// open welcomes the next dial and waits until the till is ready.
func (p *play) open() *link {
	l := p.link()
	l.greet(nil)
	p.ready()
	return l
}

// ready waits until scanner and line are up.
func (p *play) ready() {
	p.till(func(s scenario.State) bool {
		return s.Scanner == "connected" && s.Link.Up && s.Policy.Version == p.rules.Version
	}, "scanner and line to be up")
}

// again closes the link so that its register comes back at once, and welcomes it.
func (l *link) again() *link {
	l.close(1000)
	next := l.p.link()
	next.greet(nil)
	return next
}

// greet takes the hello and welcomes it; change may add to what is said.
func (l *link) greet(change func(*wire.Hello, *wire.Welcome)) received {
	l.hello = l.first(wire.TypeHello)
	l.welcome(l.hello.Message, change)
	return l.hello
}

func (l *link) welcome(hello wire.Message, change func(*wire.Hello, *wire.Welcome)) {
	p := l.p
	if p.over() {
		return
	}
	w := &wire.Welcome{Time: now(), Grants: []wire.Grant{}}
	if hello.Hello.Versions.Policy < p.rules.Version {
		w.Policy = p.note(p.rules)
	}
	p.mu.Lock()
	p.number++
	w.Session, w.Checkpoint, w.Uploaded = p.number, p.kept, int64(len(p.leaves))
	p.mu.Unlock()
	if change != nil {
		change(hello.Hello, w)
	}
	l.session = w.Session
	l.write(wire.Message{Type: wire.TypeWelcome, Re: hello.ID, Welcome: w})
	if hello.Hello.Versions.Denials == 0 {
		l.write(wire.Message{Type: wire.TypeDenials, Denials: &wire.Denials{To: 1, Part: 1, Parts: 1}})
	}
}

// note signs a policy.
func (p *play) note(r scenario.Rules) string {
	text, _, err := scenario.PolicyNote(p.k.keys, r, time.Now())
	if err != nil {
		p.fail("the kit made no policy: %w", err)
	}
	return text
}

// keep keeps a checkpoint's head.
func (p *play) keep(c *wire.Checkpoint) {
	head, err := headOf(c.Note)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.kept = &head
		p.tellNews()
	}
}

// stored keeps leaves that follow those that are there, and says how many are.
func (p *play) stored(e *wire.Entries) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, leaf := range e.Leaves {
		if e.From+int64(i) == int64(len(p.leaves)) {
			p.leaves = append(p.leaves, unbase64(leaf))
			p.replay.AddHash(tlog.RecordHash(p.leaves[len(p.leaves)-1]))
		}
	}
	p.tellNews()
	return int64(len(p.leaves))
}

func (p *play) tellNews() {
	select {
	case p.news <- struct{}{}:
	default: // somebody will look already
	}
}

// stopping ends the register in good order, beside the rule.
func (p *play) stopping() {
	p.runs = false
	p.work.Go(func() {
		if err := p.world.StopDaemon(p.ctx); err != nil {
			p.fail("the register did not stop: %w", err)
		}
	})
}

// end closes what is open, and gives what went wrong.
func (p *play) end() error {
	defer func() { _ = os.RemoveAll(p.dir) }() // it is a scratch folder, whose own is removed too
	closing, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if p.world != nil {
		if p.runs {
			p.world.KillDaemon()
		}
		err = p.world.Close(closing)
	}
	p.stop()
	for _, l := range p.links {
		l.conn.Close()
	}
	p.server.close()
	p.work.Wait()
	return errors.Join(p.err, err)
}

func now() int64 { return time.Now().UnixMilli() }
