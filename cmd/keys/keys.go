package keys

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/policy"
)

// Keys is all that the folder holds but for what Trust is made of.
type Keys struct {
	Register ed25519.PrivateKey
	Store    []byte // 32 bytes
	Root     note.Verifier
	Roles    *policy.Roles
	Sealer   hpke.PublicKey
	Identity policy.Identity
}

// Load reads all keys of a data folder. The error is an *Error.
func Load(data string) (Keys, error) {
	f, err := Find(data)
	if err != nil {
		return Keys{}, err
	}
	return f.Load()
}

// Load reads all keys. The error is an *Error.
func (f Folder) Load() (k Keys, err error) {
	if k.Register, err = f.Register(); err != nil {
		return k, err
	}
	if k.Store, err = f.store(); err != nil {
		return k, err
	}
	if k.Root, err = f.Root(); err != nil {
		return k, err
	}
	if k.Sealer, err = f.sealer(); err != nil {
		return k, err
	}
	if k.Identity, err = f.Identity(); err != nil {
		return k, err
	}
	roles, err := f.read(RolesNote)
	if err != nil {
		return k, err
	}
	if k.Roles, err = policy.OpenRoles(string(roles), k.Root, k.Identity.Realm); err != nil {
		return k, f.notTaken(RolesNote, err)
	}
	return k, nil
}

// notTaken says why a signed file was not, without the error's cause, which may
// quote the file.
func (f Folder) notTaken(file string, err error) error {
	text := "cannot be read"
	if wrong, ok := errors.AsType[*policy.Error](err); ok {
		text = wrong.Text
	}
	return f.wrong(file, text, err)
}

// Root gives the verifier of head office's root key. The error is an *Error.
func (f Folder) Root() (note.Verifier, error) {
	text, err := f.read(RootKey)
	if err != nil {
		return nil, err
	}
	root, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, f.wrong(RootKey, "is no verifier key", err)
	}
	return root, nil
}

// Identity gives who the register is, as head office signed it. The error is an
// *Error.
func (f Folder) Identity() (policy.Identity, error) {
	root, err := f.Root()
	if err != nil {
		return policy.Identity{}, err
	}
	text, err := f.read(IdentityNote)
	if err != nil {
		return policy.Identity{}, err
	}
	id, err := policy.OpenIdentity(string(text), root)
	if err != nil {
		return id, f.notTaken(IdentityNote, err)
	}
	return id, nil
}

// Register gives the register's own key. The error is an *Error.
func (f Folder) Register() (ed25519.PrivateKey, error) {
	text, err := f.read(RegisterKey)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, f.wrong(RegisterKey, "is no PEM", nil)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, f.wrong(RegisterKey, "is no Ed25519 key in PKCS 8", nil)
	}
	return key, nil
}

func (f Folder) store() ([]byte, error) {
	text, err := f.read(StoreKey)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, f.wrong(StoreKey, "is not 32 bytes in hex", nil)
	}
	return key, nil
}

func (f Folder) sealer() (hpke.PublicKey, error) {
	text, err := f.read(SealerKey)
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, f.wrong(SealerKey, "is no base64", err)
	}
	public, err := ecdh.X25519().NewPublicKey(raw)
	if err == nil {
		var sealer hpke.PublicKey
		if sealer, err = hpke.NewDHKEMPublicKey(public); err == nil {
			return sealer, nil
		}
	}
	return nil, f.wrong(SealerKey, "is no X25519 public key", err)
}
