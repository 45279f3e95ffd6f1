package scenario

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
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

	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
)

// The demo's names.
const (
	Realm  = "demo/development"
	Issuer = "demo-wallet"
	Class  = "demo" // of stores
	keyID  = "demo-1"
)

// Keys are head office's and the wallet's secrets, which only a demo keeps on
// the same machine as the register's.
type Keys struct {
	Root    note.Signer
	Pinned  string        // Root's verifier key
	Policy  []note.Signer // any two of them sign a policy
	Freeze  note.Signer
	Roles   string        // the note that says so, signed by Root
	Signing *policy.Roles // what OpenRoles made of Roles
	Backend hpke.PrivateKey
	Wallet  ed25519.PrivateKey
}

// Customers gives the wallet that issues the passes of the demo's customers.
func (k Keys) Customers() walletsim.Issuer {
	return walletsim.Issuer{Name: Issuer, KeyID: keyID, Audience: Realm, Key: k.Wallet}
}

// Files under the operator's folder, and under the register's data folder as the
// daemon reads them.
const (
	rootFile    = "root.skey"
	freezeFile  = "freeze.skey"
	rolesFile   = "roles"
	backendFile = "backend.hpke.key"
	walletFile  = "wallet.key"
)

// policyFiles hold the keys of the policy role.
var policyFiles = [...]string{"policy-1.skey", "policy-2.skey", "policy-3.skey"}

// MakeKeys writes the secrets of head office into operator and the register's
// keys into data/keys. Where operator holds keys already they stay, and only the
// register's are made new.
func MakeKeys(operator, data string, id policy.Identity) (Keys, error) {
	k, err := OperatorKeys(operator)
	if err != nil {
		return k, err
	}
	return k, k.enrol(operator, data, id)
}

// OperatorKeys reads the secrets of head office, and makes them where there are
// none.
func OperatorKeys(dir string) (Keys, error) {
	k, err := LoadKeys(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := makeOperator(dir); err != nil {
		return k, err
	}
	return LoadKeys(dir)
}

func makeOperator(dir string) error {
	files, err := makeRoles()
	if err != nil {
		return err
	}
	backend, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	_, wallet, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	files[backendFile] = hex.EncodeToString(backend.Bytes()) + "\n"
	files[walletFile] = hex.EncodeToString(wallet.Seed()) + "\n"
	return writeAll(dir, files)
}

// rolesText wants the keys of root, policy (three) and freeze.
const rolesText = `# Who signs what in the demo.
version = 1
realm = %q
root = %q

[policy]
threshold = 2
keys = [%q, %q, %q]

[freeze]
threshold = 1
keys = [%q]
`

// makeRoles makes the keys that sign, and the roles that name them.
func makeRoles() (files map[string]string, err error) {
	files = map[string]string{}
	public := []any{Realm}
	var root note.Signer
	for _, file := range append(append([]string{rootFile}, policyFiles[:]...), freezeFile) {
		name := strings.TrimSuffix(file, ".skey")
		skey, vkey, err := note.GenerateKey(rand.Reader, "demo-"+name)
		if err != nil {
			return nil, err
		}
		files[file], files[name+".vkey"] = skey+"\n", vkey+"\n"
		public = append(public, vkey)
		if file == rootFile {
			if root, err = note.NewSigner(skey); err != nil {
				return nil, err
			}
		}
	}
	files[rolesFile], err = policy.SignRoles(fmt.Sprintf(rolesText, public...), root)
	return files, err
}

// LoadKeys reads what MakeKeys wrote for head office.
func LoadKeys(dir string) (Keys, error) {
	k, err := loadSigners(dir)
	if err != nil {
		return k, err
	}
	backend, err := readHex(dir, backendFile)
	if err != nil {
		return k, err
	}
	private, err := ecdh.X25519().NewPrivateKey(backend)
	if err != nil {
		return k, fmt.Errorf("%s: %w", backendFile, err)
	}
	if k.Backend, err = hpke.NewDHKEMPrivateKey(private); err != nil {
		return k, fmt.Errorf("%s: %w", backendFile, err)
	}
	seed, err := readHex(dir, walletFile)
	if err != nil || len(seed) != ed25519.SeedSize {
		return k, fmt.Errorf("%s is no Ed25519 seed in hex: %w", walletFile, err)
	}
	k.Wallet = ed25519.NewKeyFromSeed(seed)
	return k, nil
}

// loadSigners reads the keys that sign, and the roles.
func loadSigners(dir string) (k Keys, err error) {
	if k.Root, err = readSigner(dir, rootFile); err != nil {
		return k, err
	}
	for _, file := range policyFiles {
		signer, err := readSigner(dir, file)
		if err != nil {
			return k, err
		}
		k.Policy = append(k.Policy, signer)
	}
	if k.Freeze, err = readSigner(dir, freezeFile); err != nil {
		return k, err
	}
	roles, err := os.ReadFile(filepath.Join(dir, rolesFile))
	if err != nil {
		return k, err
	}
	root, err := os.ReadFile(filepath.Join(dir, "root.vkey"))
	if err != nil {
		return k, err
	}
	pinned, err := note.NewVerifier(strings.TrimSpace(string(root)))
	if err != nil {
		return k, fmt.Errorf("root.vkey: %w", err)
	}
	k.Roles, k.Pinned = string(roles), strings.TrimSpace(string(root))
	k.Signing, err = policy.OpenRoles(k.Roles, pinned, Realm)
	return k, err
}

func readSigner(dir, name string) (note.Signer, error) {
	skey, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(skey)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return signer, nil
}

func readHex(dir, name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(strings.TrimSpace(string(text)))
}

// enrol writes what the register gets from head office, and keeps for head office
// the public half of the register's key, by which it checks its checkpoints.
func (k Keys) enrol(operator, data string, id policy.Identity) error {
	vkey, err := os.ReadFile(filepath.Join(operator, "root.vkey"))
	if err != nil {
		return err
	}
	identity, err := policy.SignIdentity(id, k.Root)
	if err != nil {
		return err
	}
	public, register, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	checkpoints, err := note.NewEd25519VerifierKey(journal.Origin(id.Store, id.Register), public)
	if err != nil {
		return err
	}
	if err := writeAll(operator, map[string]string{string(id.Register) + ".vkey": checkpoints + "\n"}); err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(register)
	if err != nil {
		return err
	}
	var store [32]byte
	rand.Read(store[:]) // never fails (crypto/rand)
	return writeAll(filepath.Join(data, "keys"), map[string]string{
		"register.key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"store.key":    hex.EncodeToString(store[:]) + "\n",
		"root.vkey":    string(vkey),
		"backend.hpke": base64.StdEncoding.EncodeToString(k.Backend.PublicKey().Bytes()) + "\n",
		"identity":     identity,
		"roles":        k.Roles,
	})
}

func writeAll(dir string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
