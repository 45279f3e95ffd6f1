package backendsim

import (
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// upload is what is here of a register's journal since its last release: leaves,
// and the hashes of their tree as package tlog numbers them. What a leaf says is
// not read: its bytes are what a checkpoint signs.
type upload struct {
	t        *tx
	register string
	epoch    int64
	size     int64               // leaves, from the first on
	alone    bool                // no earlier epoch fits before its leaves
	spans    []span              // newest first
	fresh    map[int64]tlog.Hash // not written yet, by tlog.StoredHashIndex
}

// span says in which epoch the leaves from first on lie, up to the next span.
type span struct{ epoch, first int64 }

// uploadOf gives what is here of a register's present epoch.
func (t *tx) uploadOf(register string) (*upload, error) {
	var epoch int64
	err := t.row("SELECT epoch FROM register WHERE id = ?", register).Scan(&epoch)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("backendsim: no register %q has said hello", register)
	}
	if err != nil {
		return nil, err
	}
	return t.uploadIn(register, epoch)
}

func (t *tx) uploadIn(register string, epoch int64) (*upload, error) {
	u := &upload{t: t, register: register, epoch: epoch, fresh: map[int64]tlog.Hash{}}
	err := t.row("SELECT size, alone FROM upload WHERE register = ? AND epoch = ?", register, epoch).Scan(&u.size, &u.alone)
	if errors.Is(err, sql.ErrNoRows) {
		return u, nil
	}
	if err != nil {
		return nil, err
	}
	for s := (span{epoch: epoch}); s.epoch >= 0; {
		var base int64
		if err := t.row("SELECT first, base FROM upload WHERE register = ? AND epoch = ?", register, s.epoch).Scan(&s.first, &base); err != nil {
			return nil, err
		}
		if len(u.spans) == 0 || s.first < u.spans[len(u.spans)-1].first {
			u.spans = append(u.spans, s)
		}
		s.epoch = base
	}
	return u, nil
}

// first is the first leaf that came in this epoch.
func (u *upload) first() int64 {
	if len(u.spans) == 0 {
		return 0
	}
	return u.spans[0].first
}

// ReadHashes is what tlog asks for the tree's hashes with.
func (u *upload) ReadHashes(places []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(places))
	for i, place := range places {
		if hash, ok := u.fresh[place]; ok {
			found[i] = hash
			continue
		}
		var hash []byte
		err := u.t.row("SELECT hash FROM upload_hash WHERE register = ? AND epoch = ? AND place = ?", u.register, u.holder(place), place).Scan(&hash)
		if err != nil {
			return nil, err
		}
		found[i] = tlog.Hash(hash)
	}
	return found, nil
}

// holder gives the epoch that a stored hash lies in: each epoch's begin with
// those of its first leaf.
func (u *upload) holder(place int64) int64 {
	for _, s := range u.spans {
		if place >= tlog.StoredHashIndex(0, s.first) {
			return s.epoch
		}
	}
	return u.epoch
}

// takeLeaves takes leaves of the journal. Those that leave a gap change nothing;
// those that are here already must be the same; and where all of a checkpoint are
// here their tree must have its root.
func (l *ledger) takeLeaves(t *tx, c caller, e *wire.Entries) (*wire.Ack, error) {
	if unproved, err := t.isUnproved(c); unproved || err != nil {
		return nil, errors.Join(refuseIf(unproved, "this incarnation did not show that it has the journal: no leaves are taken from it"), err)
	}
	u, err := t.uploadOf(c.register)
	if err != nil {
		return nil, err
	}
	if e.From > u.size {
		if err := u.adopt(e.From); err != nil {
			return nil, err
		}
	}
	ack := wire.Ack{Of: wire.TypeJournal, Status: wire.StatusAccepted}
	if e.From <= u.size {
		fits, err := u.take(e)
		if err == nil && !fits {
			ack.Status, ack.Reason = wire.StatusRejected, string(terminal.Quarantined)
			err = t.doubt(c.register, DoubtForked)
		}
		if err != nil {
			return nil, err
		}
	}
	ack.Size = u.size
	return t.ack(c, ack)
}

func refuseIf(yes bool, text string) error {
	if !yes {
		return nil
	}
	return refuse(wire.CodeRefused, text)
}

// adopt begins the epoch's leaves at from, with those before it as they were
// uploaded before the last release: the register may have deleted them since.
// Where nothing fits it changes nothing.
func (u *upload) adopt(from int64) error {
	if u.size > 0 || u.alone {
		return nil
	}
	var base int64
	err := u.t.row("SELECT epoch FROM upload WHERE register = ? AND epoch < ? AND size >= ? ORDER BY epoch DESC LIMIT 1",
		u.register, u.epoch, from).Scan(&base)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = u.t.exec("INSERT INTO upload (register, epoch, size, first, base) VALUES (?, ?, ?, ?, ?)", u.register, u.epoch, from, from, base)
	}
	if err != nil {
		return err
	}
	begun, err := u.t.uploadIn(u.register, u.epoch)
	if err == nil {
		*u = *begun
	}
	return err
}

// take takes leaves that leave no gap, and says whether they fit what is here.
// Those that do not are not kept.
func (u *upload) take(e *wire.Entries) (bool, error) {
	leaves := make([][]byte, len(e.Leaves))
	for i, text := range e.Leaves {
		leaf, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return false, err // wire has checked it
		}
		leaves[i] = leaf
	}
	known := min(int64(len(leaves)), u.size-e.From)
	if same, err := u.same(e.From, leaves[:known]); err != nil || !same {
		return false, err
	}
	size, err := u.grow(leaves[known:])
	if err != nil {
		return false, err
	}
	if fits, err := u.fits(u.size, size); err != nil || !fits {
		return u.begun(err)
	}
	return true, u.write(leaves[known:], size)
}

// same says whether leaves are those that are here from a place on.
func (u *upload) same(from int64, leaves [][]byte) (bool, error) {
	for i, leaf := range leaves {
		kept, err := u.ReadHashes([]int64{tlog.StoredHashIndex(0, from+int64(i))})
		if err != nil || kept[0] != tlog.RecordHash(leaf) {
			return false, err
		}
	}
	return true, nil
}

// grow makes the hashes of more leaves and gives the tree's size with them.
func (u *upload) grow(leaves [][]byte) (int64, error) {
	size := u.size
	for _, leaf := range leaves {
		hashes, err := tlog.StoredHashes(size, leaf, u)
		if err != nil {
			return 0, err
		}
		for i, hash := range hashes {
			u.fresh[tlog.StoredHashIndex(0, size)+int64(i)] = hash
		}
		size++
	}
	return size, nil
}

// fits says whether the tree has the root of every checkpoint whose size is
// above one and at most another.
func (u *upload) fits(above, size int64) (bool, error) {
	var points []tree
	err := u.t.each(func(scan func(...any) error) error {
		var p tree
		var err error
		p, err = readTree(scan)
		points = append(points, p)
		return err
	}, "SELECT size, root FROM checkpoint WHERE register = ? AND epoch = ? AND size > ? AND size <= ? ORDER BY size", u.register, u.epoch, above, size)
	for _, p := range points {
		var root tlog.Hash
		if root, err = tlog.TreeHash(p.size, u); err != nil || root != p.root {
			return false, err
		}
	}
	return err == nil, err
}

// begun is for leaves that do not have a checkpoint's root. Where those before
// them were taken from before a release, these need not be the register's: all
// of the epoch is dropped, and what comes from beyond the first leaf is a gap.
// It says whether that was so.
func (u *upload) begun(err error) (bool, error) {
	if err != nil || u.first() == 0 {
		return false, err
	}
	for _, table := range []string{"upload_leaf", "upload_hash"} {
		if err := u.t.exec("DELETE FROM "+table+" WHERE register = ? AND epoch = ?", u.register, u.epoch); err != nil {
			return false, err
		}
	}
	u.size, u.alone, u.spans = 0, true, nil
	return true, u.t.exec("UPDATE upload SET size = 0, first = 0, base = -1, alone = 1 WHERE register = ? AND epoch = ?", u.register, u.epoch)
}

// write keeps leaves and the hashes that grow made.
func (u *upload) write(leaves [][]byte, size int64) error {
	if len(leaves) == 0 {
		return nil
	}
	for i, leaf := range leaves {
		if err := u.t.exec("INSERT INTO upload_leaf (register, epoch, place, leaf) VALUES (?, ?, ?, ?)", u.register, u.epoch, u.size+int64(i), leaf); err != nil {
			return err
		}
	}
	for place, hash := range u.fresh {
		if err := u.t.exec("INSERT INTO upload_hash (register, epoch, place, hash) VALUES (?, ?, ?, ?)", u.register, u.epoch, place, hash[:]); err != nil {
			return err
		}
	}
	u.size = size
	return u.t.exec("INSERT INTO upload (register, epoch, size) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET size = excluded.size", u.register, u.epoch, size)
}

// uploadFits says whether the leaves that are here already have the root of a
// checkpoint that comes now.
func (t *tx) uploadFits(register string, point tree) (bool, error) {
	u, err := t.uploadOf(register)
	if err != nil || u.size < point.size {
		return true, err
	}
	if root, err := tlog.TreeHash(point.size, u); err != nil || root == point.root {
		return err == nil, err
	}
	return u.begun(nil)
}
