package conform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// Operator has head office do something at the backend: docs/conformance.md lists
// the acts with their arguments. It gives what the act says, which only that of a
// one-time code does.
type Operator func(ctx context.Context, act string, args ...string) (string, error)

// ErrCannot is an Operator's for an act that is not done here: the rule is not
// checked then.
var ErrCannot = errors.New("the operator does not do that")

// operated says that the rule needs an operator.
func (p *play) operated() { p.need(p.k.cfg.Operator != nil, "an operator's command") }

// headed says that the rule needs head office, however it is reached.
func (p *play) headed() {
	p.need(p.k.cfg.Admin != "" || p.k.cfg.Operator != nil, "an admin API or an operator's command")
}

// order has the operator do something.
func (p *play) order(act string, args ...string) string {
	p.operated()
	if p.over() {
		return ""
	}
	said, err := p.k.cfg.Operator(p.ctx, act, args...)
	p.need(!errors.Is(err, ErrCannot), "an operator's command that does "+act)
	if err != nil {
		p.fail("the operator did not do %s: %w", act, err)
	}
	return strings.TrimSpace(said)
}

// office has head office do something to a register, by the admin API or by the
// operator.
func (p *play) office(act string, body map[string]any, args ...string) {
	if p.k.cfg.Admin != "" {
		p.admin("/admin/registers/"+act, body)
		return
	}
	p.order(act, args...)
}

func (p *play) quarantine(m *machine, why string) {
	p.office("quarantine", map[string]any{"register": m.ID, "why": why}, m.ID, why)
}

func (p *play) release(m *machine) {
	p.office("release", map[string]any{"register": m.ID}, m.ID)
}

// publish hands the operator a text to sign and to bring to every register.
func (p *play) publish(act, text string) {
	f, err := os.CreateTemp("", "sekisho-conform-*.toml")
	if err == nil {
		defer os.Remove(f.Name())
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		p.fail("the kit wrote no text for the operator: %w", err)
		return
	}
	p.order(act, f.Name())
}

// freeze has categories and issuers stopped and gives the version. Who calls it
// calls thaw in the end, whatever came of the rule.
func (p *play) freeze(categories, issuers []string) int64 {
	p.need(!p.frozen(), "a backend at which nothing is frozen")
	p.publishFreeze("freeze", categories, issuers)
	p.froze = !p.over()
	return p.k.stopped.Version
}

// thaw has all lifted that the rule stopped, if the rule failed too.
func (p *play) thaw() {
	if !p.froze {
		return
	}
	p.froze = false
	err, needs := p.err, p.needs
	p.err, p.needs = nil, ""
	p.publishFreeze("lift", nil, nil)
	if err != nil || needs != "" {
		p.err, p.needs = err, needs
	}
}

// frozen says whether anything is stopped.
func (p *play) frozen() bool {
	f := p.k.stopped
	return f.All || len(f.Categories)+len(f.Issuers) > 0
}

func (p *play) publishFreeze(act string, categories, issuers []string) {
	text := fmt.Sprintf("version = %d\nrealm = %q\nall = false\ncategories = %s\nissuers = %s\n",
		p.k.stopped.Version+1, p.k.policy.Realm, listed(categories), listed(issuers))
	f, err := policy.ParseFreeze(text)
	if err != nil {
		p.fail("the kit made a wrong freeze: %w", err)
		return
	}
	p.publish(act, text)
	if !p.over() {
		p.k.stopped = f
	}
}

// listed writes a list of names as TOML does.
func listed(names []string) string {
	quoted := []string{}
	for _, n := range names {
		quoted = append(quoted, strconv.Quote(n))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// versionLine is that of a policy's text: the key comes before every table.
var versionLine = regexp.MustCompile(`(?m)^version[ \t]*=[ \t]*[0-9_]+`)

// renew has the policy in force published again with the next version.
func (p *play) renew() *policy.Policy {
	next := p.k.policy.Version + 1
	text, _ := policy.Text(p.k.note) // learn has read it
	if at := versionLine.FindStringIndex(text); at != nil {
		text = text[:at[0]] + fmt.Sprintf("version = %d", next) + text[at[1]:]
	}
	all, err := policy.Parse(text)
	if err != nil || all.Version != next {
		p.fail("the kit made no newer policy of the one in force: %v", err)
		return p.k.policy
	}
	p.publish("policy", text)
	return all
}

// roles says who may sign; nil without enrolment, which tells it.
func (p *play) roles() *policy.Roles {
	if p.a().enrolled == nil {
		return nil
	}
	a := p.a().enrolled.answer
	root, err := note.NewVerifier(a.Root)
	if err != nil {
		p.fail("root is no verifier key: %w", err)
		return nil
	}
	r, err := policy.OpenRoles(a.Roles, root, p.k.policy.Realm)
	if err != nil {
		p.fail("root did not sign the roles: %w", err)
	}
	return r
}

// hearsFreeze wants the till told of a freeze of a version, signed by who may.
func (t *till) hearsFreeze(version int64, lifts bool) {
	m := t.pushed(wire.TypeFreeze)
	if m.Freeze != nil {
		t.fits(m.Freeze.Note, version, lifts)
	}
}

// fits holds a freeze note against what head office said.
func (t *till) fits(note string, version int64, lifts bool) {
	text, ok := policy.Text(note)
	f, err := policy.ParseFreeze(text)
	t.p.want(ok && err == nil, "what came as freeze is no signed note of one: %v", err)
	t.p.want(t.p.over() || f.Version == version, "the freeze that came is not the version published, %d", version)
	if r := t.p.roles(); r != nil && !t.p.over() {
		f, err = r.OpenFreeze(note)
		t.p.want(err == nil && (f.Lifts || !lifts), "the freeze that came is not signed by who may: %v", err)
	}
}

// hearsPolicy wants the till told of a newer policy, and gives its note.
func (t *till) hearsPolicy(next *policy.Policy) string {
	m := t.find("a policy", func(m wire.Message) bool { return m.Re == "" && m.Policy != nil && m.Policy.Note != "" })
	if m.Policy == nil {
		return ""
	}
	text, ok := policy.Text(m.Policy.Note)
	got, err := policy.Parse(text)
	t.p.want(ok && err == nil, "what came as policy is no signed note of one: %v", err)
	t.p.want(t.p.over() || got.Version == next.Version, "the policy that came is not the version published, %d", next.Version)
	if r := t.p.roles(); r != nil && !t.p.over() {
		_, err = r.OpenPolicy(m.Policy.Note, next.Classes[0])
		t.p.want(err == nil, "the policy that came is not signed as the roles say: %v", err)
	}
	return m.Policy.Note
}
