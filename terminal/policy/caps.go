package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sekisho/terminal"
)

// legal lists which windows the caps of a scope may have: a store's rights are
// handed out by the day, an account's past is summed wherever it bought.
var legal = map[terminal.Scope][]terminal.Window{
	terminal.ScopeStore:    {terminal.PerDay},
	terminal.ScopeRegister: {terminal.PerSale, terminal.PerHour, terminal.PerDay, terminal.Rolling},
	terminal.ScopeAccount:  {terminal.Rolling},
}

// A rolling window must be long enough to hold a payment or two, and short
// enough that a register has the payments that it sums.
const (
	minOver = time.Minute
	maxOver = 31 * 24 * time.Hour
)

func (f *file) caps(p *Policy) error {
	if len(f.Caps) > maxCaps {
		return fmt.Errorf("more than %d caps", maxCaps)
	}
	ids := map[string]bool{}
	for i, c := range f.Caps {
		if !name(c.ID) || ids[c.ID] {
			return fmt.Errorf("cap %d: the id is missing, longer than %d characters or there twice", i+1, maxName)
		}
		ids[c.ID] = true
		t := c.cap()
		if err := c.check(t, p); err != nil {
			return fmt.Errorf("cap %q: %w", c.ID, err)
		}
		if c.Classes != nil {
			if p.capClasses == nil {
				p.capClasses = map[terminal.CapID][]string{}
			}
			p.capClasses[t.ID] = c.Classes
		}
		p.Caps = append(p.Caps, t)
	}
	return nil
}

func (c capFile) cap() terminal.Cap {
	return terminal.Cap{
		ID: terminal.CapID(c.ID), Scope: terminal.Scope(c.Scope), Window: terminal.Window(c.Window), Span: time.Duration(c.Over),
		Category: terminal.Category(c.Category), OfflineOnly: c.OfflineOnly,
		Limit: terminal.Amount{Yen: ceiling(c.Yen), Units: ceiling(c.Units)},
	}
}

func (c capFile) check(t terminal.Cap, p *Policy) error {
	classes, ok := nameSet[string](c.Classes)
	switch {
	case !slices.Contains(legal[t.Scope], t.Window):
		return fmt.Errorf("scope %q does not go with window %q: a store's cap counts per day, a register's per sale, hour, day or rolling, an account's rolling", c.Scope, c.Window)
	case t.Window == terminal.Rolling && (t.Span < minOver || t.Span > maxOver):
		return fmt.Errorf("a rolling cap needs over, from %v to %v", minOver, maxOver)
	case t.Window != terminal.Rolling && t.Span != 0:
		return errors.New("only a rolling cap has over")
	case c.Yen == nil && c.Units == nil:
		return errors.New("neither yen nor units")
	case t.Limit.Negative():
		return errors.New("a limit is below zero")
	case above(c.Yen) || above(c.Units):
		return fmt.Errorf("a limit is above %d; leave out what is not limited", int64(maxNumber))
	case t.OfflineOnly && t.Scope != terminal.ScopeStore:
		return errors.New("only a store's cap can be offline_only")
	case t.Category != "" && !p.Knows(t.Category):
		return fmt.Errorf("category %q is not in the list of categories", c.Category)
	case c.Classes != nil && (!ok || len(classes) == 0 || !within(classes, setOf(p.Classes))):
		return errors.New("classes: at least one of the policy's classes, none twice; leave it out for all")
	}
	return nil
}

func setOf(list []string) map[string]bool {
	set := map[string]bool{}
	for _, s := range list {
		set[s] = true
	}
	return set
}

func ceiling(v *int64) int64 {
	if v == nil {
		return terminal.Unlimited
	}
	return *v
}

func above(v *int64) bool { return v != nil && *v > maxNumber }
