package conform

import (
	"context"
	"crypto/ed25519"
	"crypto/hpke"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/policy"
)

// Config is what a run needs.
type Config struct {
	URL       string             // of the link, ws:// on loopback or wss://
	Wallet    ed25519.PrivateKey // of a pass issuer in the backend's policy
	Backend   hpke.PublicKey     // evidence is sealed to it; nil where enrolment tells it
	Registers []Register         // at least three of one store and one of another
	Admin     string             // URL of an admin API, "" for none; see docs/conformance.md
	// Restart ends the backend and starts it again on its data; nil where it cannot be.
	Restart func(context.Context) error
	// Operator does head office's acts; nil where there is none.
	Operator Operator
	// Patience is how long the kit waits for a message; 15 s where it is 0.
	Patience time.Duration
}

// Register is one register that the backend knows, and has not heard yet.
type Register struct {
	Store, ID string
	Key       ed25519.PrivateKey // signs its checkpoints; nil where the backend has no key of it, and before enrolment
	Code      string             // one-time code, over TLS
}

// ErrSetup says that a run could not begin.
var ErrSetup = errors.New("the kit cannot begin")

// Kit is a run against one backend. It is used by one goroutine.
type Kit struct {
	cfg       Config
	machines  []*machine // two of one store, one of another
	stock     *till      // of a third, whose incarnation keeps what it was granted
	spare     []*machine // more of the first store, not spoilt yet
	policy    *policy.Policy
	note      string        // the signed policy of the first welcome
	text      string        // of the policy in force
	roles     *policy.Roles // in force; nil where the backend has none
	rolesText string        // of those, the last note's
	stopped   *policy.Freeze
	rights    map[string]rights // by incarnation
	line      line              // for tests
	issuer    policy.PassIssuer
}

// patience is how long the kit waits for a message. A register waits five seconds for
// an answer by default; the machine that the kit runs on may be slow or busy.
const patience = 15 * time.Second

// Open says hello once, to learn the policy in force. The error is ErrSetup, with
// what is missing.
func Open(ctx context.Context, cfg Config) (*Kit, error) {
	if cfg.Patience == 0 {
		cfg.Patience = patience
	}
	k := &Kit{cfg: cfg, rights: map[string]rights{}}
	return k, k.begin(ctx)
}

func (k *Kit) begin(ctx context.Context) error {
	if err := k.sort(); err != nil {
		return fmt.Errorf("%w: %w", ErrSetup, err)
	}
	if k.secured() {
		if err := k.enrolAll(ctx); err != nil {
			return fmt.Errorf("%w: %w", ErrSetup, err)
		}
	}
	if err := k.learn(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrSetup, err)
	}
	return nil
}

// sort takes two registers of the first store, one of another, and leaves the
// rest of the first store to be stocked and spoilt.
func (k *Kit) sort() error {
	if u, err := url.Parse(k.cfg.URL); err != nil || (u.Scheme != "ws" && u.Scheme != "wss") {
		return fmt.Errorf("%q is no ws:// or wss:// address", k.cfg.URL)
	}
	var home, away []*machine
	for _, r := range k.cfg.Registers {
		m := &machine{Register: r}
		if r.Store == k.cfg.Registers[0].Store {
			home = append(home, m)
		} else {
			away = append(away, m)
		}
	}
	if len(home) < 3 || len(away) < 1 {
		return errors.New("three registers of one store and one of another are needed; see docs/conformance.md")
	}
	k.machines = []*machine{home[0], home[1], away[0]}
	k.spare = home[2:]
	return nil
}

// learn reads the policy that the first welcome brings. An offline_only cap is all
// reserve: the first register of a store has the whole of it, so it is the one that
// sells offline in the rules.
func (k *Kit) learn(ctx context.Context) error {
	p := k.play(ctx)
	defer p.end()
	t := p.dial(k.spare[0])
	k.stock, k.spare = t, k.spare[1:]
	welcome := t.hello()
	if p.err != nil {
		return fmt.Errorf("the first hello got no welcome: %w", p.err)
	}
	if welcome.Checkpoint != nil {
		return fmt.Errorf("the backend keeps a checkpoint of %s from before: the kit wants registers that the backend has not heard", t.m.ID)
	}
	text, ok := policy.Text(welcome.Policy)
	if !ok {
		return errors.New("the welcome to a register without a policy brings no signed policy")
	}
	all, err := policy.Parse(text)
	if err != nil {
		return fmt.Errorf("the policy is none of docs/protocol.md: %w", err)
	}
	if k.policy, err = all.For(all.Classes[0]); err != nil {
		return err
	}
	k.note, k.text = welcome.Policy, text
	if err := k.learnRoles(welcome.Roles); err != nil {
		return err
	}
	if k.stopped, err = stoppedBy(welcome.Freeze); err != nil {
		return err
	}
	return k.findIssuer()
}

// learnRoles reads the roles of a welcome to a register that holds none, one note or
// several. Enrolment says which root key signs them. Without it they are held
// against the root that the first of them names.
func (k *Kit) learnRoles(notes string) (err error) {
	if notes == "" {
		return nil
	}
	all := strings.Split(notes, "\f")
	first, _ := policy.Text(all[0])
	r, err := policy.ParseRoles(first)
	if err != nil {
		return fmt.Errorf("the roles are none of docs/protocol.md: %w", err)
	}
	root := r.Root
	if m := k.machines[0]; m.enrolled != nil {
		if root, err = note.NewVerifier(m.enrolled.answer.Root); err != nil {
			return nil // the rule enrol.answer tells
		}
	}
	k.roles, err = policy.OpenRoles(notes, root, k.policy.Realm)
	k.rolesText, _ = policy.Text(all[len(all)-1])
	return err
}

// stoppedBy reads the freeze of a welcome, which need not bring one.
func stoppedBy(freeze string) (*policy.Freeze, error) {
	if freeze == "" {
		return &policy.Freeze{}, nil
	}
	text, _ := policy.Text(freeze)
	f, err := policy.ParseFreeze(text)
	if err != nil {
		return nil, fmt.Errorf("the freeze is none of docs/protocol.md: %w", err)
	}
	return f, nil
}

// findIssuer finds the wallet's name by its public key.
func (k *Kit) findIssuer() error {
	for _, i := range k.policy.Issuers {
		if i.Key.Equal(k.cfg.Wallet.Public()) {
			k.issuer = i
			return nil
		}
	}
	return errors.New("the policy has no pass_issuer with the wallet's public key")
}

// Status says what became of a rule.
type Status string

// The states of a rule.
const (
	Holds      Status = "ok"
	Failed     Status = "FAILED"
	NotChecked Status = "not checked"
)

// Result is what became of a rule.
type Result struct {
	Rule   Rule
	Status Status
	Why    string // of Failed and NotChecked
}

// String is one line, and for a rule that failed a second one with what was seen.
func (r Result) String() string {
	line := fmt.Sprintf("%-11s  %-26s  %s", r.Status, r.Rule.ID, r.Rule.Says)
	switch r.Status {
	case Failed:
		line += fmt.Sprintf("\n%13s%s\n%13ssee docs/%s", "", r.Why, "", r.Rule.Doc)
	case NotChecked:
		line += " (" + r.Why + ")"
	}
	return line
}

// ruleTime bounds one rule, whatever the backend does.
const ruleTime = 2 * time.Minute

// Run checks the rules whose id contains only, in the order of the table, and
// tells each result as it comes.
func (k *Kit) Run(ctx context.Context, only string, tell func(Result)) {
	for _, r := range Rules() {
		if strings.Contains(r.ID, only) && ctx.Err() == nil {
			tell(k.Check(ctx, r))
		}
	}
}

// Check tries one rule.
func (k *Kit) Check(ctx context.Context, r Rule) Result {
	p := k.play(ctx)
	defer p.end()
	r.check(p)
	p.leave()
	switch {
	case p.needs != "":
		return Result{r, NotChecked, "needs " + p.needs}
	case p.err != nil:
		return Result{r, Failed, p.err.Error()}
	}
	return Result{r, Holds, ""}
}
