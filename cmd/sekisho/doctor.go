package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sekisho/terminal/register"
)

// Levels of a finding, and doctor's exit codes.
type level int

const (
	ok level = iota
	warn
	fail
)

func (l level) String() string { return [...]string{"ok", "warn", "fail"}[l] }

// MarshalText writes the level's word into JSON.
func (l level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// finding is what one check found.
type finding struct {
	Check  string `json:"check"`
	Level  level  `json:"level"`
	Says   string `json:"says"`
	Remedy string `json:"remedy,omitempty"` // what to do; "" where all is well
}

// patient is what the checks look at. State is asked for once, so that they all
// speak of one moment.
type patient struct {
	*staff
	ctx     context.Context
	badly   error // what is wrong with the configuration
	state   *register.View
	silent  error // why state is nil
	rules   inForce
	noRules error
}

// check is one step of doctor. Those that need the daemon come after the one
// that says whether it answers.
type check struct {
	name string
	look func(p *patient) finding
}

// checks in the order in which a person would look: what the daemon needs to
// start, then what it says.
var checks = []check{
	{"configuration", (*patient).configuration},
	{"keys", (*patient).keys},
	{"certificate", (*patient).certificate},
	{"run folder", (*patient).runFolder},
	{"data folder", (*patient).dataFolder},
	{"disk space", (*patient).space},
	{"ledger", (*patient).ledgerProves},
	{"durability", (*patient).durability},
	{"daemon", (*patient).daemon},
	{"storage", (*patient).storage},
	{"clock", (*patient).clock},
	{"scanner", (*patient).scanner},
	{"backend", (*patient).backend},
	{"backend line", (*patient).line},
	{"policy", (*patient).policyInForce},
	{"freeze", (*patient).frozen},
	{"quarantine", (*patient).quarantine},
	{"unresolved payments", (*patient).unresolved},
	{"outbox", (*patient).outbox},
}

// doctor is "sekisho doctor".
func (s *staff) doctor() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check the register in order, and say what to do", Args: cobra.NoArgs,
		Long: "Doctor looks at everything that a register needs, in the order in which to mend it. It changes nothing.\n" +
			"Exit codes: 0 all is well, 1 something should be looked at, 2 something is broken.",
		PersistentPreRun: func(cmd *cobra.Command, _ []string) { s.begun = true }, // a bad configuration is a finding
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, worst := s.examine(cmd.Context(), cmd.Flags().Changed("config"))
			if err := s.report(found, asJSON); err != nil {
				return err
			}
			if worst == ok {
				return nil
			}
			return &exit{int(worst), nil}
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.AddCommand(s.doctorScanner())
	return cmd
}

// examine runs all checks and gives the worst level.
func (s *staff) examine(ctx context.Context, named bool) ([]finding, level) {
	p := &patient{staff: s, ctx: ctx, badly: s.settle(named)}
	view := new(register.View)
	if p.silent = s.call(ctx, "GET", "/v1/state", nil, view); p.silent == nil {
		p.state = view
	}
	if p.rules, p.noRules = s.rules(ctx); p.noRules != nil && p.silent != nil {
		p.noRules = p.silent
	}
	var all []finding
	worst := ok
	for _, c := range checks {
		var f finding
		if p.badly != nil && c.name != "configuration" {
			f = look("mend what is above first", "cannot be looked at without a configuration")
		} else {
			f = c.look(p)
		}
		f.Check = c.name
		all, worst = append(all, f), max(worst, f.Level)
	}
	return all, worst
}

func (s *staff) report(found []finding, asJSON bool) error {
	if asJSON {
		return s.writeJSON(struct {
			Checks []finding `json:"checks"`
		}{found})
	}
	return s.listFindings(found)
}

// listFindings writes findings for people.
func (s *staff) listFindings(found []finding) error {
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, f := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.Level, f.Check, f.Says)
		if f.Remedy != "" {
			fmt.Fprintf(t, "\t\t-> %s\n", f.Remedy)
		}
	}
	return t.Flush()
}

// The three ways in which a check ends.
func well(says string, args ...any) finding {
	return finding{Level: ok, Says: fmt.Sprintf(says, args...)}
}

func look(remedy, says string, args ...any) finding {
	return finding{Level: warn, Says: fmt.Sprintf(says, args...), Remedy: remedy}
}

func broken(remedy, says string, args ...any) finding {
	return finding{Level: fail, Says: fmt.Sprintf(says, args...), Remedy: remedy}
}

// unasked is the finding of a check that needs the daemon while it is silent:
// the one fault is told once.
func unasked() finding {
	return look("mend what is above first", "cannot be asked while the daemon does not answer")
}
