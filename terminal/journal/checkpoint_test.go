package journal_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal/journal"
)

const origin = "sekisho/s1/r1"

// registerKey is a register's key whose base64 holds a plus and a slash, as any
// may.
func registerKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{0xfb, 0xef, 0xff, 1}, 8))
}

func signer(t *testing.T) note.Signer {
	t.Helper()
	s, err := journal.NewSigner(origin, registerKey())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifier(t *testing.T, name string) note.Verifier {
	t.Helper()
	v, err := journal.NewVerifier(name, registerKey().Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func head(size int64) journal.Head {
	return journal.Head{Size: size, Root: sha256.Sum256([]byte("root"))}
}

// The form is written here from its documents: three lines, an empty one, and a
// signature line of a dash, the name, and base64 of the key's hash and the
// Ed25519 signature over the three lines.
func TestCheckpointForm(t *testing.T) {
	if got := journal.Origin("s1", "r1"); got != origin {
		t.Errorf("the origin is %q", got)
	}
	got, err := journal.Checkpoint(origin, head(41), signer(t))
	if err != nil {
		t.Fatal(err)
	}
	root := sha256.Sum256([]byte("root"))
	text := "sekisho/s1/r1\n41\n" + base64.StdEncoding.EncodeToString(root[:]) + "\n"
	public := registerKey().Public().(ed25519.PublicKey)
	named := sha256.Sum256([]byte("sekisho/s1/r1\n\x01" + string(public)))
	signature := append(binary.BigEndian.AppendUint32(nil, binary.BigEndian.Uint32(named[:4])), ed25519.Sign(registerKey(), []byte(text))...)
	if want := text + "\n— sekisho/s1/r1 " + base64.StdEncoding.EncodeToString(signature) + "\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if back, err := journal.OpenCheckpoint(got, origin, verifier(t, origin)); err != nil || back != head(41) {
		t.Errorf("it opens as %+v, %v", back, err)
	}
}

func TestCheckpointOfNothing(t *testing.T) {
	text, err := journal.Checkpoint(origin, journal.Head{}, signer(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := journal.OpenCheckpoint(text, origin, verifier(t, origin))
	if err != nil || got.Size != 0 || got.Hex() != hex.EncodeToString(sha256.New().Sum(nil)) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// I6: what is signed by another key, of another journal, or changed, is none.
func TestI6NoCheckpointOfThisJournal(t *testing.T) {
	sign := func(text string) string {
		signed, err := note.Sign(&note.Note{Text: text}, signer(t))
		if err != nil {
			t.Fatal(err)
		}
		return string(signed)
	}
	good := "sekisho/s1/r1\n41\n" + strings.Repeat("A", 43) + "=\n"
	if _, err := journal.OpenCheckpoint(sign(good), origin, verifier(t, origin)); err != nil {
		t.Fatal(err)
	}
	_, other, _ := ed25519.GenerateKey(nil)
	stranger, err := journal.NewSigner(origin, other)
	if err != nil {
		t.Fatal(err)
	}
	forged, _ := journal.Checkpoint(origin, head(41), stranger)
	for name, text := range map[string]string{
		"another key":        forged,
		"no signature":       good,
		"changed":            strings.Replace(sign(good), "41", "42", 1),
		"another journal":    sign(strings.Replace(good, "r1", "r2", 1)),
		"a line more":        sign(good + "more\n"),
		"a line less":        sign("sekisho/s1/r1\n41\n"),
		"a size below zero":  sign(strings.Replace(good, "41", "-1", 1)),
		"a zero before":      sign(strings.Replace(good, "41", "041", 1)),
		"no size":            sign(strings.Replace(good, "41", "x", 1)),
		"a short root":       sign(strings.Replace(good, strings.Repeat("A", 43)+"=", "AAAA", 1)),
		"a root that is two": sign(strings.Replace(good, "A=", "B=", 1)),
	} {
		if got, err := journal.OpenCheckpoint(text, origin, verifier(t, origin)); !errors.Is(err, journal.ErrCheckpoint) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestNoSignerOfABadName(t *testing.T) {
	for _, name := range []string{"", "a b", "a+b"} {
		if _, err := journal.NewSigner(name, registerKey()); err == nil {
			t.Errorf("%q signs", name)
		}
		if _, err := journal.NewVerifier(name, registerKey().Public().(ed25519.PublicKey)); err == nil {
			t.Errorf("%q verifies", name)
		}
	}
}

// grown gives the stored hashes of a tree of leaves, and the head at each size.
func grown(t *testing.T, leaves ...string) (tlog.HashReader, []journal.Head) {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range at {
			out = append(out, stored[i])
		}
		return out, nil
	})
	heads := []journal.Head{{}}
	for n, leaf := range leaves {
		more, err := journal.Append(int64(n), []byte(leaf), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		h, err := journal.HeadOf(int64(n+1), reader)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, h)
	}
	return reader, heads
}

// I6: a journal proves of each of its states that it extends it, and one whose
// past was changed proves it of none after the change.
func TestI6AChangedPastExtendsNothing(t *testing.T) {
	var told, changed []string
	for n := range 13 {
		told = append(told, fmt.Sprint("entry ", n))
		changed = append(changed, fmt.Sprint("entry ", n))
	}
	changed[4] = "another"
	reader, heads := grown(t, told...)
	forgers, forged := grown(t, changed...)
	for from := range heads {
		for to := from; to < len(heads); to++ {
			proof, err := journal.Consistency(int64(from), int64(to), reader)
			if err != nil {
				t.Fatal(err)
			}
			if err := journal.Extends(heads[from], heads[to], proof); err != nil {
				t.Errorf("%d to %d: %v", from, to, err)
			}
			if from < 5 || to == from {
				continue
			}
			proof, err = journal.Consistency(int64(from), int64(to), forgers)
			if err != nil {
				t.Fatal(err)
			}
			if err := journal.Extends(heads[from], forged[to], proof); !errors.Is(err, journal.ErrForked) {
				t.Errorf("a changed past from %d to %d: %v", from, to, err)
			}
		}
	}
	if err := journal.Extends(heads[5], heads[4], nil); !errors.Is(err, journal.ErrForked) {
		t.Errorf("a shorter journal: %v", err)
	}
	if err := journal.Extends(heads[0], heads[4], []tlog.Hash{{}}); !errors.Is(err, journal.ErrForked) {
		t.Errorf("a proof from nothing with hashes: %v", err)
	}
	if _, err := journal.Consistency(5, 4, reader); err == nil {
		t.Error("a proof that a journal extends a longer one")
	}
}
