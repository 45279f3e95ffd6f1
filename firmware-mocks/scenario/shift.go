package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
)

// Want is what must come of a step: a verdict with its reason, or a notice that
// no payment was tried.
type Want struct {
	State  terminal.State // "" where a notice must come
	Reason terminal.Reason
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

var (
	approved        = Want{State: terminal.Approved}
	approvedOffline = Want{State: terminal.ApprovedOffline}
)

func refused(why terminal.Reason) Want  { return Want{State: terminal.Refused, Reason: why} }
func declined(why terminal.Reason) Want { return Want{State: terminal.Declined, Reason: why} }
func reversed(why terminal.Reason) Want { return Want{State: terminal.Reversed, Reason: why} }
func notice(why terminal.Reason) Want   { return Want{Reason: why} }

// Result is what came of a step.
type Result struct {
	Step    string
	Want    Want
	Verdict terminal.Verdict // zero where a notice came
	Void    bool             // the cashier undid it afterwards
	Later   Want             // what becomes of an offline approval once the line is back; settled where empty
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
	said    map[terminal.Reason]bool // what the till said beside the verdicts
	bad     []error
}

// Reasons are all that the till gave, in verdicts and their sentences, notices
// and problems.
func (s *Shift) Reasons() map[terminal.Reason]bool {
	all := maps.Clone(s.said)
	for _, r := range s.Results {
		all[r.Want.Reason] = true
	}
	return all
}

func newShift(w *World, out io.Writer) *Shift {
	return &Shift{w: w, out: out, said: map[terminal.Reason]bool{}}
}

// code makes what the customer shows, at the moment of showing it.
type code func(ctx context.Context) (string, error)

// step is one customer at the till.
type step struct {
	name  string
	lines []terminal.Line
	code  code
	want  Want

	faults   []backendsim.Fault // set before the sale
	via      terminal.State     // a state that must be seen on the way
	second   code               // shown at via: the till must say that it is busy
	quit     bool               // at via the cashier gives up
	void     bool               // the cashier undoes the approval
	putAgain bool               // the POS puts the paid sale again: it must not be payable twice
	later    Want               // what becomes of an offline approval; settled where empty
	total    terminal.Yen       // without lines: all that the POS tells
}

// stepTime bounds a step: the longest is an unknown that is given up.
const stepTime = 30 * time.Second

// play puts the sale, shows the code, waits for the verdict and does what a
// cashier does: hands the goods over, or cancels the sale.
func (s *Shift) play(ctx context.Context, st step) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	ref := s.w.NextRef()
	for _, f := range st.faults {
		if err := s.w.backend.Set(f); err != nil {
			return err
		}
	}
	if err := s.put(ctx, ref, st); err != nil {
		return fmt.Errorf("%s: the sale was not taken: %w", st.name, err)
	}
	text, err := st.code(ctx)
	if err != nil {
		return err
	}
	if st.want.State == "" {
		return s.playNotice(ctx, st, ref, text)
	}
	if st.via != "" {
		if err := s.playVia(ctx, st, ref, text); err != nil {
			return fmt.Errorf("%s: on the way: %w", st.name, err)
		}
		if st.quit {
			return s.quit(ctx, st, ref)
		}
		text = "" // it was shown
	}
	v, err := s.scan(ctx, ref, text, func(v terminal.Verdict) bool { return v.Outcome != terminal.OutcomeUnknown })
	if err != nil {
		return fmt.Errorf("%s: no verdict: %w", st.name, err)
	}
	s.note(Result{Step: st.name, Want: st.want, Verdict: v, Void: st.void, Later: st.later})
	return s.close(ctx, st, ref, v)
}

func (s *Shift) put(ctx context.Context, ref terminal.SaleRef, st step) error {
	if st.lines == nil {
		return s.w.Till.PutTotal(ctx, ref, st.total)
	}
	return s.w.Till.Put(ctx, ref, st.lines)
}

// close is what the cashier does about a verdict.
func (s *Shift) close(ctx context.Context, st step, ref terminal.SaleRef, v terminal.Verdict) error {
	switch {
	case v.Outcome != terminal.OutcomeApproved:
		return s.w.Till.Cancel(ctx, ref)
	case st.void:
		return s.w.Till.Void(ctx, v.Payment)
	}
	if err := s.w.Till.HandOver(ctx, v.Payment); err != nil || !st.putAgain {
		return err
	}
	err := s.w.Till.Put(ctx, ref, st.lines)
	var p *Problem
	if !errors.As(err, &p) || p.Code != "sale.frozen" {
		s.bad = append(s.bad, wrong("%s: the paid sale put again: got %v, must be sale.frozen", st.name, err))
	}
	return nil
}

// playVia shows the code and waits for the state on the way.
func (s *Shift) playVia(ctx context.Context, st step, ref terminal.SaleRef, text string) error {
	events, err := s.w.Till.watch(ctx)
	if err != nil {
		return err
	}
	defer events.close()
	if err := s.w.ShowText(ctx, text); err != nil {
		return err
	}
	shown := 1
	err = events.reach(ref, st.via, func(n Notice) error {
		if shown++; n.Reason != terminal.CodeNotPayment || shown > scans {
			return wrong("the till took no code: %s", n.Reason)
		}
		return s.w.ShowText(ctx, text)
	})
	if err != nil {
		return err
	}
	if st.second == nil {
		return nil
	}
	other, err := st.second(ctx)
	if err != nil {
		return err
	}
	return s.showFor(ctx, other, terminal.Busy)
}

// playNotice shows what is no payment code.
func (s *Shift) playNotice(ctx context.Context, st step, ref terminal.SaleRef, text string) error {
	if err := s.showFor(ctx, text, st.want.Reason); err != nil {
		return fmt.Errorf("%s: %w", st.name, err)
	}
	s.note(Result{Step: st.name, Want: st.want})
	return s.w.Till.Cancel(ctx, ref)
}

// showFor shows a code and waits until the till says why it takes none.
func (s *Shift) showFor(ctx context.Context, text string, why terminal.Reason) error {
	if err := s.w.ShowText(ctx, text); err != nil {
		return err
	}
	state, err := s.w.Till.Await(ctx, func(st State) bool { return st.Notice != nil })
	if err == nil && state.Notice.Reason != why {
		err = wrong("the till said %s, must say %s", state.Notice.Reason, why)
	}
	s.said[why] = true
	return err
}

// quit gives up a payment that is not decided, and reads what became of it.
func (s *Shift) quit(ctx context.Context, st step, ref terminal.SaleRef) error {
	before, err := s.scan(ctx, ref, "", func(terminal.Verdict) bool { return true })
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

// scans is how often a cashier holds a code before the scanner when the till
// could not read it.
const scans = 3

// scan shows a code, unless it is "", and waits for a verdict that fits. Where
// the line garbled the code it is shown again, as a cashier does.
func (s *Shift) scan(ctx context.Context, ref terminal.SaleRef, text string, fits func(terminal.Verdict) bool) (terminal.Verdict, error) {
	for n := 1; ; n++ {
		if text != "" {
			if err := s.w.ShowText(ctx, text); err != nil {
				return terminal.Verdict{}, fmt.Errorf("the scanner could not read the picture: %w", err)
			}
		}
		state, err := s.w.Till.Await(ctx, func(st State) bool {
			return st.Verdict != nil && st.Verdict.Sale == ref && fits(*st.Verdict) || text != "" && st.Notice != nil
		})
		switch {
		case err != nil:
			return terminal.Verdict{}, err
		case state.Verdict != nil && state.Verdict.Sale == ref:
			return *state.Verdict, nil
		case state.Notice.Reason != terminal.CodeNotPayment || n == scans:
			return terminal.Verdict{}, wrong("the till took no code: %s", state.Notice.Reason)
		}
		s.say("the till could not read the code; it is shown again")
	}
}

// note keeps and prints a result.
func (s *Shift) note(r Result) {
	s.Results = append(s.Results, r)
	mark, state, reason := "ok   ", string(r.Verdict.State), r.Verdict.Reason
	if r.Want.State == "" {
		state, reason = "(no payment)", r.Want.Reason
	} else if !r.Want.is(r.Verdict) {
		mark = "WRONG"
		s.bad = append(s.bad, wrong("%s: was %s %s, must be %s %s", r.Step, state, reason, r.Want.State, r.Want.Reason))
	}
	fmt.Fprintf(s.out, "%s  %-62s %-17s %s\n", mark, r.Step, state, reason)
}

func (s *Shift) say(format string, args ...any) { fmt.Fprintf(s.out, "-- "+format+"\n", args...) }

// all plays steps in order.
func (s *Shift) all(ctx context.Context, steps ...step) error {
	for _, st := range steps {
		if err := s.play(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

// PlayShift plays the demo's shift from opening to closing, restart included,
// and gives every deviation from what must come, joined.
func PlayShift(ctx context.Context, w *World, out io.Writer) (*Shift, error) {
	s := newShift(w, out)
	if err := w.Ready(ctx); err != nil {
		return s, fmt.Errorf("the register did not get ready: %w", err)
	}
	for _, part := range []func(context.Context) error{
		s.morning, s.thieves, s.soldOut, s.badLine, s.staleRules, s.frozen, s.offline, s.backOnline, s.reboot, s.backOnline,
		s.newRules, s.stoppedWallet, s.overTime, s.refunds, s.told, s.backOnline, s.cleanStop, s.closing,
	} {
		if err := part(ctx); err != nil {
			return s, errors.Join(append(s.bad, err)...)
		}
	}
	return s, errors.Join(s.bad...)
}
