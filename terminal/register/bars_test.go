package register_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// barring starts a register under a policy whose declines bar for so long.
func barring(t *testing.T, bars string, test func(*testing.T, *world)) {
	t.Helper()
	bare(t, func(t *testing.T, w *world) {
		w.start()
		text := policyText(1, issuerKey(), watchPacks)
		w.up(w.sign(strings.Replace(text, `decline_bars = "24h"`, `decline_bars = "`+bars+`"`, 1)))
		test(t, w)
	})
}

// offline sells a rice ball to an account with the line down for it, and gives
// why not; "" for sold, and the backend took it.
func (w *world) offline(account string) terminal.Reason {
	w.t.Helper()
	w.down()
	ref := terminal.SaleRef(fmt.Sprint("sale at entry ", len(w.leaves())))
	w.sells(ref, riceBall)
	p := w.payment(w.pays(account))
	if p.State == terminal.ApprovedOffline {
		w.up("")
		w.ack(p.ID, wire.TypeAdvice, wire.StatusAccepted, "")
		_, err := w.reg.HandOver(w.t.Context(), p.ID)
		w.must(err)
		return ""
	}
	_, err := w.reg.CancelSale(w.t.Context(), ref)
	w.must(err)
	w.up("")
	return p.Reason
}

// I5: a decline bars the account offline for decline_bars from then on, not a
// moment less or more, be that shorter or longer than the day over which offline
// payments are summed.
func TestI5DeclineBarsForItsTime(t *testing.T) {
	for _, bars := range []time.Duration{0, time.Hour, 24 * time.Hour, 72 * time.Hour} {
		t.Run(bars.String(), func(t *testing.T) {
			barring(t, bars.String(), func(t *testing.T, w *world) {
				w.sells("s1", riceBall)
				w.answer(w.pays("account-1"), wire.OutcomeDeclined)
				declined := time.Now()
				_, err := w.reg.CancelSale(t.Context(), "s1")
				w.must(err)
				w.after(10 * time.Millisecond)
				for _, still := range []time.Duration{bars / 2, bars - 10*time.Millisecond} {
					if still <= 10*time.Millisecond {
						continue
					}
					w.after(time.Until(declined.Add(still)))
					if why := w.offline("account-1"); why != terminal.BackendDeclined {
						t.Fatalf("%v after the decline: %q", still, why)
					}
					if why := w.offline("account-2"); why != "" {
						t.Fatalf("another account: %q", why)
					}
				}
				w.after(time.Until(declined.Add(bars + 10*time.Millisecond)))
				if why := w.offline("account-1"); why != "" {
					t.Fatalf("%v and a moment after the decline: %q", bars, why)
				}
			})
		})
	}
}

// I5: what an account paid offline counts for a rolling day, however long a
// decline bars. The pass allows four payments.
func TestI5OfflineSumsAreOfADay(t *testing.T) {
	for _, bars := range []string{"1h", "72h"} {
		t.Run(bars, func(t *testing.T) {
			barring(t, bars, func(t *testing.T, w *world) {
				began := time.Now()
				at := func(d time.Duration, want ...terminal.Reason) {
					t.Helper()
					w.after(time.Until(began.Add(d)))
					for n, why := range want {
						if got := w.offline("account-1"); got != why {
							t.Fatalf("%v after the first, try %d: %q, want %q", d, n+1, got, why)
						}
					}
				}
				const moment = 10 * time.Millisecond
				at(moment, "", "")
				at(12*time.Hour, "", "", terminal.OfflineLimit)
				at(24*time.Hour-moment, terminal.OfflineLimit)
				at(24*time.Hour+2*moment, "", "", terminal.OfflineLimit)
				at(36*time.Hour+moment, "", "", terminal.OfflineLimit)
			})
		})
	}
}
