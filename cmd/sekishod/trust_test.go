package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sekisho/cmd/keys"
	"sekisho/cmd/settings"
	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scenario/backendtest"
	"sekisho/offline"
	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/register"
	"sekisho/terminal/uplink"
	"sekisho/terminal/wire"
)

// enrolAt does what sekisho enrol does.
func enrolAt(t *testing.T, b *backendsim.Backend, address, data string) keys.Keys {
	t.Helper()
	code, err := b.Code(t.Context(), who.Store, who.Register, "")
	if err != nil {
		t.Fatal(err)
	}
	e, err := keys.Begin(data, code)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	key, err := e.Key()
	if err != nil {
		t.Fatal(err)
	}
	csr, err := enrol.NewCSR(key)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := uplink.Enrol(t.Context(), address, code, csr, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Keep(answer); err != nil {
		t.Fatal(err)
	}
	k, err := e.Place()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// From a one-time code to a line that is up: both ends are the real ones, and
// both prove who they are.
func TestEnrolledRegisterLinksUp(t *testing.T) {
	b, address := backendtest.Serve(t)
	data := t.TempDir()
	enrolAt(t, b, address, data)
	whileLinked(t, data, address, func(string, string) {})
}

// whileLinked runs the daemon on a data folder against a backend, does something
// with its page and the POS's token once the line is up, and stops it.
func whileLinked(t *testing.T, data, address string, do func(page, token string)) {
	t.Helper()
	config := till(t, data)
	text := read(t, config)
	from := strings.Index(text, "ws://")
	edit(t, config, text[from:from+strings.Index(text[from:], `"`)], address)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	log := &journalled{pages: make(chan string, 1)}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"-config", config}, nil, io.Discard, log) }()
	select {
	case page := <-log.pages:
		token := strings.TrimSpace(read(t, filepath.Join(filepath.Dir(config), "run", posTokenFile)))
		if !linkedUp(t, ctx, page, token) {
			t.Fatalf("the line does not come up:\n%s", log)
		}
		do(page, token)
	case code := <-ended:
		t.Fatalf("ended with %d:\n%s", code, log)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d:\n%s", code, log)
	}
}

// linkedUp reads the daemon's events until one says that the line is up.
func linkedUp(t *testing.T, ctx context.Context, page, token string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page+"v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	if strings.Contains(get(t, page+"v1/state", token), `"up":true`) {
		return true
	}
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"up":true`) {
			return true
		}
	}
	return false
}

// A register without its certificates does not start, and says what makes them.
func TestNoCertificateIsAPersonsWork(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, file := range []string{keys.Certificate, keys.BackendCA} {
		data, _ := enrolled(t)
		config := till(t, data)
		edit(t, config, "ws://", "wss://")
		if file == keys.Certificate {
			write(t, filepath.Join(data, "keys"), keys.BackendCA, "no CA")
		}
		if code, log := attempt(t, "-config", config, "-insecure-dev=false"); code != exitPerson || !strings.Contains(log, keys.BackendCA) || !strings.Contains(log, "enrol") {
			t.Errorf("without %s: exit code %d: %s", file, code, log)
		}
	}
}

// An enrolment that runs may be putting new keys in the place of old ones: until it
// has ended none is read.
func TestNoKeyIsReadWhileAnEnrolmentRuns(t *testing.T) {
	defer goleak.VerifyNone(t)
	data, _ := enrolled(t)
	e, err := keys.Begin(data, enrol.NewCode([]byte("the CA's certificate")))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(data, "keys"), keys.StoreKey, "half of it")
	config := till(t, data)
	if code, log := attempt(t, "-config", config); code != exitPerson || !strings.Contains(log, offline.ErrLocked.Error()) || strings.Contains(log, keys.StoreKey) {
		t.Errorf("exit code %d: %s", code, log)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if code, log := attempt(t, "-config", config); code != exitPerson || !strings.Contains(log, keys.StoreKey) {
		t.Errorf("after it, exit code %d: %s", code, log)
	}
}

// The backend's word goes before the ledger's mark, and the mark before nothing.
func TestTimesForTheBackendsCertificate(t *testing.T) {
	view := register.View{Clock: wire.ClockWall}
	a := &acquaintance{view: func() register.View { return view }}
	if got := a.times(); !got.Told.IsZero() || got.Runs || time.Since(got.Wall) > time.Minute {
		t.Errorf("nothing told: %+v", got)
	}
	a.mark = 1_000
	if got := a.times(); got.Told.UnixMilli() != 1_000 || got.Runs {
		t.Errorf("the ledger's: %+v", got)
	}
	view.Clock, view.Time = wire.ClockAuthenticated, 2_000
	if got := a.times(); got.Told.UnixMilli() != 2_000 || !got.Runs {
		t.Errorf("the backend's: %+v", got)
	}
}

// acquainted gives the keys of a register that was enrolled just now.
func acquainted(t *testing.T, b *backendsim.Backend, address string) (keys.Folder, keys.Keys, keys.Trust) {
	t.Helper()
	data := t.TempDir()
	k := enrolAt(t, b, address, data)
	folder, err := keys.Find(data)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := folder.Trust(k)
	if err != nil {
		t.Fatal(err)
	}
	return folder, k, trust
}

// A renewal is on the disk and in use at once, over the real endpoint.
func TestRenewalOverTheRealBackend(t *testing.T) {
	b, address := backendtest.Serve(t)
	folder, k, trust := acquainted(t, b, address)
	a := &acquaintance{folder: folder, keys: k}
	a.trust.Store((*uplink.Trust)(&trust))
	csr, err := enrol.NewCSR(k.Register)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AddCA(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer, err := uplink.Renew(t.Context(), address, a.held(), csr, uplink.Times{Wall: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.renew(answer); err != nil {
		t.Fatal(err)
	}
	kept, err := folder.Trust(k)
	if err != nil || len(kept.CAs) != 2 || !kept.Certificate.Leaf.Equal(a.held().Certificate.Leaf) || kept.Certificate.Leaf.Equal(trust.Certificate.Leaf) {
		t.Errorf("kept %d CAs, %v", len(kept.CAs), err)
	}
}

// I8: a register that cannot keep what the backend renews is online, and its
// manager hears of it days before the certificate's end.
func TestI8ManagersPageTellsThatRenewalFails(t *testing.T) {
	var ago atomic.Int64
	ago.Store(int64(70 * 24 * time.Hour)) // of 90 days
	b, address := backendtest.ServeAt(t, func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) })
	data := t.TempDir()
	enrolAt(t, b, address, data)
	ago.Store(0)
	if err := os.MkdirAll(filepath.Join(data, "keys", keys.BackendCA+".new", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := setPIN(settings.Settings{Data: data}, strings.NewReader("246810\n")); err != nil {
		t.Fatal(err)
	}
	whileLinked(t, data, address, func(page, token string) {
		end := time.Now().Add(20 * 24 * time.Hour).In(time.FixedZone("JST", 9*3600)).Format(time.DateOnly)
		if got := managersPage(t, page, token, "246810"); !strings.Contains(got, "このレジの証明書は "+end) {
			t.Errorf("the manager is not told of %s:\n%s", end, got)
		}
	})
}

// managersPage gives what a browser shows to who types the PIN.
func managersPage(t *testing.T, page, token, secret string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	visit := func(method, path string, form url.Values) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, page+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", strings.TrimSuffix(page, "/"))
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v: %s", path, answer.Status, err, body)
		}
		return string(body)
	}
	visit(http.MethodGet, "?token="+token, nil)
	return visit(http.MethodPost, "manager/pin", url.Values{"pin": {secret}})
}

// What the manager is told hangs on the backend's time alone, and on the
// certificate in use.
func TestLateRenewalIsToldByTheBackendsTime(t *testing.T) {
	b, address := backendtest.Serve(t)
	_, _, trust := acquainted(t, b, address)
	own, day := trust.Certificate.Leaf, 24*time.Hour
	view := register.View{Clock: wire.ClockWall}
	a := &acquaintance{view: func() register.View { return view }}
	a.trust.Store(&uplink.Trust{})
	a.mark = terminal.MillisOf(own.NotAfter)
	if _, is := a.lateRenewal(); is {
		t.Error("a register without a certificate has one that is late")
	}
	a.trust.Store((*uplink.Trust)(&trust))
	a.mark, view.Time = 0, terminal.MillisOf(own.NotAfter)
	if _, is := a.lateRenewal(); is {
		t.Error("the machine's clock frightens people")
	}
	for left, want := range map[time.Duration]bool{60 * day: false, 23 * day: false, 22 * day: true, time.Second: true, 0: true, -day: true} {
		at := terminal.MillisOf(own.NotAfter.Add(-left))
		for name, tell := range map[string]func(){
			"told":         func() { view.Clock, view.Time = wire.ClockAuthenticated, at },
			"the ledger's": func() { view.Clock, a.mark = wire.ClockWall, at },
		} {
			tell()
			got, is := a.lateRenewal()
			if is != want || is && (got.End.Time().Unix() != own.NotAfter.Unix() || got.Due >= at || got.Ended != (left <= 0)) {
				t.Errorf("%s, %v left: %v, %+v", name, left, is, got)
			}
		}
	}
}
