package pin

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

// machine is a register's machine: its boot and its clock.
type machine struct {
	t    *testing.T
	dir  string
	boot string
	now  time.Duration
}

func newMachine(t *testing.T, pin string) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir(), boot: "boot-1", now: time.Hour}
	if pin != "" {
		phc, err := Hash(pin)
		if err != nil {
			t.Fatal(err)
		}
		if err := Keep(m.path("pin"), []byte(phc+"\n")); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

// gate is that of a process of its own, so that nothing in memory counts.
func (m *machine) gate() *Gate {
	return &Gate{File: m.path("pin"), Tries: m.path("tries"), Boot: m.boot, Clock: func() time.Duration { return m.now }}
}

// try compares a PIN without the time that a hash takes.
func (m *machine) try(pin string) error {
	g := m.gate()
	g.compare = func(_, pin string) (bool, error) { return pin == "246810", nil }
	return g.Try(pin)
}

func TestTryComparesWithTheFile(t *testing.T) {
	g := newMachine(t, "246810").gate()
	if err := g.Try("246811"); !errors.Is(err, ErrWrong) {
		t.Errorf("a wrong PIN: %v", err)
	}
	if err := g.Try("246810"); err != nil {
		t.Errorf("the PIN: %v", err)
	}
}

func (m *machine) want(pin string, want error) {
	m.t.Helper()
	if err := m.try(pin); !errors.Is(err, want) {
		m.t.Fatalf("got %v, want %v", err, want)
	}
}

func (m *machine) wantWait(want time.Duration) {
	m.t.Helper()
	var w *Wait
	if err := m.try("246810"); !errors.As(err, &w) || w.Left != want {
		m.t.Fatalf("got %v, want a wait of %v", err, want)
	}
}

// The hash is Argon2id of the parameters that the string says, in PHC's form: an
// independent reading of it gives the same.
func TestHashIsAPHCStringOfArgon2id(t *testing.T) {
	phc, err := Hash("246810")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" || parts[3] != "m=19456,t=2,p=1" {
		t.Fatalf("%s", phc)
	}
	salt, err := b64.DecodeString(parts[4])
	if err != nil || len(salt) != 16 {
		t.Fatalf("salt: %v, %d bytes", err, len(salt))
	}
	if want := b64.EncodeToString(argon2.IDKey([]byte("246810"), salt, 2, 19456, 1, 32)); parts[5] != want {
		t.Errorf("%s, want %s", parts[5], want)
	}
	if again, _ := Hash("246810"); again == phc {
		t.Error("the same salt twice")
	}
	for pin, want := range map[string]bool{"246810": true, "246811": false, "": false, strings.Repeat("2", 1000): false} {
		if got, err := verify(phc, pin); got != want || err != nil {
			t.Errorf("%.8s: %v, %v", pin, got, err)
		}
	}
	for _, wrong := range []string{"", "246810", "$argon2id$v=19$m=8,t=1,p=1$" + parts[4] + "$" + parts[5], phc[:len(phc)-4], phc + "x", strings.Replace(phc, "argon2id", "argon2i", 1)} {
		if ok, err := verify(wrong, "246810"); ok || !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, %v", wrong, ok, err)
		}
	}
}

func TestWeakPINs(t *testing.T) {
	for _, weak := range []string{"", "12345", "000000", strings.Repeat("12", 33), "12345\n", "1234\x005", "12345\xff"} {
		if _, err := Hash(weak); !errors.Is(err, ErrWeak) {
			t.Errorf("%q: %v", weak, err)
		}
	}
	for _, good := range []string{"123456", "店長の暗証番号", strings.Repeat("12", 32)} {
		if _, err := Hash(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// Five wrong ones are free; then a minute, doubled up to an hour. What the
// right PIN would have been does not matter while it waits, and a right one
// clears the count.
func TestI6WrongPINsWait(t *testing.T) {
	m := newMachine(t, "246810")
	for range free {
		m.want("135791", ErrWrong)
	}
	for _, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		wait *= time.Minute
		m.wantWait(wait)
		m.now += wait - 1
		m.wantWait(1)
		m.now++
		m.want("135791", ErrWrong)
	}
	m.now += time.Hour
	m.want("246810", nil)
	for range free - 1 {
		m.want("135791", ErrWrong)
	}
	m.want("246810", nil)
}

// A reboot ends no wait: it begins again, whatever the clock says.
func TestI6RebootEndsNoWait(t *testing.T) {
	m := newMachine(t, "246810")
	for range free + 2 {
		m.want("135791", ErrWrong)
		m.now += lastWait
	}
	m.now -= lastWait
	m.boot, m.now = "boot-2", 30*time.Second
	m.wantWait(4*time.Minute - 30*time.Second)
	m.now = 4 * time.Minute
	m.want("135791", ErrWrong)
	m.wantWait(8 * time.Minute)
	m.boot, m.now = "boot-3", 0
	m.wantWait(8 * time.Minute)
	m.now = 8 * time.Minute
	m.want("246810", nil)
	m.boot, m.now = "boot-4", 0
	m.want("246810", nil)
}

// A process killed while it compares has used its try up.
func TestI6TryCountsBeforeItIsCompared(t *testing.T) {
	m := newMachine(t, "246810")
	g := &Gate{File: m.path("pin"), Tries: m.path("tries"), Boot: m.boot, Clock: func() time.Duration { return m.now }}
	// A hash that cannot be compared stands for the kill: Try ends after counting.
	if err := Keep(m.path("pin"), []byte("nonsense")); err != nil {
		t.Fatal(err)
	}
	for range free {
		if err := g.Try("246810"); !errors.Is(err, ErrFormat) {
			t.Fatal(err)
		}
	}
	m.wantWait(time.Minute)
}

// Where a try cannot be counted none is compared, not even the right one.
func TestI6NoTryWithoutTheDisk(t *testing.T) {
	m := newMachine(t, "246810")
	g := &Gate{File: m.path("pin"), Tries: filepath.Join(m.dir, "gone", "tries"), Boot: m.boot, Clock: func() time.Duration { return m.now }}
	if err := g.Try("246810"); err == nil || errors.Is(err, ErrWrong) || strings.Contains(err.Error(), "246810") {
		t.Errorf("got %v", err)
	}
}

func TestI6DamagedCountIsTheLongestWait(t *testing.T) {
	m := newMachine(t, "246810")
	m.now = 10 * time.Minute
	for _, text := range []string{"", "{", `{"wrong":-1}`, `[]`} {
		if err := os.WriteFile(m.path("tries"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m.wantWait(50 * time.Minute)
	}
	// A time that has not been yet, as a file from another machine could have it.
	if err := os.WriteFile(m.path("tries"), []byte(`{"wrong":6,"boot_id":"boot-1","at":9000000000000000}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m.wantWait(2 * time.Minute)
}

func TestPINThatIsNotSetOrOpenToOthers(t *testing.T) {
	m := newMachine(t, "")
	m.want("246810", ErrNotSet)
	g := &Gate{File: m.path("pin")}
	if set, err := g.Set(); set || err != nil {
		t.Errorf("%v, %v", set, err)
	}
	m = newMachine(t, "246810")
	if err := os.Chmod(m.path("pin"), 0o644); err != nil {
		t.Fatal(err)
	}
	m.want("246810", ErrFormat)
	g = &Gate{File: m.path("pin")}
	if set, err := g.Set(); set || !errors.Is(err, ErrFormat) {
		t.Errorf("%v, %v", set, err)
	}
}
