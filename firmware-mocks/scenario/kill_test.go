package scenario

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

// TestI1I2I4KilledAtRandom kills sekishod with signal 9 at random moments of a
// running shift, with the line going up and down and answers getting lost, and
// holds what the till was told against both ledgers:
//
//   - I2: no payment that the till was told is approved is lost, nor one that it
//     was told is handed over or voided;
//   - I2: an approval that was not handed over is on the screen again;
//   - I1: none is charged twice, no sale is paid twice, both ledgers agree;
//   - I4, I8: none is unresolved at the end.
//
// ROUNDS sets how many times (100), SEED the order of things. On a slow machine a
// sale takes longer; then a round does too (see cashier.learn).
func TestI1I2I4KilledAtRandom(t *testing.T) {
	rounds := intFrom(t, "ROUNDS", 100)
	seed := intFrom(t, "SEED", int(time.Now().UnixNano()&0xffffffff))
	t.Logf("SEED=%d ROUNDS=%d", seed, rounds)
	rules := DemoRules()
	rules.Answer, rules.GiveUp, rules.TobaccoDay = 300*time.Millisecond, 2*time.Second, 100_000
	w := newWorld(t, rules)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rounds)*20*time.Second)
	defer cancel()
	if err := w.Ready(ctx); err != nil {
		t.Fatal(err)
	}

	c := &cashier{w: w, chance: rand.New(rand.NewPCG(uint64(seed), 1)), stretch: 1}
	kills := 0
	for ; kills < rounds || kills < 3*rounds && !c.soldEnough(rounds); kills++ {
		c.trouble(t)
		before := c.told()
		working, stop := context.WithCancel(ctx)
		ended, began := make(chan error, 1), make(chan struct{})
		moment := c.moment()
		go func() { ended <- c.work(working, began) }()
		select {
		case err := <-ended:
			t.Fatalf("the cashier stopped while the till was up: %v", err)
		case <-began:
		}
		// The moment itself is what is random here; nothing is waited for.
		timer := time.NewTimer(moment)
		select {
		case err := <-ended:
			t.Fatalf("the cashier stopped while the till was up: %v", err)
		case <-timer.C:
		}
		w.KillDaemon()
		stop()
		<-ended
		c.learn(c.told() > before)
		if err := w.StartDaemon(ctx); err != nil {
			t.Fatal(err)
		}
		c.checkScreen(t, ctx)
	}
	c.finish(t, ctx)
	c.checkLedgers(t, ctx)
	t.Logf("%d kills, the last after %.1f times the usual; told: %d approved, %d handed over, %d voided", kills, c.stretch, len(c.approved), len(c.handed), len(c.voided))
	if !c.soldEnough(rounds) {
		t.Errorf("too little was sold for the kills to mean anything")
	}
}

func intFrom(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s must be a whole number above zero, not %q", name, text)
	}
	return n
}

// cashier sells without a pause and writes down what the till said. Its fields
// are used by one goroutine at a time.
type cashier struct {
	w        *World
	chance   *rand.Rand
	stretch  float64 // of the moments; see learn
	people   int
	approved []terminal.PaymentID
	handed   []terminal.PaymentID
	voided   []terminal.PaymentID
	waiting  terminal.PaymentID // told approved, and nothing done about it yet
}

// soldEnough tells whether the till was told enough for the kills to mean
// anything. A few rounds may come by chance to less.
func (c *cashier) soldEnough(rounds int) bool {
	return rounds < 100 || len(c.approved) >= rounds/4 && len(c.handed) > 0 && len(c.voided) > 0
}

// moment is when to kill, counted from the first sale of a round: most often
// within two or three sales, which take about 20 ms each where nothing else runs,
// sometimes within an unknown.
func (c *cashier) moment() time.Duration {
	return time.Duration(c.stretch * float64(1+c.chance.IntN(1+c.chance.IntN(600))) * float64(time.Millisecond))
}

// learn stretches the moments after a round in which the till was told nothing,
// and draws them in again after one in which it was: also where a sale takes ten
// times as long, about half of the rounds come to something.
func (c *cashier) learn(told bool) {
	const step = 1.25
	if !told {
		c.stretch *= step
	} else {
		c.stretch = max(1, c.stretch/step)
	}
}

// told is how much the till was told.
func (c *cashier) told() int { return len(c.approved) + len(c.handed) + len(c.voided) }

// trouble sets the line and the backend's faults for the next round.
func (c *cashier) trouble(t *testing.T) {
	t.Helper()
	b := c.w.Backend()
	b.Clear("")
	var faults []backendsim.Fault
	if c.chance.IntN(3) == 0 {
		faults = append(faults, backendsim.Fault{Kind: backendsim.GoAway, Count: 1 + c.chance.IntN(3)})
	}
	if c.chance.IntN(3) == 0 {
		faults = append(faults, backendsim.Fault{Kind: backendsim.DropAfter, Count: 1 + c.chance.IntN(2)})
	}
	if c.chance.IntN(4) == 0 {
		faults = append(faults, backendsim.Fault{Kind: backendsim.DropBefore, Count: 1})
	}
	for _, f := range faults {
		if err := b.Set(f); err != nil {
			t.Fatal(err)
		}
	}
}

// work sells until the till dies. It closes began when the till is ready to sell.
func (c *cashier) work(ctx context.Context, began chan<- struct{}) error {
	for n := 0; ; n++ {
		if err := c.tidy(ctx); err != nil {
			return err
		}
		if n == 0 {
			close(began)
		}
		if err := c.sell(ctx); err != nil {
			return err
		}
	}
}

// tidy does what a cashier does who finds the till with a sale on it.
func (c *cashier) tidy(ctx context.Context) error {
	s, err := c.w.Till.Await(ctx, func(s State) bool { return s.Scanner == "connected" })
	if err != nil {
		return err
	}
	if s.Sale == nil {
		return nil
	}
	return c.close(ctx, s.Sale.Ref)
}

// close ends a sale whatever became of its payment. Half of the unknowns are
// given up, half waited for.
func (c *cashier) close(ctx context.Context, ref terminal.SaleRef) error {
	giveUp := c.chance.IntN(2) == 0
	s, err := c.w.Till.Await(ctx, func(s State) bool {
		return s.Sale == nil || s.Sale.State != terminal.SalePaying || giveUp
	})
	if err != nil {
		return err
	}
	if s.Sale == nil || s.Sale.Ref != ref {
		return nil
	}
	if s.Sale.State == terminal.SalePaid {
		return c.handOver(ctx, s.Verdict.Payment)
	}
	err = c.w.Till.Cancel(ctx, ref)
	var p *Problem
	if errors.As(err, &p) && p.Status == 409 {
		return c.close(ctx, ref) // it was approved in the meantime
	}
	return err
}

// handOver gives the goods away, or one time in four undoes the payment.
func (c *cashier) handOver(ctx context.Context, id terminal.PaymentID) error {
	c.waiting = ""
	if c.chance.IntN(4) == 0 {
		err := c.w.Till.Void(ctx, id)
		if err == nil {
			c.voided = append(c.voided, id)
		}
		return err
	}
	err := c.w.Till.HandOver(ctx, id)
	if err == nil {
		c.handed = append(c.handed, id)
	}
	return err
}

// sell plays one sale to its end.
func (c *cashier) sell(ctx context.Context) error {
	ref := c.w.NextRef()
	code, err := c.code(ctx)
	if err != nil {
		return err
	}
	lines := times(1, lunch)
	if c.chance.IntN(4) == 0 {
		lines = times(1, pack)
	}
	if err := c.w.Till.Put(ctx, ref, lines); err != nil {
		return err
	}
	if err := c.w.ShowText(ctx, code); err != nil {
		return err
	}
	s, err := c.w.Till.Await(ctx, func(s State) bool {
		return s.Verdict != nil && s.Verdict.Sale == ref && s.Verdict.State != terminal.Sent
	})
	if err != nil {
		return err
	}
	if s.Verdict.Outcome == terminal.OutcomeApproved {
		c.approved = append(c.approved, s.Verdict.Payment)
		c.waiting = s.Verdict.Payment
		if c.chance.IntN(5) == 0 {
			<-ctx.Done() // the customer packs the bag; the kill comes first
			return ctx.Err()
		}
	}
	return c.close(ctx, ref)
}

// code is a new customer's pass or, one time in five, another wallet's digits.
func (c *cashier) code(ctx context.Context) (string, error) {
	c.people++
	customer, err := c.w.NewCustomer(ctx, "person"+strconv.Itoa(c.people), longAgo, wellOff)
	if err != nil {
		return "", err
	}
	if c.chance.IntN(5) > 0 {
		return customer.Phone.Pass()
	}
	digits := customer.Phone.Digits(walletsim.PayPay)
	if err := c.w.Backend().RegisterDigits(ctx, digits, "paypay", customer.Phone.Account()); err != nil {
		return "", err
	}
	return digits, c.w.Backend().SetAccount(ctx, "paypay", customer.Phone.Account(), 50_000)
}

// checkScreen: an approval that was told and not handed over is shown again.
func (c *cashier) checkScreen(t *testing.T, ctx context.Context) {
	t.Helper()
	if c.waiting == "" {
		return
	}
	s, err := c.w.Till.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s.Verdict == nil || s.Verdict.Payment != c.waiting || s.Verdict.Outcome != terminal.OutcomeApproved {
		t.Errorf("I2: payment %s was told approved, and is not on the screen after the kill: %+v", c.waiting, s.Verdict)
	}
}

// finish mends everything and waits until nothing is unresolved.
func (c *cashier) finish(t *testing.T, ctx context.Context) {
	t.Helper()
	c.w.Backend().Clear("")
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := c.tidy(ctx); err != nil {
		t.Fatal(err)
	}
	s, err := c.w.Till.Await(ctx, func(s State) bool { return s.Link.Up && s.Unresolved == 0 && s.Outbox == 0 })
	if err != nil {
		t.Fatalf("I8: %d unresolved, %d in the outbox, %d parked: %v", s.Unresolved, s.Outbox, s.Parked, err)
	}
}

func (c *cashier) checkLedgers(t *testing.T, ctx context.Context) {
	t.Helper()
	register, err := registerLedger(ctx, c.w.LedgerFile())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range c.approved {
		if !register[string(id)].state.Approval() {
			t.Errorf("I2: payment %s was told approved, the ledger says %q", id, register[string(id)].state)
		}
	}
	for _, id := range c.voided {
		if !register[string(id)].voided {
			t.Errorf("I2: payment %s was told voided, the ledger says it is not", id)
		}
	}
	for _, id := range c.handed {
		v, err := c.w.Till.Payment(ctx, id)
		if err != nil || v.HandedOver == "" {
			t.Errorf("I2: payment %s was told handed over: %+v, %v", id, v, err)
		}
	}
	differences, err := Differences(ctx, register, c.w.Backend().Ledger())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Errorf("I1: %v", d)
	}
	for _, over := range OverCap(ctx, c.w.Backend().Ledger()) {
		t.Errorf("I3: %v", over)
	}
	c.checkSales(t, ctx)
}

// checkSales: no sale is paid twice.
func (c *cashier) checkSales(t *testing.T, ctx context.Context) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+c.w.LedgerFile()+"?mode=ro&_query_only=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var twice int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM
		(SELECT sale FROM payment WHERE approved = 1 AND voided = 0 GROUP BY sale HAVING count(*) > 1)`).Scan(&twice)
	if err != nil {
		t.Fatal(err)
	}
	if twice > 0 {
		t.Errorf("I1: %d sales were paid twice", twice)
	}
}
