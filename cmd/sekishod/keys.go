package main

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/policy"
)

// keys is what enrolment left in the folder keys/: two secrets of this register
// and the public keys that it trusts.
type keys struct {
	register ed25519.PrivateKey // register.key: PEM, PKCS 8
	store    []byte             // store.key: 32 bytes in hex, shared by the store's registers
	root     note.Verifier      // root.vkey: the form of golang.org/x/mod/sumdb/note
	sealer   hpke.PublicKey     // backend.hpke: X25519, base64
	identity policy.Identity    // identity: a note signed by root
}

// keyError says which key file is wrong and what to do. It never holds a part
// of the file.
type keyError struct {
	file  string
	text  string
	cause error
}

func (e *keyError) Error() string {
	return fmt.Sprintf("keys/%s: %s; enrol the register again if it cannot be mended", e.file, e.text)
}

func (e *keyError) Unwrap() error { return e.cause }

// loadKeys reads keys/ in the data folder. Every error is a *keyError.
func loadKeys(data string) (keys, error) {
	dir := filepath.Join(data, "keys")
	var k keys
	var err error
	if k.register, err = loadRegisterKey(dir); err != nil {
		return k, err
	}
	if k.store, err = loadStoreKey(dir); err != nil {
		return k, err
	}
	root, err := readKey(dir, "root.vkey", false)
	if err != nil {
		return k, err
	}
	if k.root, err = note.NewVerifier(strings.TrimSpace(string(root))); err != nil {
		return k, &keyError{"root.vkey", "is no verifier key", err}
	}
	if k.sealer, err = loadSealer(dir); err != nil {
		return k, err
	}
	identity, err := readKey(dir, "identity", false)
	if err != nil {
		return k, err
	}
	if k.identity, err = policy.OpenIdentity(string(identity), k.root); err != nil {
		text := "is no identity"
		if wrong, ok := errors.AsType[*policy.Error](err); ok {
			text = wrong.Text // without its cause, which may quote the file
		}
		return k, &keyError{"identity", text, err}
	}
	return k, nil
}

// readKey reads one file; a secret one only where nobody else may, any only
// where nobody else may change whom the register trusts.
func readKey(dir, name string, secret bool) ([]byte, error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, &keyError{name, "cannot be read", err}
	}
	if secret && info.Mode().Perm()&0o077 != 0 {
		return nil, &keyError{name, fmt.Sprintf("has mode %04o, others could read it: chmod 600", info.Mode().Perm()), nil}
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, &keyError{name, fmt.Sprintf("has mode %04o, others could change it: chmod 644", info.Mode().Perm()), nil}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &keyError{name, "cannot be read", err}
	}
	return text, nil
}

func loadRegisterKey(dir string) (ed25519.PrivateKey, error) {
	text, err := readKey(dir, "register.key", true)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, &keyError{"register.key", "is no PEM", nil}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, &keyError{"register.key", "is no Ed25519 key in PKCS 8", nil}
	}
	return key, nil
}

func loadStoreKey(dir string) ([]byte, error) {
	text, err := readKey(dir, "store.key", true)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, &keyError{"store.key", "is not 32 bytes in hex", nil}
	}
	return key, nil
}

func loadSealer(dir string) (hpke.PublicKey, error) {
	text, err := readKey(dir, "backend.hpke", false)
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, &keyError{"backend.hpke", "is no base64", err}
	}
	public, err := ecdh.X25519().NewPublicKey(raw)
	if err == nil {
		var sealer hpke.PublicKey
		if sealer, err = hpke.NewDHKEMPublicKey(public); err == nil {
			return sealer, nil
		}
	}
	return nil, &keyError{"backend.hpke", "is no X25519 public key", err}
}
