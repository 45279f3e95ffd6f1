package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

// Want is the verdict that must come of a step.
type Want struct {
	State  terminal.State
	Reason terminal.Reason
}

// Result is what came of a step.
type Result struct {
	Step    string
	Want    Want
	Verdict terminal.Verdict
	Void    bool // the cashier undid it afterwards
}

// is says whether a verdict is what must come: a reversal may be on its way or
// acknowledged already.
func (w Want) is(v terminal.Verdict) bool {
	state := v.State
	if state == terminal.Reversing {
		state = terminal.Reversed
	}
	return state == w.State && v.Reason == w.Reason
}

// Wrong says that something did not come out as it must.
type Wrong struct{ Text string }

// Error gives the sentence.
func (w *Wrong) Error() string { return w.Text }

func wrong(format string, args ...any) error { return &Wrong{fmt.Sprintf(format, args...)} }

// Shift plays steps at a world's till and keeps what came of them.
type Shift struct {
	w       *World
	out     io.Writer
	Results []Result
	bad     []error
}

// step is one customer at the till.
type step struct {
	name  string
	lines []terminal.Line
	code  string
	want  Want
	via   terminal.State // a state that must be seen on the way; "" for none
	fault *backendsim.Fault
	void  bool // the cashier undoes the approval
	quit  bool // the cashier gives up waiting at via
}

// stepTime bounds a step: the longest is an unknown that is given up.
const stepTime = 30 * time.Second

// play puts the sale, shows the code, waits for the verdict and does what a
// cashier does: hands the goods over, or cancels the sale.
func (s *Shift) play(ctx context.Context, st step) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	ref := s.w.NextRef()
	if st.fault != nil {
		if err := s.w.backend.Set(*st.fault); err != nil {
			return err
		}
	}
	if err := s.w.Till.Put(ctx, ref, st.lines); err != nil {
		return fmt.Errorf("%s: the sale was not taken: %w", st.name, err)
	}
	if err := s.w.ShowText(ctx, st.code); err != nil {
		return fmt.Errorf("%s: the scanner could not read the picture: %w", st.name, err)
	}
	if st.via != "" {
		if _, err := s.verdict(ctx, ref, func(v terminal.Verdict) bool { return v.State == st.via }); err != nil {
			return fmt.Errorf("%s: never was %q: %w", st.name, st.via, err)
		}
	}
	if st.quit {
		return s.quit(ctx, st, ref)
	}
	v, err := s.verdict(ctx, ref, func(v terminal.Verdict) bool { return v.Outcome != terminal.OutcomeUnknown })
	if err != nil {
		return fmt.Errorf("%s: no verdict: %w", st.name, err)
	}
	s.note(Result{Step: st.name, Want: st.want, Verdict: v, Void: st.void})
	switch {
	case v.Outcome != terminal.OutcomeApproved:
		return s.w.Till.Cancel(ctx, ref)
	case st.void:
		return s.w.Till.Void(ctx, v.Payment)
	}
	return s.w.Till.HandOver(ctx, v.Payment)
}

// quit gives up a payment that is not decided, and reads what became of it.
func (s *Shift) quit(ctx context.Context, st step, ref terminal.SaleRef) error {
	before, err := s.verdict(ctx, ref, func(terminal.Verdict) bool { return true })
	if err != nil {
		return err
	}
	if err := s.w.Till.Cancel(ctx, ref); err != nil {
		return fmt.Errorf("%s: it could not be given up: %w", st.name, err)
	}
	v, err := s.w.Till.Payment(ctx, before.Payment)
	if err != nil {
		return err
	}
	s.note(Result{Step: st.name, Want: st.want, Verdict: v})
	return nil
}

func (s *Shift) verdict(ctx context.Context, ref terminal.SaleRef, fits func(terminal.Verdict) bool) (terminal.Verdict, error) {
	state, err := s.w.Till.Await(ctx, func(st State) bool {
		return st.Verdict != nil && st.Verdict.Sale == ref && fits(*st.Verdict)
	})
	if err != nil {
		return terminal.Verdict{}, err
	}
	return *state.Verdict, nil
}

// note keeps and prints a result.
func (s *Shift) note(r Result) {
	s.Results = append(s.Results, r)
	mark := "ok   "
	if !r.Want.is(r.Verdict) {
		mark = "WRONG"
		s.bad = append(s.bad, wrong("%s: was %s %s, must be %s %s", r.Step, r.Verdict.State, r.Verdict.Reason, r.Want.State, r.Want.Reason))
	}
	fmt.Fprintf(s.out, "%s  %-58s %-17s %s\n", mark, r.Step, r.Verdict.State, r.Verdict.Reason)
}

func (s *Shift) say(format string, args ...any) { fmt.Fprintf(s.out, "-- "+format+"\n", args...) }

var (
	longAgo  = 400 * 24 * time.Hour
	anHour   = time.Hour
	wellOff  = walletsim.Ceilings{Yen: 10_000, Count: 5}
	oneLunch = walletsim.Ceilings{Yen: 1_000, Count: 5}
	onlyOnce = walletsim.Ceilings{Yen: 10_000, Count: 1}
)

var (
	approved        = Want{State: terminal.Approved}
	approvedOffline = Want{State: terminal.ApprovedOffline}
)

func refused(why terminal.Reason) Want  { return Want{State: terminal.Refused, Reason: why} }
func declined(why terminal.Reason) Want { return Want{State: terminal.Declined, Reason: why} }
func reversed(why terminal.Reason) Want { return Want{State: terminal.Reversed, Reason: why} }

// PlayShift plays the demo's shift from opening to closing, restart included,
// and gives every deviation from what must come, joined.
func PlayShift(ctx context.Context, w *World, out io.Writer) (*Shift, error) {
	s := &Shift{w: w, out: out}
	if err := w.Ready(ctx); err != nil {
		return s, fmt.Errorf("the register did not get ready: %w", err)
	}
	for _, part := range []func(context.Context) error{
		s.morning, s.thieves, s.soldOut, s.lostAnswer, s.staleRules, s.offline, s.backOnline, s.reboot, s.closing,
	} {
		if err := part(ctx); err != nil {
			return s, errors.Join(append(s.bad, err)...)
		}
	}
	return s, errors.Join(s.bad...)
}

// all plays steps in order.
func (s *Shift) all(ctx context.Context, steps ...step) error {
	for _, st := range steps {
		if err := s.play(ctx, st); err != nil {
			return err
		}
	}
	return nil
}
