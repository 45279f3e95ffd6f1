package keys

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"sekisho/terminal/enrol"
)

// The folders beside each other in the data folder: that in use, and the one in
// which an enrolment is made ready. They change places in one step.
const (
	folderName = "keys"
	nextName   = "keys.new"
)

// codeFile says by its SHA-256 in hex which code a folder was enrolled with. The
// code itself is spent, and cannot be found from it: 80 of its bits are random.
const codeFile = "code.sha256"

// What an enrolment can be refused for on this machine; match them with
// errors.Is.
var (
	ErrRunning = errors.New("sekishod runs on this data folder, with the key that enrolment replaces: stop it, enrol, and start it again")
	ErrForeign = errors.New("the data folder belongs to another user: run sekisho enrol as that user, or as root")
	// ErrOtherRegister says that the code is for another register than the one
	// whose ledger lies in the data folder.
	ErrOtherRegister = errors.New("this data folder is another register's")
)

// Enrolment is one that has begun, by one code. The data folder is locked until
// Close. A power cut at any moment leaves the keys in use as they were, or the new
// ones whole; a repeat with the same code goes on where it stood, with the same
// key.
type Enrolment struct {
	code  enrol.Code
	data  string
	owner owner
	lock  *os.File
}

// Begin locks the data folder, which it makes where there is none, and makes the
// register's new key durable. Errors are ErrRunning, ErrForeign, or of the disk.
func Begin(data string, code enrol.Code) (*Enrolment, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return nil, fmt.Errorf("the working folder is gone: %w", err)
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: %w", err)
	}
	_ = syncFolder(filepath.Dir(data)) // where it was made just now; one that was there may lie in a folder that only others read
	e := &Enrolment{code: code, data: data}
	if e.owner, err = ownerLike(data); err != nil {
		return nil, err
	}
	if user := os.Geteuid(); user != 0 && user != e.owner.uid {
		return nil, fmt.Errorf("%s: %w", data, ErrForeign)
	}
	if e.lock, err = lock(data); err != nil {
		return nil, fmt.Errorf("%s: %w", data, err)
	}
	if err := run(e.beginning()); err != nil {
		return nil, errors.Join(fmt.Errorf("the register's key cannot be kept: %w", err), e.Close())
	}
	return e, nil
}

// lock keeps daemon and other enrolments out, as offline does.
func lock(data string) (*os.File, error) {
	dir, err := os.Open(data)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = ErrRunning
	}
	if err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

// Close lets go of the data folder.
func (e *Enrolment) Close() error { return e.lock.Close() }

func run(steps []func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// beginning are the steps up to a durable key; none where this code got so far
// before. The code's file is the last: without it a folder counts for nothing.
func (e *Enrolment) beginning() []func() error {
	next := e.path(nextName)
	if e.Done() { // and what an earlier one left, should the power have gone then
		return []func() error{func() error { return os.RemoveAll(next) }}
	}
	if e.by(nextName) {
		return nil
	}
	return []func() error{
		func() error { return os.RemoveAll(next) },
		func() error { return os.Mkdir(next, 0o700) },
		func() error { return e.owner.takeFolder(next) },
		func() error { return syncFolder(e.data) },
		func() error { return e.owner.write(next, RegisterKey, newKey()) },
		func() error { return e.owner.write(next, codeFile, e.mark()) },
	}
}

// newKey makes a register's key.
func newKey() string {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "" // never: crypto/rand does not fail
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "" // never: the key is one
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func (e *Enrolment) path(parts ...string) string {
	return filepath.Join(append([]string{e.data}, parts...)...)
}

func (e *Enrolment) mark() string {
	sum := sha256.Sum256([]byte(e.code.Text()))
	return hex.EncodeToString(sum[:]) + "\n"
}

// by says whether a folder was begun with this code.
func (e *Enrolment) by(folder string) bool {
	text, err := os.ReadFile(e.path(folder, codeFile))
	return err == nil && string(text) == e.mark()
}

// Done says whether the register was enrolled by this very code before.
func (e *Enrolment) Done() bool {
	if !e.by(folderName) {
		return false
	}
	_, err := e.whole(folderName)
	return err == nil
}

// Ready says whether the answer came before the power went: nothing is left to
// ask, Place puts it in its place.
func (e *Enrolment) Ready() bool {
	_, err := e.whole(nextName)
	return err == nil
}

// Code is the one that the enrolment was begun with.
func (e *Enrolment) Code() enrol.Code { return e.code }

// Key is the register's key that the code is used with. The error is an *Error.
func (e *Enrolment) Key() (ed25519.PrivateKey, error) { return Folder(e.path(nextName)).Register() }

// Keep writes down what the backend answered, beside the keys in use, and looks
// at all of it. The error is an *Error, ErrOtherRegister, or of the disk.
func (e *Enrolment) Keep(a enrol.Answer) error {
	if err := run(e.keeping(a)); err != nil {
		return err
	}
	_, err := e.whole(nextName)
	return err
}

// keeping writes the certificate last: without it no folder is whole.
func (e *Enrolment) keeping(a enrol.Answer) (steps []func() error) {
	for _, f := range []struct{ name, text string }{
		{StoreKey, line(a.StoreKey)}, {RootKey, line(a.Root)}, {RolesNote, a.Roles}, {SealerKey, line(a.BackendHPKE)},
		{IdentityNote, a.Identity}, {BackendCA, a.CA}, {Certificate, a.Certificate},
	} {
		steps = append(steps, func() error { return e.owner.write(e.path(nextName), f.name, f.text) })
	}
	return steps
}

func line(text string) string { return strings.TrimSpace(text) + "\n" }

// whole reads a folder as the daemon will, and holds it against the code and
// against the register whose ledger is here.
func (e *Enrolment) whole(folder string) (Keys, error) {
	f := Folder(e.path(folder))
	k, err := f.Load()
	if err != nil {
		return k, err
	}
	t, err := f.Trust(k)
	if err != nil {
		return k, err
	}
	if !e.code.Fits(t.CAs[0].Raw) {
		return k, f.wrong(BackendCA, "does not begin with the CA that the code names", nil)
	}
	if before, known := Folder(e.path(folderName)).formerly(); known && before != nameOf(k.Identity) {
		return k, fmt.Errorf("%w: here is register %s of store %s with its ledger, the code is for register %s of store %s; ask head office for a code for the former, or give the latter a data folder of its own",
			ErrOtherRegister, before.Register, before.Store, k.Identity.Register, k.Identity.Store)
	}
	return k, nil
}

// formerly gives the register whose folder this was, also where something is
// wrong with its identity, as a reason to enrol again: then the certificate tells.
func (f Folder) formerly() (enrol.Name, bool) {
	if id, err := f.Identity(); err == nil {
		return nameOf(id), true
	}
	text, err := os.ReadFile(filepath.Join(string(f), Certificate))
	if err != nil {
		return enrol.Name{}, false
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return enrol.Name{}, false
	}
	own, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return enrol.Name{}, false
	}
	name, err := enrol.ParseName(own.URIs)
	return name, err == nil
}

// Place puts what Keep wrote in its place in one step, and takes what was there
// before away. It gives the keys that are now in use.
func (e *Enrolment) Place() (Keys, error) {
	k, err := e.whole(nextName)
	if err == nil {
		err = run(e.placing())
	}
	return k, err
}

// placing keeps the manager's PIN. The folder that goes loses its mark first: it
// must never be taken for one that is ready.
func (e *Enrolment) placing() []func() error {
	old, next := e.path(folderName), e.path(nextName)
	return []func() error{
		e.keepPIN,
		func() error { return without(os.Remove(filepath.Join(old, codeFile))) },
		func() error { return without(syncFolder(old)) },
		func() error { return exchange(old, next) },
		func() error { return syncFolder(e.data) },
		func() error { return os.RemoveAll(next) },
	}
}

// keepPIN takes the PIN over. A link there is not followed: root would read for
// the daemon's user what only root may.
func (e *Enrolment) keepPIN() error {
	path := e.path(folderName, ManagerPIN)
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return without(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no ordinary file: take it away, and set the PIN anew", path)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxPIN))
	if err != nil {
		return err
	}
	return e.owner.write(e.path(nextName), ManagerPIN, string(text))
}

// maxPIN is more than a PIN's hash ever has, in bytes.
const maxPIN = 4096

// without passes over that something is not there.
func without(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// exchange lets two folders change places, or moves next where there is no old.
func exchange(old, next string) error {
	if _, err := os.Lstat(old); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(next, old)
	}
	if err := unix.Renameat2(unix.AT_FDCWD, old, unix.AT_FDCWD, next, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("%s cannot take the place of %s: %w", next, old, err)
	}
	return nil
}
