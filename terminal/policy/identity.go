package policy

import (
	"fmt"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
)

// Identity is who a register is, as head office signed it at enrolment.
type Identity struct {
	Register terminal.RegisterID `toml:"register"`
	Store    terminal.StoreID    `toml:"store"`
	Class    string              `toml:"class"` // of store, such as "convenience"
	Realm    string              `toml:"realm"` // chain and environment
}

// OpenIdentity verifies the identity's note. The error is an *Error.
func OpenIdentity(text string, verifier note.Verifier) (Identity, error) {
	var id Identity
	n, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return id, &Error{Code: CodeSignature, Text: "the identity is not signed by the pinned root key", Cause: err}
	}
	meta, err := toml.Decode(n.Text, &id)
	if err != nil {
		return id, &Error{Code: CodeText, Text: "the identity's text is no TOML of this shape", Cause: err}
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 || id.Register == "" || id.Store == "" || id.Realm == "" {
		return id, &Error{Code: CodeText, Text: "the identity needs register, store, class and realm, and nothing else"}
	}
	return id, nil
}

// SignIdentity makes the note that OpenIdentity takes.
func SignIdentity(id Identity, signer note.Signer) (string, error) {
	text := fmt.Sprintf("register = %q\nstore = %q\nclass = %q\nrealm = %q\n", id.Register, id.Store, id.Class, id.Realm)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return "", &Error{Code: CodeText, Text: "the identity cannot be signed", Cause: err}
	}
	return string(signed), nil
}
