package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal/uplink"
	"sekisho/terminal/wire"
)

// prompt is a backend that says yes at once and keeps nothing, so that what is
// measured is the register.
type prompt struct {
	note    func() string
	ask     []byte // the last authorise
	answer  []byte // and the answer to it
	arrived func() // called when an authorise has come
	address string
	end     func() error
}

var yes = websocket.Upgrader{Subprotocols: []string{wire.Subprotocol}}

// openPrompt serves on any port of this machine.
func openPrompt() (*prompt, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &prompt{address: "ws://" + listener.Addr().String() + "/"}
	mux := http.NewServeMux()
	mux.HandleFunc("/", p.serve)
	mux.HandleFunc("/echo", echo)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	p.end = func() error {
		err := server.Close()
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
	return p, nil
}

func (p *prompt) serve(w http.ResponseWriter, r *http.Request) {
	conn, err := yes.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		m, err := wire.Parse(text)
		if err != nil {
			return
		}
		reply, said := p.reply(m)
		if !said {
			continue
		}
		out, err := wire.Encode(reply)
		if err != nil {
			return
		}
		if m.Type == wire.TypeAuthorise {
			p.ask, p.answer = text, out
			p.arrived()
		}
		if conn.WriteMessage(websocket.TextMessage, out) != nil {
			return
		}
	}
}

func (p *prompt) reply(m wire.Message) (wire.Message, bool) {
	now := time.Now().UnixMilli()
	switch m.Type {
	case wire.TypeHello:
		return wire.Message{Version: wire.Version, Type: wire.TypeWelcome, ID: "w", Re: m.ID, Session: 1,
			Welcome: &wire.Welcome{Session: 1, Time: now, Grants: []wire.Grant{}, Policy: p.note()}}, true
	case wire.TypeAuthorise:
		return wire.Message{Version: wire.Version, Type: wire.TypeAnswer, ID: "a-" + m.ID, Re: m.ID, Session: 1, Answer: &wire.Answer{
			Payment: m.Authorise.Payment, Outcome: wire.OutcomeApproved, Amount: m.Authorise.Amount, Approval: "000001", Grants: []wire.Grant{}, Time: now,
		}}, true
	}
	return wire.Message{}, false
}

// echo sends back what comes: the bare line.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := yes.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		kind, text, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, text) != nil {
			return
		}
	}
}

// onlineApproval measures a code that was scanned to its durable verdict over
// the line, against a bare websocket's way there and back with the same bytes,
// the same JSON on both ends, and two appends with fdatasync of as many bytes as
// its two commits add to the log: before it is sent, and before it is shown.
func onlineApproval() (_ fmt.Stringer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), approvalAfter)
	defer cancel()
	p, err := openPrompt()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	link, err := uplink.New(uplink.Config{URL: p.address, Insecure: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	t, err := openTill(ctx, link)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	p.note = func() string { return t.note }
	linked, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- link.Run(linked, t.reg) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()
	if err := t.ready(ctx); err != nil {
		return nil, err
	}
	sent, shown, err := t.weighOnline(ctx, p)
	if err != nil {
		return nil, err
	}
	bare, hangUp, err := t.bareOnline(ctx, p, sent, shown)
	if err != nil {
		return nil, err
	}
	defer hangUp()
	value, limit, err := byTurns(approvals, func() (time.Duration, error) { return t.onlinePayment(ctx, nil) }, bare)
	return figure{"online-approval", value, "echo+json+2*fdatasync", limit, onlineGoal}, err
}

// ready waits until the line is up and the policy in force.
func (t *till) ready(ctx context.Context) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if v := t.reg.View(); v.Link.Up && v.Policy.Version > 0 {
			return nil
		}
		if _, err := t.reg.Caps(ctx); err != nil { // waits for the loop's turn
			return err
		}
	}
	return errors.New("the bench's line did not come up")
}

// weighOnline gives what the two commits of an approval add to the log.
func (t *till) weighOnline(ctx context.Context, p *prompt) (sent, shown int64, err error) {
	var first, second []int64
	for range weighed {
		var before, between int64
		p.arrived = func() { between, _ = t.logSize() }
		_, err := t.onlinePayment(ctx, func(scan bool) error {
			size, err := t.logSize()
			if scan {
				before = size
				return err
			}
			first, second = append(first, between-before), append(second, size-between)
			return err
		})
		if err != nil {
			return 0, 0, err
		}
	}
	p.arrived = func() {}
	return middle(first), middle(second), nil
}

// onlinePayment takes one payment from sale to goods. look runs right before the
// scan and right after the verdict.
func (t *till) onlinePayment(ctx context.Context, look func(scan bool) error) (time.Duration, error) {
	phone, err := t.phone()
	if err != nil {
		return 0, err
	}
	return t.payment(ctx, phone.Digits(walletsim.PayPay), look)
}

// bareOnline is the limit of an online approval.
func (t *till) bareOnline(ctx context.Context, p *prompt, sent, shown int64) (measured, func() error, error) {
	file, err := openPlain(t.dir)
	if err != nil {
		return nil, nil, err
	}
	conn, response, err := websocket.DefaultDialer.DialContext(ctx, p.address+"echo", nil)
	if err != nil {
		return nil, nil, err
	}
	response.Body.Close()
	ask, err := wire.Parse(p.ask)
	if err != nil {
		return nil, nil, err
	}
	answer, err := wire.Parse(p.answer)
	if err != nil {
		return nil, nil, err
	}
	first, second := make([]byte, sent), make([]byte, shown)
	rand.Read(first)
	rand.Read(second)
	return func() (time.Duration, error) {
		began := time.Now()
		err := errors.Join(file.keep(first), thereAndBack(conn, ask, answer), file.keep(second))
		return time.Since(began), err
	}, conn.Close, nil
}

// thereAndBack does what both ends must do with a question and its answer. The
// echo sends the question back; the answer, which is smaller, is then read.
func thereAndBack(conn *websocket.Conn, ask, answer wire.Message) error {
	out, err := wire.Encode(ask)
	if err != nil {
		return err
	}
	if err := conn.WriteMessage(websocket.TextMessage, out); err != nil {
		return err
	}
	_, text, err := conn.ReadMessage()
	if err != nil {
		return err
	}
	if _, err := wire.Parse(text); err != nil {
		return err
	}
	reply, err := wire.Encode(answer)
	if err != nil {
		return err
	}
	_, err = wire.Parse(reply)
	return err
}
