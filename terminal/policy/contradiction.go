package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sekisho/terminal"
)

const (
	day = 24 * time.Hour
	// longestCut is the oldest knowledge of an account that should sell anything:
	// as long as stolen accounts were used in July 2019 before it was noticed.
	longestCut = 72 * time.Hour
	// makerDigits is the length of the shortest prefix that GS1 gives to one
	// company in Japan; a shorter one belongs to several.
	makerDigits = 7
)

// lintGoods looks at how goods are told apart.
func (p *Policy) lintGoods() []Finding {
	var findings []Finding
	switch {
	case !p.Goods.Refuse && p.Goods.Unitemised == "":
		findings = append(findings, Finding{LevelWarn, "goods.unitemised", "a sale without lines counts as ordinary goods: whoever hides cigarettes in a total sells past every cap"})
	case !p.Goods.Refuse && !p.HighResale[p.Goods.Unitemised]:
		findings = append(findings, Finding{LevelWarn, "goods.unitemised", "a sale without lines counts as " + string(p.Goods.Unitemised) + ", which is ordinary goods"})
	}
	for _, m := range p.Makers {
		if len(m.Prefix) < makerDigits {
			findings = append(findings, Finding{LevelWarn, "maker " + m.Prefix, fmt.Sprintf("a prefix of fewer than %d digits belongs to several makers", makerDigits)})
		}
	}
	return findings
}

// lintHighResale asks for the caps that each case called for.
func (p *Policy) lintHighResale(category terminal.Category) []Finding {
	has := func(fits func(terminal.Cap) bool) bool {
		return slices.ContainsFunc(p.Caps, func(c terminal.Cap) bool {
			return (c.Category == category || c.Category == "") && fits(c)
		})
	}
	about := string(category)
	if !has(func(terminal.Cap) bool { return true }) {
		return []Finding{{LevelError, about, "high-resale goods without any cap"}}
	}
	var findings []Finding
	need := func(ok bool, text string) {
		if !ok {
			findings = append(findings, Finding{LevelWarn, about, text})
		}
	}
	need(has(func(c terminal.Cap) bool { return c.Window == terminal.PerSale }), "no cap on one sale: 40 cartons at once, as in July 2019")
	need(has(func(c terminal.Cap) bool { return c.Scope == terminal.ScopeAccount }), "no cap on an account: one stolen account may buy all day")
	need(has(func(c terminal.Cap) bool { return c.Scope == terminal.ScopeStore && !c.OfflineOnly }), "no cap on the store: small sales to many stolen accounts, as in November 2024")
	need(has(func(c terminal.Cap) bool { return c.OfflineOnly }), "no offline_only cap: offline is the attack surface, its allowance should be next to nothing")
	listed := func() bool {
		for _, w := range p.Watch {
			if w.Category == category {
				return true
			}
		}
		return slices.ContainsFunc(p.Makers, func(m Maker) bool { return m.Category == category })
	}
	need(listed(), "no article and no maker of it is watched: what the POS says of its goods alone counts")
	return findings
}

// lintCaps finds caps of which one can never be reached, because what it counts
// is a part of what another counts, and that one is lower.
func (p *Policy) lintCaps() []Finding {
	var findings []Finding
	for _, in := range p.Caps {
		for _, out := range p.Caps {
			if in.ID == out.ID || !part(in, out) {
				continue
			}
			if unreached(in.Limit.Units, out.Limit.Units) || unreached(in.Limit.Yen, out.Limit.Yen) {
				findings = append(findings, Finding{LevelWarn, string(in.ID), fmt.Sprintf("its %s can never be reached: %s", limitWords(in.Limit), words(out))})
			}
		}
	}
	return append(findings, p.lintArticles()...)
}

func unreached(in, out int64) bool { return in != terminal.Unlimited && in > out }

// part says whether all that a cap counts in one of its windows, some window of
// another counts too.
func part(in, out terminal.Cap) bool {
	if out.Category != "" && out.Category != in.Category || out.OfflineOnly && !in.OfflineOnly {
		return false
	}
	switch {
	case in.Window == terminal.PerSale: // every window holds a whole sale, every scope too
		return out.Window != terminal.PerSale
	case in.Scope != out.Scope && !(in.Scope == terminal.ScopeRegister && out.Scope == terminal.ScopeStore):
		return false
	}
	// A rolling window lies within a longer rolling one, never in one of the clock.
	return length(in) <= length(out) && (in.Window != terminal.Rolling || out.Window == terminal.Rolling)
}

// length is how long a window is; a day is taken for the shortest that there is.
func length(c terminal.Cap) time.Duration {
	switch c.Window {
	case terminal.PerHour:
		return time.Hour
	case terminal.PerDay:
		return day
	}
	return c.Span
}

// lintArticles finds articles that can never be sold.
func (p *Policy) lintArticles() []Finding {
	var findings []Finding
	for gtin, w := range p.Watch {
		for _, c := range p.Caps {
			if c.OfflineOnly || c.Limit.Units == 0 || c.Category != w.Category || w.Units <= c.Limit.Units {
				continue
			}
			findings = append(findings, Finding{LevelWarn, "watch " + string(gtin), fmt.Sprintf("one of it is %d units and can never be sold: %s", w.Units, words(c))})
		}
	}
	slices.SortFunc(findings, func(a, b Finding) int { return strings.Compare(a.About+a.Text, b.About+b.Text) })
	return findings
}
