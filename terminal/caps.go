package terminal

import "time"

// Scope says over whom a cap counts.
type Scope string

// The scopes of a cap.
const (
	ScopeStore    Scope = "store"    // all registers of a store, split by escrow
	ScopeRegister Scope = "register" // this register alone
	ScopeAccount  Scope = "account"  // one account: exact at the backend, offline one allowance for each register
)

// Window says over what time a cap counts.
type Window string

// The windows of a cap. A store's cap counts per business day, a register's per
// sale, hour, business day or rolling, an account's rolling.
const (
	PerSale Window = "sale"
	PerHour Window = "hour" // of the store's clock
	PerDay  Window = "day"  // business day
	Rolling Window = "rolling"
)

// Cap is a ceiling in gross yen and units.
type Cap struct {
	ID          CapID
	Scope       Scope
	Window      Window
	Span        time.Duration // of a rolling window; zero for the others
	Category    Category      // "" for all goods
	Limit       Amount        // a measure that is not limited is Unlimited
	OfflineOnly bool          // counts what was approved offline, nothing else
}

// Counted keeps the measures that the cap limits and sets the others to zero,
// so that what is not limited is neither reserved nor asked for.
func (c Cap) Counted(a Amount) Amount {
	if c.Limit.Yen == Unlimited {
		a.Yen = 0
	}
	if c.Limit.Units == Unlimited {
		a.Units = 0
	}
	return a
}

// Count is what a payment takes of a register's or an account's cap that counts
// over time. What counts is summed from the payments themselves; see
// Payment.Counting.
type Count struct {
	Cap    CapID  `json:"cap"`
	Amount Amount `json:"amount"`
}

// CounterKey names one counter.
type CounterKey struct {
	Cap         CapID
	Window      BusinessDay
	Incarnation Incarnation
}

// Counter is what one incarnation of one register knows of its part of a store
// cap. Every field only grows, so that messages can carry totals, be lost,
// doubled and reordered, and be merged by maximum (bounded counter, Balegas et
// al. 2015). Sent and Got are what neighbours on the store's own network hand
// to each other; a lone register has neither.
type Counter struct {
	Key      CounterKey
	Granted  Amount
	Used     Amount
	Released Amount
	Returned Amount
	Sent     Amount
	Got      Amount
}

// Held is what may still be spent without asking. It may come out below zero
// only where a ledger was tampered with.
func (c Counter) Held() Amount {
	held := func(granted, got, sent, returned, used, released int64) int64 {
		return granted + got - sent - returned - used + released
	}
	return Amount{
		Yen:   held(c.Granted.Yen, c.Got.Yen, c.Sent.Yen, c.Returned.Yen, c.Used.Yen, c.Released.Yen),
		Units: held(c.Granted.Units, c.Got.Units, c.Sent.Units, c.Returned.Units, c.Used.Units, c.Released.Units),
	}
}

// Grant merges a total that the backend told: by maximum, so that a message
// that comes late or twice adds nothing.
func (c Counter) Grant(total Amount) Counter {
	c.Granted = c.Granted.Max(total)
	return c
}

// Use spends a. It reports false, and changes nothing, where less is held or a
// measure of a is below zero.
func (c Counter) Use(a Amount) (Counter, bool) {
	if a.Negative() || !a.Within(c.Held()) {
		return c, false
	}
	c.Used = c.Used.Plus(a)
	return c, true
}

// Release gives back what was used. It reports false, and changes nothing,
// where more would be released than was ever used or a measure of a is below
// zero.
func (c Counter) Release(a Amount) (Counter, bool) {
	released := c.Released.Plus(a)
	if a.Negative() || !released.Within(c.Used) {
		return c, false
	}
	c.Released = released
	return c, true
}
