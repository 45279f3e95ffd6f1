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
	answered chan wire.Message
	session  int64
}

// LinkUp implements uplink.Till.
func (a *asker) LinkUp(_ context.Context, w wire.Welcome) {
	a.session = w.Session
	close(a.up)
}

// Received implements uplink.Till.
func (a *asker) Received(_ context.Context, m wire.Message) {
	if m.Type == wire.TypeAnswer || m.Type == wire.TypeError {
		a.answered <- m
	}
}

// roundTrip measures an authorise from the client's Send to the answer's
// arrival: through the product's link, TLS with certificates of both sides, and
// the reference backend, which keeps its ledger in memory, so that no fsync
// counts. Its limit is a bare TLS echo of the same bytes with the same JSON work
// at both ends: question and answer are each encoded once and read once.
//
// The goal is not reached. On two busy cores it takes 3.5 to 4.5 times the echo:
// of 205 us beside 56 the ledger's transaction takes 87, which is 17 statements of
// 5 us each through database/sql and cgo. The goal would leave 28 us for it and for
// the goroutines that read and write at both ends, which alone add some 60.
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
	return &asker{member: *m, up: make(chan struct{}), answered: make(chan wire.Message, 1)}, nil
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
	answer, err := a.ask(ctx, ask)
	if err != nil {
		return nil, err
	}
	value, limit, err := inTurn(roundTrips, func(n int) error {
		_, err := a.ask(ctx, a.authorise(codes[n]))
		return err
	}, func(int) error { return thereAndBack(conn, ask, answer) })
	return figure{"authorise-round-trip", value, "tls-echo+json", limit, roundTripGoal}, err
}

// ask sends an authorise and waits for its approval.
func (a *asker) ask(ctx context.Context, m wire.Message) (wire.Message, error) {
	if !a.link.Send(m) {
		return wire.Message{}, errors.New("the bench's line is down")
	}
	select {
	case got := <-a.answered:
		if got.Answer == nil || got.Answer.Outcome != wire.OutcomeApproved {
			return got, fmt.Errorf("the bench's authorise was answered %+v %+v", got.Answer, got.Error)
		}
		return got, nil
	case <-ctx.Done():
		return wire.Message{}, ctx.Err()
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
