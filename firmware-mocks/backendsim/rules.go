package backendsim

import (
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// rules are what is in force: the signed notes and what was read from them.
type rules struct {
	note      string
	policy    *policy.Policy
	rolesNote string
	roles     *policy.Roles
	older     map[int64]*policy.Policy // what was in force before; without roles since the start only
}

func newRules(cfg Config) *rules {
	return &rules{note: cfg.Note, policy: cfg.Policy, rolesNote: cfg.Roles, roles: cfg.Signer, older: map[int64]*policy.Policy{}}
}

func (r *rules) rolesVersion() int64 {
	if r.roles == nil {
		return 0
	}
	return r.roles.Version
}

// with gives the rules with another policy in force.
func (r *rules) with(note string, p *policy.Policy) *rules {
	next := *r
	next.older = maps.Clone(r.older)
	next.older[r.policy.Version] = r.policy
	next.note, next.policy = note, p
	return &next
}

// at gives the rules with the policy of a version, if it is known still, for
// what was decided under it.
func (r *rules) at(version int64) *rules {
	p, known := r.older[version]
	if !known || version == r.policy.Version {
		return r
	}
	then := *r
	then.policy = p
	return &then
}

// known says whether r's policy is the one of that version.
func (r *rules) known(version int64) bool { return r.policy.Version == version }

// cap gives the store cap of an id.
func (r *rules) cap(id string) (terminal.Cap, bool) {
	c, ok := r.policy.Cap(terminal.CapID(id))
	return c, ok && c.Scope == terminal.ScopeStore
}

// stops is what one freeze note stops. The zero stops stop nothing.
type stops struct {
	Version    int64    `json:"-"`
	At         int64    `json:"-"` // when it was published
	All        bool     `json:"all"`
	Categories []string `json:"categories"`
	Issuers    []string `json:"issuers"`
	note       string
}

func stopsOf(f *policy.Freeze) stops {
	s := stops{Version: f.Version, All: f.All, Categories: []string{}, Issuers: []string{}}
	for c, on := range f.Categories {
		if on {
			s.Categories = append(s.Categories, string(c))
		}
	}
	for i, on := range f.Issuers {
		if on {
			s.Issuers = append(s.Issuers, i)
		}
	}
	return s
}

// cover says whether a sale paid from an issuer is stopped.
func (s stops) cover(issuer string, sale wire.Sale) bool {
	return s.All || slices.Contains(s.Issuers, issuer) || slices.ContainsFunc(sale.Lines, func(l wire.Line) bool {
		return slices.Contains(s.Categories, l.Category)
	})
}

// within says whether other stops all that s stops.
func (s stops) within(other stops) bool {
	in := func(list []string) func(string) bool {
		return func(one string) bool { return !slices.Contains(list, one) }
	}
	return (!s.All || other.All) && !slices.ContainsFunc(s.Categories, in(other.Categories)) && !slices.ContainsFunc(s.Issuers, in(other.Issuers))
}

// stops gives what was stopped at a time.
func (t *tx) stops(at int64) (stops, error) {
	return scanStops(t.row("SELECT version, note, at, stops FROM freeze WHERE at <= ? ORDER BY version DESC LIMIT 1", at))
}

// stopsOf gives what the note of a version stops.
func (t *tx) stopsOf(version int64) (stops, error) {
	return scanStops(t.row("SELECT version, note, at, stops FROM freeze WHERE version = ?", version))
}

func scanStops(row *sql.Row) (stops, error) {
	var s stops
	var text string
	err := row.Scan(&s.Version, &s.note, &s.At, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return stops{}, nil
	}
	if err != nil {
		return stops{}, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}
