package policy

import (
	"fmt"
	"strings"
	"time"

	"sekisho/terminal"
)

// words says what a cap is, for people: "tobacco-day: all registers of a store
// together, in a business day, tobacco, at most 260 units".
func words(c terminal.Cap) string {
	goods := string(c.Category)
	if goods == "" {
		goods = "all goods"
	}
	if c.OfflineOnly {
		goods += " sold offline"
	}
	return fmt.Sprintf("%s: %s, %s, %s, at most %s", c.ID, whose(c.Scope), when(c), goods, limitWords(c.Limit))
}

func whose(s terminal.Scope) string {
	switch s {
	case terminal.ScopeStore:
		return "all registers of a store together"
	case terminal.ScopeRegister:
		return "one register"
	}
	return "one account"
}

func when(c terminal.Cap) string {
	switch c.Window {
	case terminal.PerSale:
		return "in a sale"
	case terminal.PerHour:
		return "in an hour of the clock"
	case terminal.PerDay:
		return "in a business day"
	}
	return "in any " + Span(c.Span)
}

// Span writes a duration of a policy as the policy does: "90s", "30m", "72h".
func Span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func limitWords(a terminal.Amount) string {
	var parts []string
	if a.Units != terminal.Unlimited {
		parts = append(parts, fmt.Sprintf("%d units", a.Units))
	}
	if a.Yen != terminal.Unlimited {
		parts = append(parts, fmt.Sprintf("%d yen", a.Yen))
	}
	return strings.Join(parts, " and ")
}

// Explain says what a policy makes of an article or a category, and which caps
// count it, in sentences for people.
func Explain(p *Policy, what string) []string {
	category := terminal.Category(what)
	var said []string
	if !p.Knows(category) {
		gtin := terminal.GTIN(what)
		if !gtin.Canonical().Valid() {
			return []string{fmt.Sprintf("%q is neither an article number nor a category; the categories are %s", what, p.Categories())}
		}
		line := p.Watches(terminal.Line{GTIN: gtin, Quantity: 1, Units: 1})
		category = line.Category
		said = append(said, p.source(gtin, line))
	}
	switch {
	case category == "":
		said = append(said, "it is ordinary goods, unless the POS names a category")
	case p.HighResale[category]:
		said = append(said, string(category)+" is sold on by thieves: nothing is sold when the policy is past its date, and a new device buys at most "+
			fmt.Sprintf("%d units in a sale, none offline", p.Device.NewUnitsOnline))
	default:
		said = append(said, string(category)+" is ordinary goods")
	}
	for _, c := range p.Caps {
		if c.Category == "" || c.Category == category {
			said = append(said, words(c))
		}
	}
	return said
}

// source says where an article's category comes from.
func (p *Policy) source(gtin terminal.GTIN, line terminal.Line) string {
	if _, listed := p.Watch[gtin.Canonical()]; listed {
		return fmt.Sprintf("%s is on the watch list as %s, %d units", gtin, line.Category, line.Units)
	}
	if _, made := p.maker(gtin); made {
		return fmt.Sprintf("%s is not on the watch list; by its maker's prefix it counts as %s, %d units", gtin, line.Category, line.Units)
	}
	return fmt.Sprintf("%s is neither on the watch list nor a watched maker's", gtin)
}
