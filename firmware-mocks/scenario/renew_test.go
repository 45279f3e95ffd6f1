package scenario

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The certificate of a running register is renewed, and the backend goes over to
// another CA, while customers pay: no payment fails and no session ends. After its
// next dial the register trusts the new CA's certificate (I8).
func TestI8RenewalAndAnotherCAInterruptNothing(t *testing.T) {
	enrols, err := staffProgram()
	if err != nil {
		t.Fatal(err)
	}
	var ago atomic.Int64
	ago.Store(int64(65 * 24 * time.Hour)) // of 90 days, so that the register renews
	w, _ := worldWith(t, Setup{Rules: DemoRules(), Enrols: enrols, Now: func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) }})
	ctx, s, must := shiftIn(t, w)
	must(w.StopDaemon(ctx))
	must(w.ForgetBoot())
	ago.Store(0)
	must(w.backend.AddCA(ctx))
	must(s.startAgain(ctx))
	must(w.Ready(ctx))
	hellos := func() (n int) {
		t.Helper()
		all, err := w.backend.Ledger().Events(ctx)
		must(err)
		for _, e := range all {
			if e.Type == "hello" {
				n++
			}
		}
		return n
	}
	began := hellos()
	meal := func(who string) {
		t.Helper()
		must(s.play(ctx, step{name: "lunch", lines: times(1, lunch), code: s.newcomer(who, longAgo), want: approved}))
	}
	who := "k"
	for meal(who); !renewed(t, w); meal(who) { // the renewal has a time of its own
		who += "x"
	}
	must(w.backend.SwitchCA(ctx, false))
	meal(who + "y")
	if n := hellos(); n != began {
		t.Errorf("%d sessions began meanwhile", n-began)
	}
	must(w.CutLine(ctx))
	must(w.MendLine(ctx)) // with a certificate by the new CA
	meal(who + "yy")
	s.wantRight(t, ctx)
}

// renewed says whether the register's certificate is of today, and both CAs are
// beside it.
func renewed(t *testing.T, w *World) bool {
	t.Helper()
	text, err := os.ReadFile(w.path("register", "keys", "register.crt"))
	if err != nil {
		t.Fatal(err)
	}
	cas, err := os.ReadFile(w.path("register", "keys", "backend.ca"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	own, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return time.Since(own.NotBefore) < 24*time.Hour && strings.Count(string(cas), "BEGIN") == 2
}
