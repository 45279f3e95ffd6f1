package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The most bytes of a text that is signed, so that a welcome that brings a
// policy, roles and a freeze at once fits into one message of 1 MiB, in which a
// character may take two.
const (
	maxNote  = 400 << 10 // a policy
	maxRoles = 32 << 10  // roles, with the notes that lead to them
	maxStop  = 32 << 10  // a freeze
)

// keySet finds a verifier by name and key hash. Two entries for one key are one.
type keySet []note.Verifier

// Verifier implements note.Verifiers.
func (s keySet) Verifier(name string, hash uint32) (note.Verifier, error) {
	for _, v := range s {
		if v.Name() == name && v.KeyHash() == hash {
			return v, nil
		}
	}
	return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
}

// opened is a note of which at least one signature was verified, and none of a
// key that is known is wrong.
func opened(text string, keys ...note.Verifier) (*note.Note, error) {
	return note.Open([]byte(text), keySet(keys))
}

// signatures counts the keys of a role that signed. The keys of a role are all
// different ones, see roleFile.role, and a note's signatures by one key are one.
func (r Role) signatures(n *note.Note) int {
	count := 0
	for _, k := range r.Keys {
		if slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == k.Name() && s.Hash == k.KeyHash() }) {
			count++
		}
	}
	return count
}

// signs says whether enough of the role's keys signed.
func (r Role) signs(n *note.Note) bool { return r.Threshold > 0 && r.signatures(n) >= r.Threshold }

// deep is a key of more parts than any of ours: the decoder's memory grows with
// their square, to gigabytes for one line of 32 KiB.
var deep = regexp.MustCompile(`(("[^"\n]*"|'[^'\n]*'|[A-Za-z0-9_-]+) *\. *){16}`)

// plain refuses what would sign and then not open, or fit into no message.
func plain(what, text string, most int) error {
	if strings.ContainsAny(text, "\t\r") {
		return &Error{Code: CodeText, Text: what + " holds no tab and no carriage return: a note with them would not open"}
	}
	if len(text) > most {
		return &Error{Code: CodeText, Text: fmt.Sprintf("%s has more than %d bytes: no message could bring it", what, most)}
	}
	if deep.MatchString(text) {
		return &Error{Code: CodeText, Text: what + " has a key of more than 16 parts"}
	}
	return nil
}

// sign makes a note of a text that was read before.
func sign(what, text string, signers []note.Signer) (string, error) {
	if len(signers) == 0 {
		return "", &Error{Code: CodeSignature, Text: what + " needs at least one key to sign it"}
	}
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return "", &Error{Code: CodeText, Text: what + " cannot be signed", Cause: err}
	}
	return string(signed), nil
}

// Countersign adds signatures to a note, whose own stay as they are; a key that
// signed before signs anew. It does not verify what others signed: a register
// does.
func Countersign(text string, signers ...note.Signer) (string, error) {
	n, err := note.Open([]byte(text), keySet(nil))
	unverified, ok := errors.AsType[*note.UnverifiedNoteError](err)
	if !ok {
		return "", &Error{Code: CodeText, Text: "this is no signed note", Cause: err}
	}
	n = unverified.Note
	signed, err := note.Sign(n, signers...)
	if err != nil {
		return "", &Error{Code: CodeText, Text: "the note cannot be signed", Cause: err}
	}
	return string(signed), nil
}

// Text gives what a note says, without asking who signed it, and false for what
// is no note.
func Text(text string) (string, bool) {
	_, err := note.Open([]byte(text), keySet(nil))
	if unverified, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		return unverified.Note.Text, true
	}
	return "", false
}
