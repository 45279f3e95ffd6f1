package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

const (
	approvals     = 300 // rounds; few enough that the log's growth is seen before SQLite begins it afresh
	weighed       = 40  // payments by which the log's growth is told before the rounds
	offlineGoal   = 1.5 // rules, SQL and hashes may add this much to the disk and the cryptography
	onlineGoal    = 1.3 // to the line, the JSON and the disk
	approvalAfter = 2 * time.Minute
)

// measured runs one side of a round and gives how long the part that counts took.
type measured func() (time.Duration, error)

// byTurns runs two measured sides as inTurn does, with what they prepare left out.
func byTurns(rounds int, product, limit measured) (time.Duration, time.Duration, error) {
	work := [2]measured{product, limit}
	var times [2][]time.Duration
	for round := range rounds {
		for i := range work {
			side := (i + round) % 2
			took, err := work[side]()
			if err != nil {
				return 0, 0, err
			}
			times[side] = append(times[side], took)
		}
	}
	return median(times[0]), median(times[1]), nil
}

// plainFile is where the bare side appends and waits for the disk.
type plainFile struct{ file *os.File }

func openPlain(beside string) (plainFile, error) {
	f, err := os.Create(filepath.Join(beside, "bare"))
	return plainFile{f}, err
}

// keep appends so many bytes and waits until they are on the disk.
func (p plainFile) keep(bytes []byte) error {
	if _, err := p.file.Write(bytes); err != nil {
		return err
	}
	return unix.Fdatasync(int(p.file.Fd()))
}

// offlineApproval measures a code that was scanned to its durable verdict with
// the line down, against one append and fdatasync of as many bytes as it adds to
// the log, one HPKE seal and the two signatures of a pass.
func offlineApproval() (_ fmt.Stringer, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), approvalAfter)
	defer cancel()
	t, err := openTill(ctx, deaf{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	t.reg.LinkUp(ctx, wire.Welcome{Session: 1, Time: time.Now().UnixMilli(), Policy: t.note})
	t.reg.LinkDown(ctx, terminal.LineClosed)
	var grew []int64
	for range weighed {
		var before int64
		if _, err := t.offlinePayment(ctx, func(scan bool) error {
			size, err := t.logSize()
			if scan {
				before = size
			} else {
				grew = append(grew, size-before)
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	bare, err := t.bareOffline(grew)
	if err != nil {
		return nil, err
	}
	value, limit, err := byTurns(approvals, func() (time.Duration, error) { return t.offlinePayment(ctx, nil) }, bare)
	return figure{"offline-approval", value, "fdatasync+seal+signatures", limit, offlineGoal}, err
}

// offlinePayment takes one payment from sale to goods; what is timed is from the
// scan to the verdict. look runs right before the scan and right after the
// verdict.
func (t *till) offlinePayment(ctx context.Context, look func(scan bool) error) (time.Duration, error) {
	phone, err := t.phone()
	if err != nil {
		return 0, err
	}
	code, err := phone.Pass()
	if err != nil {
		return 0, err
	}
	return t.payment(ctx, code, look)
}

// payment takes one payment from sale to goods. look runs right before the scan
// and right after the verdict.
func (t *till) payment(ctx context.Context, code string, look func(scan bool) error) (time.Duration, error) {
	if err := t.sells(ctx); err != nil {
		return 0, err
	}
	if look != nil {
		if err := look(true); err != nil {
			return 0, err
		}
	}
	took, id, err := t.pays(ctx, code)
	if err != nil {
		return 0, err
	}
	if look != nil {
		if err := look(false); err != nil {
			return 0, err
		}
	}
	_, err = t.reg.HandOver(ctx, id)
	return took, err
}

// bareOffline is the limit of an offline approval whose log grew so.
func (t *till) bareOffline(grew []int64) (measured, error) {
	file, err := openPlain(t.dir)
	if err != nil {
		return nil, err
	}
	row := make([]byte, middle(grew))
	rand.Read(row)
	phone, err := t.phone()
	if err != nil {
		return nil, err
	}
	code, err := phone.Pass()
	if err != nil {
		return nil, err
	}
	_, issuer, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return func() (time.Duration, error) {
		_, signatures, err := freshPass(issuer)
		if err != nil {
			return 0, err
		}
		began := time.Now()
		if err := signatures.verify(); err != nil {
			return 0, err
		}
		if _, err := wire.SealEvidence(t.keys.Backend.PublicKey(), "01890000-0000-7000-8000-000000000000", code); err != nil {
			return 0, err
		}
		err = file.keep(row)
		return time.Since(began), err
	}, nil
}

// middle is the median.
func middle(n []int64) int64 {
	slices.Sort(n)
	return n[len(n)/2]
}
