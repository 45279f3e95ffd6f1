package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

// network is the line between register and backend: toxiproxy in this process,
// on one address for the whole campaign.
type network struct {
	api     *toxiproxy.ApiServer
	address string // where the register dials
	backend string // where it is led to

	mu    sync.Mutex
	proxy *toxiproxy.Proxy
	lost  int          // proxies that hung, and were replaced
	count atomic.Int64 // of toxics, for their names
}

// toxicTime is how long a toxic may take to come or go. It has to let bytes
// pass, for which the library waits 5 s; and where an end of the connection has
// gone meanwhile it waits for ever.
const toxicTime = time.Second

// newNetwork opens the line. heard is called for bytes as they come in, up those
// from the register, and must not block.
func newNetwork(backend string, heard func(up bool)) (*network, error) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // a toxic logs to the package's own logger
	passing.Store(&heard)
	n := &network{api: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), backend: backend}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	n.address = port
	return n, n.open()
}

// freePort gives a loopback address to listen on, again and again: one that the
// kernel gives no outgoing connection meanwhile, as it may one of its own choice.
// None is given twice.
func freePort() (string, error) {
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		if _, taken := portsGiven.LoadOrStore(address, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no port is free")
}

var portsGiven sync.Map

func (n *network) open() error {
	n.proxy = toxiproxy.NewProxy(n.api, "line", n.address, n.backend)
	for _, stream := range []string{"upstream", "downstream"} {
		up := 0
		if stream == "upstream" {
			up = 1
		}
		if err := add(n.proxy, "tap-"+stream, "tap", stream, map[string]int{"up": up}); err != nil {
			return err
		}
	}
	return n.proxy.Start()
}

// add puts a toxic on the end of a chain.
func add(p *toxiproxy.Proxy, name, kind, stream string, with map[string]int) error {
	body, err := json.Marshal(map[string]any{"name": name, "type": kind, "stream": stream, "attributes": with})
	if err == nil {
		_, err = p.Toxics.AddToxicJson(bytes.NewReader(body))
	}
	return err
}

// blow lets one wind blow from its time on, for its time, or until ctx ends. The
// times are the plan's: they are what is random here, nothing is waited for.
func (n *network) blow(ctx context.Context, w wind) error {
	if !wait(ctx, w.After) {
		return nil
	}
	switch w.Kind {
	case windCut:
		err := n.inTime(func(p *toxiproxy.Proxy) error { p.Stop(); return nil })
		wait(ctx, w.For)
		return errors.Join(err, n.inTime(func(p *toxiproxy.Proxy) error { return started(p.Start()) }))
	case windStall, windStale:
		for _, stream := range w.streams() {
			defer gates[stream].shut(w.Kind == windStale)()
		}
		wait(ctx, w.For)
		return nil
	}
	var names []string
	for _, stream := range w.streams() {
		names = append(names, fmt.Sprintf("%s-%d", w.Kind, n.count.Add(1)))
		if err := n.inTime(func(p *toxiproxy.Proxy) error { return add(p, names[len(names)-1], w.Kind, stream, w.With) }); err != nil {
			return err
		}
	}
	wait(ctx, w.For)
	for _, name := range names {
		err := n.inTime(func(p *toxiproxy.Proxy) error { return p.Toxics.RemoveToxic(context.Background(), name) })
		if err != nil && !errors.Is(err, toxiproxy.ErrToxicNotFound) { // it went with a proxy that hung
			return err
		}
	}
	return nil
}

// streams are the directions that the wind is on.
func (w wind) streams() []string {
	if w.Stream == "" {
		return []string{"upstream", "downstream"}
	}
	return []string{w.Stream}
}

func started(err error) error {
	if errors.Is(err, toxiproxy.ErrProxyAlreadyStarted) { // another cut ended first
		return nil
	}
	return err
}

// wait waits for d, and says whether ctx let it.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// inTime changes the proxy, one change at a time. A change that hangs, as the
// library's do where an end has gone at the wrong moment, costs the proxy: its
// connections end, and another takes its address.
func (n *network) inTime(change func(*toxiproxy.Proxy) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	done, proxy := make(chan error, 1), n.proxy
	go func() { done <- change(proxy) }()
	timer := time.NewTimer(toxicTime)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
	}
	n.lost++
	go proxy.Stop() // closes the listener at once, and may hang then
	for deadline := time.Now().Add(toxicTime); ; {
		err := n.open()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		wait(context.Background(), 10*time.Millisecond) // until the listener is closed: nothing tells of it
	}
}

// close ends the line.
func (n *network) close() error {
	return n.inTime(func(p *toxiproxy.Proxy) error { p.Stop(); return nil })
}

// libraryLeaks are goroutines of toxiproxy's own that may wait for ever: a toxic
// whose connection died at the other end while it had bytes for it, and a proxy
// that hung because of it. Nothing that is written here is among them, but for the
// tap within the toxic.
var libraryLeaks = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).AddToxic"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).RemoveToxic"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicCollection).RemoveToxic"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicCollection).AddToxicJson"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*Proxy).Stop"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*Proxy).server"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*Proxy).freeBlocker"),
}

// passing is called for bytes that come in, and gates hold them up. Toxics are
// made from JSON alone, so that they can be given nothing else.
var (
	passing atomic.Pointer[func(up bool)]
	gates   = map[string]*gate{"upstream": {}, "downstream": {}}
)

func init() { toxics.Register("tap", new(Tap)) }

// gate holds up what passes while it is shut: a line that is patched up, as TCP
// sees it. Nothing is dropped and no connection ends; all of it arrives late.
type gate struct {
	mu   sync.Mutex
	bars []*bar
}

// bar keeps a gate shut. A stale one lets connections through that began after
// it: what the older ones carry arrives after the register has dialled anew.
type bar struct {
	stale  bool
	since  time.Time
	lifted chan struct{}
}

// shut shuts the gate and gives what opens it again.
func (g *gate) shut(stale bool) (open func()) {
	b := &bar{stale, time.Now(), make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bars = append(g.bars, b)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.bars = slices.DeleteFunc(g.bars, func(other *bar) bool { return other == b })
		close(b.lifted)
	}
}

// holds gives what keeps a connection's bytes up, nil for nothing.
func (g *gate) holds(began time.Time) *bar {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range g.bars {
		if !b.stale || began.Before(b.since) {
			return b
		}
	}
	return nil
}

// Tap is a toxic that tells of what comes in, and is the gate of its direction.
type Tap struct {
	Up int `json:"up"`
}

// NewState implements toxics.StatefulToxic: when the connection began.
func (*Tap) NewState() any { return time.Now() }

// Pipe implements toxics.Toxic.
func (t *Tap) Pipe(stub *toxics.ToxicStub) {
	g := gates["downstream"]
	if t.Up == 1 {
		g = gates["upstream"]
	}
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			interrupted := g.pass(stub)
			if c == nil {
				stub.Close()
				return
			}
			(*passing.Load())(t.Up == 1)
			stub.Output <- c
			if interrupted {
				return
			}
		}
	}
}

// pass waits until the gate is open, or until the toxic is interrupted: then its
// bytes go on, as with the library's own.
func (g *gate) pass(stub *toxics.ToxicStub) (interrupted bool) {
	for b := g.holds(stub.State.(time.Time)); b != nil; b = g.holds(stub.State.(time.Time)) {
		select {
		case <-b.lifted:
		case <-stub.Interrupt:
			return true
		}
	}
	return false
}
