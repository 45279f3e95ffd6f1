package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

const (
	roundTrips    = 500
	roundTripGoal = 1.5
)

// asker is a till that asks the backend and waits for the answer: the product's
// link, and none of the register's work.
type asker struct {
	member
	up       chan struct{}
	answered chan heard
	session  int64
}

// heard is an answer, and when the link brought it.
type heard struct {
	message wire.Message
	at      time.Time
}

// LinkUp implements uplink.Till.
func (a *asker) LinkUp(_ context.Context, w wire.Welcome) {
	a.session = w.Session
	close(a.up)
}

// Received implements uplink.Till.
func (a *asker) Received(_ context.Context, m wire.Message) {
	if m.Type == wire.TypeAnswer || m.Type == wire.TypeError {
		a.answered <- heard{m, time.Now()}
	}
}

// roundTrip measures an authorise from the client's Send to the answer's arrival
// at the till: through the product's link, TLS with certificates of both sides, and
// the reference backend, which keeps its ledger in memory, so that no fsync
// counts. Its limit is a bare TLS echo of the same bytes with the same JSON work
// at both ends: question and answer are each encoded once and read once.
//
// The goal is not reached. On two busy cores it takes 2.8 to 3.6 times the echo, and
// 1.2 to 1.4 where the backend says yes without a transaction. That is 17 statements,
// through database/sql and cgo, of which none takes more than a tenth of the trip.
func roundTrip() (_ fmt.Stringer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), approvalAfter)
	defer cancel()
	dir, err := os.MkdirTemp("", "sekisho-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	identity := policy.Identity{Register: "r", Store: "s", Class: scenario.Class, Realm: scenario.Realm}
	if _, err := scenario.MakeKeys(dir+"/operator", dir+"/register", identity); err != nil {
		return nil, err
	}
	b, told, end, err := headquarters(ctx, dir+"/operator", 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	a, err := openAsker(ctx, told)
	if err != nil {
		return nil, err
	}
	linked, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.link.Run(linked, a) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()
	select {
	case <-a.up:
	case <-ctx.Done():
		return nil, errors.New("the bench's line did not come up")
	}
	echoed, err := openTLSEcho()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, echoed.end()) }()
	return a.measure(ctx, b, echoed)
}

// openAsker enrols the one register.
func openAsker(ctx context.Context, told muster) (*asker, error) {
	ca, err := told.authority()
	if err != nil {
		return nil, err
	}
	client := trusting(ca)
	defer client.CloseIdleConnections()
	m, err := enrolOne(ctx, client, told, told.Codes[0], ca)
	if err != nil {
		return nil, err
	}
	return &asker{member: *m, up: make(chan struct{}), answered: make(chan heard, 1)}, nil
}

func (a *asker) measure(ctx context.Context, b *backendsim.Backend, echoed *tlsEcho) (fmt.Stringer, error) {
	// Accounts are made before: that is not the line's work.
	codes := make([]string, roundTrips+1)
	for n := range codes {
		codes[n] = fmt.Sprintf("28%016d", n)
		account := fmt.Sprintf("bench-%d", n)
		if err := errors.Join(b.SetAccount(ctx, scenario.Issuer, account, 10_000), b.RegisterDigits(ctx, codes[n], scenario.Issuer, account)); err != nil {
			return nil, err
		}
	}
	conn, err := echoed.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ask := a.authorise(codes[roundTrips])
	answer, _, err := a.ask(ctx, ask)
	if err != nil {
		return nil, err
	}
	n := -1
	value, limit, err := byTurns(roundTrips, func() (time.Duration, error) {
		n++
		_, took, err := a.ask(ctx, a.authorise(codes[n]))
		return took, err
	}, func() (time.Duration, error) {
		began := time.Now()
		err := thereAndBack(conn, ask, answer)
		return time.Since(began), err
	})
	return figure{"authorise-round-trip", value, "tls-echo+json", limit, roundTripGoal}, err
}

// ask sends an authorise and waits for its approval; took is until the link brought it.
func (a *asker) ask(ctx context.Context, m wire.Message) (got wire.Message, took time.Duration, err error) {
	began := time.Now()
	if !a.link.Send(m) {
		return got, 0, errors.New("the bench's line is down")
	}
	select {
	case came := <-a.answered:
		got = came.message
		if got.Answer == nil || got.Answer.Outcome != wire.OutcomeApproved {
			return got, 0, fmt.Errorf("the bench's authorise was answered %+v %+v", got.Answer, got.Error)
		}
		return got, came.at.Sub(began), nil
	case <-ctx.Done():
		return got, 0, ctx.Err()
	}
}

// authorise is a lunch paid with a wallet's digits.
func (a *asker) authorise(code string) wire.Message {
	now := time.Now()
	day := now.UTC().Format(time.DateOnly) // no cap is spent: any day will do
	hash := hex.EncodeToString(make([]byte, 32))
	return wire.Message{
		Version: wire.Version, Type: wire.TypeAuthorise, ID: fmt.Sprintf("a%d", hellos.Add(1)), Session: a.session, Incarnation: "bench-" + a.id,
		Journal: &wire.Head{Root: emptyRoot},
		Authorise: &wire.Authorise{
			Common: wire.Common{
				Payment: uuid.Must(uuid.NewV7()).String(), BusinessDay: day, Window: day, NotAfter: now.Add(patience).UnixMilli(), SaleHash: hash,
				Versions: wire.Versions{Policy: 1}, Clock: wire.ClockAuthenticated, ContactAge: 250, Currency: wire.Currency,
			},
			Amount: 720, Kind: "digits", Issuer: scenario.Issuer, Code: code,
			Sale:   wire.Sale{Ref: "4711-20260105-0042", Revision: 3, Hash: hash, Lines: []wire.Line{}},
			Spends: []wire.Spend{},
		},
	}
}
