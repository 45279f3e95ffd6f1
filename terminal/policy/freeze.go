package policy

import (
	"fmt"
	"maps"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
)

// How far the freeze role alone may go with a version: above the one before, and
// where nothing was ever frozen. Versions made of a date or of seconds fit in a
// step. Whoever stole the freeze key cannot use the versions up, so that the
// policy role, which may take any, can always lift what he stopped. A new
// register takes a freeze however many steps the others have made.
const (
	maxStep  = 10_000_000_000
	maxFirst = maxNumber / 10
)

// freezeFile is the TOML text of a freeze.
type freezeFile struct {
	Version    int64    `toml:"version"`
	Realm      string   `toml:"realm"`
	All        bool     `toml:"all"`
	Categories []string `toml:"categories"`
	Issuers    []string `toml:"issuers"`
}

// OpenFreeze verifies a freeze by the freeze role, or by the policy role, which
// may lift too. Whether it may take the place of the one before is Follows'
// to say. The error is an *Error.
func (r *Roles) OpenFreeze(text string) (*Freeze, error) {
	n, err := opened(text, append(append([]note.Verifier(nil), r.Freeze.Keys...), r.Policy.Keys...)...)
	if err != nil {
		return nil, &Error{Code: CodeSignature, Text: "the freeze is not signed by a key of the freeze role or the policy role", Cause: err}
	}
	lifts := r.Policy.signs(n)
	if !lifts && !r.Freeze.signs(n) {
		return nil, &Error{Code: CodeSignature, Text: fmt.Sprintf("the freeze is signed by %d of the %d keys that the freeze role needs", r.Freeze.signatures(n), r.Freeze.Threshold)}
	}
	if err := plain("a freeze's text", n.Text, maxStop); err != nil {
		return nil, err
	}
	f, err := ParseFreeze(n.Text)
	if err != nil {
		return nil, err
	}
	if f.Realm != r.Realm {
		return nil, &Error{Code: CodeRealm, Text: fmt.Sprintf("the freeze is for %q, this register belongs to %q", f.Realm, r.Realm)}
	}
	f.Lifts = lifts
	return f, nil
}

// Follows says whether f may take the place of before, which is nil where
// nothing was ever frozen: it is newer, and unless the policy role signed it, it
// lifts nothing and goes no further than a step. The error is an *Error.
func (f *Freeze) Follows(before *Freeze) error {
	most := int64(maxStep)
	if before == nil {
		before, most = &Freeze{}, maxFirst
	}
	if f.Version <= before.Version {
		return &Error{Code: CodeVersion, Text: fmt.Sprintf("freeze %d does not follow freeze %d: versions never go back", f.Version, before.Version)}
	}
	if f.Lifts {
		return nil
	}
	if f.Version-before.Version > most {
		return &Error{Code: CodeVersion, Text: fmt.Sprintf("freeze %d does not follow freeze %d: without the policy role a version is above the one before by at most %d", f.Version, before.Version, most)}
	}
	if (before.All && !f.All) || !within(before.Categories, f.Categories) || !within(before.Issuers, f.Issuers) {
		return &Error{Code: CodeLift, Text: fmt.Sprintf("freeze %d lifts what freeze %d stopped: that needs the policy role", f.Version, before.Version)}
	}
	return nil
}

func within[K comparable](some, all map[K]bool) bool {
	for k := range maps.Keys(some) {
		if !all[k] {
			return false
		}
	}
	return true
}

// ParseFreeze reads the text of a freeze, for which nobody has signed yet. The
// error is an *Error.
func ParseFreeze(text string) (*Freeze, error) {
	var f freezeFile
	meta, err := toml.Decode(text, &f)
	if err != nil {
		return nil, &Error{Code: CodeText, Text: "the freeze's text is no TOML of this shape", Cause: err}
	}
	if unknown := unknownKey(meta); unknown != "" {
		return nil, &Error{Code: CodeText, Text: "the freeze has a key that this release does not know: " + unknown}
	}
	if f.Version < 1 || f.Version > maxNumber || f.Realm == "" {
		return nil, &Error{Code: CodeRule, Text: fmt.Sprintf("the freeze's version must be from 1 to %d, and realm is needed", int64(maxNumber))}
	}
	categories, ok1 := nameSet[terminal.Category](f.Categories)
	issuers, ok2 := nameSet[string](f.Issuers)
	if !ok1 || !ok2 {
		return nil, &Error{Code: CodeRule, Text: fmt.Sprintf("categories and issuers of a freeze are at most %d names each, of at most %d characters, none twice", maxCaps, maxName)}
	}
	return &Freeze{Version: f.Version, Realm: f.Realm, All: f.All, Categories: categories, Issuers: issuers}, nil
}

// nameSet makes a set of names that are all different and fit the wire.
func nameSet[K ~string](list []string) (map[K]bool, bool) {
	set := make(map[K]bool, len(list))
	for _, s := range list {
		if !name(s) || set[K(s)] {
			return nil, false
		}
		set[K(s)] = true
	}
	return set, len(set) <= maxCaps
}

// SignFreeze makes the note that OpenFreeze takes. It signs nothing that does
// not parse.
func SignFreeze(text string, signers ...note.Signer) (string, error) {
	if err := plain("a freeze's text", text, maxStop); err != nil {
		return "", err
	}
	if _, err := ParseFreeze(text); err != nil {
		return "", err
	}
	return sign("the freeze's text", text, signers)
}
