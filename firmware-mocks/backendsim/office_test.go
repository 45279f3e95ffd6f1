package backendsim

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/denials"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// stop is a freeze of a category, an issuer, or with "all" everything.
func stop(version int64, what ...string) *policy.Freeze {
	f := &policy.Freeze{Version: version, Categories: map[terminal.Category]bool{}, Issuers: map[string]bool{}}
	for _, one := range what {
		switch one {
		case "all":
			f.All = true
		case "tobacco", "gift-card":
			f.Categories[terminal.Category(one)] = true
		default:
			f.Issuers[one] = true
		}
	}
	return f
}

func lift(version int64, rest ...string) *policy.Freeze {
	f := stop(version, rest...)
	f.Lifts = true
	return f
}

func TestAFreezeStopsAtOnceAndIsToldAtOnce(t *testing.T) {
	w := running(t)
	ctx := context.Background()
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	packs := func(want wire.Outcome, why string) {
		t.Helper()
		outcome(t, r.ask(w.buy(newID(t), buyer.show(), 600, tobacco(1), need("tobacco-day", 600, 1))), want, why)
	}
	rice := func(want wire.Outcome, why string) {
		t.Helper()
		outcome(t, r.ask(w.buy(newID(t), buyer.show(), 100, nil)), want, why)
	}
	packs(wire.OutcomeApproved, "")
	must(t, w.b.Freeze(ctx, "note 1", stop(1, "tobacco")))
	if m := r.push(wire.TypeFreeze); m.Freeze.Note != "note 1" {
		t.Errorf("pushed %q", m.Freeze.Note)
	}
	packs(wire.OutcomeDeclined, "frozen")
	rice(wire.OutcomeApproved, "")
	must(t, w.b.Freeze(ctx, "note 2", stop(2, "tobacco", "demo-wallet")))
	r.push(wire.TypeFreeze)
	rice(wire.OutcomeDeclined, "frozen")
	for _, bad := range []*policy.Freeze{stop(2, "tobacco", "demo-wallet"), stop(3, "tobacco"), stop(3, "demo-wallet"), lift(1), stop(10_000_000_003, "tobacco", "demo-wallet")} {
		if err := w.b.Freeze(ctx, "bad", bad); err == nil {
			t.Errorf("%+v was taken after version 2", bad)
		}
	}
	if err := w.b.Lift(ctx, "bad", stop(3, "tobacco", "demo-wallet")); err == nil {
		t.Error("a note of the freeze role alone was taken to lift")
	}
	must(t, w.b.Lift(ctx, "note 3", lift(3)))
	packs(wire.OutcomeApproved, "")
	must(t, w.b.Freeze(ctx, "note 4", stop(4, "all")))
	rice(wire.OutcomeDeclined, "frozen")
	if err := w.b.Freeze(ctx, "bad", stop(5)); err == nil {
		t.Error("a note that no longer stops everything was taken")
	}
}

func TestWelcomeBringsWhatIsNewerThanTheRegistersOwn(t *testing.T) {
	w := running(t)
	must(t, w.b.Freeze(context.Background(), "note 7", stop(7, "tobacco")))
	w.b.SetRoles("roles 2", &policy.Roles{Version: 2})
	r := w.till("r1", "i1")
	if r.welcome.Freeze != "note 7" || r.welcome.Roles != "roles 2" {
		t.Errorf("the welcome has freeze %q and roles %q", r.welcome.Freeze, r.welcome.Roles)
	}
	same := r.hello()
	same.Hello.Versions.Freeze, same.Hello.Roles = 7, 2
	if m := r.ask(same); m.Welcome.Freeze != "" || m.Welcome.Roles != "" {
		t.Errorf("told again: freeze %q, roles %q", m.Welcome.Freeze, m.Welcome.Roles)
	}
	w.b.SetRoles("roles 3", &policy.Roles{Version: 3})
	if m := r.push(wire.TypePolicy); m.Policy.Roles != "roles 3" || m.Policy.Note != "" {
		t.Errorf("pushed %+v", m.Policy)
	}
}

// set collects the parts of one change and applies it to what is held.
func (t *till) set(held *denials.Set, from, to int64) *denials.Set {
	t.w.t.Helper()
	var c denials.Change
	for part := 1; ; part++ {
		d := t.push(wire.TypeDenials).Denials
		if d.From != from || d.To != to || d.Part != part {
			t.w.t.Fatalf("part %d of %d from %d to %d came; want part %d from %d to %d", d.Part, d.Parts, d.From, d.To, part, from, to)
		}
		add, err := base64.StdEncoding.DecodeString(d.Add)
		must(t.w.t, err)
		remove, err := base64.StdEncoding.DecodeString(d.Remove)
		must(t.w.t, err)
		c.Add, c.Remove = append(c.Add, add...), append(c.Remove, remove...)
		for issuer, before := range d.Before {
			if c.Before == nil {
				c.Before = map[string]terminal.Millis{}
			}
			c.Before[issuer] = terminal.Millis(before)
		}
		if part == d.Parts {
			next, err := held.Apply(c)
			must(t.w.t, err)
			return next
		}
	}
}

func TestDenialsComeWholeAtFirstAndThenAsDeltas(t *testing.T) {
	w := running(t)
	ctx := context.Background()
	r := w.till("r1", "i1")
	set := r.set(&denials.Set{}, 0, 1)
	if set.Len() != 0 {
		t.Fatalf("the first set denies %d accounts", set.Len())
	}
	thief := terminal.NewAccountKey("demo-wallet", "stolen-0001")
	until := noon.Add(24 * time.Hour)
	must(t, w.b.Deny(ctx, Denial{thief, until}))
	set = r.set(set, 1, 2)
	if !set.Has(thief, noon) || !set.Has(thief, until) || set.Has(thief, until.Add(2*time.Minute)) {
		t.Error("the denial does not last just as long as the credential")
	}
	must(t, w.b.VoidBefore(ctx, "demo-wallet", noon))
	set = r.set(set, 2, 3)
	if !set.Void("demo-wallet", noon.Add(-time.Second)) || set.Void("demo-wallet", noon) {
		t.Error("the issuer's old credentials are not void, or its new ones are")
	}
	must(t, w.b.Allow(ctx, thief))
	if set = r.set(set, 3, 4); set.Has(thief, noon) {
		t.Error("the account is denied still")
	}
	behind := w.caller("r2", "i1")
	defer behind.conn.Close()
	hello := behind.hello()
	hello.Hello.Versions.Denials = 2
	behind.ask(hello)
	had, err := (&denials.Set{}).Apply(denials.Change{Add: append(mustHex(t, string(thief)), 0xff, 0xff, 0xff, 0xff)})
	must(t, err)
	if got := behind.set(had, 2, 4); got.Has(thief, noon) || !got.Void("demo-wallet", noon.Add(-time.Second)) {
		t.Error("a register that was two versions behind is not where the others are")
	}
	ahead := w.caller("r3", "i1")
	defer ahead.conn.Close()
	hello = ahead.hello()
	hello.Hello.Versions.Denials = 9
	ahead.ask(hello)
	if got := ahead.set(&denials.Set{}, 0, 4); got.Len() != 0 {
		t.Errorf("a whole set has what was taken back: %d", got.Len())
	}
	must(t, w.b.Deny(ctx, Denial{thief, until}))
	for range deltasKept {
		must(t, w.b.ledger.change(ctx, func(x *tx) error { _, err := x.nextDenials(); return err }))
	}
	far := w.caller("r4", "i1")
	defer far.conn.Close()
	hello = far.hello()
	hello.Hello.Versions.Denials = 4
	far.ask(hello)
	if got := far.set(&denials.Set{}, 0, 5+deltasKept); !got.Has(thief, noon) {
		t.Error("a register that was too far behind did not get the whole set")
	}
}

func mustHex(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	must(t, err)
	return raw
}

func TestALargeSetComesInPartsThatBothSidesRead(t *testing.T) {
	w := running(t)
	const accounts = 2*partRecords + 1
	all := make([]Denial, accounts)
	for i := range all {
		all[i] = Denial{terminal.NewAccountKey("demo-wallet", fmt.Sprintf("stolen-%d", i)), noon.Add(time.Hour)}
	}
	must(t, w.b.Deny(context.Background(), all...))
	set := w.till("r1", "i1").set(&denials.Set{}, 0, 2)
	if set.Len() != accounts || !set.Has(all[accounts-1].Account, noon) {
		t.Errorf("%d of %d accounts came", set.Len(), accounts)
	}
}

func TestPartsAreNumberedAndWhole(t *testing.T) {
	c := change{from: 3, to: 4, add: make([]byte, 12*partRecords), remove: make([]byte, 8*(partRecords+1))}
	parts := c.parts()
	sizes := []int{}
	for i, p := range parts {
		if p.Part != i+1 || p.Parts != len(parts) || p.From != 3 || p.To != 4 {
			t.Errorf("part %d is numbered %d of %d", i+1, p.Part, p.Parts)
		}
		add, _ := base64.StdEncoding.DecodeString(p.Add)
		remove, _ := base64.StdEncoding.DecodeString(p.Remove)
		sizes = append(sizes, len(add)/12+len(remove)/8)
		data, err := wire.Encode(wire.Message{Type: wire.TypeDenials, ID: "b1", Denials: &p})
		must(t, err)
		if len(data) > wire.MaxMessage {
			t.Errorf("part %d has %d bytes", i+1, len(data))
		}
	}
	if want := []int{partRecords, partRecords, 1}; !slices.Equal(sizes, want) {
		t.Errorf("the parts have %v records, want %v", sizes, want)
	}
}

func TestI5ADeniedAccountPaysNothingOnline(t *testing.T) {
	w := running(t)
	ctx := context.Background()
	r := w.till("r1", "i1")
	thief := w.phone("stolen-0001", boundLongAgo)
	rice := func(want wire.Outcome, why string) {
		t.Helper()
		outcome(t, r.ask(w.buy(newID(t), thief.show(), 100, nil)), want, why)
	}
	rice(wire.OutcomeApproved, "")
	key := terminal.NewAccountKey("demo-wallet", "stolen-0001")
	must(t, w.b.Deny(ctx, Denial{key, noon.Add(time.Hour)}))
	rice(wire.OutcomeDeclined, "account.denied")
	must(t, w.b.Allow(ctx, key))
	rice(wire.OutcomeApproved, "")
	must(t, w.b.VoidBefore(ctx, "demo-wallet", noon)) // its credential is of noon
	rice(wire.OutcomeApproved, "")
	must(t, w.b.VoidBefore(ctx, "demo-wallet", noon.Add(time.Second)))
	rice(wire.OutcomeDeclined, "account.denied")
}

func TestStoppingAnAccountDeniesItUntilItsLastCredentialEnds(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	set := r.set(&denials.Set{}, 0, 1)
	outcome(t, r.ask(w.buy(newID(t), w.phone("stolen-0001", boundLongAgo).show(), 100, nil)), wire.OutcomeApproved, "")
	must(t, w.b.StopAccount(context.Background(), "demo-wallet", "stolen-0001"))
	set = r.set(set, 1, 2)
	key := terminal.NewAccountKey("demo-wallet", "stolen-0001")
	if !set.Has(key, noon.Add(credentialLife)) || set.Has(key, noon.Add(credentialLife+2*time.Minute)) {
		t.Error("the denial does not last as long as a credential can that was issued just now")
	}
}

func TestStoppingAnAccountDeniesItUntilTheLongestCredentialSeenEnds(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	set := r.set(&denials.Set{}, 0, 1)
	for _, life := range []time.Duration{time.Hour, 2 * credentialLife, time.Hour} {
		outcome(t, r.ask(w.buy(newID(t), w.phoneFor("stolen-0001", boundLongAgo, life).show(), 100, nil)), wire.OutcomeApproved, "")
	}
	must(t, w.b.StopAccount(context.Background(), "demo-wallet", "stolen-0001"))
	set = r.set(set, 1, 2)
	if !set.Has(terminal.NewAccountKey("demo-wallet", "stolen-0001"), noon.Add(2*credentialLife)) {
		t.Error("the denial ends before the longest credential")
	}
}

// What an advice could not know is the operator's to bear, what its register had
// been told the store's; what was approved before is paid.
func TestAnAdviceIsHeldAgainstWhatWasStoppedThen(t *testing.T) {
	w := newWorld(t)
	w.cfg.Note, w.cfg.Policy = w.policy(3, 200)
	w.start()
	t.Cleanup(w.stop)
	ctx := context.Background()
	r := w.till("r1", "i1")
	thief, buyer := w.phone("stolen-0001", boundLongAgo), w.phone("account-0001", boundLongAgo)
	key := terminal.NewAccountKey("demo-wallet", "stolen-0001")
	pack := []wire.Spend{held("tobacco-day", 600, 1), held("tobacco-offline", 600, 0)}
	type told struct{ freeze, denials int64 }
	advise := func(p *phone, lines []wire.Line, knew told) wire.Message {
		var spends []wire.Spend
		if lines != nil {
			spends = pack
		}
		m := w.advise(newID(t), p.show(), 600, lines, nil, spends...)
		m.Advice.Versions.Freeze, m.Advice.Versions.Denials = knew.freeze, knew.denials
		return m
	}
	beforeDenial := advise(thief, nil, told{0, 1})
	w.pass(time.Second)
	must(t, w.b.Deny(ctx, Denial{key, noon.Add(time.Hour)}))
	afterDenial, knewDenial := advise(thief, nil, told{0, 1}), advise(thief, nil, told{0, 2})
	beforeFreeze := advise(buyer, tobacco(1), told{0, 2})
	w.pass(time.Second)
	must(t, w.b.Freeze(ctx, "note 1", stop(1, "tobacco")))
	afterFreeze, knewFreeze, rice := advise(buyer, tobacco(1), told{0, 2}), advise(buyer, tobacco(1), told{1, 2}), advise(buyer, nil, told{1, 2})
	w.pass(time.Second)
	must(t, w.b.Lift(ctx, "note 2", lift(2)))
	notLifted := advise(buyer, tobacco(1), told{1, 2})
	stale := w.advise(newID(t), buyer.show(), 600, tobacco(1), nil, pack...)
	for _, c := range []struct {
		name           string
		m              wire.Message
		reason, bearer string
	}{
		{"before the denial", beforeDenial, "", ""},
		{"after the denial, not told", afterDenial, "account.denied", "operator"},
		{"after the denial, told", knewDenial, "account.denied", "store"},
		{"before the freeze", beforeFreeze, "", ""},
		{"after the freeze, not told", afterFreeze, "frozen", "operator"},
		{"after the freeze, told", knewFreeze, "frozen", "store"},
		{"goods that were not frozen", rice, "", ""},
		{"lifted, and not told", notLifted, "frozen", "store"},
		{"lifted", stale, "", ""},
	} {
		t.Log(c.name)
		want := wire.StatusAccepted
		if c.reason != "" {
			want = wire.StatusRejected
		}
		acked(t, r.ask(c.m), want, c.reason, c.bearer)
	}
}

func TestI5AnAdviceOfHighResaleGoodsUnderAStalePolicyIsRejected(t *testing.T) {
	w := newWorld(t)
	w.cfg.Policy.GoodUntil = noon.Add(-time.Second)
	w.start()
	t.Cleanup(w.stop)
	r := w.till("r1", "i1")
	buyer := w.phone("account-0001", boundLongAgo)
	acked(t, r.ask(w.advise(newID(t), buyer.show(), 600, tobacco(1), nil, held("tobacco-day", 600, 1), held("tobacco-offline", 600, 0))),
		wire.StatusRejected, "policy.stale", "store")
	acked(t, r.ask(w.advise(newID(t), buyer.show(), 600, nil, nil)), wire.StatusAccepted, "", "")
}

func TestHeadOfficesWordSurvivesARestart(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.start()
	w.till("r1", "i1")
	must(t, w.b.Freeze(ctx, "note 1", stop(1, "demo-wallet")))
	must(t, w.b.Quarantine(ctx, "r1", "backend"))
	w.stop()
	w.start()
	defer w.stop()
	r := w.till("r1", "i1")
	if r.welcome.Freeze != "note 1" || r.welcome.Quarantine != "backend" {
		t.Errorf("the welcome has freeze %q and doubt %q", r.welcome.Freeze, r.welcome.Quarantine)
	}
	outcome(t, r.ask(w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 100, nil)), wire.OutcomeDeclined, "frozen")
	if err := w.b.Freeze(ctx, "note 1", stop(1, "all")); err == nil {
		t.Error("a version was used twice")
	}
}

func TestAnErrorFromARegisterIsNoted(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	r.tell(wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: "version", Text: "policy 2 follows policy 3"}})
	outcome(t, r.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
	// One of another session is not, and is not answered either.
	later := r.wrap(wire.Message{Type: wire.TypeError, Error: &wire.Error{Code: "later"}})
	later.Session++
	r.put(later)
	last := r.tell(w.query(newID(t)))
	for got := r.next(); got.Re != last.ID; got = r.next() {
		if got.Re == later.ID {
			t.Errorf("an error was answered with %s %+v", got, got.Error)
		}
	}
	events, err := w.b.Ledger().Events(context.Background())
	must(t, err)
	if !slices.ContainsFunc(events, func(e Event) bool {
		return e.Type == "error" && e.Register == "r1" && e.Outcome == "version policy 2 follows policy 3"
	}) {
		t.Errorf("the events are %+v", events)
	}
}
