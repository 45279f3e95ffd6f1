package backendsim

import (
	"database/sql"
	"errors"
	"slices"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// capRow is one store cap in one window: the only place where rights are made.
type capRow struct{ limit, granted, returned amount }

// free is what may still be granted.
func (r capRow) free() amount {
	return r.limit.sub(r.granted).add(r.returned.limited(r.limit)).most(amount{})
}

// capRow loads a row and gives it the limit that the policy names today; the
// highest limit of the window is kept beside it.
func (t *tx) capRow(c caller, limit terminal.Cap, window string) (capRow, error) {
	r := capRow{limit: limitOf(limit)}
	err := t.row(`INSERT INTO cap_row (store, cap, window, limit_yen, limit_units, highest_yen, highest_units)
		VALUES (?1, ?2, ?3, ?4, ?5, ?4, ?5) ON CONFLICT DO UPDATE SET limit_yen = ?4, limit_units = ?5,
		highest_yen = max(highest_yen, ?4), highest_units = max(highest_units, ?5)
		RETURNING granted_yen, granted_units, returned_yen, returned_units`,
		c.store, limit.ID, window, r.limit.yen, r.limit.units).Scan(&r.granted.yen, &r.granted.units, &r.returned.yen, &r.returned.units)
	return r, err
}

// allotment is what one incarnation was granted and what it told.
type allotment struct{ granted, used, released, returned amount }

// held may come out below zero where a register told more than it may use.
func (a allotment) held() amount {
	return a.granted.sub(a.used).add(a.released).sub(a.returned)
}

const allotmentColumns = "granted_yen, granted_units, used_yen, used_units, released_yen, released_units, returned_yen, returned_units"

func (a *allotment) fields() []any {
	return []any{&a.granted.yen, &a.granted.units, &a.used.yen, &a.used.units,
		&a.released.yen, &a.released.units, &a.returned.yen, &a.returned.units}
}

// allotment gives the row of an incarnation, empty where there is none.
func (t *tx) allotment(register, incarnation, limit, window string) (allotment, error) {
	var a allotment
	err := t.row("SELECT "+allotmentColumns+" FROM allotment WHERE register = ? AND incarnation = ? AND cap = ? AND window = ?",
		register, incarnation, limit, window).Scan(a.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return a, err
}

// grant makes rights: in the cap's row and in the session's incarnation's.
func (t *tx) grant(c caller, limit terminal.CapID, window string, by amount) error {
	if err := t.exec(`INSERT INTO allotment (register, incarnation, store, cap, window, granted_yen, granted_units)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET
		granted_yen = granted_yen + ?6, granted_units = granted_units + ?7`,
		c.register, c.incarnation, c.store, limit, window, by.yen, by.units); err != nil {
		return err
	}
	return t.exec("UPDATE cap_row SET granted_yen = granted_yen + ?, granted_units = granted_units + ? WHERE store = ? AND cap = ? AND window = ?",
		by.yen, by.units, c.store, limit, window)
}

// merge takes the totals that a register told, each by maximum, and no more
// released than used. What it says it was granted is not taken: that is known
// here. What it returned is free again for the store, but never more than it still
// held, and nothing of a retired incarnation, whose rights are burnt.
func (t *tx) merge(c caller, incarnation string, told []wire.Counter) error {
	for _, k := range told {
		limit, known := c.rules.cap(k.Cap)
		if !known {
			continue
		}
		before, err := t.allotment(c.register, incarnation, k.Cap, k.Window)
		if err != nil {
			return err
		}
		after := before
		after.used = before.used.most(fromWire(k.Used))
		after.released = before.released.most(fromWire(k.Released).least(after.used))
		after.returned = before.returned.most(fromWire(k.Returned))
		if after.returned != before.returned {
			if had, err := t.had(c.register, incarnation, k, after, limitOf(limit)); err != nil {
				return err
			} else if !had {
				after.returned = before.returned
			}
		}
		if after == before {
			continue
		}
		if err := t.keep(c, incarnation, k, after, after.returned.sub(before.returned)); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) retired(register, incarnation string) (bool, error) {
	return t.has("SELECT 1 FROM incarnation WHERE register = ? AND id = ? AND retired = 1", register, incarnation)
}

// had says whether an incarnation still held what it returned: by what it told,
// and by what it sold as it is known here. A retired one holds nothing.
func (t *tx) had(register, incarnation string, k wire.Counter, a allotment, limit amount) (bool, error) {
	if burnt, err := t.retired(register, incarnation); burnt || err != nil {
		return false, err
	}
	sold, err := t.sold(register, incarnation, k.Cap, k.Window, soldStates)
	left := a.granted.sub(a.returned).sub(sold.limited(limit))
	return amount{}.fits(left.least(a.held())), err
}

func (t *tx) keep(c caller, incarnation string, k wire.Counter, a allotment, back amount) error {
	if err := t.exec(`INSERT INTO allotment (register, incarnation, store, cap, window, `+allotmentColumns+`)
		VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO UPDATE SET
		used_yen = ?6, used_units = ?7, released_yen = ?8, released_units = ?9, returned_yen = ?10, returned_units = ?11`,
		c.register, incarnation, c.store, k.Cap, k.Window, a.used.yen, a.used.units,
		a.released.yen, a.released.units, a.returned.yen, a.returned.units); err != nil {
		return err
	}
	return t.exec("UPDATE cap_row SET returned_yen = returned_yen + ?, returned_units = returned_units + ? WHERE store = ? AND cap = ? AND window = ?",
		back.yen, back.units, c.store, k.Cap, k.Window)
}

// takeBack takes what a register gives back at a clean stop: it is free again
// for the store. More than it held is not believed, and the stop is noted all
// the same.
func (l *ledger) takeBack(t *tx, c caller, m wire.Message) (*wire.Ack, error) {
	retired, err := t.retired(c.register, c.incarnation)
	if err != nil {
		return nil, err
	}
	if m.Incarnation != c.incarnation || retired {
		return nil, refuse(wire.CodeRefused, "only the session's incarnation gives back what it holds, and none that was retired")
	}
	if err := t.merge(c, c.incarnation, m.Grants.Counters); err != nil {
		return nil, err
	}
	if err := t.exec("UPDATE incarnation SET stopped = 1 WHERE register = ? AND id = ?", c.register, c.incarnation); err != nil {
		return nil, err
	}
	ack := wire.Ack{Of: wire.TypeGrants, Status: wire.StatusAccepted}
	for _, k := range m.Grants.Counters {
		if _, known := c.rules.cap(k.Cap); !known {
			continue
		}
		a, err := t.allotment(c.register, c.incarnation, k.Cap, k.Window)
		if err != nil {
			return nil, err
		}
		if !fromWire(k.Returned).fits(a.returned) {
			ack.Status, ack.Reason = wire.StatusRejected, string(terminal.AllotmentMissing)
		}
	}
	return t.ack(c, ack)
}

// topUp grants the session's incarnation what is missing to its reserve, as far
// as the rows permit. fresh is what this very message granted and the register
// will use at once: it is no reserve. A register in doubt gets none, an unproved
// incarnation none, and one that gave everything back none before it says hello
// again.
func (t *tx) topUp(c caller, fresh map[terminal.CapID]amount) error {
	window := string(c.rules.policy.Business.Day(c.now))
	all, err := t.holdings(c, window)
	if err != nil {
		return err
	}
	short := func(limit terminal.Cap, registers int64) amount {
		return all[limit.ID].missing(limit, c.rules.policy.Reserve, registers, fresh[limit.ID]).most(amount{})
	}
	caps := slices.DeleteFunc(storeCaps(c.rules.policy, true), func(limit terminal.Cap) bool { return short(limit, 1) == amount{} })
	if len(caps) == 0 { // the rule, so nothing more is asked
		return nil
	}
	registers, err := t.entitled(c)
	if registers == 0 || err != nil {
		return err
	}
	for _, limit := range caps {
		row, err := t.capRow(c, limit, window)
		if err != nil {
			return err
		}
		missing := short(limit, registers).least(row.free())
		if missing == (amount{}) {
			continue
		}
		if err := t.grant(c, limit.ID, window, missing); err != nil {
			return err
		}
	}
	return nil
}

// entitled gives how many registers of the store, enrolled or heard of, share what
// is given unasked; 0 where the caller gets none of it.
func (t *tx) entitled(c caller) (registers int64, err error) {
	err = t.row(`SELECT (SELECT count(*) FROM register WHERE store = r.store) + (SELECT count(*) FROM enrolled e WHERE e.store = r.store
			AND NOT EXISTS (SELECT 1 FROM register h WHERE h.id = e.register AND h.store = e.store))
		FROM register r WHERE r.id = ? AND r.doubt = ''
		AND NOT EXISTS (SELECT 1 FROM incarnation i WHERE i.register = r.id AND i.id = r.incarnation AND i.stopped = 1)
		AND NOT EXISTS (SELECT 1 FROM unproved u WHERE u.register = r.id AND u.incarnation = r.incarnation)`, c.register).Scan(&registers)
	return registers, notFound(err)
}

// holdings is what a store has of one cap in one window.
type holdings struct {
	own   amount // held by the session's incarnation
	store amount // held by the present incarnations of all its registers
	kept  amount // granted to any incarnation of the register, and not returned
}

// holdings gives those of every cap.
func (t *tx) holdings(c caller, window string) (map[terminal.CapID]holdings, error) {
	all := map[terminal.CapID]holdings{}
	err := t.each(func(scan func(...any) error) error {
		var limit terminal.CapID
		var register, incarnation string
		var present bool
		var a allotment
		if err := scan(append([]any{&limit, &register, &incarnation, &present}, a.fields()...)...); err != nil {
			return err
		}
		h := all[limit]
		if present {
			h.store = h.store.add(a.held())
		}
		if register == c.register {
			h.kept = h.kept.add(a.granted.sub(a.returned))
		}
		if register == c.register && incarnation == c.incarnation {
			h.own = a.held()
		}
		all[limit] = h
		return nil
	}, `SELECT a.cap, a.register, a.incarnation, r.id IS NOT NULL, `+allotmentColumns+` FROM allotment a
		LEFT JOIN register r ON r.id = a.register AND r.incarnation = a.incarnation WHERE a.store = +? AND a.window = +?`, c.store, window)
	return all, err
}

// missing is how far a register is below its reserve. An offline-only cap is
// all reserve: an even share for each register that was enrolled or said hello, once
// a window.
func (h holdings) missing(limit terminal.Cap, reserve policy.Reserve, registers int64, fresh amount) amount {
	all := limitOf(limit)
	if limit.OfflineOnly {
		return all.split(registers).sub(h.kept)
	}
	mine := all.percent(reserve.RegisterPercent).sub(h.own.sub(fresh).most(amount{}))
	ours := all.percent(reserve.StorePercent).sub(h.store.sub(fresh).most(amount{}))
	return mine.least(ours)
}

// totalsKept is how far back a message names an incarnation's totals: longer
// than any window is open, so that a lost message is made good by the next.
const totalsKept = 48 * time.Hour

// totals gives what the session's incarnation was ever granted, by cap and
// window.
func (t *tx) totals(c caller) ([]wire.Grant, error) {
	grants := []wire.Grant{}
	oldest := c.rules.policy.Business.Day(c.now.Add(-totalsKept))
	err := t.each(func(scan func(...any) error) error {
		var g wire.Grant
		if err := scan(&g.Cap, &g.Window, &g.Total.Yen, &g.Total.Units); err != nil {
			return err
		}
		grants = append(grants, g)
		return nil
	}, `SELECT cap, window, granted_yen, granted_units FROM allotment
		WHERE register = +? AND incarnation = +? AND window >= ? ORDER BY cap, window`, c.register, c.incarnation, oldest)
	return grants, err
}

// overspent says whether an incarnation used more than it was granted: by its
// own counters, or by the payments in some states that are known here, with what
// s reserved added.
func (t *tx) overspent(c caller, incarnation string, s wire.Spend, states string) (bool, error) {
	a, err := t.allotment(c.register, incarnation, s.Cap, s.Window)
	if err != nil {
		return false, err
	}
	sold, err := t.sold(c.register, incarnation, s.Cap, s.Window, states)
	if err != nil {
		return false, err
	}
	limit, _ := c.rules.cap(s.Cap)
	told := a.used.sub(a.released).add(a.returned).limited(limitOf(limit))
	sold = sold.add(fromWire(s.Reserved)).add(a.returned).limited(limitOf(limit))
	return !told.fits(a.granted) || !sold.fits(a.granted), nil
}

// sold sums what payments in some states took of an incarnation's part of a cap.
func (t *tx) sold(register, incarnation, limit, window, states string) (amount, error) {
	var sum amount
	err := t.row(`SELECT ifnull(sum(s.yen), 0), ifnull(sum(s.units), 0) FROM spend s JOIN payment p ON p.id = s.payment
		WHERE s.register = +? AND s.incarnation = +? AND s.cap = +? AND s.window = +? AND p.state IN `+states,
		register, incarnation, limit, window).Scan(&sum.yen, &sum.units)
	return sum, err
}

// soldStates are those in which the goods have left, or may have.
const soldStates = "('approved', 'advised-accepted', 'advised-rejected')"

// offlineStates are those in which goods have left without the line. They alone
// show for certain that a register sold beyond its rights: an approval may be
// unknown to it still, and what was granted with it spent (docs/protocol.md, "Caps").
const offlineStates = "('advised-accepted', 'advised-rejected')"

// spend keeps what a payment takes of each cap.
func (t *tx) spend(c caller, incarnation, payment string, spends []wire.Spend) error {
	for _, s := range spends {
		want := fromWire(s.Reserved).add(fromWire(s.Need))
		if err := t.exec("INSERT INTO spend (payment, register, incarnation, store, cap, window, yen, units) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			payment, c.register, incarnation, c.store, s.Cap, s.Window, want.yen, want.units); err != nil {
			return err
		}
	}
	return nil
}

// fitting says whether spends name, once each, just the store caps that the
// sale falls under, at least as much as is counted here, in a window allowed.
func fitting(caps []terminal.Cap, spends []wire.Spend, sale wire.Sale, paid int64, window func(string) bool) bool {
	byCap := map[string]wire.Spend{}
	for _, s := range spends {
		if _, twice := byCap[s.Cap]; twice || !window(s.Window) {
			return false
		}
		byCap[s.Cap] = s
	}
	for _, c := range caps {
		s, named := byCap[string(c.ID)]
		want := counts(c, sale, paid)
		if !want.fits(fromWire(s.Reserved).add(fromWire(s.Need))) || (!named && want != amount{}) {
			return false
		}
		delete(byCap, string(c.ID))
	}
	return len(byCap) == 0
}
