package journal

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
)

// Origin names a register's journal in its checkpoints, and the key that signs
// them.
func Origin(store terminal.StoreID, register terminal.RegisterID) string {
	return "sekisho/" + string(store) + "/" + string(register)
}

// algEd25519 is the algorithm byte of golang.org/x/mod/sumdb/note.
const algEd25519 = 1

// NewSigner makes the signer of a register's checkpoints from its key. The error
// says that the origin cannot be a signer's name.
func NewSigner(origin string, key ed25519.PrivateKey) (note.Signer, error) {
	public, err := note.NewEd25519VerifierKey(origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("journal: %q cannot sign checkpoints: %w", origin, err)
	}
	// A signer's text is that of its verifier with the secret in place of the
	// public key: name, hash of the public key, key.
	named := public[:len(origin)+len("+01234567")]
	secret := base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, key.Seed()...))
	signer, err := note.NewSigner("PRIVATE+KEY+" + named + "+" + secret)
	if err != nil {
		return nil, errors.New("journal: the register's key cannot sign checkpoints") // without the cause, which may quote it
	}
	return signer, nil
}

// NewVerifier makes the verifier of a register's checkpoints from its public
// key.
func NewVerifier(origin string, key ed25519.PublicKey) (note.Verifier, error) {
	text, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return nil, fmt.Errorf("journal: %q cannot sign checkpoints: %w", origin, err)
	}
	return note.NewVerifier(text)
}

// Checkpoint signs a head: a note of three lines, the origin, the size and the
// root in base64 (the checkpoint form of C2SP tlog-checkpoint).
func Checkpoint(origin string, head Head, signer note.Signer) (string, error) {
	if head.Size == 0 {
		head = empty
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, head.Size, base64.StdEncoding.EncodeToString(head.Root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return "", fmt.Errorf("journal: the checkpoint cannot be signed: %w", err)
	}
	return string(signed), nil
}

// empty is the head of a journal without entries (RFC 6962, 2.1).
var empty = func() Head { h, _ := HeadOf(0, nil); return h }()

// ErrCheckpoint says that a text is no checkpoint of this journal.
var ErrCheckpoint = errors.New("this is no checkpoint of this journal: it is signed by another key, of another register, or changed")

// OpenCheckpoint verifies a checkpoint of the origin's journal and gives its
// head. The error wraps ErrCheckpoint.
func OpenCheckpoint(text, origin string, verifier note.Verifier) (Head, error) {
	n, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return Head{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != origin || lines[3] != "" {
		return Head{}, fmt.Errorf("%w: it has other lines than origin, size and root", ErrCheckpoint)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Head{}, fmt.Errorf("%w: its size is no number", ErrCheckpoint)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Head{}, fmt.Errorf("%w: its root is no hash", ErrCheckpoint)
	}
	return Head{Size: size, Root: tlog.Hash(root)}, nil
}

// Consistency gives the proof that the tree of size to extends its own state of
// size from (RFC 6962, 2.1.2). From an empty tree there is nothing to prove.
func Consistency(from, to int64, stored tlog.HashReader) ([]tlog.Hash, error) {
	if from == 0 {
		return nil, nil
	}
	proof, err := tlog.ProveTree(to, from, stored)
	if err != nil {
		return nil, fmt.Errorf("journal: no proof from size %d to %d: %w", from, to, err)
	}
	return proof, nil
}

// ErrForked says that one head does not extend another: entries that were there
// before were changed or taken away.
var ErrForked = errors.New("the journal does not extend what it was before: its past was changed")

// Extends checks the proof that head to extends head from. The error wraps
// ErrForked.
func Extends(from, to Head, proof []tlog.Hash) error {
	if from.Size == 0 {
		if len(proof) != 0 {
			return fmt.Errorf("%w: a proof from nothing has no hashes", ErrForked)
		}
		return nil
	}
	if err := tlog.CheckTree(proof, to.Size, to.Root, from.Size, from.Root); err != nil {
		return fmt.Errorf("%w: %w", ErrForked, err)
	}
	return nil
}
