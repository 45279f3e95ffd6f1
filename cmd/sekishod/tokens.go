package main

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sekisho/terminal/web"
)

// The files of the run folder that hold the local API's tokens, one line each,
// and that which says of which boot they are.
const (
	posTokenFile   = "pos.token"
	staffTokenFile = "staff.token"
	tokenBootFile  = "token.boot"
)

// tokenBytes is a token's length: nobody guesses 256 random bits.
const tokenBytes = 32

// tokens gives the local API's tokens and keeps them for this boot: a restart of
// the daemon logs nobody out. The file of the boot is written last, so that a
// process killed in between leaves none that is not whole.
func (d *runDir) tokens() (web.Tokens, error) {
	dir := filepath.Dir(d.path)
	known := web.Tokens{POS: readToken(dir, posTokenFile), Staff: readToken(dir, staffTokenFile)}
	boot, err := os.ReadFile(filepath.Join(dir, tokenBootFile))
	if err == nil && string(boot) == d.boot && known.POS != "" && known.Staff != "" && known.POS != known.Staff {
		return known, nil
	}
	fresh := web.Tokens{POS: newToken(), Staff: newToken()}
	for _, f := range []struct{ name, text string }{
		{posTokenFile, fresh.POS + "\n"}, {staffTokenFile, fresh.Staff + "\n"}, {tokenBootFile, d.boot},
	} {
		if err := replace(filepath.Join(dir, f.name), f.text); err != nil {
			return web.Tokens{}, fmt.Errorf("the local API's tokens cannot be kept: %w", err)
		}
	}
	return fresh, nil
}

func newToken() string {
	var b [tokenBytes]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// readToken gives "" for a file that is not there, that others can read, or that
// holds no token.
func readToken(dir, name string) string {
	path := filepath.Join(dir, name)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return ""
	}
	text, err := os.ReadFile(path)
	token := strings.TrimSuffix(string(text), "\n")
	if b, wrong := base64.RawURLEncoding.Strict().DecodeString(token); err != nil || wrong != nil || len(b) != tokenBytes {
		return ""
	}
	return token
}

// replace writes a file that nobody else can read, in one step.
func replace(path, text string) error {
	next := path + ".new"
	if err := os.Remove(next); err != nil && !os.IsNotExist(err) {
		return err // one with wider rights would keep them
	}
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
