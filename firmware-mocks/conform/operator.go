package conform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sekisho/terminal"
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

// publish hands the operator a text to sign, with these keys or with those of the
// act, and to bring to every register.
func (p *play) publish(act, text string, keys ...string) {
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
	p.order(act, append([]string{f.Name()}, keys...)...)
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
func (p *play) renew() *policy.Policy { return p.issue(p.k.text) }

// issue has a policy's text published with the next version. Who calls it waits for
// it with under.
func (p *play) issue(text string) *policy.Policy {
	next := p.k.policy.Version + 1
	if at := versionLine.FindStringIndex(text); at != nil {
		text = text[:at[0]] + fmt.Sprintf("version = %d", next) + text[at[1]:]
	}
	all, err := policy.Parse(text)
	if err != nil || all.Version != next {
		p.fail("the kit made no newer policy of the one in force: %v", err)
		return p.k.policy
	}
	p.publish("policy", text)
	if p.over() {
		return p.k.policy
	}
	mine, err := all.For(all.Classes[0])
	if err != nil {
		p.fail("the newer policy is for no class: %w", err)
		return p.k.policy
	}
	p.k.policy, p.k.text = mine, text // the rules go by it from now on, and those after this one
	return mine
}

// tableLine is a table's header in a policy's text.
var tableLine = regexp.MustCompile(`^\s*\[+\s*([a-z_]+)\s*\]+`)

// changed has the policy published with another value of a key in the nth table of
// a name; "" are the keys before every table. Who calls it calls restore in the end,
// whatever came of the rule.
func (p *play) changed(table string, nth int, key string, value any) *policy.Policy {
	p.operated()
	lines := strings.Split(p.k.text, "\n")
	keyLine := regexp.MustCompile(`^\s*` + key + `\s*=`)
	here, at, found := "", 0, false
	for i, line := range lines {
		if m := tableLine.FindStringSubmatch(line); m != nil {
			if here = m[1]; here == table {
				at++
			}
		}
		if here == table && (table == "" || at == nth+1) && keyLine.MatchString(line) {
			lines[i], found = fmt.Sprintf("%s = %v", key, value), true
		}
	}
	p.need(found, "a policy whose text has "+key+" on a line of its own")
	if p.over() {
		return p.k.policy
	}
	p.was = p.k.text
	return p.issue(strings.Join(lines, "\n"))
}

// restore publishes what the policy said before the rule, if the rule failed too.
func (p *play) restore() *policy.Policy {
	if p.was == "" {
		return p.k.policy
	}
	err, needs, was := p.err, p.needs, p.was
	p.err, p.needs, p.was = nil, "", ""
	next := p.issue(was)
	if err != nil || needs != "" {
		p.err, p.needs = err, needs
	}
	return next
}

// nth says which [[cap]] of the policy's text a cap is.
func (p *play) nth(c terminal.Cap) int {
	all, err := policy.Parse(p.k.text)
	if err != nil { // it was read before
		return 0
	}
	return slices.IndexFunc(all.Caps, func(o terminal.Cap) bool { return o.ID == c.ID })
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
	if r := t.p.k.roles; r != nil && !t.p.over() {
		f, err = r.OpenFreeze(note)
		t.p.want(err == nil && (f.Lifts || !lifts), "the freeze that came is not signed by who may: %v", err)
	}
}

// under wants the till told of a newer policy, signed by who may.
func (t *till) under(next *policy.Policy) {
	m := t.find("a policy", func(m wire.Message) bool { return m.Re == "" && m.Policy != nil && m.Policy.Note != "" })
	if m.Policy == nil {
		return
	}
	text, ok := policy.Text(m.Policy.Note)
	got, err := policy.Parse(text)
	t.p.want(ok && err == nil, "what came as policy is no signed note of one: %v", err)
	t.p.want(t.p.over() || got.Version == next.Version, "the policy that came is not the version published, %d", next.Version)
	if r := t.p.k.roles; r != nil && !t.p.over() {
		_, err = r.OpenPolicy(m.Policy.Note, next.Classes[0])
		t.p.want(err == nil, "the policy that came is not signed as the roles say: %v", err)
	}
}
