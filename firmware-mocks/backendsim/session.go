package backendsim

import (
	"database/sql"
	"errors"
	"time"

	"sekisho/terminal/wire"
)

// caller is the register whose message is being handled.
type caller struct {
	register, store string
	incarnation     string // of the session
	session         int64
	freeze          int64 // version of what was in force at its hello
	hello           *wire.Hello
	asked           *challenge // until it is met; nil where nothing was asked for
	toldDoubt       bool       // its welcome said that its rights are in doubt
	proved          bool       // the incarnation has shown its journal, or had none to show
	doubt           string     // why its rights are in doubt, as the message found it
	now             time.Time
	leastAge        int64 // of an advice: the least age of the last contact that can be, in milliseconds
	rules           *rules
}

// ms is now in the wire's form.
func (c caller) ms() int64 { return c.now.UnixMilli() }

// windows gives the business days that a payment reserved about now may name.
func (c caller) windows() [2]string {
	b := c.rules.policy.Business
	return [2]string{string(b.Day(c.now.Add(-windowSlack))), string(b.Day(c.now.Add(windowSlack)))}
}

// windowSlack is how far a reservation and its arrival here may lie on the two
// sides of the cut-over: the life of a request and the clocks' difference.
const windowSlack = 5 * time.Minute

// refuse is an error message to be sent; nothing was changed.
func refuse(code wire.ErrorCode, text string) error { return &wire.Error{Code: code, Text: text} }

// hello opens the next session of a register and welcomes it. One that is new here
// has to prove first that it has the journal, where a checkpoint of that is kept:
// it is asked for a leaf, and nothing else is changed. beside says that the register
// lives on another link, whose incarnation is proved.
func (l *ledger) hello(t *tx, m wire.Message, r *rules, now time.Time, beside bool) (caller, *wire.Welcome, error) {
	h := m.Hello
	c := caller{register: h.Register, store: h.Store, incarnation: m.Incarnation, hello: h, now: now, rules: r}
	w := &wire.Welcome{Time: c.ms(), Grants: []wire.Grant{}}
	if err := t.housed(c); err != nil {
		return c, nil, err
	}
	last, err := t.toProve(c)
	switch {
	case err != nil:
		return c, nil, err
	case last == nil:
		err = t.welcome(&c, *m.Journal, w)
	case doubtOf(h, *m.Journal, last) == "":
		err = t.challenge(&c, *last, w)
	case beside:
		err = errBeside
	default:
		err = errors.Join(t.unproved(c), t.welcome(&c, *m.Journal, w))
	}
	if err != nil {
		return c, nil, err
	}
	w.Session, c.toldDoubt = c.session, w.Quarantine != ""
	c.freeze, err = t.news(c, h, w)
	return c, w, err
}

// welcome opens a session and says what the register holds.
func (t *tx) welcome(c *caller, head wire.Head, w *wire.Welcome) error {
	n, err := t.nextSession(*c)
	if err != nil {
		return err
	}
	if err := t.openSession(c, n); err != nil {
		return err
	}
	if err := t.grown(*c, head); err != nil {
		return err
	}
	if err := t.merge(*c, c.incarnation, c.hello.Counters); err != nil {
		return err
	}
	if err := t.trust(c, head, w); err != nil {
		return err
	}
	if err := t.topUp(*c, nil); err != nil {
		return err
	}
	w.Grants, err = t.totals(*c)
	return err
}

// grown refuses a hello whose journal is shorter than its incarnation's was, or
// another of the same size. A copy's may be either: its welcome says what it is.
func (t *tx) grown(c caller, h wire.Head) error {
	if c.doubt == DoubtCloned {
		return nil
	}
	var told int64
	if err := t.row("SELECT ifnull(max(size), 0) FROM journal_head WHERE register = +? AND incarnation = +?", c.register, c.incarnation).Scan(&told); err != nil {
		return err
	}
	if h.Size < told {
		return refuse(wire.CodeRefused, "the journal is shorter than this incarnation's was")
	}
	return t.head(c, h)
}

// news names what is in force and newer than what the register holds, and gives
// the version of the freeze in force.
func (t *tx) news(c caller, h *wire.Hello, w *wire.Welcome) (int64, error) {
	if h.Versions.Policy < c.rules.policy.Version {
		w.Policy = c.rules.note
	}
	if h.Roles < c.rules.rolesVersion() {
		w.Roles = c.rules.rolesNote
	}
	stops, err := t.stops(c.ms())
	if h.Versions.Freeze < stops.Version {
		w.Freeze = stops.note
	}
	return stops.Version, err
}

// housed makes a register known, and refuses a hello from another store than its.
func (t *tx) housed(c caller) error {
	var store string
	err := t.row("SELECT store FROM register WHERE id = ?", c.register).Scan(&store)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return t.exec("INSERT INTO register (id, store, session, incarnation) VALUES (?, ?, 0, '')", c.register, c.store)
	case err == nil && store != c.store:
		return refuse(wire.CodeRefused, "this register belongs to another store")
	}
	return err
}

// nextSession gives the number after every one that the register was told.
func (t *tx) nextSession(c caller) (n int64, err error) {
	err = t.row(`SELECT max(r.session, ifnull(n.session, 0)) + 1
		FROM register r LEFT JOIN newcomer n ON n.register = r.id WHERE r.id = ?`, c.register).Scan(&n)
	return n, err
}

// openSession makes n the register's session and, where the incarnation is a new
// one, retires the old: what that held stays granted and is never given to anybody
// again.
func (t *tx) openSession(c *caller, n int64) error {
	var before string
	if err := t.row("SELECT incarnation FROM register WHERE id = ?", c.register).Scan(&before); err != nil {
		return err
	}
	if before != c.incarnation {
		if err := t.retire(c, before); err != nil {
			return err
		}
	}
	if err := t.exec("UPDATE incarnation SET stopped = 0 WHERE register = ? AND id = ?", c.register, c.incarnation); err != nil {
		return err
	}
	c.session = n
	return t.exec("UPDATE register SET session = ?, incarnation = ? WHERE id = ?", c.session, c.incarnation, c.register)
}

// retire ends the incarnation old and begins the caller's. One that was retired
// before and comes again is the copy of a register; what it held stays burnt.
func (t *tx) retire(c *caller, old string) error {
	clone, err := t.has("SELECT 1 FROM incarnation WHERE register = ? AND id = ?", c.register, c.incarnation)
	if err != nil {
		return err
	}
	if err := t.exec("UPDATE incarnation SET retired = 1 WHERE register = ? AND id = ?", c.register, old); err != nil {
		return err
	}
	if clone {
		c.doubt = DoubtCloned
		return t.doubt(c.register, DoubtCloned)
	}
	return t.exec("INSERT INTO incarnation (register, id) VALUES (?, ?)", c.register, c.incarnation)
}

// current fails where the session is not the link's, or one that was told later was
// opened since, and learns whether the register is in doubt. A challenge that was
// met meanwhile is none any more.
func (t *tx) current(c *caller, session int64) error {
	var latest int64
	if err := t.row("SELECT session, doubt FROM register WHERE id = ?", c.register).Scan(&latest, &c.doubt); err != nil {
		return err
	}
	if session != c.session || c.session < latest || c.session > latest && c.asked == nil {
		return refuse(wire.CodeSession, "this is not the register's latest session")
	}
	if c.session == latest {
		c.asked = nil
	}
	return nil
}

// head keeps the journal's head. Messages may come late, so a smaller size is
// nothing; one size with two roots is a journal that was changed.
func (t *tx) head(c caller, h wire.Head) error {
	kept := h.Root
	err := t.row("INSERT INTO journal_head (register, incarnation, size, root) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING root",
		c.register, c.incarnation, h.Size, h.Root).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		err = t.row("SELECT root FROM journal_head WHERE register = ? AND incarnation = ? AND size = ?", c.register, c.incarnation, h.Size).Scan(&kept)
	}
	if err != nil {
		return err
	}
	return refuseIf(kept != h.Root, "the journal has another root at this size than before")
}
