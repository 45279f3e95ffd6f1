package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
)

// storeZone is the zone of a store whose policy cannot be asked for: the
// product's default.
var storeZone = func() *time.Location {
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		return time.UTC
	}
	return zone
}()

// zone gives the store's zone as the policy in force names it, and the default
// while the daemon does not answer.
func (s *staff) zone(ctx context.Context) *time.Location {
	rules, err := s.rules(ctx)
	if err != nil || rules.policy == nil {
		return storeZone
	}
	return rules.policy.Business.Zone
}

// inForce is what the daemon says is in force.
type inForce struct {
	register.Rules
	policy *policy.Policy // for this class of store; nil before the first
	freeze *policy.Freeze // nil where nothing was ever frozen
}

// rules asks for the texts in force. Who signed them was asked when the register
// took them.
func (s *staff) rules(ctx context.Context) (inForce, error) {
	var in inForce
	if err := s.call(ctx, "GET", "/v1/policy", nil, &in.Rules); err != nil {
		return in, err
	}
	if text, ok := policy.Text(in.Policy); ok {
		whole, err := policy.Parse(text)
		if err != nil {
			return in, err
		}
		if in.policy, err = whole.For(in.Class); err != nil {
			return in, err
		}
	}
	if text, ok := policy.Text(in.Freeze); ok {
		freeze, err := policy.ParseFreeze(text)
		if err != nil {
			return in, err
		}
		in.freeze = freeze
	}
	return in, nil
}

// policies is "sekisho policy".
func (s *staff) policies() *cobra.Command {
	cmd := &cobra.Command{
		Use: "policy", Short: "Show head office's rules", Args: cobra.NoArgs, // a word that is no command is a mistake
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(s.showPolicy())
	return cmd
}

func (s *staff) showPolicy() *cobra.Command {
	var article, category string
	var signed bool
	cmd := &cobra.Command{
		Use: "show", Short: "Show what is in force, and why something is capped", Args: cobra.NoArgs,
		Example: "  sekisho policy show\n  sekisho policy show --article 4902777130835\n  sekisho policy show --category tobacco",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := s.rules(cmd.Context())
			switch {
			case err != nil:
				return err
			case in.policy == nil:
				return person(errors.New("no policy has come yet: nothing is approved until the register has reached the backend once"))
			case signed:
				_, err = io.WriteString(s.out, in.Policy)
				return err
			case article != "":
				return s.explain(in, article)
			case category != "":
				return s.explain(in, category)
			}
			return s.explainAll(in)
		},
	}
	cmd.Flags().StringVar(&article, "article", "", "why this article, by its `GTIN`, is capped")
	cmd.Flags().StringVar(&category, "category", "", "what counts against goods of this `CATEGORY`")
	cmd.Flags().BoolVar(&signed, "note", false, "write the signed text itself")
	return cmd
}

func (s *staff) explainAll(in inForce) error {
	p := in.policy
	fmt.Fprintf(s.out, "policy %d of %s, for stores of class %s, good until %s%s\n", p.Version, p.Realm, in.Class,
		p.GoodUntil.In(p.Business.Zone).Format("2006-01-02 15:04"), past(p, s.now()))
	fmt.Fprintf(s.out, "business day from %s, %s\n", clock(p.Business.CutOver), p.Business.Zone)
	o := p.Offline
	fmt.Fprintf(s.out, "without the line: at most %d yen a payment, %d yen and %d payments an account in 24 h; all of it for %s, nothing after %s; %d yen after a boot\n",
		int64(o.Floor), int64(o.AccountYen), o.AccountCount, policy.Span(o.FullFor), policy.Span(o.NothingAfter), int64(o.BootYen))
	fmt.Fprintf(s.out, "denied accounts: %d (version %d); roles: version %d\n", in.Denied, in.Denials, in.RolesVersion)
	fmt.Fprintf(s.out, "frozen: %s\n", frozen(in.freeze))
	for _, c := range slices.Sorted(maps.Keys(p.HighResale)) {
		fmt.Fprintf(s.out, "category %s: %s\n", c, resale(p.HighResale[c]))
	}
	return writeCaps(s.out, p.Caps)
}

// past says that the policy is past its date.
func past(p *policy.Policy, now time.Time) string {
	if now.Before(p.GoodUntil) {
		return ""
	}
	return " (past: no high-resale goods are sold)"
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

func resale(high bool) string {
	if high {
		return "high resale value, nothing without a sure check"
	}
	return "ordinary goods, counted"
}

// frozen lists what head office stopped.
func frozen(f *policy.Freeze) string {
	var parts []string
	if f != nil {
		if f.All {
			parts = append(parts, "everything")
		}
		for _, c := range slices.Sorted(maps.Keys(f.Categories)) {
			parts = append(parts, "category "+string(c))
		}
		for _, i := range slices.Sorted(maps.Keys(f.Issuers)) {
			parts = append(parts, "issuer "+i)
		}
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// explain says what an article or a category counts as, and which caps count it.
func (s *staff) explain(in inForce, what string) error {
	c := terminal.Category(what)
	if !in.policy.Knows(c) {
		gtin := terminal.GTIN(what)
		if !gtin.Canonical().Valid() {
			return person(fmt.Errorf("%q is neither an article number with a right check digit nor a category: there are %s", what, in.policy.Categories()))
		}
		c = in.policy.Watches(terminal.Line{GTIN: gtin}).Category
	}
	for _, sentence := range policy.Explain(in.policy, what) {
		fmt.Fprintln(s.out, sentence)
	}
	if f := in.freeze; f != nil && (f.All || f.Categories[c]) {
		fmt.Fprintln(s.out, "frozen by head office: nothing of it is sold")
	}
	return nil
}

func writeCaps(out io.Writer, caps []terminal.Cap) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CAP\tFOR\tPER\tCATEGORY\tLIMIT\tCOUNTS")
	for _, c := range caps {
		per, counts := string(c.Window), "always"
		if c.Window == terminal.Rolling {
			per = "any " + policy.Span(c.Span)
		}
		if c.OfflineOnly {
			counts = "offline"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.Scope, per, orAll(c.Category), limit(c.Limit), counts)
	}
	return t.Flush()
}

func limit(a terminal.Amount) string {
	var counts []string
	if a.Yen != terminal.Unlimited {
		counts = append(counts, "yen")
	}
	if a.Units != terminal.Unlimited {
		counts = append(counts, "units")
	}
	return measured(a, counts)
}
