package scenario

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
)

// stopped gives n accounts that are denied for a season.
func stopped(n int) []backendsim.Denial {
	all, until := make([]backendsim.Denial, n), time.Now().AddDate(0, 3, 0)
	for i := range all {
		all[i] = backendsim.Denial{Account: terminal.NewAccountKey(Issuer, fmt.Sprintf("stopped-%d", i)), Until: until}
	}
	return all
}

// A set of many accounts comes in several messages to a register that has none,
// while it sells; it is in force without the line, and after a restart without
// the line too (I5). The design's 1,500,000 are measured by make bench.
func TestI5ManyDeniedAccountsAreInForceWithoutTheLineAndAfterARestart(t *testing.T) {
	const many = 200_000 // four messages
	w := newWorld(t, DemoRules())
	ctx, s, must := shiftIn(t, w)
	victim, err := w.NewCustomer(ctx, "victim", longAgo, wellOff)
	must(err)
	must(w.StopDaemon(ctx))
	must(w.backend.Deny(ctx, append(stopped(many),
		backendsim.Denial{Account: terminal.NewAccountKey(Issuer, victim.Phone.Account()), Until: time.Now().AddDate(0, 3, 0)})...))
	for _, more := range []string{"", "-wal", "-shm"} { // the cache is lost
		if err := os.Remove(w.path("register", "cache.db"+more)); !errors.Is(err, os.ErrNotExist) {
			must(err)
		}
	}
	must(w.StartDaemon(ctx))
	must(w.Ready(ctx))
	must(s.play(ctx, step{name: "lunch meanwhile", lines: times(1, lunch), code: s.newcomer("ken", longAgo), want: approved}))
	_, err = w.Till.Await(ctx, func(State) bool {
		n, err := w.Till.Denied(ctx)
		return err != nil || n == many+1
	})
	must(err)

	denied := step{name: "lunch on a stopped account", lines: times(1, lunch), code: passOf(victim), want: refused(terminal.AccountDenied)}
	must(w.CutLine(ctx))
	must(s.play(ctx, denied))
	must(w.StopDaemon(ctx))
	must(s.startAgain(ctx)) // and the line stays cut
	if n, err := w.Till.Denied(ctx); err != nil || n != many+1 {
		t.Fatalf("after a restart %d accounts are denied: %v", n, err)
	}
	must(s.all(ctx, denied,
		step{name: "lunch on another account", lines: times(1, lunch), code: s.newcomer("emi", longAgo), want: approvedOffline}))
	for _, err := range s.bad {
		t.Error(err)
	}
}
