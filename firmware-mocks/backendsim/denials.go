package backendsim

import (
	"cmp"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// Denial stops one account on every register until its last credential ends.
type Denial struct {
	Account terminal.AccountKey
	Until   time.Time
}

const (
	// deltasKept is how many versions back a register gets a delta; one that is
	// further behind gets the whole set.
	deltasKept = 1000
	// partRecords is how many records go into one message: as base64, 960,000
	// of its 1,048,576 bytes.
	partRecords = 60_000
)

func (t *tx) nextDenials() (int64, error) {
	var version int64
	err := t.row("UPDATE denial_version SET version = version + 1 RETURNING version").Scan(&version)
	return version, err
}

// deny adds accounts to the set, as one version. An account that is denied
// already keeps the moment of its first denial.
func (t *tx) deny(now time.Time, all []Denial) error {
	version, err := t.nextDenials()
	if err != nil {
		return err
	}
	insert, err := t.PrepareContext(t.ctx, `INSERT INTO denial (account, until, at, version) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT DO UPDATE SET until = max(iif(removed, 0, until), ?2), at = iif(removed, ?3, at), version = ?4, removed = 0`)
	if err != nil {
		return err
	}
	defer insert.Close()
	// In the order of the table's index: a million in any other takes minutes.
	all = slices.SortedFunc(slices.Values(all), func(a, b Denial) int { return cmp.Compare(a.Account, b.Account) })
	for _, d := range all {
		minute := d.Until.Unix()/60 + 1 // the credential's last minute is denied too
		raw, err := hex.DecodeString(string(d.Account))
		if err != nil || len(raw) != 8 || minute < 0 || minute > math.MaxUint32 {
			return fmt.Errorf("backendsim: no denial of an account until %s", d.Until)
		}
		if _, err := insert.ExecContext(t.ctx, string(d.Account), minute, now.UnixMilli(), version); err != nil {
			return err
		}
	}
	return nil
}

// allow takes accounts back out of the set, as one version.
func (t *tx) allow(all []terminal.AccountKey) error {
	version, err := t.nextDenials()
	if err != nil {
		return err
	}
	for _, account := range all {
		if err := t.exec("UPDATE denial SET removed = 1, version = ? WHERE account = ? AND removed = 0", version, account); err != nil {
			return err
		}
	}
	return nil
}

// void says that an issuer's credentials from before a time are void; it only
// moves forward.
func (t *tx) void(now time.Time, issuer string, before time.Time) error {
	version, err := t.nextDenials()
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO issued_before (issuer, before, at, version) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT DO UPDATE SET before = ?2, at = ?3, version = ?4 WHERE before < ?2`, issuer, before.UnixMilli(), now.UnixMilli(), version)
}

// denial is when an account, or what it showed, was denied, and the version that
// told the registers; zero where it was not.
type denial struct{ at, version int64 }

// denied asks whether something was denied at a time: the account, or the
// credential by the time of its issue.
func (t *tx) denied(who payer, at int64) (denial, error) {
	var d denial
	err := t.row("SELECT at, version FROM denial WHERE account = ? AND removed = 0 AND at <= ? AND until >= ?",
		who.account, at, at/time.Minute.Milliseconds()).Scan(&d.at, &d.version)
	if err == nil || !errors.Is(err, sql.ErrNoRows) || who.pass == nil {
		return d, notFound(err)
	}
	err = t.row("SELECT at, version FROM issued_before WHERE issuer = ? AND before > ? AND at <= ?",
		who.issuer, who.pass.Issued.UnixMilli(), at).Scan(&d.at, &d.version)
	return d, notFound(err)
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// change is what brings a register from one version of the set to another; from
// 0 it is the whole set.
type change struct {
	from, to    int64
	add, remove []byte
	before      map[string]int64
}

// denialsSince gives what a register lacks that holds a version; to is that
// version where it lacks nothing.
func (t *tx) denialsSince(held int64) (change, error) {
	c := change{from: held, to: held}
	if err := t.row("SELECT version FROM denial_version").Scan(&c.to); err != nil || c.to == held {
		return c, err
	}
	if held > c.to || held < c.to-deltasKept {
		c.from = 0
	}
	err := t.each(func(scan func(...any) error) error {
		var account string
		var minute uint32
		var removed bool
		if err := scan(&account, &minute, &removed); err != nil {
			return err
		}
		id, err := hex.DecodeString(account)
		if removed {
			c.remove = append(c.remove, id...)
		} else {
			c.add = binary.BigEndian.AppendUint32(append(c.add, id...), minute)
		}
		return err
	}, "SELECT account, until, removed FROM denial WHERE version > ?1 AND (?1 > 0 OR removed = 0) ORDER BY account", c.from)
	if err != nil {
		return c, err
	}
	c.before = map[string]int64{}
	return c, t.each(func(scan func(...any) error) error {
		var issuer string
		var before int64
		err := scan(&issuer, &before)
		c.before[issuer] = before
		return err
	}, "SELECT issuer, before FROM issued_before WHERE version > ?", c.from)
}

// parts cuts a change into messages that each side can read.
func (c change) parts() []wire.Denials {
	parts := []wire.Denials{{Before: c.before}}
	cut := func(records []byte, size int, put func(*wire.Denials, string)) {
		for i := 0; len(records) > 0; i++ {
			n := min(len(records), partRecords*size)
			if i > 0 || parts[len(parts)-1].Add != "" {
				parts = append(parts, wire.Denials{})
			}
			put(&parts[len(parts)-1], base64.StdEncoding.EncodeToString(records[:n]))
			records = records[n:]
		}
	}
	cut(c.add, 12, func(d *wire.Denials, text string) { d.Add = text })
	cut(c.remove, 8, func(d *wire.Denials, text string) { d.Remove = text })
	for i := range parts {
		parts[i].From, parts[i].To, parts[i].Part, parts[i].Parts = c.from, c.to, i+1, len(parts)
	}
	return parts
}
