package policy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/sumdb/note"
)

// maxKeys is the most keys of a role: a note holds at most 100 signatures.
const maxKeys = 20

// separator stands between the notes of a chain of roles: no note holds it.
const separator = "\f"

// rolesFile is the TOML text of roles.
type rolesFile struct {
	Version int64    `toml:"version"`
	Realm   string   `toml:"realm"`
	Root    string   `toml:"root"` // verifier key, the form of golang.org/x/mod/sumdb/note
	Policy  roleFile `toml:"policy"`
	Freeze  roleFile `toml:"freeze"`
}

type roleFile struct {
	Threshold int      `toml:"threshold"`
	Keys      []string `toml:"keys"`
}

// OpenRoles verifies roles under the pinned root key. The text is one note, or a
// chain of them as Roles.Chain gives it, the first signed by root. The error is
// an *Error.
func OpenRoles(text string, root note.Verifier, realm string) (*Roles, error) {
	return (&Roles{Root: root, Realm: realm}).Next(text)
}

// Next opens the roles that follow r. They have a higher version and are signed
// by the root that r names and by the one that they name themselves. Of a chain
// the notes that do not follow are passed over, but the last must: so one text
// serves every register, however old its roles are. The error is an *Error; r
// stays as it is.
func (r *Roles) Next(text string) (*Roles, error) {
	if err := plain("a roles' text", text, maxRoles); err != nil {
		return nil, err
	}
	present, last := r, error(nil)
	for one := range strings.SplitSeq(text, separator) {
		next, err := present.follow(one)
		if last = err; err == nil {
			present = next
		}
	}
	if last != nil {
		return nil, last
	}
	return present, nil
}

func (r *Roles) follow(text string) (*Roles, error) {
	n, err := opened(text, r.Root)
	if err != nil {
		return nil, &Error{Code: CodeSignature, Text: "the roles are not signed by the root key", Cause: err}
	}
	next, err := ParseRoles(n.Text)
	if err != nil {
		return nil, err
	}
	if _, err := opened(text, next.Root); err != nil {
		return nil, &Error{Code: CodeSignature, Text: "the roles name another root key, which did not sign them", Cause: err}
	}
	if next.Realm != r.Realm {
		return nil, &Error{Code: CodeRealm, Text: fmt.Sprintf("the roles are for %q, this register belongs to %q", next.Realm, r.Realm)}
	}
	if next.Version <= r.Version {
		return nil, &Error{Code: CodeVersion, Text: fmt.Sprintf("roles %d do not follow roles %d: versions never go back", next.Version, r.Version)}
	}
	next.prove(r, text)
	return next, nil
}

// prove keeps the notes that lead from the pinned root to r. The ones before
// stay only as far as they are needed: where the root that signed them signed
// this one too, the last of them proves nothing more.
func (r *Roles) prove(before *Roles, text string) {
	r.signer, r.notes = before.Root, append([]string(nil), before.notes...)
	if len(r.notes) > 0 {
		if _, err := opened(text, before.signer); err == nil {
			r.signer, r.notes = before.signer, r.notes[:len(r.notes)-1]
		}
	}
	r.notes = append(r.notes, text)
}

// Chain gives the notes that lead from the pinned root to these roles, in a text
// that OpenRoles takes again: after a change of root the last note alone does
// not open under the old one.
func (r *Roles) Chain() string { return strings.Join(r.notes, separator) }

// OpenPolicy verifies a policy's note by the policy role and reads its text for
// a class of stores. The error is an *Error.
func (r *Roles) OpenPolicy(text, class string) (*Policy, error) {
	n, err := opened(text, r.Policy.Keys...)
	if err != nil {
		return nil, &Error{Code: CodeSignature, Text: "the policy is not signed by a key of the policy role", Cause: err}
	}
	if !r.Policy.signs(n) {
		return nil, &Error{Code: CodeSignature, Text: fmt.Sprintf("the policy is signed by %d of the %d keys that the policy role needs", r.Policy.signatures(n), r.Policy.Threshold)}
	}
	if err := plain("a policy's text", n.Text, maxNote); err != nil {
		return nil, err
	}
	p, err := Parse(n.Text)
	if err != nil {
		return nil, err
	}
	if p.Realm != r.Realm {
		return nil, &Error{Code: CodeRealm, Text: fmt.Sprintf("the policy is for %q, this register belongs to %q", p.Realm, r.Realm)}
	}
	return p.For(class)
}

// ParseRoles reads the text of roles. The error is an *Error.
func ParseRoles(text string) (*Roles, error) {
	var f rolesFile
	meta, err := toml.Decode(text, &f)
	if err != nil {
		return nil, &Error{Code: CodeText, Text: "the roles' text is no TOML of this shape", Cause: err}
	}
	if unknown := unknownKey(meta); unknown != "" {
		return nil, &Error{Code: CodeText, Text: "the roles have a key that this release does not know: " + unknown}
	}
	r := &Roles{Version: f.Version, Realm: f.Realm, public: map[note.Verifier]string{}}
	var errs [4]error
	if f.Version < 1 || f.Version > maxNumber || f.Realm == "" {
		errs[0] = fmt.Errorf("version must be from 1 to %d, and realm is needed", int64(maxNumber))
	}
	if r.Root, errs[1] = note.NewVerifier(f.Root); errs[1] != nil {
		errs[1] = fmt.Errorf("root is no verifier key: %w", errs[1])
	} else {
		r.public[r.Root] = publicKey(f.Root)
	}
	r.Policy, errs[2] = f.Policy.role("policy", r.public)
	r.Freeze, errs[3] = f.Freeze.role("freeze", r.public)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, &Error{Code: CodeRule, Text: "the roles make no sense", Cause: err}
	}
	return r, nil
}

// role refuses a key that is there twice: under two names it could sign for two
// people. It adds each key to all.
func (f roleFile) role(what string, all map[note.Verifier]string) (Role, error) {
	r := Role{Threshold: f.Threshold}
	if f.Threshold < 1 || f.Threshold > len(f.Keys) || len(f.Keys) > maxKeys {
		return r, fmt.Errorf("%s: it needs from 1 to %d keys, and a threshold from 1 to their number", what, maxKeys)
	}
	public, names := map[string]bool{}, map[string]bool{}
	for i, text := range f.Keys {
		v, err := note.NewVerifier(text)
		if err != nil {
			return r, fmt.Errorf("%s: key %d is no verifier key: %w", what, i+1, err)
		}
		key, id := publicKey(text), fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash())
		if public[key] || names[id] {
			return r, fmt.Errorf("%s: key %d is there twice: it counts once, whatever its name", what, i+1)
		}
		public[key], names[id], all[v] = true, true, key
		r.Keys = append(r.Keys, v)
	}
	return r, nil
}

// publicKey gives the bytes of a verifier key that was read before: the form is
// NAME+HASH+BASE64, and base64 may hold a plus.
func publicKey(vkey string) string {
	parts := strings.SplitN(vkey, "+", 3)
	key, _ := base64.StdEncoding.DecodeString(parts[len(parts)-1]) // NewVerifier has decoded it
	return string(key)
}

// SignRoles makes the note that OpenRoles and Next take. It signs nothing that
// does not parse.
func SignRoles(text string, signers ...note.Signer) (string, error) {
	if err := plain("a roles' text", text, maxRoles); err != nil {
		return "", err
	}
	if _, err := ParseRoles(text); err != nil {
		return "", err
	}
	return sign("the roles' text", text, signers)
}
