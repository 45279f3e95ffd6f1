package policy

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
)

// Level says how bad a finding is.
type Level string

// The levels of a finding.
const (
	LevelOK    Level = "ok"    // to know
	LevelWarn  Level = "warn"  // to think about before signing
	LevelError Level = "error" // not to be signed
)

// Finding is one thing that Lint has to say.
type Finding struct {
	Level Level  `json:"level"`
	About string `json:"about"` // a key of the policy, a cap or a category
	Text  string `json:"text"`
}

// Chain is how large the chain is for which Lint counts.
type Chain struct {
	Registers int64 // in a store
	Stores    int64
}

// Lint says what a policy that parses could cost while the line is down, and
// what in it contradicts something else. Of a policy for several classes, ask
// with what For gives. A cap in units alone is priced by the floor limit, which
// no offline payment passes: so many units, each in a payment of its own.
func Lint(p *Policy, of Chain) []Finding {
	findings := slices.Concat(p.lintOffline(), p.lintCosts(of), p.lintGoods())
	for _, c := range slices.Sorted(maps.Keys(p.HighResale)) {
		if p.HighResale[c] {
			findings = append(findings, p.lintHighResale(c)...)
		}
	}
	return append(findings, p.lintCaps()...)
}

// accountOffline is the most that one account can spend offline at one register
// in 24 hours.
func (p *Policy) accountOffline() int64 {
	return min(int64(p.Offline.AccountYen), product(p.Offline.AccountCount, int64(p.Offline.Floor)))
}

// offlineYen is the most that a cap lets through offline, in yen.
func (p *Policy) offlineYen(limit terminal.Amount) int64 {
	return min(limit.Yen, product(limit.Units, int64(p.Offline.Floor)))
}

// product multiplies two numbers that are not below zero, up to the largest.
func product(a, b int64) int64 {
	if a != 0 && b > terminal.Unlimited/a {
		return terminal.Unlimited
	}
	return a * b
}

// yen writes an amount for people.
func yen(n int64) string {
	if n == terminal.Unlimited {
		return "any amount"
	}
	return terminal.Yen(n).String()
}

// spread says what an amount becomes at every register of a store, where it is
// at most an amount that the store shares, and of the chain.
func (c Chain) spread(each, shared int64) string {
	store := min(product(each, c.Registers), shared)
	return fmt.Sprintf("%s at a register, %s at the %d of a store, %s at those of %d stores", yen(min(each, shared)), yen(store), c.Registers, yen(product(store, c.Stores)), c.Stores)
}

// sharedOffline is the most yen of a category that all registers of a store sell
// offline in a business day, by the caps that are offline only.
func (p *Policy) sharedOffline(category terminal.Category) int64 {
	least := int64(terminal.Unlimited)
	for _, c := range p.Caps {
		if c.OfflineOnly && (c.Category == "" || c.Category == category) {
			least = min(least, p.offlineYen(c.Limit))
		}
	}
	return least
}

// lintCosts counts each offline bound.
func (p *Policy) lintCosts(of Chain) []Finding {
	findings := []Finding{
		{LevelOK, "offline", "one account in 24 hours without the line: " + of.spread(p.accountOffline(), terminal.Unlimited)},
		{LevelOK, "offline.boot_yen", "all accounts together after a reboot without the line, ordinary goods, at each boot: " + of.spread(int64(p.Offline.BootYen), terminal.Unlimited)},
	}
	for _, c := range p.Caps {
		if text := p.cost(c, of); text != "" {
			findings = append(findings, Finding{LevelOK, string(c.ID), text})
		}
	}
	return findings
}

// cost says what a cap lets through without the line; "" for a register's, which
// counts the same with and without.
func (p *Policy) cost(c terminal.Cap, of Chain) string {
	shared := p.sharedOffline(c.Category)
	switch {
	case c.OfflineOnly:
		store := p.offlineYen(c.Limit)
		return fmt.Sprintf("a store's day without the line: %s; in %d stores %s", yen(store), of.Stores, yen(product(store, of.Stores)))
	case c.Scope == terminal.ScopeAccount:
		days := int64((c.Span + day - 1) / day) // a rolling window touches one business day more
		each := min(p.offlineYen(c.Limit), product(days, p.accountOffline()))
		return fmt.Sprintf("exact with the line up; without, one account in %s: %s", Span(c.Span), of.spread(each, product(days+1, shared)))
	case c.Scope == terminal.ScopeStore:
		held := percent(c.Limit, p.Reserve.StorePercent)
		return fmt.Sprintf("a store holds up to %s of it without asking: that much a power cut at all its registers takes from the day; sold without the line, at most %s", limitWords(held), yen(min(shared, p.offlineYen(held))))
	}
	return ""
}

// percent takes a share of what is limited, rounded up.
func percent(limit terminal.Amount, share int64) terminal.Amount {
	part := func(v int64) int64 {
		if v == terminal.Unlimited {
			return v
		}
		return v/100*share + (v%100*share+99)/100
	}
	return terminal.Amount{Yen: part(limit.Yen), Units: part(limit.Units)}
}

// Below these the pace of the line is one for tests.
const (
	wiseSilence = 3 * time.Second
	wiseRedial  = time.Second
)

// lintOffline looks at the rules that stand alone.
func (p *Policy) lintOffline() []Finding {
	var findings []Finding
	warn := func(wrong bool, about, text string) {
		if wrong {
			findings = append(findings, Finding{LevelWarn, about, text})
		}
	}
	o := p.Offline
	warn(o.Floor > o.AccountYen, "offline.floor", "a payment may be higher than what an account has in 24 hours: the floor limit is never reached")
	warn(product(o.AccountCount, int64(o.Floor)) < int64(o.AccountYen), "offline.account_yen", "so many payments of the floor limit do not come to it: it is never reached")
	warn(o.BootYen == 0, "offline.boot_yen", "after a reboot without the line nothing is sold, ordinary goods neither")
	warn(o.BootYen > 0 && o.BootYen < o.Floor, "offline.boot_yen", "it is below the floor limit: not even one such payment is taken after a reboot")
	warn(o.DeclineBars == 0, "offline.decline_bars", "an account that the backend declined may pay once the cable is pulled")
	warn(o.NothingAfter > longestCut, "offline.nothing_after", fmt.Sprintf("limits older than %v still sell: what was stolen since is not known", longestCut))
	warn(p.Times.Silence < wiseSilence, "times.silence", fmt.Sprintf("a line that is slow for %v is given up: made for tests, below %v a store's own traffic will do it", p.Times.Silence, wiseSilence))
	warn(p.Times.Redial < wiseRedial, "times.redial", fmt.Sprintf("registers that were cut off together dial again within %v: made for tests, below %v a backend that comes back is flooded", p.Times.Redial, wiseRedial))
	warn(p.Device.NewFor == 0, "device.new_for", "a phone that was bound a minute ago counts as one that was bound a year ago")
	if len(p.Issuers) == 0 {
		findings = append(findings, Finding{LevelOK, "pass_issuer", "there is none: no pass is taken, and nothing is sold offline"})
	}
	return findings
}

// LintRoles says what is unwise in roles that parse.
func LintRoles(r *Roles) []Finding {
	var findings []Finding
	warn := func(wrong bool, about, text string) {
		if wrong {
			findings = append(findings, Finding{LevelWarn, about, text})
		}
	}
	warn(r.Policy.Threshold == 1, "policy", "one key alone signs policies: whoever has it sets every limit")
	warn(len(r.Policy.Keys) > 1 && r.Policy.Threshold == len(r.Policy.Keys), "policy", "every key must sign: with one lost no policy comes into force until there are new roles")
	for _, k := range slices.Concat(r.Policy.Keys, r.Freeze.Keys) {
		warn(r.public[k] == r.public[r.Root], k.Name(), "the root key also signs in a role: it should lie in a safe")
	}
	for _, k := range r.Freeze.Keys {
		warn(slices.ContainsFunc(r.Policy.Keys, func(other note.Verifier) bool { return r.public[k] == r.public[other] }), k.Name(), "the key is in both roles: the freeze key is at hand day and night, and half of a policy with it")
	}
	return findings
}
