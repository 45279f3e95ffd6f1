package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"sekisho/offline"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
	"sekisho/terminal/uplink"
	"sekisho/terminal/wire"
)

const (
	backlog    = 100_000 // advices: what no store sells in a day without the line
	drainParts = 5       // the echo runs between them
	echoed     = 4000    // messages of an echo's part
	drainAfter = 10 * time.Minute
	// drainGoal is the part of the bare echo's rate at which a backlog goes: the
	// rest is two entries, two states and a row of the ledger for each advice.
	drainGoal = 0.5
	// drainWindow is the register's own.
	drainWindow  = 64
	betweenSales = 50 * time.Millisecond // many times faster than customers come
	// besideGoal is the longest that all but one payment in a hundred may take
	// while a backlog goes: nobody at a till sees it.
	besideGoal = 100 * time.Millisecond
)

// rate is a figure that counts, not one of time.
type rate struct {
	name  string
	value float64 // a second
	limit float64
	goal  float64 // the least ratio that is well
}

// String is the figure's line.
func (r rate) String() string {
	word := "short"
	if r.value >= r.goal*r.limit {
		word = "ok"
	}
	return fmt.Sprintf("bench: %s %.0f /s limit=echo+json:%.0f ratio=%.2f goal>=%.2f %s", r.name, r.value, r.limit, r.value/r.limit, r.goal, word)
}

// taker is a backend in this process that reads each message as a backend must,
// says yes to everything, and keeps nothing.
type taker struct {
	note    string
	address string
	line    trusted
	end     func() error
	taken   atomic.Int64
	gate    sync.RWMutex // held for writing while nothing is acknowledged
}

func openTaker() (*taker, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &taker{address: "wss://" + listener.Addr().String() + "/"}
	if t.line, err = newTrusted(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { t.serve(w, r, &t.gate) })
	mux.HandleFunc("/bare", func(w http.ResponseWriter, r *http.Request) { t.serve(w, r, new(sync.RWMutex)) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(tls.NewListener(listener, t.line.server)) }()
	t.end = func() error {
		err := server.Close()
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
	return t, nil
}

// serve answers each message in its turn, once the gate is open. It reads on while
// the gate is shut: pings are answered at once, as a backend's are, or the line
// would count as bad.
func (t *taker) serve(w http.ResponseWriter, r *http.Request, gate *sync.RWMutex) {
	conn, err := yes.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	read := make(chan wire.Message, 4*drainWindow) // more than a register has on the line
	answered := make(chan struct{})
	go func() { defer close(answered); t.answer(conn, read, gate) }()
	defer func() { close(read); conn.Close(); <-answered }()
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		m, err := wire.Parse(text)
		if err != nil {
			return
		}
		read <- m
	}
}

// answer replies to what was read, until there is no more.
func (t *taker) answer(conn *websocket.Conn, read <-chan wire.Message, gate *sync.RWMutex) {
	for m := range read {
		gate.RLock()
		gate.RUnlock()
		out, err := wire.Encode(t.reply(m))
		if err != nil || conn.WriteMessage(websocket.TextMessage, out) != nil {
			conn.Close() // the reader ends then; what it still brings is not answered
			continue
		}
		if m.Type == wire.TypeAdvice && gate == &t.gate {
			t.taken.Add(1)
		}
	}
}

func (t *taker) reply(m wire.Message) wire.Message {
	now := time.Now().UnixMilli()
	out := wire.Message{Version: wire.Version, ID: "b-" + m.ID, Re: m.ID, Session: 1}
	switch m.Type {
	case wire.TypeHello:
		out.Type, out.Welcome = wire.TypeWelcome, &wire.Welcome{Session: 1, Time: now, Grants: []wire.Grant{}, Policy: t.note}
	case wire.TypeAuthorise:
		out.Type, out.Answer = wire.TypeAnswer, &wire.Answer{
			Payment: m.Authorise.Payment, Outcome: wire.OutcomeApproved, Amount: m.Authorise.Amount, Approval: "000001", Grants: []wire.Grant{}, Time: now,
		}
	case wire.TypeAdvice:
		out.Type, out.Ack = wire.TypeAck, &wire.Ack{Payment: m.Advice.Payment, Of: m.Type, Status: wire.StatusAccepted, Grants: []wire.Grant{}, Time: now}
	default:
		out.Type, out.Error = wire.TypeError, &wire.Error{Code: wire.CodeType, Text: "not taken here"}
	}
	return out
}

// drainFigures measures how fast a backlog of advices goes up, through the real
// store and the real link, against a bare line with the same bytes, the same JSON
// on both ends and the same window; and how long a customer waits meanwhile. The
// backend is in this process: it reads, answers and keeps nothing.
func drainFigures() (_ fmt.Stringer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), drainAfter)
	defer cancel()
	t, sample, err := openBacklog(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	b, err := openTaker()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.end()) }()
	b.note = t.note
	link, err := uplink.New(uplink.Config{
		URL: b.address, Log: slog.New(slog.DiscardHandler),
		Trust: func() uplink.Trust { return b.line.trust }, Times: func() uplink.Times { return uplink.Times{Wall: time.Now()} },
	})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(t.rest(), t.start(ctx, link)); err != nil {
		return nil, err
	}
	linked, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- link.Run(linked, t.reg) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()
	drained, bare, slow, err := b.drain(ctx, t, sample)
	if err != nil {
		return nil, err
	}
	return figures{rate{"drain", drained, bare, drainGoal}, figure{"online-approval-in-drain-p99", slow, "goal", besideGoal, 1}}, nil
}

// drain lets the backlog go in parts, with the bare line between them, and gives
// both rates; and, of payments taken one after the other meanwhile, the time that
// all but one in a hundred took. They cost the backlog a part of the machine.
func (b *taker) drain(ctx context.Context, t *till, sample wire.Message) (drained, bare float64, slow time.Duration, err error) {
	var parts, echoes []float64
	var waits []time.Duration
	for part := range int64(drainParts) {
		b.gate.Lock()
		one, err := b.echoRate(ctx, sample)
		from, began := b.taken.Load(), time.Now()
		b.gate.Unlock()
		if err != nil {
			return 0, 0, 0, err
		}
		for b.taken.Load() < (part+1)*backlog/drainParts {
			if err := ctx.Err(); err != nil {
				return 0, 0, 0, err
			}
			took, err := t.onlinePayment(ctx, nil)
			if err != nil {
				return 0, 0, 0, err
			}
			waits = append(waits, took)
			time.Sleep(betweenSales)
		}
		parts = append(parts, float64(b.taken.Load()-from)/time.Since(began).Seconds())
		echoes = append(echoes, one)
	}
	slices.Sort(parts)
	slices.Sort(echoes)
	slices.Sort(waits)
	return parts[len(parts)/2], echoes[len(echoes)/2], waits[len(waits)*99/100], nil
}

// echoRate gives how many messages a second go there and back on a line of their
// own, window of them at once, with the JSON work of both ends.
func (b *taker) echoRate(ctx context.Context, sample wire.Message) (float64, error) {
	conn, response, err := (&websocket.Dialer{TLSClientConfig: b.line.client}).DialContext(ctx, b.address+"bare", nil)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	response.Body.Close()
	slots := make(chan struct{}, drainWindow)
	failed := make(chan error, 1)
	began := time.Now()
	go func() {
		for n := range echoed {
			slots <- struct{}{}
			sample.ID = fmt.Sprint("echo-", n)
			out, err := wire.Encode(sample)
			if err == nil {
				err = conn.WriteMessage(websocket.TextMessage, out)
			}
			if err != nil {
				failed <- err
				conn.Close()
				return
			}
		}
		failed <- nil
	}()
	for range echoed {
		_, text, err := conn.ReadMessage()
		if err == nil {
			_, err = wire.Parse(text)
		}
		if err != nil {
			return 0, errors.Join(err, <-failed)
		}
		<-slots
	}
	return echoed / time.Since(began).Seconds(), <-failed
}

// openBacklog gives a till whose ledger holds the backlog, and one of its messages.
func openBacklog(ctx context.Context) (*till, wire.Message, error) {
	t, err := openTill(ctx, deaf{})
	if err != nil {
		return nil, wire.Message{}, err
	}
	t.reg.LinkUp(ctx, wire.Welcome{Session: 1, Time: time.Now().UnixMilli(), Policy: t.note})
	t.reg.LinkDown(ctx, terminal.LineClosed)
	if _, err := t.offlinePayment(ctx, nil); err != nil {
		return nil, wire.Message{}, errors.Join(err, t.stop())
	}
	if err := t.rest(); err != nil {
		return nil, wire.Message{}, err
	}
	store, err := offline.Open(ctx, t.dir, offline.Options{})
	if err != nil {
		return nil, wire.Message{}, err
	}
	sample, err := fill(ctx, store)
	if err := errors.Join(err, store.Close()); err != nil {
		return nil, sample, err
	}
	return t, sample, t.start(ctx, deaf{})
}

// fill copies the one payment of a ledger, and its advice, until there is a
// backlog.
func fill(ctx context.Context, store *offline.Store) (sample wire.Message, err error) {
	one, item, err := only(ctx, store)
	if err != nil {
		return sample, err
	}
	const at = 500
	for range backlog / at {
		_, err := store.Decide(ctx, register.Scope{}, func(register.Usage) (c register.Changes, err error) {
			for range at {
				p, i := one, item
				p.ID = terminal.PaymentID(uuid.Must(uuid.NewV7()).String())
				p.Seen = terminal.SeenKey("bench-" + p.ID)
				i.Payment, i.Body = p.ID, []byte(replaceOnce(string(item.Body), string(one.ID), string(p.ID)))
				c.Payments, c.Outbox = append(c.Payments, p), append(c.Outbox, i)
				c.Entries = append(c.Entries, journal.OfPayment(p, p.Incarnation))
			}
			return c, nil
		})
		if err != nil {
			return sample, err
		}
	}
	return adviceMessage(item, one)
}

func replaceOnce(in, old, with string) string { return strings.Replace(in, old, with, 1) }

// only gives a ledger's one payment with its advice.
func only(ctx context.Context, store *offline.Store) (p terminal.Payment, i register.OutboxItem, err error) {
	snap, err := store.Load(ctx)
	if err != nil {
		return p, i, err
	}
	if len(snap.Outbox) != 1 || len(snap.Unresolved) != 1 {
		return p, i, fmt.Errorf("the bench's ledger has %d items", len(snap.Outbox))
	}
	_, err = store.Decide(ctx, register.Scope{Items: []int64{snap.Outbox[0].ID}}, func(u register.Usage) (register.Changes, error) {
		i = u.Items[0]
		return register.Changes{}, nil
	})
	return snap.Unresolved[0], i, err
}

// adviceMessage is an item as it goes on the line.
func adviceMessage(i register.OutboxItem, p terminal.Payment) (wire.Message, error) {
	m := wire.Message{
		Version: wire.Version, Type: wire.TypeAdvice, Session: 1, Incarnation: string(p.Incarnation),
		Journal: &wire.Head{Size: 100_000, Root: strings.Repeat("0", 64)}, Advice: &wire.Advice{},
	}
	return m, json.Unmarshal(i.Body, m.Advice)
}
