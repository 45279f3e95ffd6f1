package scenario

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
	"sekisho/terminal/policy"
)

// policyFile holds the policy that a backend by itself begins with, under the
// operator's folder.
const policyFile = "policy"

// OperatorPolicy reads the signed policy that lies in the operator's folder. The
// demo's is written there where there is none, so that a backend which comes
// back has the same.
func OperatorPolicy(dir string, k Keys) (string, *policy.Policy, error) {
	path := filepath.Join(dir, policyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		note, _, failed := PolicyNote(k, DemoRules(), time.Now())
		if failed != nil {
			return "", nil, failed
		}
		text, err = []byte(note), os.WriteFile(path, []byte(note), 0o600)
	}
	if err != nil {
		return "", nil, err
	}
	p, err := k.Signing.OpenPolicy(string(text), Class)
	return string(text), p, err
}

// enrolMade tells a backend of the registers whose keys MakeKeys made.
func enrolMade(ctx context.Context, b *backendsim.Backend, operator string) error {
	files, err := filepath.Glob(filepath.Join(operator, "*.vkey"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		key := strings.TrimSpace(string(text))
		name, _, _ := strings.Cut(key, "+")
		who := strings.Split(name, "/")
		if len(who) != 3 || who[0] != "sekisho" {
			continue // one of head office's own
		}
		if err := b.Enrol(ctx, terminal.StoreID(who[1]), terminal.RegisterID(who[2]), key); err != nil {
			return err
		}
	}
	return nil
}

// OpenOperatorsBackend opens a backend by itself on what lies in the operator's
// folder: keys, roles, policy, and the registers that MakeKeys made.
func OpenOperatorsBackend(ctx context.Context, operator string, cfg backendsim.Config) (*backendsim.Backend, error) {
	k, err := OperatorKeys(operator)
	if err != nil {
		return nil, err
	}
	if cfg.Note, cfg.Policy, err = OperatorPolicy(operator, k); err != nil {
		return nil, err
	}
	cfg.Roles, cfg.Signer, cfg.Key, cfg.Root, cfg.Pinned = k.Roles, k.Signing, k.Backend, k.Root, k.Pinned
	b, err := backendsim.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := enrolMade(ctx, b, operator); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}
