package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	client "github.com/Shopify/toxiproxy/v2/client"
	"github.com/rs/zerolog"
)

// network is the line between register and backend: a relay in this process, on
// one address for the whole campaign, and toxiproxy behind it in a process of its
// own. Where an end of a connection goes at the wrong moment the library hangs, or
// panics in a goroutine of its own; then it is started anew, and the connections
// that went through it end.
type network struct {
	*relay
	backend string // where the register is led to

	mu    sync.Mutex
	proxy *toxiproxyProcess
	lost  int // processes that hung or died, and were replaced
	count int // of toxics, for their names
}

// toxicTime is how long a toxic may take to come or go. It has to let bytes
// pass, for which the library waits 5 s; and where an end of the connection has
// gone meanwhile it waits for ever.
const toxicTime = time.Second

// newNetwork opens the line. heard is called for bytes as they come in, up those
// from the register, and must not block.
func newNetwork(backend string, heard func(up bool)) (*network, error) {
	address, err := freePort()
	if err != nil {
		return nil, err
	}
	through, err := freePort()
	if err != nil {
		return nil, err
	}
	n := &network{relay: newRelay(address, through, heard), backend: backend}
	if n.proxy, err = startToxiproxy(through, backend); err != nil {
		return nil, err
	}
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

// blow lets one wind blow from its time on, for its time, or until ctx ends. The
// times are the plan's: they are what is random here, nothing is waited for.
func (n *network) blow(ctx context.Context, w wind) error {
	if !wait(ctx, w.After) {
		return nil
	}
	switch w.Kind {
	case windCut:
		n.cut()
		wait(ctx, w.For)
		return n.open()
	case windStall, windStale:
		for _, stream := range w.streams() {
			defer n.gates[stream].shut(w.Kind == windStale)()
		}
		wait(ctx, w.For)
		return nil
	}
	return n.poison(ctx, w)
}

// poison puts a toxic on the line for a wind's time.
func (n *network) poison(ctx context.Context, w wind) error {
	put := map[string]*toxiproxyProcess{}
	for _, stream := range w.streams() {
		name, on, err := n.add(w, stream)
		if err != nil {
			return err
		}
		put[name] = on
	}
	wait(ctx, w.For)
	var err error
	for name, on := range put {
		err = errors.Join(err, n.inTime(on, func(p *client.Proxy) error { return p.RemoveToxic(name) }))
	}
	return err
}

func (n *network) add(w wind, stream string) (name string, on *toxiproxyProcess, err error) {
	with := client.Attributes{}
	for key, value := range w.With {
		with[key] = value
	}
	n.mu.Lock()
	n.count++
	name, on = fmt.Sprintf("%s-%d", w.Kind, n.count), n.proxy
	n.mu.Unlock()
	return name, on, n.inTime(on, func(p *client.Proxy) error {
		_, err := p.AddToxic(name, w.Kind, stream, 1, with)
		return err
	})
}

// streams are the directions that the wind is on.
func (w wind) streams() []string {
	if w.Stream == "" {
		return []string{"upstream", "downstream"}
	}
	return []string{w.Stream}
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

// inTime changes the proxy on which a toxic is, one change at a time; nothing
// where another process has taken its place. A change that hangs or fails costs
// the process.
func (n *network) inTime(on *toxiproxyProcess, change func(*client.Proxy) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proxy != on {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- change(on.line) }()
	timer := time.NewTimer(toxicTime)
	defer timer.Stop()
	var hung bool
	select {
	case err := <-done:
		if err == nil {
			return nil
		}
	case <-timer.C:
		hung = true
	}
	n.lost++
	on.kill()
	if hung {
		<-done // the request ended with the process
	}
	var err error
	n.proxy, err = startToxiproxy(n.through, n.backend)
	return err
}

// close ends the line.
func (n *network) close() error {
	n.cut()
	n.relay.work.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.proxy.kill()
	http.DefaultClient.CloseIdleConnections() // the library's client has it
	return nil
}

// toxiproxyProcess is this test binary, as a process that runs the library.
type toxiproxyProcess struct {
	cmd  *exec.Cmd
	line *client.Proxy
}

// toxiproxyAt is the variable that makes this binary that process: the address of
// its API.
const toxiproxyAt = "SEKISHO_TEST_TOXIPROXY"

// serveToxiproxy is that process. It ends by being killed.
func serveToxiproxy(address string) {
	host, port, _ := net.SplitHostPort(address)
	toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()).Listen(host, port)
}

func startToxiproxy(listen, backend string) (*toxiproxyProcess, error) {
	api, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &toxiproxyProcess{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), toxiproxyAt+"="+api)
	p.cmd.Stdout, p.cmd.Stderr = io.Discard, io.Discard
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(readyTime); ; {
		p.line, err = client.NewClient(api).CreateProxy("line", listen, backend)
		if err == nil {
			return p, nil
		}
		if time.Now().After(end) {
			p.kill()
			return nil, fmt.Errorf("toxiproxy does not come up: %w", err)
		}
		wait(context.Background(), 10*time.Millisecond) // until it listens: nothing tells of it
	}
}

func (p *toxiproxyProcess) kill() {
	_ = p.cmd.Process.Kill() // it may have died by itself
	_ = p.cmd.Wait()
}
