package backendsim

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"sekisho/terminal/wire"
)

// What a transaction wrote is gone when it fails, also by a panic, and the next
// one is none the worse for it.
func TestI2WhatFailsLeavesNothingBehind(t *testing.T) {
	w := running(t)
	write := func(t *tx) error {
		return t.exec("INSERT INTO tombstone (payment, register, at) VALUES ('p', 'r', 1)")
	}
	failed := errors.New("failed")
	for name, fail := range map[string]func(*tx) error{
		"an error": func(*tx) error { return failed },
		"a panic":  func(*tx) error { panic(failed) },
	} {
		func() {
			defer func() { _ = recover() }()
			err := w.b.ledger.change(context.Background(), func(t *tx) error { return errors.Join(write(t), fail(t)) })
			if !errors.Is(err, failed) {
				t.Errorf("%s: change gave %v", name, err)
			}
		}()
		if all, err := w.b.Ledger().Payments(context.Background()); err != nil || len(all) != 0 {
			t.Errorf("after %s the ledger has %+v (%v)", name, all, err)
		}
	}
	must(t, w.b.ledger.change(context.Background(), write))
	if all, err := w.b.Ledger().Payments(context.Background()); err != nil || len(all) != 1 {
		t.Errorf("after all the ledger has %+v (%v)", all, err)
	}
}

// Who waits for the writer waits as long as its context allows.
func TestI8AChangeWaitsNoLongerThanItMay(t *testing.T) {
	w := running(t)
	err := w.b.ledger.change(context.Background(), func(*tx) error {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		return w.b.ledger.change(over, func(*tx) error { return nil })
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the second change ended with %v", err)
	}
}

// A file of a backend that kept the text of each answer is read on.
func TestALedgerThatKeptAnswersIsReadOn(t *testing.T) {
	w := newWorld(t)
	db, err := sql.Open("sqlite3", w.cfg.File)
	must(t, err)
	const last = "decided     INTEGER NOT NULL"
	id := newID(t)
	for _, query := range []string{
		strings.Replace(schema, last, last+", answer TEXT NOT NULL", 1),
		`INSERT INTO payment (id, register, store, incarnation, state, offline, amount, approval, issuer, masked, created, decided, answer)
			VALUES ('` + id + `', 'r1', '` + store + `', 'i1', 'approved', 0, 720, 'ABCDEF', 'demo', '…0001', 1, 1, '{}')`,
	} {
		_, err := db.Exec(query)
		must(t, err)
	}
	must(t, db.Close())
	w.start()
	defer w.stop()
	r := w.till("r1", "i1")
	old := r.ask(w.query(id)).Answer
	if old == nil || old.Outcome != wire.OutcomeApproved || old.Amount != 720 || old.Approval != "ABCDEF" || old.Account != "…0001" {
		t.Errorf("the old payment is answered with %+v", old)
	}
	if got := r.ask(w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 600, nil)); got.Answer == nil || got.Answer.Outcome != wire.OutcomeApproved {
		t.Errorf("a new payment is answered with %+v %+v", got.Answer, got.Error)
	}
}
