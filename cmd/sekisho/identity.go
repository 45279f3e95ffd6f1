package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
)

// key reads a file of the data folder's keys/. The error names the file and
// never what is in it.
func (s *staff) key(name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(s.cfg.Data, "keys", name))
	if err != nil {
		return nil, fmt.Errorf("a key cannot be read; run sekisho as the daemon's user: %w", err)
	}
	return text, nil
}

// root gives the pinned root's verifier.
func (s *staff) root() (note.Verifier, error) {
	text, err := s.key("root.vkey")
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("keys/root.vkey is no verifier key")
	}
	return v, nil
}

// identity gives who the register is, as head office signed it.
func (s *staff) identity() (policy.Identity, error) {
	root, err := s.root()
	if err != nil {
		return policy.Identity{}, err
	}
	text, err := s.key("identity")
	if err != nil {
		return policy.Identity{}, err
	}
	return policy.OpenIdentity(string(text), root)
}

// origin names the register's journal.
func (s *staff) origin() (string, error) {
	id, err := s.identity()
	return journal.Origin(id.Store, id.Register), err
}

// checkpointKey gives the verifier of the register's checkpoints.
func (s *staff) checkpointKey() (note.Verifier, error) {
	origin, err := s.origin()
	if err != nil {
		return nil, err
	}
	text, err := s.key("register.key")
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("keys/register.key is no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("keys/register.key is no Ed25519 key")
	}
	return journal.NewVerifier(origin, private.Public().(ed25519.PublicKey))
}
