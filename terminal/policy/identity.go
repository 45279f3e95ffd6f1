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
	return parseIdentity(n.Text)
}

func parseIdentity(text string) (Identity, error) {
	var id Identity
	meta, err := toml.Decode(text, &id)
	if err != nil {
		return Identity{}, &Error{Code: CodeText, Text: "the identity's text is no TOML of this shape", Cause: err}
	}
	if unknownKey(meta) != "" || id.Register == "" || id.Store == "" || id.Class == "" || id.Realm == "" {
		return Identity{}, &Error{Code: CodeText, Text: "the identity needs register, store, class and realm, and nothing else"}
	}
	return id, nil
}

// SignIdentity makes the note that OpenIdentity takes. It signs nothing that
// OpenIdentity would not take.
func SignIdentity(id Identity, signer note.Signer) (string, error) {
	text := fmt.Sprintf("register = %q\nstore = %q\nclass = %q\nrealm = %q\n", id.Register, id.Store, id.Class, id.Realm)
	if again, err := parseIdentity(text); err != nil {
		return "", err
	} else if again != id {
		return "", &Error{Code: CodeText, Text: "the identity holds characters that do not come back from TOML"}
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return "", &Error{Code: CodeText, Text: "the identity cannot be signed", Cause: err}
	}
	return string(signed), nil
}
