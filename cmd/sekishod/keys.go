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
	"io/fs"
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
	roles    *policy.Roles      // roles: notes signed by root; newer ones come from the backend
	sealer   hpke.PublicKey     // backend.hpke: X25519, base64
	identity policy.Identity    // identity: a note signed by root
}

// keyError says which key file is wrong and what to do. It never holds a part
// of the file.
type keyError struct {
	path  string
	text  string
	cause error
}

func (e *keyError) Error() string {
	return fmt.Sprintf("%s: %s", e.path, e.text)
}

func (e *keyError) Unwrap() error { return e.cause }

// keyFolder is the path of keys/.
type keyFolder string

func (f keyFolder) wrong(file, text string, cause error) error {
	return &keyError{filepath.Join(string(f), file), text + "; enrol the register again if it cannot be mended", cause}
}

// find gives the folder in the data folder, by its full path.
func find(data string) (keyFolder, error) {
	path, err := filepath.Abs(filepath.Join(data, "keys"))
	if err != nil {
		return "", fmt.Errorf("the working folder is gone: %w", err)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", &keyError{path, "this folder is not there: enrolment makes it; for development " +
			"sekisho-sim keys --dir DIR makes one, and the setting is then data = \"DIR/register\"", err}
	}
	return keyFolder(path), nil
}

// loadKeys reads keys/ in the data folder. What is wrong with a key is a *keyError.
func loadKeys(data string) (keys, error) {
	var k keys
	dir, err := find(data)
	if err != nil {
		return k, err
	}
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
		return k, dir.wrong("root.vkey", "is no verifier key", err)
	}
	if k.sealer, err = loadSealer(dir); err != nil {
		return k, err
	}
	identity, err := readKey(dir, "identity", false)
	if err != nil {
		return k, err
	}
	if k.identity, err = policy.OpenIdentity(string(identity), k.root); err != nil {
		return k, dir.notTaken("identity", err)
	}
	roles, err := readKey(dir, "roles", false)
	if err != nil {
		return k, err
	}
	if k.roles, err = policy.OpenRoles(string(roles), k.root, k.identity.Realm); err != nil {
		return k, dir.notTaken("roles", err)
	}
	return k, nil
}

// notTaken says why a signed file was not, without the error's cause, which may
// quote the file.
func (f keyFolder) notTaken(file string, err error) error {
	text := "cannot be read"
	if wrong, ok := errors.AsType[*policy.Error](err); ok {
		text = wrong.Text
	}
	return f.wrong(file, text, err)
}

// readKey reads one file; a secret one only where nobody else may, any only
// where nobody else may change whom the register trusts.
func readKey(dir keyFolder, name string, secret bool) ([]byte, error) {
	path := filepath.Join(string(dir), name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, dir.wrong(name, why(err), err)
	}
	if secret && info.Mode().Perm()&0o077 != 0 {
		return nil, dir.wrong(name, fmt.Sprintf("has mode %04o, others could read it: chmod 600", info.Mode().Perm()), nil)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, dir.wrong(name, fmt.Sprintf("has mode %04o, others could change it: chmod 644", info.Mode().Perm()), nil)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, dir.wrong(name, why(err), err)
	}
	return text, nil
}

// why says in words why a file cannot be read.
func why(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is not there"
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("no permission: the user with id %d, as whom sekishod runs, cannot read it", os.Geteuid())
	}
	if broken, ok := errors.AsType[*fs.PathError](err); ok {
		err = broken.Err
	}
	return fmt.Sprintf("cannot be read: %v", err)
}

func loadRegisterKey(dir keyFolder) (ed25519.PrivateKey, error) {
	text, err := readKey(dir, "register.key", true)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, dir.wrong("register.key", "is no PEM", nil)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, dir.wrong("register.key", "is no Ed25519 key in PKCS 8", nil)
	}
	return key, nil
}

func loadStoreKey(dir keyFolder) ([]byte, error) {
	text, err := readKey(dir, "store.key", true)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, dir.wrong("store.key", "is not 32 bytes in hex", nil)
	}
	return key, nil
}

func loadSealer(dir keyFolder) (hpke.PublicKey, error) {
	text, err := readKey(dir, "backend.hpke", false)
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, dir.wrong("backend.hpke", "is no base64", err)
	}
	public, err := ecdh.X25519().NewPublicKey(raw)
	if err == nil {
		var sealer hpke.PublicKey
		if sealer, err = hpke.NewDHKEMPublicKey(public); err == nil {
			return sealer, nil
		}
	}
	return nil, dir.wrong("backend.hpke", "is no X25519 public key", err)
}
