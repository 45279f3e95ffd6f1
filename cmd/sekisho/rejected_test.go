package main

import (
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
)

// Who bears what is told by business day; what was not rejected is not.
func TestRejectedByBearerAndDay(t *testing.T) {
	at := terminal.MillisOf(time.Date(2019, 7, 2, 1, 0, 0, 0, time.UTC))
	one := func(id terminal.PaymentID, day terminal.BusinessDay, state terminal.State, bearer string, yen terminal.Yen) terminal.Payment {
		return terminal.Payment{ID: id, State: state, Reason: terminal.AccountDenied, Bearer: bearer, Amount: yen, Day: day, Created: at, Sale: "s"}
	}
	list := rejectedOf([]terminal.Payment{
		one("p1", "2019-07-02", terminal.Rejected, "store", 580),
		one("p2", "2019-07-02", terminal.Settled, "", 1000),
		one("p3", "2019-07-02", terminal.Rejected, "operator", 150),
		one("p4", "2019-07-02", terminal.Rejected, "store", 20),
		one("p5", "2019-07-01", terminal.Rejected, "", 7),
	})
	var out strings.Builder
	if err := writeRejected(&out, list, time.UTC); err != nil {
		t.Fatal(err)
	}
	want := `CREATED              NUMBER  REASON          BEARER    YEN  SALE  PAYMENT
2019-07-02 01:00:00  0       account.denied  store     580  s     p1
2019-07-02 01:00:00  0       account.denied  operator  150  s     p3
2019-07-02 01:00:00  0       account.denied  store     20   s     p4
2019-07-02 01:00:00  0       account.denied  not told  7    s     p5

BUSINESS DAY  BEARER    YEN
2019-07-01    not told  7
2019-07-02    operator  150
2019-07-02    store     600
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
