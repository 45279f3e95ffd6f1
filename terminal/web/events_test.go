package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/web/pin"
)

// told is one event as a client reads it.
type told struct {
	kind, id, data string
}

// listener reads a stream of events.
type listener struct {
	t    *testing.T
	res  *http.Response
	scan *bufio.Scanner
}

func listen(t *testing.T, c *http.Client, url, last string) *listener {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	bearer(someTokens.POS)(req)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if kind := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("status %d, %s", res.StatusCode, kind)
	}
	return &listener{t: t, res: res, scan: bufio.NewScanner(res.Body)}
}

func (l *listener) close() { _ = l.res.Body.Close() }

// next gives the next event, or io.EOF's false where the stream has ended.
func (l *listener) next() (told, bool) {
	var e told
	for l.scan.Scan() {
		name, value, _ := strings.Cut(l.scan.Text(), ": ")
		switch name {
		case "event":
			e.kind = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.kind != "" {
				return e, true
			}
		}
	}
	return e, false
}

// want reads one event and compares type, id and a part of its data.
func (l *listener) want(kind, id, part string) {
	l.t.Helper()
	e, ok := l.next()
	if !ok {
		l.t.Fatalf("the stream ended before %s %s", kind, id)
	}
	if e.kind != kind || e.id != id || !strings.Contains(e.data, part) || !json.Valid([]byte(e.data)) {
		l.t.Fatalf("got %+v, want %s with id %q and %s", e, kind, id, part)
	}
}

func saleEvent(ref terminal.SaleRef) register.Event {
	return register.Event{Type: register.EventSale, Journal: -1, Data: register.View{Sale: &terminal.Sale{Ref: ref}}}
}

func verdictEvent(kind register.EventType, index int64) register.Event {
	return register.Event{Type: kind, Journal: index, Data: terminal.Verdict{Number: strconv.FormatInt(index, 10)}}
}

func TestEventsComeInOrderWithTheJournalsIndexAsID(t *testing.T) {
	x := newTill(t)
	x.desk.view.Sale = &terminal.Sale{Ref: "now"}
	l := listen(t, x.Client(), x.URL, "")
	defer l.close()
	l.want("sale", "", `"ref":"now"`)
	x.events.Emit(saleEvent("a\nevent: x"))
	x.events.Emit(verdictEvent(register.EventPayment, 0))
	x.events.Emit(verdictEvent(register.EventVerdict, 0))
	x.events.Emit(register.Event{Type: register.EventScanner, Journal: -1, Data: register.Scan{Kind: "goods", GTIN: "4901085141434"}})
	for _, kind := range []register.EventType{register.EventLink, register.EventPolicy, register.EventCaps} {
		x.events.Emit(register.Event{Type: kind, Journal: -1, Data: register.View{Outbox: 3}})
	}
	l.want("sale", "", `"ref":"a\nevent: x"`)
	l.want("payment", "0", `"number":"0"`)
	l.want("verdict", "0", `"number":"0"`)
	l.want("scanner", "", `"gtin":"4901085141434"`)
	for _, kind := range []string{"link", "policy", "caps"} {
		l.want(kind, "", `"outbox":3`)
	}
}

func TestClientThatComesBackGetsWhatItMissed(t *testing.T) {
	x := newTill(t)
	x.desk.view.Sale = &terminal.Sale{Ref: "now"}
	x.events.Emit(verdictEvent(register.EventPayment, 4))
	x.events.Emit(verdictEvent(register.EventPayment, 5))
	x.events.Emit(verdictEvent(register.EventVerdict, 5))
	x.events.Emit(saleEvent("later"))
	x.events.Emit(verdictEvent(register.EventPayment, 6))

	back := listen(t, x.Client(), x.URL, "5")
	defer back.close()
	back.want("verdict", "5", `"number":"5"`) // it may have got only the first of index 5
	back.want("sale", "", `"ref":"later"`)
	back.want("payment", "6", `"number":"6"`)
	back.want("sale", "", `"ref":"now"`)

	late := listen(t, x.Client(), x.URL, "3") // from before the register's start
	defer late.close()
	late.want("sale", "", `"ref":"now"`)
	x.events.Emit(verdictEvent(register.EventVerdict, 7))
	back.want("verdict", "7", `"number":"7"`)
	late.want("verdict", "7", `"number":"7"`)

	for _, bad := range []string{"x", "-2", "1.5"} {
		a := x.do(t, "GET", "/v1/events", "", func(r *http.Request) { r.Header.Set("Last-Event-ID", bad) })
		if code, _ := a.problem(t); a.status != http.StatusBadRequest || code != "request.invalid" {
			t.Errorf("Last-Event-ID %s: %d %s", bad, a.status, a.body)
		}
	}
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	e := NewEvents()
	for i := range int64(3 * maxRecent) {
		e.Emit(verdictEvent(register.EventPayment, i))
	}
	if len(e.recent) != maxRecent || e.recent[0].journal != 2*maxRecent {
		t.Errorf("%d remembered from %d on", len(e.recent), e.recent[0].journal)
	}
	_, missed, err := e.join(3*maxRecent - 2)
	if err != nil || len(missed) != 1 {
		t.Errorf("%d missed, %v; want the last one", len(missed), err)
	}
	_, missed, err = e.join(7)
	if err != nil || missed != nil {
		t.Errorf("%d missed, %v; want none of what is forgotten", len(missed), err)
	}
}

func TestEventThatCannotBeWrittenLeavesNobodyWithAGap(t *testing.T) {
	x := newTill(t)
	x.events.Emit(verdictEvent(register.EventPayment, 5))
	x.events.Emit(verdictEvent(register.EventPayment, 6))
	l := listen(t, x.Client(), x.URL, "")
	defer l.close()
	l.want("sale", "", "{")
	x.events.Emit(register.Event{Type: register.EventSale, Journal: -1, Data: func() {}})
	if e, ok := l.next(); ok {
		t.Errorf("the client stayed and got %+v", e)
	}
	again := listen(t, x.Client(), x.URL, "5")
	defer again.close()
	again.want("sale", "", "{") // not 6: what came after it is lost
}

func TestClientsAreBounded(t *testing.T) {
	x := newTill(t)
	var all []*listener
	for range maxClients {
		l := listen(t, x.Client(), x.URL, "")
		defer l.close()
		l.want("sale", "", "{")
		all = append(all, l)
	}
	a := x.do(t, "GET", "/v1/events", "")
	if code, _ := a.problem(t); a.status != http.StatusServiceUnavailable || code != "events.full" {
		t.Errorf("%d %s", a.status, a.body)
	}
	x.events.Emit(saleEvent("a"))
	for _, l := range all {
		l.want("sale", "", `"ref":"a"`)
	}
}

// pipes is a listener without a network, so that its time can be the bubble's.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8470} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.conns <- there
	return here, nil
}

// serve runs a whole server in a bubble; end stops it and gives Serve's error.
func serve(t *testing.T) (d *desk, events *Events, p *pipes, end func() error) {
	p, events, d = newPipes(), NewEvents(), &desk{}
	s := New(Config{Desk: d, Reader: &ledger{}, Events: events, Tokens: someTokens, PIN: &pin.Gate{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, p) }()
	return d, events, p, func() error { cancel(); return <-ended }
}

func TestI8SlowClientIsCutOffAndNobodyWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, events, p, end := serve(t)
		conn, _ := p.dial(t.Context(), "", "")
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+someTokens.POS+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{DialContext: p.dial}}
		defer client.CloseIdleConnections()
		quick := listen(t, client, "http://localhost", "")
		quick.want("sale", "", "{")
		synctest.Wait() // the slow client's first write hangs now: it reads nothing

		start := time.Now()
		for i := range int64(2 * maxQueue) {
			events.Emit(verdictEvent(register.EventPayment, i))
			quick.want("payment", strconv.FormatInt(i, 10), "{")
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the register waited %v for a client", waited)
		}
		events.mu.Lock()
		left := len(events.clients)
		events.mu.Unlock()
		if left != 1 {
			t.Errorf("%d clients are left, want the quick one alone", left)
		}
		<-time.After(streamWrite) // the bubble's time: it costs none
		synctest.Wait()
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Errorf("the slow client's connection did not end: %v", err)
		}
		quick.close()
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// Whoever opens connections, with a token or without, does not use up the files
// of the process that keeps the ledger.
func TestI8ConnectionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, p, end := serve(t)
		for range maxConnections {
			conn, _ := p.dial(t.Context(), "", "")
			defer conn.Close()
		}
		synctest.Wait()
		here, there := net.Pipe()
		defer here.Close()
		select {
		case p.conns <- there:
			t.Errorf("connection %d was taken", maxConnections+1)
		default:
		}
		<-time.After(headerWait) // those that say nothing are closed, and their places are free
		client := &http.Client{Transport: &http.Transport{DialContext: p.dial}}
		for range 2 * maxConnections {
			res, err := client.Get("http://localhost/static/icon.svg")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			client.CloseIdleConnections()
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestHeartbeatOutlivesTheLimitsOfShortRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, events, p, end := serve(t)
		client := &http.Client{Transport: &http.Transport{DialContext: p.dial}}
		defer client.CloseIdleConnections()
		l := listen(t, client, "http://localhost", "")
		l.want("sale", "", "{")
		start := time.Now()
		for i := range 20 { // five minutes: longer than every limit of the server
			for l.scan.Scan() && !strings.HasPrefix(l.scan.Text(), ":") {
			}
			if got, want := time.Since(start), time.Duration(i+1)*heartbeat; got != want {
				t.Fatalf("heartbeat %d came after %v, want %v", i, got, want)
			}
		}
		events.Emit(saleEvent("still here"))
		l.want("sale", "", `"ref":"still here"`)
		l.close()
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestI8StoppingEndsTheStreamsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, events, p, end := serve(t)
		client := &http.Client{Transport: &http.Transport{DialContext: p.dial}}
		defer client.CloseIdleConnections()
		l := listen(t, client, "http://localhost", "")
		defer l.close()
		l.want("sale", "", "{")
		start := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		if e, ok := l.next(); ok || l.scan.Err() != nil {
			t.Errorf("after the stop: %+v, %v; want a clean end", e, l.scan.Err())
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if waited := time.Since(start); waited >= stopWait {
			t.Errorf("stopping took %v", waited)
		}
		events.Emit(saleEvent("nobody")) // must not panic
		if _, _, err := events.join(noJournal); problemOf(err).code != register.CodeShutdown {
			t.Errorf("a client came after the stop: %v", err)
		}
	})
}

func TestI8RegisterThatHangsIsNotWaitedForLongerThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, events := newPipes(), NewEvents()
		s := New(Config{Desk: hanging{&desk{}}, Reader: &ledger{}, Events: events, Tokens: someTokens, PIN: &pin.Gate{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, p) }()
		client := &http.Client{Transport: &http.Transport{DialContext: p.dial}}
		defer client.CloseIdleConnections()
		start := time.Now()
		req, err := http.NewRequestWithContext(t.Context(), "POST", "http://localhost/v1/sales/a/ready", nil)
		if err != nil {
			t.Fatal(err)
		}
		bearer(someTokens.POS)(req)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var b bytes.Buffer
		_, _ = b.ReadFrom(res.Body)
		if res.StatusCode != http.StatusServiceUnavailable || time.Since(start) != deskWait || !strings.Contains(b.String(), `"code":"late"`) {
			t.Errorf("after %v: %d %s", time.Since(start), res.StatusCode, b.String())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// hanging is a register whose Ready never ends by itself.
type hanging struct{ *desk }

func (hanging) Ready(ctx context.Context, _ terminal.SaleRef) (terminal.Sale, error) {
	<-ctx.Done()
	return terminal.Sale{}, ctx.Err()
}
