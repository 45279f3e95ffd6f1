package scenario

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// relay is where the register dials. It tells of bytes as they come in, holds
// them up while a gate is shut, and can be cut.
type relay struct {
	address, through string // where it listens, where it leads to
	heard            func(up bool)
	gates            map[string]*gate // by stream, as toxiproxy names them

	work  sync.WaitGroup
	mutex sync.Mutex
	on    net.Listener // nil while it is cut
	conns map[*net.TCPConn]bool
}

func newRelay(address, through string, heard func(up bool)) *relay {
	return &relay{
		address: address, through: through, heard: heard,
		gates: map[string]*gate{"upstream": {}, "downstream": {}}, conns: map[*net.TCPConn]bool{},
	}
}

// open listens, if it does not already: another cut may have ended first.
func (r *relay) open() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.on != nil {
		return nil
	}
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		return err
	}
	r.on = listener
	r.work.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return // it was cut
			}
			r.work.Go(func() { r.lead(c.(*net.TCPConn)) })
		}
	})
	return nil
}

// cut refuses connections from now on and ends those that there are.
func (r *relay) cut() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.on == nil {
		return
	}
	r.on.Close()
	r.on = nil
	for c := range r.conns {
		reset(c)
	}
}

// reset ends a connection as a machine that knows nothing of it does.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // of one that has ended already: nothing
	c.Close()
}

// keep notes a connection, so that a cut ends it; false where it is cut.
func (r *relay) keep(c *net.TCPConn) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.conns[c] = true
	return r.on != nil
}

func (r *relay) forget(c *net.TCPConn) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.conns, c)
	c.Close()
}

// lead carries one connection's bytes both ways to its end.
func (r *relay) lead(register *net.TCPConn) {
	defer r.forget(register)
	if !r.keep(register) {
		reset(register)
		return
	}
	dialled, err := net.Dial("tcp", r.through)
	if err != nil {
		reset(register)
		return
	}
	backend := dialled.(*net.TCPConn)
	defer r.forget(backend)
	if !r.keep(backend) {
		reset(register)
		return
	}
	began := time.Now()
	var down sync.WaitGroup
	down.Go(func() { r.carry(backend, register, began, false) })
	r.carry(register, backend, began, true)
	down.Wait()
}

// carry takes bytes one way. An end that was said goes on as one, and one by
// force as one by force.
func (r *relay) carry(from, to *net.TCPConn, began time.Time, up bool) {
	g := r.gates["downstream"]
	if up {
		g = r.gates["upstream"]
	}
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			g.pass(began)
			r.heard(up)
			_, failed := to.Write(buffer[:n])
			err = errors.Join(err, failed)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			g.pass(began)
			_ = to.CloseWrite() // the other way may have ended it
			return
		default:
			reset(from)
			reset(to)
			return
		}
	}
}

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

// pass waits until the gate is open for a connection. Whoever shut it opens it.
func (g *gate) pass(began time.Time) {
	for b := g.holds(began); b != nil; b = g.holds(began) {
		<-b.lifted
	}
}
