package conform

import (
	"crypto/rand"
	"fmt"
	"os"
	"regexp"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// hasRoles says that the rule needs roles to change.
func (p *play) hasRoles() {
	p.operated()
	p.need(p.k.roles != nil, "roles at the backend")
}

// ownRoot stands for head office's own root key.
const ownRoot = "root"

// rootLine is that of a text of roles.
var rootLine = regexp.MustCompile(`(?m)^root[ \t]*=.*$`)

// appoint has a text of roles published with the next version and another root, if
// one is named, signed with keys: ownRoot or files with secret keys. The rules
// go by them from then on, and those after this one.
func (p *play) appoint(text, root string, keys ...string) {
	if p.over() {
		return
	}
	text = versionLine.ReplaceAllString(text, fmt.Sprintf("version = %d", p.k.roles.Version+1))
	if root != "" {
		text = rootLine.ReplaceAllLiteralString(text, fmt.Sprintf("root = %q", root))
	}
	next, err := policy.ParseRoles(text)
	if err != nil {
		p.fail("the kit made no newer roles of those in force: %w", err)
		return
	}
	if p.publish("roles", text, keys...); !p.over() {
		p.k.roles, p.k.rolesText = next, text
	}
}

// leads wants a text of the backend's to lead from the roles that a register holds
// to those in force.
func (p *play) leads(text string, from *policy.Roles) {
	if p.over() {
		return
	}
	got, err := from.Next(text)
	if err != nil {
		p.fail("a register with roles %d cannot take the roles that came: %w", from.Version, err)
		return
	}
	p.want(got.Version == p.k.roles.Version, "the roles that came lead to version %d, not %d", got.Version, p.k.roles.Version)
}

// hearsRoles wants the till, which holds other roles, told of those in force.
func (t *till) hearsRoles(holds *policy.Roles) {
	m := t.find("roles", func(m wire.Message) bool { return m.Re == "" && m.Policy != nil && m.Policy.Roles != "" })
	if m.Policy != nil {
		t.p.leads(m.Policy.Roles, holds)
	}
}

// rolesAtHello gives what the welcome brings to a register with roles of a version.
func (p *play) rolesAtHello(version int64) string {
	t := p.dial(p.b())
	m := t.greeting()
	m.Hello.Roles = version
	return t.helloAs(m).Roles
}

func newerRoles(p *play) {
	p.hasRoles()
	tills, before := []*till{p.join(p.a()), p.join(p.c())}, p.k.roles
	p.appoint(p.k.rolesText, "", ownRoot)
	for _, t := range tills {
		t.hearsRoles(before)
	}
	if p.over() {
		return
	}
	p.leads(p.rolesAtHello(before.Version), before)
	p.want(p.rolesAtHello(p.k.roles.Version) == "", "a register that holds the roles in force got them again")
}

// rolesOfOtherRoots changes the root twice, and back to what it was.
func rolesOfOtherRoots(p *play) {
	p.hasRoles()
	t, before, text := p.join(p.a()), p.k.roles, p.k.rolesText
	one, oneFile := p.root()
	two, twoFile := p.root()
	defer os.Remove(oneFile)
	defer os.Remove(twoFile)
	defer func() { // whatever came of the rule
		if p.k.roles == before {
			return
		}
		err, needs, last := p.err, p.needs, p.k.roles
		p.err, p.needs = nil, ""
		p.appoint(text, "", ownRoot, oneFile, twoFile)
		t.hearsRoles(last)
		if err != nil || needs != "" {
			p.err, p.needs = err, needs
		}
	}()
	p.appoint(text, one, ownRoot, oneFile)
	t.hearsRoles(before)
	first := p.k.roles
	p.appoint(text, two, oneFile, twoFile)
	t.hearsRoles(first)
	if !p.over() {
		p.leads(p.rolesAtHello(before.Version), before)
	}
}

// root makes a root key: its public half, and a file with the secret one.
func (p *play) root() (public, file string) {
	secret, public, err := note.GenerateKey(rand.Reader, "conform-root")
	if err != nil {
		p.fail("the kit made no key: %w", err)
		return "", ""
	}
	f, err := os.CreateTemp("", "sekisho-conform-*.skey") // of mode 0600
	if err == nil {
		_, err = f.WriteString(secret + "\n")
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		p.fail("the kit wrote no key for the operator: %w", err)
		return "", ""
	}
	return public, f.Name()
}
