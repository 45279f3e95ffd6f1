package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

const (
	capRounds     = 200 // payments: a register's busy day
	capCategories = 10
	capsGoal      = 1.2
)

// capKinds are the caps of each category, as scope and window.
var capKinds = [...]string{
	`scope = "store", window = "day"`, `scope = "register", window = "sale"`, `scope = "register", window = "hour"`,
	`scope = "register", window = "rolling", over = "2h"`, `scope = "account", window = "rolling", over = "24h"`,
}

// capsInForce measures an offline decision, scan to durable verdict on the real
// store, under 50 caps, five for each of ten categories, against the same without
// any cap. The basket has goods of one watched category, so that five caps take
// something. A basket of all ten, with 40 sums and 10 counters to write, costs
// twice as much again; nobody buys it.
func capsInForce() (_ fmt.Stringer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), approvalAfter)
	defer cancel()
	var sides [2]*till
	for i, kinds := range [][]string{capKinds[:], nil} {
		t, err := openTill(ctx, deaf{})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, t.stop()) }()
		if err := t.underCaps(ctx, kinds); err != nil {
			return nil, err
		}
		sides[i] = t
	}
	value, limit, err := byTurns(capRounds,
		func() (time.Duration, error) { return sides[0].offlinePayment(ctx, nil) },
		func() (time.Duration, error) { return sides[1].offlinePayment(ctx, nil) },
	)
	return figure{"caps-50-in-force", value, "no-caps", limit, capsGoal}, err
}

// underCaps puts a policy with caps of these kinds in force, grants what they
// may want, and takes the line down.
func (t *till) underCaps(ctx context.Context, kinds []string) error {
	signed, err := policy.Sign(withCaps(t.note, kinds), t.keys.Policy[0], t.keys.Policy[1])
	if err != nil {
		return err
	}
	welcome := wire.Welcome{Session: 1, Time: time.Now().UnixMilli(), Policy: signed}
	t.reg.LinkUp(ctx, welcome)
	if _, err := t.reg.Caps(ctx); err != nil { // after which the policy is in force
		return err
	}
	welcome.Session, welcome.Policy = 2, ""
	for n := range capCategories {
		welcome.Grants = append(welcome.Grants, wire.Grant{
			Cap: fmt.Sprintf("cap-%d-0", n), Window: string(t.reg.View().BusinessDay), Total: wire.Amount{Yen: 1_000_000_000, Units: 1_000_000},
		})
	}
	line := meal
	line.Category = "watched-0"
	t.basket = []terminal.Line{line}
	t.reg.LinkUp(ctx, welcome)
	t.reg.LinkDown(ctx, terminal.LineClosed)
	return nil
}

// withCaps gives a policy's text with its own caps taken out, ten categories
// more, and a cap of each kind for each of them.
func withCaps(note string, kinds []string) string {
	text, _, _ := strings.Cut(note, "\n\n\u2014 ")
	var out []string
	for _, part := range strings.Split(text, "\n[[") {
		if !strings.HasPrefix(part, "cap]]") {
			out = append(out, part)
		}
	}
	var b strings.Builder
	b.WriteString(strings.Join(out, "\n[[") + "\n")
	for n := range capCategories {
		fmt.Fprintf(&b, "[[category]]\nid = \"watched-%d\"\n", n)
		for k, kind := range kinds {
			fmt.Fprintf(&b, "[[cap]]\nid = \"cap-%d-%d\"\ncategory = \"watched-%d\"\nyen = 1000000000\nunits = 1000000\n%s\n",
				n, k, n, strings.ReplaceAll(kind, ", ", "\n"))
		}
	}
	return b.String()
}
