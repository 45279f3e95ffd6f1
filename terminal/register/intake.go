package register

import (
	"errors"
	"fmt"
	"slices"

	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
)

// takeRules takes signed texts from the backend: roles first, by which the others
// are verified. What does not verify or goes back a version changes nothing and
// is reported up, as the answer to the message re. then runs afterwards.
func (r *Register) takeRules(roles, policy, freeze, re string, then func()) {
	r.takeRoles(roles, re, func() {
		r.takePolicy(policy, re, func() { r.takeFreeze(freeze, re, then) })
	})
}

// notTaken says, here and to the backend, why a signed text changes nothing.
func (r *Register) notTaken(what string, err error, re string) {
	r.cfg.Log.Error("the backend sent what cannot be taken; the one before stays in force", "what", what, "error", err)
	code := policy.CodeText
	if why, ok := errors.AsType[*policy.Error](err); ok {
		code, err = why.Code, errors.New(why.Text) // its cause may quote the text
	}
	text := fmt.Sprintf("%s not taken: %v", what, err)
	r.report(string(code), text[:min(len(text), maxReport)], re)
}

// maxReport is how many bytes a report's text may have, as the wire takes it.
const maxReport = 1000

// takeStored makes a text's change durable and then lets it rule.
func (r *Register) takeStored(what string, c Changes, e journal.Entry, use, then func()) {
	e.Time, e.Incarnation = r.now(), r.cfg.Incarnation
	c.Entries = []journal.Draft{{Entry: e}}
	r.decide(Scope{}, func(Usage) (Changes, error) { return c, nil }, func(err error) {
		if err != nil {
			r.cfg.Log.Error("what the backend sent could not be kept yet; it is tried again", "what", what, "error", err)
			r.owe(what, c, use)
		} else {
			r.paidUp(what)
			use()
			r.tellView(EventPolicy)
		}
		then()
	})
}

// takeRoles puts newer roles in force. The chain of notes is kept, since after a
// change of root the last one alone does not open under the pinned root.
func (r *Register) takeRoles(text, re string, then func()) {
	if text == "" {
		then()
		return
	}
	next, err := r.roles.Next(text)
	if err == nil && next.Version < r.rolesFloor {
		err = &policy.Error{Code: policy.CodeVersion, Text: "these roles are older than those of before: versions never go back"}
	}
	if err != nil {
		r.notTaken("roles", err, re)
		then()
		return
	}
	r.takeStored("roles", Changes{Roles: &NoteCopy{Version: next.Version, Note: next.Chain()}},
		journal.Entry{Type: journal.TypeRoles, Roles: next.Version},
		func() { r.roles, r.rolesFloor = next, next.Version }, then)
}

// takePolicy puts a newer policy in force. The same one again changes nothing.
func (r *Register) takePolicy(text, re string, then func()) {
	if text == "" {
		then()
		return
	}
	p, err := r.roles.OpenPolicy(text, r.cfg.Identity.Class)
	if err == nil && p.Version < r.floor {
		err = &policy.Error{Code: policy.CodeVersion, Text: fmt.Sprintf("policy %d is older than policy %d, which was in force: versions never go back", p.Version, r.floor)}
	}
	if err != nil {
		r.notTaken("policy", err, re)
		then()
		return
	}
	if r.policy != nil && p.Version == r.policy.Version {
		then()
		return
	}
	r.takeStored("policy", Changes{Policy: &PolicyCopy{Version: p.Version, Note: text}},
		journal.Entry{Type: journal.TypePolicy, Policy: p.Version},
		func() { r.policy, r.floor, r.texts.policy = p, p.Version, text }, then)
}

// takeFreeze puts a newer freeze in force, from the next scan on: a payment that
// was sent goes its way. It rules at once, and for good when it is stored: what
// is to be stopped does not wait for a disk.
func (r *Register) takeFreeze(text, re string, then func()) {
	if text == "" {
		then()
		return
	}
	f, err := r.roles.OpenFreeze(text)
	if err == nil && r.freeze != nil && f.Version == r.freeze.Version {
		then()
		return
	}
	if err == nil {
		err = f.Follows(r.freeze)
	}
	if err != nil {
		r.notTaken("freeze", err, re)
		then()
		return
	}
	use := func() { r.freeze, r.texts.freeze = f, text }
	if !f.Lifts {
		use()
	}
	r.takeStored("freeze", Changes{Freeze: &NoteCopy{Version: f.Version, Note: text}},
		journal.Entry{Type: journal.TypeFreeze, Freeze: f.Version}, use, then)
}

// restoreRules opens the texts that were in force again.
func (r *Register) restoreRules(s Snapshot) {
	r.floor, r.rolesFloor = s.PolicyVersion, s.Roles.Version
	r.roles = r.cfg.Roles
	if s.Roles.Version > r.roles.Version {
		if next, err := r.cfg.Roles.Next(s.Roles.Note); err != nil {
			r.cfg.Log.Error("the roles last in force do not follow those of enrolment; waiting for the backend's", "error", err)
		} else {
			r.roles = next
		}
	}
	r.restorePolicy(s)
	r.restoreFreeze(s.Freeze)
	r.restoreDenials(s.Denials)
}

// restorePolicy verifies the cached policy again: a cache is no authority.
func (r *Register) restorePolicy(s Snapshot) {
	if s.PolicyNote == "" {
		return
	}
	p, err := r.roles.OpenPolicy(s.PolicyNote, r.cfg.Identity.Class)
	if err != nil || p.Version < s.PolicyVersion {
		r.cfg.Log.Error("the cached policy is not the one last in force; waiting for the backend's", "error", err)
		return
	}
	r.policy, r.texts.policy = p, s.PolicyNote
}

// restoreFreeze takes the freeze as the ledger has it, also where the roles that
// signed it are not those in force any more: what head office stopped stays
// stopped until it says otherwise. One that cannot be read stops everything,
// until a newer one comes.
func (r *Register) restoreFreeze(kept NoteCopy) {
	if kept.Version == 0 || r.freeze != nil && r.freeze.Version >= kept.Version {
		return
	}
	f, err := r.roles.OpenFreeze(kept.Note)
	if err != nil {
		if text, ok := policy.Text(kept.Note); ok {
			f, err = policy.ParseFreeze(text)
		}
	}
	if err != nil || f.Version != kept.Version {
		r.cfg.Log.Error("the freeze last in force cannot be read: everything is stopped until head office publishes a newer one", "error", err)
		f = &policy.Freeze{Version: kept.Version, Realm: r.roles.Realm, All: true}
	}
	r.freeze, r.texts.freeze = f, kept.Note
}

// frozen lists what head office stopped, for people.
func (r *Register) frozen() []string {
	var out []string
	if r.freeze == nil {
		return out
	}
	for c := range r.freeze.Categories {
		out = append(out, string(c))
	}
	for i := range r.freeze.Issuers {
		out = append(out, i)
	}
	slices.Sort(out)
	if r.freeze.All {
		out = append([]string{"all"}, out...)
	}
	return out
}
