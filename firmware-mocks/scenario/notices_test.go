package scenario

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

// TestOtherNotices shows what the shift has no customer for.
func TestOtherNotices(t *testing.T) {
	w := newWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	must(w.Ready(ctx))
	ken, err := w.NewCustomer(ctx, "ken", longAgo, wellOff)
	must(err)
	show := func(why terminal.Reason) {
		t.Helper()
		text, err := ken.Phone.Pass()
		must(err)
		if err := s.showFor(ctx, text, why); err != nil {
			t.Error(err)
		}
	}
	show(terminal.SaleNotReady) // there is no sale

	unpriced, err := walletsim.EAN(string(novelty.GTIN)) // in no price file, and no POS leads
	must(err)
	must(w.Show(ctx, unpriced))
	if _, err := w.Till.Await(ctx, func(st State) bool { return st.Notice != nil && st.Notice.Reason == terminal.GoodsNoPrice }); err != nil {
		t.Error(err)
	}

	ref := w.NextRef()
	must(w.Till.Put(ctx, ref, times(1, lunch)))
	text, err := ken.Phone.Pass()
	must(err)
	v, err := s.scan(ctx, ref, text, func(v terminal.Verdict) bool { return v.Outcome == terminal.OutcomeApproved })
	must(err)
	show(terminal.SaleTaken) // it is paid, and its goods are still here
	must(w.Till.HandOver(ctx, v.Payment))

	must(w.Till.Put(ctx, w.NextRef(), times(1, lunch)))
	bill, err := walletsim.Code128("91123456789012345678901234567890123456789012")
	must(err)
	must(w.Show(ctx, bill))
	if _, err := w.Till.Await(ctx, func(st State) bool { return st.Notice != nil && st.Notice.Reason == terminal.CodeBill }); err != nil {
		t.Error(err)
	}
}

// Before any policy has come nothing is approved (I5, I6).
func TestI5BeforeAnyPolicyNothingIsApproved(t *testing.T) {
	w := newWorld(t, DemoRules())
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	defer cancel()
	var out bytes.Buffer
	s := newShift(w, &out)
	err := errors.Join(w.StopDaemon(ctx), w.ForgetBoot(), w.backend.Set(backendsim.Fault{Kind: backendsim.GoAway}))
	for _, file := range []string{"ledger.db", "cache.db"} { // as enrolment leaves a register
		for _, more := range []string{"", "-wal", "-shm"} {
			if gone := os.Remove(w.path("register", file+more)); !errors.Is(gone, os.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}
	if err := errors.Join(err, s.startAgain(ctx)); err != nil {
		t.Fatal(err)
	}
	if err := s.play(ctx, step{name: "lunch", lines: times(1, lunch), code: s.newcomer("ken", longAgo), want: refused(terminal.PolicyMissing)}); err != nil {
		t.Fatal(err)
	}
	for _, err := range s.bad {
		t.Error(err)
	}
}
