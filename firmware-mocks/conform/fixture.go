package conform

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

// fixture is the TOML text of what a backend has for the kit.
type fixture struct {
	HPKE      string `toml:"hpke"` // base64 of the X25519 key that evidence is sealed to
	Registers []struct {
		Store string `toml:"store"`
		ID    string `toml:"id"`
		Key   string `toml:"key"`  // file with the Ed25519 seed in hex, beside the fixture
		Code  string `toml:"code"` // one-time code, over TLS
	} `toml:"register"`
}

// ReadFixture reads a file as docs/conformance.md describes it into c.
func (c *Config) ReadFixture(path string) error {
	var f fixture
	meta, err := toml.DecodeFile(path, &f)
	if err != nil {
		return fmt.Errorf("conform: %w", err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return fmt.Errorf("conform: %s has a key that is not known: %s", path, unknown[0])
	}
	if f.HPKE != "" {
		if c.Backend, err = readHPKE(f.HPKE); err != nil {
			return fmt.Errorf("conform: %s: hpke is no base64 of an X25519 public key", path)
		}
	}
	for _, r := range f.Registers {
		one := Register{Store: r.Store, ID: r.ID, Code: r.Code}
		if r.Key != "" {
			if one.Key, err = ReadKey(filepath.Join(filepath.Dir(path), r.Key)); err != nil {
				return err
			}
		}
		c.Registers = append(c.Registers, one)
	}
	return nil
}

func readHPKE(text string) (hpke.PublicKey, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	key, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return nil, err
	}
	return hpke.NewDHKEMPublicKey(key)
}

// ReadKey reads an Ed25519 secret key: a file with its seed, 32 bytes in hex.
func ReadKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("conform: %w", err)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("conform: %s is no Ed25519 seed: it has 64 hex digits", path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// Spoilt is how many registers the rules bring into doubt, at most.
const Spoilt = 30

// MakeUp makes registers of two stores, as many as a run needs that may spoil so
// many, that nobody has heard of, for a backend on
// loopback that believes a hello's name. With an admin API it is told their keys;
// without one they have none.
func MakeUp(ctx context.Context, admin string, spoilt int) ([]Register, error) {
	run := newID()[24:]
	var list []Register
	home := 3 + spoilt
	for n := range home + 1 {
		r := Register{Store: "conform-" + run + "-1", ID: fmt.Sprintf("conform-%s-r%d", run, n+1)}
		if n == home {
			r.Store = "conform-" + run + "-2"
		}
		if admin != "" {
			if err := r.introduce(ctx, admin); err != nil {
				return nil, err
			}
		}
		list = append(list, r)
	}
	return list, nil
}

// introduce makes the register's key and tells the backend.
func (r *Register) introduce(ctx context.Context, admin string) (err error) {
	if _, r.Key, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return err
	}
	origin := journal.Origin(terminal.StoreID(r.Store), terminal.RegisterID(r.ID))
	vkey, err := note.NewEd25519VerifierKey(origin, r.Key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	return post(ctx, admin+"/admin/registers/enrol", map[string]any{"store": r.Store, "register": r.ID, "vkey": vkey})
}
