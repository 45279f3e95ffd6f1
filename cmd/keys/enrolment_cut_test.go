package keys

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sekisho/terminal/enrol"
)

// The power goes after each step of an enrolment, or in the middle of writing a
// file; the same command again ends right, with the key that the backend knows.
// Up to the step in which the folders change places the register stays the one
// that it was.
func TestI8APowerCutAnywhereInAnEnrolment(t *testing.T) {
	for _, before := range []bool{false, true} {
		for cut := 0; ; cut++ {
			b, data := newBackend(t), t.TempDir()
			var old Keys
			if before {
				if _, err := b.enrol(data, enrol.NewCode(b.ca.Raw)); err != nil {
					t.Fatal(err)
				}
				old, _ = inUse(t, data)
				b.asked = 0
			}
			code := enrol.NewCode(b.ca.Raw)
			over := b.until(data, code, cut)
			if now, err := Load(data); before && (err != nil || !now.Register.Equal(old.Register) && b.asked == 0) {
				t.Fatalf("cut %d: the register is no more: %v", cut, err)
			}
			litter(t, data)
			k, err := b.enrol(data, code)
			if err != nil {
				t.Fatalf("enrolled before %v, cut %d: %v", before, cut, err)
			}
			now, _ := inUse(t, data)
			if !now.Register.Equal(k.Register) || !k.Register.Public().(ed25519.PublicKey).Equal(b.given[code.Secret()]) || b.asked > 2 {
				t.Errorf("enrolled before %v, cut %d: another key, or asked %d times", before, cut, b.asked)
			}
			if over {
				if cut < 15 {
					t.Errorf("only %d steps", cut)
				}
				break
			}
		}
	}
}

// The power goes once the folders have changed places, and an older code is typed
// again: the keys from before never come back.
func TestI6AnOlderCodeBringsNoOldKeysBack(t *testing.T) {
	b, data := newBackend(t), t.TempDir()
	older, code := enrol.NewCode(b.ca.Raw), enrol.NewCode(b.ca.Raw)
	if _, err := b.enrol(data, older); err != nil {
		t.Fatal(err)
	}
	for steps := 1; !exchanged(data, b, code); steps++ {
		b.until(data, code, steps)
	}
	if _, err := b.enrol(data, older); !errors.Is(err, errSpent) {
		t.Errorf("by the older code: %v", err)
	}
	if k, err := Load(data); err != nil || !k.Register.Public().(ed25519.PublicKey).Equal(b.given[code.Secret()]) {
		t.Errorf("the older keys are back, %v", err)
	}
}

// exchanged says whether the code's keys are in use and those from before still
// beside them.
func exchanged(data string, b *backend, code enrol.Code) bool {
	k, err := Load(data)
	_, left := os.Lstat(filepath.Join(data, nextName, Certificate))
	return err == nil && left == nil && k.Register.Public().(ed25519.PublicKey).Equal(b.given[code.Secret()])
}

// until does the first steps of an enrolment and says whether these were all.
func (b *backend) until(data string, code enrol.Code, steps int) (over bool) {
	b.t.Helper()
	o, err := ownerLike(data)
	if err != nil {
		b.t.Fatal(err)
	}
	e := &Enrolment{code: code, data: data, owner: o}
	do := func(all []func() error) bool {
		for _, step := range all {
			if steps == 0 {
				return false
			}
			steps--
			if err := step(); err != nil {
				b.t.Fatal(err)
			}
		}
		return true
	}
	if !do(e.beginning()) || steps == 0 {
		return false
	}
	key, err := e.Key()
	if err != nil {
		b.t.Fatal(err)
	}
	a, err := b.answer(code, key.Public().(ed25519.PublicKey))
	if err != nil {
		b.t.Fatal(err)
	}
	steps-- // the answer came, and nothing of it is kept
	return do(e.keeping(a)) && do(e.placing())
}

// litter is what a power cut in the middle of a write leaves beside a file.
func litter(t *testing.T, data string) {
	t.Helper()
	for _, folder := range []string{folderName, nextName} {
		for _, name := range []string{RegisterKey, Certificate, IdentityNote, codeFile} {
			if _, err := os.Stat(filepath.Join(data, folder)); err == nil {
				write(t, filepath.Join(data, folder), name+".new", "half of a")
			}
		}
	}
}
