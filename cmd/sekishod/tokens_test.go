package main

import (
	"os"
	"path/filepath"
	"testing"

	"sekisho/terminal/web"
)

func tokensOf(t *testing.T, dir, id string) web.Tokens {
	t.Helper()
	d, err := openRunDir(dir, write(t, t.TempDir(), "boot_id", id))
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := d.tokens()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"pos.token": tokens.POS, "staff.token": tokens.Staff} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		if got := read(t, filepath.Join(dir, name)); got != want+"\n" || len(want) != 43 {
			t.Errorf("%s does not hold what is served", name)
		}
	}
	return tokens
}

func TestTokensStayForOneBoot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	first := tokensOf(t, dir, "boot-1")
	if first.POS == first.Staff {
		t.Error("one token for both")
	}
	if again := tokensOf(t, dir, "boot-1"); again != first {
		t.Error("a restart changed the tokens")
	}
	second := tokensOf(t, dir, "boot-2")
	if second.POS == first.POS || second.Staff == first.Staff {
		t.Error("a token outlived its boot")
	}
}

// What is wrong with one file makes both anew.
func TestTokensThatCannotBeTrustedAreMadeAnew(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"cut short":            func(dir string) error { return os.Truncate(filepath.Join(dir, "pos.token"), 20) },
		"gone":                 func(dir string) error { return os.Remove(filepath.Join(dir, "staff.token")) },
		"open to all":          func(dir string) error { return os.Chmod(filepath.Join(dir, "staff.token"), 0o644) },
		"not written whole":    func(dir string) error { return os.Remove(filepath.Join(dir, "token.boot")) },
		"the staff's for both": func(dir string) error { return copyFile(dir, "staff.token", "pos.token") },
		"another's": func(dir string) error {
			other := filepath.Join(dir, "other")
			if err := os.WriteFile(other, []byte(newToken()), 0o600); err != nil {
				return err
			}
			if err := os.Remove(filepath.Join(dir, "pos.token")); err != nil {
				return err
			}
			return os.Symlink(other, filepath.Join(dir, "pos.token"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			first := tokensOf(t, dir, "boot-1")
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			again := tokensOf(t, dir, "boot-1")
			if again.POS == first.POS || again.Staff == first.Staff || again.POS == again.Staff {
				t.Error("a token is still good")
			}
		})
	}
}

func copyFile(dir, from, to string) error {
	text, err := os.ReadFile(filepath.Join(dir, from))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, to), text, 0o600)
}
