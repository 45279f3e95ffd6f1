package backendsim

import (
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// Doubts of this backend's own about a register; it keeps those that a register
// tells as they came.
const (
	DoubtOlder      = "ledger.older"        // its journal is shorter than a checkpoint of it
	DoubtForked     = "ledger.forked"       // its journal does not extend its last checkpoint, or its leaves are others
	DoubtCheckpoint = "checkpoint.invalid"  // a checkpoint that is not the register's own, or a leaf that it could not show
	DoubtCloned     = "register.cloned"     // an incarnation that was retired said hello again
	DoubtOverspent  = "allotment.overspent" // more was sold offline than was granted
)

// tree is what a checkpoint signs.
type tree struct {
	size int64
	root tlog.Hash
}

func (t tree) head() *wire.Head { return &wire.Head{Size: t.size, Root: hex.EncodeToString(t.root[:])} }

// checkpoint keeps a register's signed head if it extends the last one; another
// puts the register in doubt.
func (l *ledger) checkpoint(t *tx, c caller, m *wire.Checkpoint) (*wire.Ack, error) {
	ack := wire.Ack{Of: wire.TypeCheckpoint, Status: wire.StatusAccepted}
	new, why, err := t.weigh(c, m)
	if err != nil {
		return nil, err
	}
	if why == "" {
		err = t.keepCheckpoint(c, m, new)
	} else {
		ack.Status, ack.Reason = wire.StatusRejected, string(terminal.Quarantined)
		err = t.doubt(c.register, why)
	}
	if err != nil {
		return nil, err
	}
	return t.ack(c, ack)
}

// weigh reads a checkpoint and gives what speaks against it, "" where nothing does.
func (t *tx) weigh(c caller, m *wire.Checkpoint) (new tree, why string, err error) {
	var vkey string
	err = t.row("SELECT vkey FROM enrolled WHERE register = ? AND store = ?", c.register, c.store).Scan(&vkey)
	if errors.Is(err, sql.ErrNoRows) {
		err = refuse(wire.CodeRefused, "no key of this register is enrolled")
	}
	if err != nil {
		return new, "", err
	}
	new, ok := openCheckpoint(m.Note, vkey, "sekisho/"+c.store+"/"+c.register)
	if !ok {
		return new, DoubtCheckpoint, nil
	}
	if why, err := t.extends(c, m, new); why != "" || err != nil {
		return new, why, err
	}
	fits, err := t.uploadFits(c.register, new)
	return new, doubtIf(err == nil && !fits, DoubtForked), err
}

// keepCheckpoint keeps a checkpoint that nothing speaks against.
func (t *tx) keepCheckpoint(c caller, m *wire.Checkpoint, new tree) error {
	return t.exec(`INSERT OR IGNORE INTO checkpoint (register, epoch, size, root, note, at)
		SELECT id, epoch, ?, ?, ?, ? FROM register WHERE id = ?`, new.size, new.head().Root, m.Note, c.ms(), c.register)
}

// extends says why a checkpoint does not go on from the last one, "" where it
// does. One that is kept already is fine; so is any first one.
func (t *tx) extends(c caller, m *wire.Checkpoint, new tree) (string, error) {
	if kept, err := t.checkpointAt(c.register, new.size); err != nil || kept != nil {
		return doubtIf(kept != nil && *kept != new, DoubtForked), err
	}
	last, err := t.lastCheckpoint(c.register)
	if err != nil || last == nil || last.size == 0 { // from nothing there is nothing to prove
		return "", err
	}
	if new.size < last.size {
		return DoubtOlder, nil
	}
	if m.From != last.size {
		return "", errStalePoint
	}
	proof, ok := hashesOf(m.Proof)
	return doubtIf(!ok || tlog.CheckTree(proof, new.size, new.root, last.size, last.root) != nil, DoubtForked), nil
}

// hashesOf reads a proof's hashes.
func hashesOf(list []string) ([]tlog.Hash, bool) {
	proof := make([]tlog.Hash, len(list))
	for i, h := range list {
		if n, err := hex.Decode(proof[i][:], []byte(h)); err != nil || n != tlog.HashSize {
			return nil, false
		}
	}
	return proof, true
}

// errStalePoint is no doubt: an acknowledgement was lost. The link ends, and the
// next welcome names what is kept here.
var errStalePoint = refuse(wire.CodeRefused, "the proof begins at another checkpoint than the one kept here; say hello again, welcome names it")

func doubtIf(yes bool, why string) string {
	if yes {
		return why
	}
	return ""
}

// openCheckpoint verifies a note and reads its three lines: origin, size in
// decimal, root in base64.
func openCheckpoint(text, vkey, origin string) (tree, bool) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tree{}, false
	}
	n, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return tree{}, false
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != origin || lines[3] != "" {
		return tree{}, false
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, badRoot := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || badRoot != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] || len(root) != tlog.HashSize {
		return tree{}, false
	}
	if size == 0 && tlog.Hash(root) != sha256.Sum256(nil) { // no proof would ever show it
		return tree{}, false
	}
	return tree{size, tlog.Hash(root)}, true
}

const checkpointFrom = " FROM checkpoint k JOIN register r ON r.id = k.register AND r.epoch = k.epoch WHERE k.register = +?"

// lastCheckpoint gives the largest checkpoint since the last release, nil where
// there is none.
func (t *tx) lastCheckpoint(register string) (*tree, error) {
	return scanTree(t.row("SELECT k.size, k.root"+checkpointFrom+" ORDER BY k.size DESC LIMIT 1", register))
}

func (t *tx) checkpointAt(register string, size int64) (*tree, error) {
	return scanTree(t.row("SELECT k.size, k.root"+checkpointFrom+" AND k.size = ?", register, size))
}

func scanTree(row *sql.Row) (*tree, error) {
	at, err := readTree(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &at, err
}

func readTree(scan func(...any) error) (tree, error) {
	var at tree
	var root string
	err := scan(&at.size, &root)
	if err == nil {
		_, err = hex.Decode(at.root[:], []byte(root))
	}
	return at, err
}

// trust says what a hello's journal and its own word mean for the register's
// rights, and tells it in the welcome.
func (t *tx) trust(c *caller, head wire.Head, w *wire.Welcome) error {
	var released string
	if err := t.row("SELECT released FROM register WHERE id = ?", c.register).Scan(&released); err != nil {
		return err
	}
	last, err := t.lastCheckpoint(c.register)
	if err != nil {
		return err
	}
	if released == c.incarnation {
		w.Released = released
	} else if why := doubtOf(c.hello, head, last); why != "" {
		if err := t.doubt(c.register, why); err != nil {
			return err
		}
	}
	unproved, err := t.isUnproved(*c)
	if err != nil {
		return err
	}
	c.proved = !unproved
	return t.standing(*c, last, w)
}

// standing tells in the welcome what is kept of the register's journal, what was
// asked for, and whether its rights are in doubt.
func (t *tx) standing(c caller, last *tree, w *wire.Welcome) error {
	if last != nil {
		w.Checkpoint = last.head()
	}
	if c.asked != nil {
		w.Challenge = &c.asked.index
	}
	u, err := t.uploadOf(c.register)
	if err != nil {
		return err
	}
	w.Uploaded = u.size
	return t.row("SELECT doubt FROM register WHERE id = ?", c.register).Scan(&w.Quarantine)
}

// doubtOf gives a hello's reason for doubt: what the register says of itself, or
// what its journal's head says beside the last checkpoint.
func doubtOf(h *wire.Hello, head wire.Head, last *tree) string {
	switch {
	case last != nil && head.Size < last.size:
		return DoubtOlder
	case last != nil && head.Size == last.size && head.Root != last.head().Root:
		return DoubtForked
	}
	return h.Quarantine
}

// doubt marks a register; the first reason stays until head office releases it.
func (t *tx) doubt(register, why string) error {
	t.doubted = true
	return t.exec("UPDATE register SET doubt = ? WHERE id = ? AND doubt = ''", why, register)
}

// release ends a register's doubt: the incarnation of its latest session was the
// one in doubt, and its checkpoints begin anew.
func (t *tx) release(register string) error {
	if err := t.exec("DELETE FROM unproved WHERE register = ?", register); err != nil {
		return err
	}
	return t.exec("UPDATE register SET doubt = '', released = incarnation, epoch = epoch + 1 WHERE id = ? AND doubt != ''", register)
}
