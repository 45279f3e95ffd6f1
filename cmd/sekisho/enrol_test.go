package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/cmd/keys"
	"sekisho/cmd/settings"
	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scenario/backendtest"
	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

func codeOf(t *testing.T, b *backendsim.Backend) string {
	t.Helper()
	code, err := b.Code(t.Context(), who.Store, who.Register, "")
	if err != nil {
		t.Fatal(err)
	}
	return code.Text()
}

// enrolling runs sekisho enrol as a person would, and gives what it says.
func enrolling(t *testing.T, data string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	config := filepath.Join(t.TempDir(), "sekishod.toml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code := run(t.Context(), append([]string{"--config", config, "--data", data, "enrol"}, args...), nil, &out, &out)
	return code, out.String()
}

// A machine becomes a register by one command, against the backend that the
// documents describe; the link is then taken.
func TestEnrolMakesARegister(t *testing.T) {
	b, address := backendtest.Serve(t)
	data, code := filepath.Join(t.TempDir(), "r1"), codeOf(t, b)
	exit, says := enrolling(t, data, "--backend", address, "--code", strings.ToLower(strings.ReplaceAll(code, "-", " ")))
	if exit != 0 || !strings.Contains(says, "register r1 of store store-0001") || !strings.Contains(says, fmt.Sprintf("backend = %q", address)) {
		t.Fatalf("exit code %d: %s", exit, says)
	}
	if f := patientOf(t, data, address, time.Now()).backend(); f.Level != ok {
		t.Errorf("the link: %+v", f)
	}
	if exit, says := enrolling(t, data, "--backend", address, "--code", code); exit != 0 || !strings.Contains(says, "nothing was changed") {
		t.Errorf("again: exit code %d: %s", exit, says)
	}
	before, err := keys.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	if exit, says := enrolling(t, data, "--backend", address, "--code", codeOf(t, b)); exit != 0 {
		t.Fatalf("by another code: exit code %d: %s", exit, says)
	}
	if after, err := keys.Load(data); err != nil || after.Register.Equal(before.Register) {
		t.Errorf("by another code: %v", err)
	}
	if f := patientOf(t, data, address, time.Now()).backend(); f.Level != ok {
		t.Errorf("the link: %+v", f)
	}
}

// A code that is typed or piped does not stand in the shell's history.
func TestEnrolAsksForTheCode(t *testing.T) {
	b, address := backendtest.Serve(t)
	for name, args := range map[string][]string{"without --code": nil, "--code -": {"--code", "-"}} {
		for typed, want := range map[string]string{
			codeOf(t, b) + "\n": "enrolled", codeOf(t, b): "enrolled", "": "this is no one-time code", "ABC\n": "this is no one-time code",
		} {
			var out bytes.Buffer
			s := &staff{out: &out, err: &out, now: time.Now}
			root := s.command()
			root.SetIn(strings.NewReader(typed))
			root.SetArgs(append([]string{"--data", t.TempDir(), "enrol", "--backend", address}, args...))
			if err := root.ExecuteContext(t.Context()); err != nil {
				fmt.Fprintln(&out, err)
			}
			if says := out.String(); !strings.Contains(says, want) || !strings.Contains(says, "type the one-time code") || len(typed) > 40 && strings.Contains(says, typed[:20]) {
				t.Errorf("%s, %d characters typed: %s", name, len(typed), says)
			}
		}
	}
}

// Nobody types, and Ctrl-C ends it.
func TestEnrolThatWaitsForTheCodeEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	nobody, types := io.Pipe()
	defer types.Close()
	s := &staff{out: io.Discard, err: io.Discard, now: time.Now}
	root := s.command()
	root.SetIn(nobody)
	root.SetArgs([]string{"--data", t.TempDir(), "enrol", "--backend", "wss://127.0.0.1:1/v1/link"})
	if err := root.ExecuteContext(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("%v", err)
	}
}

// Each thing that goes wrong has a sentence of its own, and changes nothing.
func TestI8EnrolSaysWhatIsWrong(t *testing.T) {
	b, address := backendtest.Serve(t)
	other, elsewhere := backendtest.Serve(t)
	spent := codeOf(t, b)
	if exit, says := enrolling(t, t.TempDir(), "--backend", address, "--code", spent); exit != 0 {
		t.Fatal(says)
	}
	running := t.TempDir()
	held, err := keys.Begin(running, enrol.NewCode([]byte("a CA")))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	mistyped := []byte(codeOf(t, b))
	mistyped[0] ^= 1
	for name, c := range map[string]struct {
		data, backend, code string
		exit                int
		words               string
	}{
		"mistyped":         {t.TempDir(), address, string(mistyped), 2, "this is no one-time code"},
		"no code":          {t.TempDir(), address, "", 2, "this is no one-time code"},
		"no address":       {t.TempDir(), "", codeOf(t, b), 2, "--backend must be wss://"},
		"no TLS":           {t.TempDir(), strings.Replace(address, "wss", "ws", 1), codeOf(t, b), 2, "--backend must be wss://"},
		"another backend":  {t.TempDir(), elsewhere, codeOf(t, b), 2, "Somebody may stand in between"},
		"another's code":   {t.TempDir(), address, codeOf(t, other), 2, "Somebody may stand in between"},
		"another name":     {t.TempDir(), strings.Replace(address, "127.0.0.1", "localhost", 1), codeOf(t, b), 2, `is not for "localhost"`},
		"spent":            {t.TempDir(), address, spent, 2, "does not take this code"},
		"no connection":    {t.TempDir(), "wss://" + gone.Addr().String() + "/v1/link", codeOf(t, b), 1, "there is no connection"},
		"a daemon runs":    {running, address, codeOf(t, b), 2, "stop it, enrol"},
		"another path":     {t.TempDir(), strings.Replace(address, "/v1/", "/v2/", 1), codeOf(t, b), 2, "is no Sekisho backend"},
		"not where it can": {"/proc/nowhere", address, codeOf(t, b), 2, "cannot be made"},
	} {
		exit, says := enrolling(t, c.data, "--backend", c.backend, "--code", c.code)
		if exit != c.exit || !strings.Contains(says, c.words) {
			t.Errorf("%s: exit code %d, want %d with %q: %s", name, exit, c.exit, c.words, says)
		}
		if _, err := os.Stat(filepath.Join(c.data, "keys")); err == nil {
			t.Errorf("%s: keys were made", name)
		}
		if secret := strings.ReplaceAll(c.code, "-", ""); len(secret) > 16 && (strings.Contains(says, c.code) || strings.Contains(says, secret[:16])) {
			t.Errorf("%s: the code is told: %s", name, says)
		}
	}
}

func TestI8EnrolWithAWrongClockSaysSo(t *testing.T) {
	b, address := backendtest.Serve(t)
	code, err := enrol.ParseCode(codeOf(t, b))
	if err != nil {
		t.Fatal(err)
	}
	for _, now := range []time.Time{time.Unix(0, 0), time.Date(2038, 1, 19, 0, 0, 0, 0, time.UTC)} {
		var out bytes.Buffer
		s := &staff{out: &out, err: &out, now: func() time.Time { return now }, cfg: settings.Settings{Data: t.TempDir()}}
		err := s.enrol(context.Background(), address, code)
		if err == nil || !strings.Contains(err.Error(), "set the clock") || !strings.Contains(err.Error(), now.In(storeZone).Format("2006")) {
			t.Errorf("%v: %v", now, err)
		}
	}
}

func patientOf(t *testing.T, data, backend string, now time.Time) *patient {
	t.Helper()
	return &patient{ctx: t.Context(), staff: &staff{now: func() time.Time { return now }, cfg: settings.Settings{Data: data, Backend: backend}}}
}

func TestDoctorLooksAtTheCertificate(t *testing.T) {
	from := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	until := from.Add(90 * 24 * time.Hour)
	for at, want := range map[time.Duration]level{
		-time.Second: warn, 0: ok, 67 * 24 * time.Hour: ok, 68 * 24 * time.Hour: warn, 90*24*time.Hour - time.Second: warn, 90 * 24 * time.Hour: fail,
	} {
		if f := certificateFor(from, until, from.Add(at)); f.Level != want || (f.Remedy == "") != (want == ok) {
			t.Errorf("after %v: %+v, want %s", at, f, want)
		}
	}
	if f := patientOf(t, t.TempDir(), "wss://127.0.0.1:1/v1/link", from).certificate(); f.Level != fail || !strings.Contains(f.Remedy, "sekisho enrol") {
		t.Errorf("without keys: %+v", f)
	}
}

// What the backend says of a register stands in doctor's report.
func TestDoctorDialsTheBackend(t *testing.T) {
	b, address := backendtest.Serve(t)
	data := t.TempDir()
	if exit, says := enrolling(t, data, "--backend", address, "--code", codeOf(t, b)); exit != 0 {
		t.Fatal(says)
	}
	p := patientOf(t, data, address, time.Now())
	if f := p.certificate(); f.Level != ok || !strings.Contains(f.Says, "89 days") {
		t.Errorf("certificate: %+v", f)
	}
	if f := patientOf(t, data, address, time.Date(2038, 1, 19, 0, 0, 0, 0, time.UTC)).backend(); f.Level != fail || !strings.Contains(f.Says, "set the clock") {
		t.Errorf("by a wrong clock: %+v", f)
	}
	// Nobody is to ask for a code because of a clock that is years ahead.
	if f := patientOf(t, data, address, time.Date(2038, 1, 19, 0, 0, 0, 0, time.UTC)).certificate(); f.Level != fail || !strings.Contains(f.Remedy, "timedatectl") {
		t.Errorf("by a wrong clock: %+v", f)
	}
	told := patientOf(t, data, address, time.Unix(0, 0))
	told.state = &register.View{Clock: wire.ClockAuthenticated, Time: terminal.MillisOf(time.Now())}
	if f := told.backend(); f.Level != ok {
		t.Errorf("by the time told: %+v", f)
	}
	if f := told.certificate(); f.Level != ok {
		t.Errorf("by the time told: %+v", f)
	}
	told.state.Time += terminal.Millis((91 * 24 * time.Hour).Milliseconds())
	if f := told.certificate(); f.Level != fail || strings.Contains(f.Remedy, "timedatectl") {
		t.Errorf("past its end by the time told: %+v", f)
	}
	if err := b.Revoke(t.Context(), who.Register); err != nil {
		t.Fatal(err)
	}
	if f := p.backend(); f.Level != fail || !strings.Contains(f.Says, string(enrol.Revoked)) || !strings.Contains(f.Remedy, "sekisho enrol") {
		t.Errorf("revoked: %+v", f)
	}
	for address, want := range map[string]level{"wss://127.0.0.1:1/v1/link": warn, "ws://127.0.0.1:1/v1/link": ok, "http://127.0.0.1": fail} {
		if f := patientOf(t, data, address, time.Now()).backend(); f.Level != want {
			t.Errorf("%s: %+v, want %s", address, f, want)
		}
	}
}
