// Package keys is the folder keys/ of a register's data folder: what enrolment
// left there, checked as it is read.
//
// # Nouns
//
// A Folder is keys/ itself. Keys are two secrets of the register and the public
// keys that it trusts; Trust is the certificate that it shows the backend, and
// those by which it knows the backend.
//
// # Guarantees
//
//   - A secret is read only where nobody else may read it, and anything only where
//     nobody but the running user and root may change it.
//   - What is wrong is an *Error that names the file and never holds a part of it.
package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// The files of the folder.
const (
	RegisterKey  = "register.key" // PEM, PKCS 8: Ed25519, of the certificate and of the checkpoints; secret
	StoreKey     = "store.key"    // 32 bytes in hex, shared by the store's registers; secret
	RootKey      = "root.vkey"    // the form of golang.org/x/mod/sumdb/note
	RolesNote    = "roles"        // notes signed by root; newer ones come from the backend
	SealerKey    = "backend.hpke" // X25519, base64
	IdentityNote = "identity"     // a note signed by root
	Certificate  = "register.crt" // PEM: the register's, then those up to the CA
	BackendCA    = "backend.ca"   // PEM
	ManagerPIN   = "pin"          // hash of the manager's PIN, of sekishod --set-pin; secret, and not of enrolment
)

// Error says which key file is wrong and what to do. It never holds a part of
// the file.
type Error struct {
	Path  string
	Text  string
	Cause error
}

// Error gives the sentence for people.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s", e.Path, e.Text)
}

// File gives the file's name without its folder.
func (e *Error) File() string { return filepath.Base(e.Path) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Folder is the path of keys/.
type Folder string

// Find gives the folder in a data folder, by its full path. The error is an
// *Error where there is none, or where others may change what is in it.
func Find(data string) (Folder, error) {
	path, err := filepath.Abs(filepath.Join(data, "keys"))
	if err != nil {
		return "", fmt.Errorf("the working folder is gone: %w", err)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", &Error{path, "this folder is not there: sekisho enrol makes it; for development " +
			"sekisho-sim keys --dir DIR makes one, and the setting is then data = \"DIR/register\"", err}
	}
	if err != nil {
		return "", &Error{path, why(err), err}
	}
	if info.Mode().Perm()&0o022 != 0 {
		return "", &Error{path, fmt.Sprintf("has mode %04o, others could put keys of their own there: chmod 700", info.Mode().Perm()), nil}
	}
	if text := stranger(info, owners(data)); text != "" {
		return "", &Error{path, text, nil}
	}
	return Folder(path), nil
}

// wrong is an *Error about one file.
func (f Folder) wrong(file, text string, cause error) error {
	return &Error{filepath.Join(string(f), file), text + "; enrol the register again if it cannot be mended", cause}
}

// read reads one file; a secret one only where nobody else may, any only where
// nobody else may change whom the register trusts.
func (f Folder) read(name string) ([]byte, error) {
	path := filepath.Join(string(f), name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, f.wrong(name, why(err), err)
	}
	if secret(name) && info.Mode().Perm()&0o077 != 0 {
		return nil, f.wrong(name, fmt.Sprintf("has mode %04o, others could read it: chmod 600", info.Mode().Perm()), nil)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, f.wrong(name, fmt.Sprintf("has mode %04o, others could change it: chmod 644", info.Mode().Perm()), nil)
	}
	if text := stranger(info, owners(filepath.Dir(string(f)))); text != "" {
		return nil, f.wrong(name, text, nil)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, f.wrong(name, why(err), err)
	}
	return text, nil
}

// secret says whether nobody else may read a file.
func secret(name string) bool { return name == RegisterKey || name == StoreKey }

// owners gives the users who may own what is in keys/: the one who runs this, and
// root. Where root runs this, as a technician does, it is the data folder's owner,
// to whom ledger and daemon belong.
func owners(data string) []int {
	user := os.Geteuid()
	if info, err := os.Stat(data); err == nil && user == 0 {
		user = ownerOf(info)
	}
	return []int{user, 0}
}

// stranger says what is wrong with a file's owner, who may change its mode and
// so its content; "" for nothing.
func stranger(info fs.FileInfo, owners []int) string {
	if slices.Contains(owners, ownerOf(info)) {
		return ""
	}
	return fmt.Sprintf("belongs to another user, who could change it: make the user with id %d its owner, with chown", owners[0])
}

// ownerOf gives a file's owner; -1 where the system does not tell.
func ownerOf(info fs.FileInfo) int {
	if owner, known := info.Sys().(*syscall.Stat_t); known {
		return int(owner.Uid)
	}
	return -1
}

// why says in words why a file cannot be read.
func why(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is not there"
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("no permission: the user with id %d, as whom this runs, cannot read it", os.Geteuid())
	}
	if broken, ok := errors.AsType[*fs.PathError](err); ok {
		err = broken.Err
	}
	return fmt.Sprintf("cannot be read: %v", err)
}
