package main

import (
	"crypto/ed25519"

	"golang.org/x/mod/sumdb/note"

	"sekisho/cmd/keys"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
)

// root gives the pinned root's verifier.
func (s *staff) root() (note.Verifier, error) {
	folder, err := keys.Find(s.cfg.Data)
	if err != nil {
		return nil, err
	}
	return folder.Root()
}

// identity gives who the register is, as head office signed it.
func (s *staff) identity() (policy.Identity, error) {
	folder, err := keys.Find(s.cfg.Data)
	if err != nil {
		return policy.Identity{}, err
	}
	return folder.Identity()
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
	folder, err := keys.Find(s.cfg.Data)
	if err != nil {
		return nil, err
	}
	private, err := folder.Register()
	if err != nil {
		return nil, err
	}
	return journal.NewVerifier(origin, private.Public().(ed25519.PublicKey))
}
