package registers

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

var officeRules = []rule{
	{"policy.newer", "A newer policy is in force from the next payment on.", theCounts, policyNewer},
	{"policy.older", "An older policy changes nothing, and the backend is told.", theCounts, policyOlder},
	{"policy.older-boot", "After a boot too a policy older than the one before changes nothing.", theCounts, policyOlderBoot},
	{"policy.stale", "Past the policy's good_until high-resale goods are not sold, and not asked for; others are.", theKeys, policyStale},
	{"policy.threshold", "A policy with fewer signatures than the threshold changes nothing, and the backend is told.", theWord, policyThreshold},
	{"policy.forged", "A policy that other keys signed changes nothing, and the backend is told.", theWord, policyForged},
	{"policy.realm", "A policy of another realm changes nothing, and the backend is told.", theCounts, policyRealm},
	{"policy.class", "A policy for other classes of stores changes nothing, and the backend is told.", theCounts, policyClass},
	{"policy.spelling", "A policy with a key that is not known changes nothing, and the backend is told.", theCounts, policySpelling},
	{"roles.newer", "Newer roles that the root signed are taken.", theWord, rolesNewer},
	{"roles.successors", "Of several notes each that follows is taken: so roles lead to others through roots that the register never held.", theWord, rolesSuccessors},
	{"roles.policy", "Once newer roles name other keys a policy by the old ones changes nothing, and one by theirs is in force.", theWord, rolesPolicy},
	{"roles.forged", "Roles that another key signed change nothing, and the backend is told.", theWord, rolesForged},
	{"freeze.stops", "What is frozen is not sold, and not asked for.", theWord, freezeStops},
	{"freeze.issuer", "A code of a frozen issuer pays nothing, and is not asked for.", theWord, freezeIssuer},
	{"freeze.forged", "A freeze that another key signed changes nothing, and the backend is told.", theWord, freezeForged},
	{"freeze.older", "An older freeze changes nothing, and the backend is told.", theWord, freezeOlder},
	{"freeze.lift", "The freeze role alone cannot lift a freeze; the policy role can.", theWord, freezeLift},
	{"freeze.boot", "A freeze outlasts a boot.", theWord, freezeBoot},
}

// noteTold wants that the register tells of a note that it did not take, in answer
// to the message that brought it.
func (l *link) noteTold(id string) {
	m := l.wantFor(wire.TypeError, "error that tells of the note, which must not be taken,")
	l.p.want(m.Re == id, "the error answers %q, not the message that brought the note", m.Re)
	l.p.want(strings.HasPrefix(string(m.Error.Code), "policy."), "the error's code is %q", m.Error.Code)
}

// inForce wants the next payment to name versions.
func (l *link) inForce(want wire.Versions) {
	m := l.asked(lunch)
	l.p.want(m.Authorise.Versions == want, "the versions in force are %+v, not %+v", m.Authorise.Versions, want)
}

func (l *link) push(note string) string {
	return l.write(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Note: note}})
}

func policyNewer(p *play) {
	l := p.begin()
	p.rules.Version = 2
	l.push(p.note(p.rules))
	p.ready()
	l.inForce(wire.Versions{Policy: 2, Denials: 1})
}

func policyOlder(p *play) {
	p.rules.Version = 2
	l := p.begin()
	older := p.rules
	older.Version = 1
	l.noteTold(l.push(p.note(older)))
	l.inForce(wire.Versions{Policy: 2, Denials: 1})
}

func policyOlderBoot(p *play) {
	p.rules.Version = 2
	p.begin().works()
	p.restart(true)
	l := p.open()
	p.want(l.hello.Hello.Versions.Policy == 2, "hello after a boot names policy %d, not 2", l.hello.Hello.Versions.Policy)
	older := p.rules
	older.Version = 1
	l.noteTold(l.push(p.note(older)))
	l.inForce(wire.Versions{Policy: 2, Denials: 1})
}

func policyStale(p *play) {
	p.act(func() { p.rules.GoodFor = -time.Hour })
	l := p.begin()
	p.stopped(l, terminal.PolicyStale, p.sell(packs(1)))
}

// policyText is the text of a newer policy, changed.
func (p *play) policyText(old, new string) string {
	newer := p.rules
	newer.Version = 2
	text, _ := policy.Text(p.note(newer))
	p.want(strings.Contains(text, old), "the kit's policy has no %q", old)
	return strings.Replace(text, old, new, 1)
}

// signed signs a policy's text, by whom it may be or not: policy.Sign refuses a
// text that is wrong.
func (p *play) signed(text string, by ...note.Signer) string {
	signed, err := note.Sign(&note.Note{Text: text}, by...)
	if err != nil {
		p.fail("the kit signed no policy: %w", err)
	}
	return string(signed)
}

// notInForce pushes a newer policy, and wants it not to be taken.
func (p *play) notInForce(text string, by ...note.Signer) {
	l := p.begin()
	l.noteTold(l.push(p.signed(text, by...)))
	l.inForce(wire.Versions{Policy: 1, Denials: 1})
}

func policyThreshold(p *play) {
	p.notInForce(p.policyText("", ""), p.k.keys.Policy[0])
}

func policyForged(p *play) {
	p.notInForce(p.policyText("", ""), p.stranger(), p.stranger())
}

// stranger is a key of nobody's.
func (p *play) stranger() note.Signer {
	signer, _ := p.newKey("conform-stranger")
	return signer
}

// newKey makes a key, and gives its public half.
func (p *play) newKey(name string) (note.Signer, string) {
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		p.fail("the kit made no key: %w", err)
		return nil, ""
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		p.fail("the kit made no key: %w", err)
	}
	return signer, public
}

func policyRealm(p *play) {
	p.notInForce(p.policyText(scenario.Realm, "demo/production"), p.k.signers()...)
}

func policyClass(p *play) {
	p.notInForce(p.policyText(fmt.Sprintf("classes = [%q]", scenario.Class), `classes = ["another"]`), p.k.signers()...)
}

func policySpelling(p *play) {
	p.notInForce(p.policyText("[offline]\n", "[offline]\nflour = 1\n"), p.k.signers()...)
}

// newerRoles are the roles with a higher version.
func (p *play) newerRoles(by note.Signer) string {
	text, _ := policy.Text(p.k.keys.Roles)
	signed, err := policy.SignRoles(strings.Replace(text, "version = 1", "version = 2", 1), by)
	if err != nil {
		p.fail("the kit signed no roles: %w", err)
	}
	return signed
}

// rolesHeld pushes roles, and gives the version that the next hello names.
func (l *link) rolesHeld(roles string, told bool) int64 {
	id := l.write(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Roles: roles}})
	if told {
		l.noteTold(id)
	}
	l.works()
	return l.again().hello.Hello.Roles
}

func rolesNewer(p *play) {
	got := p.begin().rolesHeld(p.newerRoles(p.k.keys.Root), false)
	p.want(got == 2, "hello names roles %d, not 2", got)
}

func rolesForged(p *play) {
	l := p.begin()
	got := l.rolesHeld(p.newerRoles(p.stranger()), true)
	p.want(got == 1, "hello names roles %d, not 1", got)
}

func rolesSuccessors(p *play) {
	l := p.begin()
	text, _ := policy.Text(p.k.keys.Roles)
	before, root := p.k.keys.Root, p.k.keys.Pinned
	var notes []string
	for version := 2; version <= 3; version++ {
		next, public := p.newKey("conform-root")
		text = strings.Replace(text, fmt.Sprintf("version = %d", version-1), fmt.Sprintf("version = %d", version), 1)
		text = strings.Replace(text, root, public, 1)
		signed, err := policy.SignRoles(text, before, next)
		if err != nil {
			p.fail("the kit signed no roles: %w", err)
			return
		}
		notes = append(notes, signed)
		before, root = next, public
	}
	got := l.rolesHeld(strings.Join(notes, "\f"), false)
	p.want(got == 3, "hello names roles %d, not 3", got)
}

func rolesPolicy(p *play) {
	l := p.begin()
	one, first := p.newKey("conform-policy")
	two, second := p.newKey("conform-policy")
	text, _ := policy.Text(p.k.keys.Roles)
	head, rest, _ := strings.Cut(text, "[policy]")
	_, tail, found := strings.Cut(rest, "[freeze]")
	p.want(found, "the kit's roles have no freeze role")
	head = strings.Replace(head, "version = 1", "version = 2", 1)
	text = fmt.Sprintf("%s[policy]\nthreshold = 2\nkeys = [%q, %q]\n[freeze]%s", head, first, second, tail)
	signed, err := policy.SignRoles(text, p.k.keys.Root)
	if err != nil {
		p.fail("the kit signed no roles: %w", err)
		return
	}
	l.write(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Roles: signed}})
	newer := p.policyText("", "")
	l.noteTold(l.push(p.signed(newer, p.k.signers()...)))
	l.push(p.signed(newer, one, two))
	p.rules.Version = 2
	p.ready()
	l.inForce(wire.Versions{Policy: 2, Denials: 1})
}

// freeze pushes a freeze.
func (l *link) freeze(version int64, rest string, by ...note.Signer) string {
	signed, err := policy.SignFreeze(fmt.Sprintf("version = %d\nrealm = %q\n%s", version, scenario.Realm, rest), by...)
	if err != nil {
		l.p.fail("the kit signed no freeze: %w", err)
	}
	return l.write(wire.Message{Type: wire.TypeFreeze, Freeze: &wire.Freeze{Note: signed}})
}

const freezeTobacco = "categories = [\"tobacco\"]\n"

// frozen freezes tobacco and waits until the till shows it.
func (p *play) frozen() *link {
	l := p.begin()
	l.freeze(2, freezeTobacco, p.k.keys.Freeze)
	p.till(func(s scenario.State) bool { return len(s.Frozen) == 1 }, "the freeze")
	return l
}

// stopped wants a sale to be refused without a word to the backend.
func (p *play) stopped(l *link, why terminal.Reason, s sale) {
	v := p.verdict(s, terminal.Refused)
	p.want(v.Reason == why, "the till refused with %q, not %q", v.Reason, why)
	p.cancel(s)
	l.works()
	for _, m := range l.all() {
		p.want(m.Authorise == nil || m.Authorise.Code != s.code, "the backend was asked for what is stopped")
	}
}

func freezeStops(p *play) {
	l := p.frozen()
	p.stopped(l, terminal.Frozen, p.sell(packs(1)))
}

func freezeIssuer(p *play) {
	l := p.begin()
	p.act(func() {
		l.freeze(2, fmt.Sprintf("issuers = [%q]\n", scenario.Issuer), p.k.keys.Freeze)
		p.till(func(s scenario.State) bool { return len(s.Frozen) == 1 }, "the freeze")
	})
	v := p.verdict(p.sell(lunch), terminal.Refused)
	p.want(v.Reason == terminal.Frozen, "the till refused with %q, not %q", v.Reason, terminal.Frozen)
	p.none(l, wire.TypeAuthorise)
}

func freezeForged(p *play) {
	l := p.begin()
	l.noteTold(l.freeze(2, "all = true\n", p.stranger()))
	l.inForce(wire.Versions{Policy: 1, Denials: 1})
}

func freezeOlder(p *play) {
	l := p.frozen()
	l.noteTold(l.freeze(1, "all = true\n", p.k.keys.Freeze))
	l.inForce(wire.Versions{Policy: 1, Freeze: 2, Denials: 1})
}

func freezeLift(p *play) {
	l := p.frozen()
	l.noteTold(l.freeze(3, "", p.k.keys.Freeze))
	p.stopped(l, terminal.Frozen, p.sell(packs(1)))
	l.freeze(3, "", p.k.signers()...)
	p.till(func(s scenario.State) bool { return len(s.Frozen) == 0 }, "that nothing is frozen")
	l.asked(packs(1))
}

func freezeBoot(p *play) {
	// A freeze rules before it is kept. What was refused by it is kept after it.
	p.stopped(p.frozen(), terminal.Frozen, p.sell(packs(1)))
	p.restart(true)
	l := p.open()
	p.want(l.hello.Hello.Versions.Freeze == 2, "hello after a boot names freeze %d, not 2", l.hello.Hello.Versions.Freeze)
	p.stopped(l, terminal.Frozen, p.sell(packs(1)))
}
