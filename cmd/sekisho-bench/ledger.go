package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"sekisho/offline"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

const (
	largeLedger  = 1_000_000 // entries: some years of a busy till
	smallLedger  = 1_000
	ledgerBatch  = 2_000 // entries in one commit while a ledger is made
	ledgerStarts = 9
	ledgerRounds = 400
	ledgerStart  = time.Second // goal from a clean stop to ready
	ledgerGoal   = 1.1         // one more approval may take this much longer in the large one
	benchRun     = terminal.Incarnation("00112233445566778899aabbccddeeff")
	benchDay     = terminal.BusinessDay("2026-03-31")
)

// entriesEach is how many journal entries a bench payment has: sent, approved,
// handed over.
const entriesEach = 3

// benchPayment is the n-th approval of a bench ledger, with a fresh id.
func benchPayment(n int64) (terminal.Payment, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return terminal.Payment{}, err
	}
	at := terminal.MillisOf(time.Now())
	spend := terminal.Amount{Yen: 580, Units: 1}
	return terminal.Payment{
		ID: terminal.PaymentID(id.String()), Number: n, State: terminal.Approved, Amount: 720,
		Sale: terminal.SaleRef(fmt.Sprint("pos-1/", n)), Revision: 2, SaleHash: fmt.Sprintf("%064x", n),
		Code: terminal.CodePass, Issuer: "bench-wallet", Masked: "…1234", Account: terminal.AccountKey(fmt.Sprintf("%016x", n%5_000)),
		Incarnation: benchRun, Day: benchDay, Created: at, Decided: at, Approval: fmt.Sprint("A", n),
		Spends: []terminal.Spend{{Cap: "tobacco-day", Window: benchDay, Reserved: spend}},
		Counts: []terminal.Count{{Cap: "tobacco-hour", Amount: spend}},
	}, nil
}

// approve stores one approval as a register does: payment, counter, code seen
// and journal entry.
func approve(store register.Store, n int64) error {
	p, err := benchPayment(n)
	if err != nil {
		return err
	}
	key := terminal.CounterKey{Cap: "tobacco-day", Window: benchDay, Incarnation: benchRun}
	hour := register.Tally{Cap: "tobacco-hour", Since: p.Created}
	scope := register.Scope{Payment: p.ID, Counters: []terminal.CounterKey{key}, Seen: terminal.SeenKey(p.SaleHash), Account: p.Account, Since: p.Created, Tallies: []register.Tally{hour}}
	_, err = store.Decide(context.Background(), scope, func(u register.Usage) (register.Changes, error) {
		want := p.Spends[0].Reserved
		c, ok := u.Counters[key].Grant(u.Counters[key].Used.Plus(want)).Use(want)
		if !ok {
			return register.Changes{}, errors.New("the counter holds too little")
		}
		return register.Changes{
			Payments: []terminal.Payment{p}, Counters: []terminal.Counter{c},
			Seen:    &register.SeenCode{Key: scope.Seen, Payment: p.ID, Keep: p.Created},
			Entries: []journal.Draft{journal.OfPayment(p, benchRun)},
		}, nil
	})
	return err
}

// makeLedger fills a ledger with payments until it has the given number of
// entries, many to a commit, and ends it cleanly.
func makeLedger(dir string, entries int64) error {
	store, err := offline.Open(context.Background(), dir, offline.Options{})
	if err != nil {
		return err
	}
	for n := int64(0); n < entries && err == nil; {
		var c register.Changes
		for ; n < entries && len(c.Entries) < ledgerBatch && err == nil; n += entriesEach {
			var p terminal.Payment
			if p, err = benchPayment(n); err != nil {
				break
			}
			c.Payments = append(c.Payments, p)
			c.Entries = append(c.Entries, journal.OfPayment(p, benchRun), journal.OfPayment(p, benchRun), journal.OfMark(p, benchRun, p.Decided, journal.MarkHandedOver, "cashier"))
		}
		if err == nil {
			_, err = store.Decide(context.Background(), register.Scope{}, func(register.Usage) (register.Changes, error) { return c, nil })
		}
	}
	return errors.Join(err, store.Close())
}

// ledgerFigures measures a ledger of a million entries: from a clean stop to
// ready, and one more approval beside the same in a small ledger.
func ledgerFigures() (fmt.Stringer, error) {
	root, err := os.MkdirTemp("", "sekisho-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	large, small := root+"/large", root+"/small"
	if err := errors.Join(makeLedger(large, largeLedger), makeLedger(small, smallLedger)); err != nil {
		return nil, err
	}
	start, err := startFigure(large)
	if err != nil {
		return nil, err
	}
	more, err := moreFigure(large, small)
	return figures{start, more}, err
}

func startFigure(dir string) (figure, error) {
	var times []time.Duration
	for range ledgerStarts {
		began := time.Now()
		store, err := offline.Open(context.Background(), dir, offline.Options{})
		if err != nil {
			return figure{}, err
		}
		_, err = store.Load(context.Background())
		times = append(times, time.Since(began))
		if err := errors.Join(err, store.Close()); err != nil {
			return figure{}, err
		}
	}
	return figure{"start-million", median(times), "goal", ledgerStart, 1}, nil
}

func moreFigure(large, small string) (figure, error) {
	inLarge, err := offline.Open(context.Background(), large, offline.Options{})
	if err != nil {
		return figure{}, err
	}
	defer inLarge.Close()
	inSmall, err := offline.Open(context.Background(), small, offline.Options{})
	if err != nil {
		return figure{}, err
	}
	defer inSmall.Close()
	value, limit, err := inTurn(ledgerRounds,
		func(round int) error { return approve(inLarge, largeLedger+int64(round)) },
		func(round int) error { return approve(inSmall, smallLedger+int64(round)) },
	)
	return figure{"decide-million", value, "thousand", limit, ledgerGoal}, err
}
