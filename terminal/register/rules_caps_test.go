package register

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/denials"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// more gives the policy caps over time, each of round numbers.
func more(f *facts) {
	unlimited := int64(terminal.Unlimited)
	f.policy.Caps = append(f.policy.Caps,
		terminal.Cap{ID: "hour", Scope: terminal.ScopeRegister, Window: terminal.PerHour, Category: "tobacco", Limit: terminal.Amount{Yen: unlimited, Units: 6}},
		terminal.Cap{ID: "day", Scope: terminal.ScopeRegister, Window: terminal.PerDay, Limit: terminal.Amount{Yen: 20000, Units: unlimited}},
		terminal.Cap{ID: "rolling", Scope: terminal.ScopeRegister, Window: terminal.Rolling, Span: 90 * time.Minute, Category: "tobacco", Limit: terminal.Amount{Yen: 8000, Units: 12}},
		terminal.Cap{ID: "account", Scope: terminal.ScopeAccount, Window: terminal.Rolling, Span: 24 * time.Hour, Category: "tobacco", Limit: terminal.Amount{Yen: unlimited, Units: 3}},
	)
}

// The windows as the test reckons them: it is 12:00 in Tokyo, the day began at
// 05:00.
var (
	hourBegan    = terminal.MillisOf(rulesNow)
	dayBegan     = terminal.MillisOf(rulesNow.Add(-7 * time.Hour))
	rollingBegan = terminal.MillisOf(rulesNow.Add(-90 * time.Minute))
	accountBegan = terminal.MillisOf(rulesNow.Add(-24 * time.Hour))
)

func (u *Usage) sum(id terminal.CapID, account terminal.AccountKey, since terminal.Millis, yen, units int64) {
	if u.Tallies == nil {
		u.Tallies = map[Tally]terminal.Amount{}
	}
	u.Tallies[Tally{Cap: id, Account: account, Since: since}] = terminal.Amount{Yen: yen, Units: units}
}

// denied makes a set with one account, until the minute of a time.
func denied(t testing.TB, account terminal.AccountKey, until time.Time, before map[string]terminal.Millis) *denials.Set {
	t.Helper()
	id, err := hex.DecodeString(string(account))
	if err != nil {
		t.Fatal(err)
	}
	set, err := new(denials.Set).Apply(denials.Change{Add: binary.BigEndian.AppendUint32(id, uint32(until.Unix()/60)), Before: before})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Each new rule just inside its bound and just outside, with two packs for 1,000
// yen, the line up unless a case takes it down.
func TestRulesOverTime(t *testing.T) {
	type edit = func(f *facts, u *Usage)
	const account, other = "00112233445566ff", "ff112233445566ff"
	down := func(f *facts, u *Usage) {
		f.linkUp = false
		u.holds("tobacco-day", 9, 0)
		u.holds("tobacco-offline", 4, 0)
	}
	wall := func(f *facts, _ *Usage) { // after a boot, the line never up: rice balls
		f.linkUp, f.clock, f.sale = false, wire.ClockWall, saleOf("", 2, 150)
		f.mark, f.policy.Offline.BootYen = terminal.MillisOf(f.now), 1000
	}
	sum := func(id terminal.CapID, since terminal.Millis, yen, units int64) edit {
		return func(_ *facts, u *Usage) { u.sum(id, "", since, yen, units) }
	}
	own := func(units int64) edit {
		return func(_ *facts, u *Usage) { u.sum("account", account, accountBegan, 0, units) }
	}
	sale := func(c terminal.Category, n int64, yen terminal.Yen) edit {
		return func(f *facts, _ *Usage) { f.sale = saleOf(c, n, yen) }
	}
	bare := func(g policy.GoodsRules, yen terminal.Yen) edit {
		return func(f *facts, _ *Usage) {
			f.policy.Goods, f.sale = g, terminal.Sale{Ref: "s", Revision: 1, Total: yen}
		}
	}
	frozen := func(z policy.Freeze) edit { return func(f *facts, _ *Usage) { f.freeze = &z } }
	denies := func(a terminal.AccountKey, until time.Time) edit {
		return func(f *facts, _ *Usage) { f.denials = denied(t, a, until, nil) }
	}
	void := func(issuer string, before time.Duration) edit {
		return func(f *facts, _ *Usage) {
			f.denials = denied(t, other, rulesNow, map[string]terminal.Millis{issuer: terminal.MillisOf(f.code.pass.Issued.Add(before))})
		}
	}
	unknown := func(f *facts, _ *Usage) { f.denials = nil }
	doubted := func(f *facts, _ *Usage) { f.quarantine = "ledger.older" }
	told := func(yen terminal.Yen, count int64) edit {
		return func(f *facts, u *Usage) { down(f, u); u.Account.Limit = &AccountLimit{Yen: yen, Count: count} }
	}
	digits := func(f *facts, _ *Usage) {
		f.code = presented{kind: terminal.CodeDigits, issuer: "wallet"}
	}

	const ok = terminal.Reason("")
	for _, c := range []struct {
		name  string
		want  terminal.Reason
		edits []edit
	}{
		{"as it is", ok, nil},
		{"offline", ok, []edit{down}},

		{"the hour's last packs", ok, []edit{sum("hour", hourBegan, 0, 4)}},
		{"a pack over the hour's", terminal.CapRegister, []edit{sum("hour", hourBegan, 0, 5)}},
		{"a pack over the hour's, offline", terminal.CapRegister, []edit{down, sum("hour", hourBegan, 0, 5)}},
		{"rice balls when the hour's packs are sold", ok, []edit{sale("", 9, 100), sum("hour", hourBegan, 0, 6)}},
		{"the day's last yen", ok, []edit{sum("day", dayBegan, 19000, 0)}},
		{"a yen over the day's", terminal.CapRegister, []edit{sum("day", dayBegan, 19001, 0)}},
		{"rice balls over the day's yen", terminal.CapRegister, []edit{sale("", 1, 1), sum("day", dayBegan, 20000, 0)}},
		{"a part paid so, over the day's yen", terminal.CapRegister, []edit{sum("day", dayBegan, 19001, 0), func(f *facts, _ *Usage) { f.sale.Total = 1 }}},
		{"the last of 90 minutes", ok, []edit{sum("rolling", rollingBegan, 7000, 10)}},
		{"a pack over 90 minutes'", terminal.CapRegister, []edit{sum("rolling", rollingBegan, 0, 11)}},
		{"a yen over 90 minutes'", terminal.CapRegister, []edit{sum("rolling", rollingBegan, 7001, 0)}},

		{"the account's last pack, offline", ok, []edit{down, own(1)}},
		{"a pack over the account's, offline", terminal.CapAccount, []edit{down, own(2)}},
		{"a pack over the account's, online: the backend knows", ok, []edit{own(2)}},
		{"another account's packs, offline", ok, []edit{down, func(_ *facts, u *Usage) { u.sum("account", other, accountBegan, 0, 9) }}},

		{"everything frozen, rice balls", terminal.Frozen, []edit{sale("", 1, 1), frozen(policy.Freeze{All: true})}},
		{"everything frozen, offline", terminal.Frozen, []edit{down, frozen(policy.Freeze{All: true})}},
		{"tobacco frozen", terminal.Frozen, []edit{frozen(policy.Freeze{Categories: map[terminal.Category]bool{"tobacco": true}})}},
		{"tobacco frozen, offline", terminal.Frozen, []edit{down, frozen(policy.Freeze{Categories: map[terminal.Category]bool{"tobacco": true}})}},
		{"gift cards frozen", ok, []edit{frozen(policy.Freeze{Categories: map[terminal.Category]bool{"gift-card": true}})}},
		{"tobacco frozen, given away", terminal.Frozen, []edit{sale("tobacco", 1, 0), frozen(policy.Freeze{Categories: map[terminal.Category]bool{"tobacco": true}})}},
		{"its issuer frozen, rice balls", terminal.Frozen, []edit{sale("", 1, 1), frozen(policy.Freeze{Issuers: map[string]bool{"wallet": true}})}},
		{"its issuer frozen, digits", terminal.Frozen, []edit{digits, frozen(policy.Freeze{Issuers: map[string]bool{"wallet": true}})}},
		{"another issuer frozen", ok, []edit{frozen(policy.Freeze{Issuers: map[string]bool{"other": true}})}},

		{"denied", terminal.AccountDenied, []edit{denies(account, rulesNow)}},
		{"denied, offline", terminal.AccountDenied, []edit{down, denies(account, rulesNow)}},
		{"denied, rice balls", terminal.AccountDenied, []edit{sale("", 1, 1), denies(account, rulesNow)}},
		{"denied until a minute ago", ok, []edit{denies(account, rulesNow.Add(-time.Minute))}},
		{"another is denied", ok, []edit{denies(other, rulesNow)}},
		{"issued a moment before credentials hold", terminal.AccountDenied, []edit{void("wallet", time.Millisecond)}},
		{"issued as credentials begin to hold", ok, []edit{void("wallet", 0)}},
		{"another issuer's credentials are void", ok, []edit{void("other", time.Hour)}},
		{"denied, digits: the backend knows", ok, []edit{digits, denies(account, rulesNow)}},

		{"no denials ever came, online", ok, []edit{unknown}},
		{"no denials ever came, offline", terminal.OfflineLimit, []edit{down, unknown}},
		{"no denials ever came, offline, rice balls", ok, []edit{down, unknown, sale("", 1, 1)}},

		{"in doubt, online", ok, []edit{doubted}},
		{"in doubt, offline, rice balls", terminal.Quarantined, []edit{down, doubted, sale("", 1, 1)}},

		{"the backend told 1,000 yen", ok, []edit{told(1000, 9)}},
		{"the backend told a yen less", terminal.OfflineLimit, []edit{told(999, 9)}},
		{"the backend told more than the pass", terminal.OfflineLimit, []edit{told(90000, 90), func(_ *facts, u *Usage) { u.Account.OfflineYen = 7001 }}},
		{"the backend told one payment", ok, []edit{told(9000, 1)}},
		{"the backend told one payment, it was made", terminal.OfflineLimit, []edit{told(9000, 1), func(_ *facts, u *Usage) { u.Account.OfflineCount = 1 }}},
		{"the backend told none", terminal.OfflineLimit, []edit{told(9000, 0)}},
		{"the backend told nothing online", ok, []edit{told(0, 0), func(f *facts, _ *Usage) { f.linkUp = true }}},

		{"after a boot, rice balls", ok, []edit{wall}},
		{"after a boot, the last yen", ok, []edit{wall, func(_ *facts, u *Usage) { u.BootYen = 700 }}},
		{"after a boot, a yen more", terminal.OfflineLimit, []edit{wall, func(_ *facts, u *Usage) { u.BootYen = 701 }}},
		{"heard since the boot, a yen more", ok, []edit{wall, func(f *facts, u *Usage) { f.clock, u.BootYen = wire.ClockAuthenticated, 701 }}},
		{"after a boot, a pack", terminal.ClockDoubt, []edit{wall, sale("tobacco", 1, 1)}},
		{"after a boot, the age not known", terminal.OfflineLimit, []edit{wall, func(f *facts, _ *Usage) { f.contactAge = -1 }}},
		{"after a boot, the clock before the mark", terminal.ClockDoubt, []edit{wall, func(f *facts, _ *Usage) { f.mark++ }}},
		{"after a boot, the clock before the mark, online", terminal.ClockDoubt, []edit{wall, func(f *facts, _ *Usage) { f.mark, f.linkUp = f.mark+1, true }}},
		{"told the time, before the mark", ok, []edit{func(f *facts, _ *Usage) { f.mark = terminal.MillisOf(f.now.Add(time.Hour)) }}},

		{"a total alone, to be itemised", terminal.GoodsNotListed, []edit{bare(policy.GoodsRules{Refuse: true}, 500)}},
		{"a total alone, to be itemised, offline", terminal.GoodsNotListed, []edit{down, bare(policy.GoodsRules{Refuse: true}, 500)}},
		{"a total alone, as ordinary goods", ok, []edit{bare(policy.GoodsRules{}, 500), sum("hour", hourBegan, 0, 6)}},
		{"a total alone, as ordinary goods, over the day's yen", terminal.CapRegister, []edit{bare(policy.GoodsRules{}, 1), sum("day", dayBegan, 20000, 0)}},
		{"a total alone, as tobacco", ok, []edit{bare(policy.GoodsRules{Unitemised: "tobacco"}, 500), sum("hour", hourBegan, 0, 5)}},
		{"a total alone, as tobacco, over the hour's", terminal.CapRegister, []edit{bare(policy.GoodsRules{Unitemised: "tobacco"}, 500), sum("hour", hourBegan, 0, 6)}},
		{"a total alone, as tobacco, over a sale's yen", terminal.CapRegister, []edit{bare(policy.GoodsRules{Unitemised: "tobacco"}, 9001)}},
		{"a total alone, as tobacco, frozen", terminal.Frozen, []edit{bare(policy.GoodsRules{Unitemised: "tobacco"}, 1), frozen(policy.Freeze{Categories: map[terminal.Category]bool{"tobacco": true}})}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, u := ruled(t)
			more(&f)
			f.sale = saleOf("tobacco", 2, 500)
			f.code.account, f.code.issuer = account, "wallet"
			for _, edit := range c.edits {
				edit(&f, &u)
			}
			d := judge(f.weighed(), u)
			if d.reason != c.want || (d.state == terminal.Refused) != (c.want != ok) {
				t.Fatalf("%q (%q), want %q", d.state, d.reason, c.want)
			}
			if d.state == terminal.Refused && len(d.spends)+len(d.counters)+len(d.counts) != 0 {
				t.Fatalf("refused, and yet takes %+v %+v", d.spends, d.counts)
			}
		})
	}
}

// What is written on a payment is the gross of each cap over time, whatever part
// is paid so, in the measures that the cap limits.
func TestI3WhatAPaymentIsCountedWith(t *testing.T) {
	f, u := ruled(t)
	more(&f)
	f.sale = saleOf("tobacco", 2, 500)
	f.sale.Lines = append(f.sale.Lines, saleOf("beer", 3, 400).Lines...)
	f.sale.Lines[0].Units = 3 // bundles
	f.sale.Total = 10
	want := []terminal.Count{
		{Cap: "hour", Amount: terminal.Amount{Units: 6}}, {Cap: "day", Amount: terminal.Amount{Yen: 2200}},
		{Cap: "rolling", Amount: terminal.Amount{Yen: 1000, Units: 6}}, {Cap: "account", Amount: terminal.Amount{Units: 6}},
	}
	u.holds("tobacco-day", 9, 0)
	u.holds("tobacco-offline", 9, 0)
	u.holds("beer-day", 0, 9000)
	f.policy.Caps[len(f.policy.Caps)-1].Limit.Units = 6
	for _, f.linkUp = range []bool{true, false} {
		if d := judge(f.weighed(), u); d.state == terminal.Refused || !slices.Equal(d.counts, want) {
			t.Errorf("line up %v: %q %+v, want %+v", f.linkUp, d.reason, d.counts, want)
		}
	}
}

// A register in doubt reserves nothing of what it holds: it asks for all.
func TestI3InDoubtNothingIsReserved(t *testing.T) {
	f, u := ruled(t)
	f.sale, f.quarantine = saleOf("tobacco", 2, 500), "backend"
	u.holds("tobacco-day", 9, 0)
	d := judge(f.weighed(), u)
	if len(d.spends) != 1 || !d.spends[0].Reserved.Zero() || d.spends[0].Need.Units != 2 || !d.counters[0].Used.Zero() {
		t.Errorf("%+v %+v", d.spends, d.counters)
	}
}

// Windows begin by authenticated time. Where only the wall clock tells the time
// they are those of the mark, wherever that clock was set to.
func TestI3WindowsAreThoseOfAuthenticatedTime(t *testing.T) {
	for _, c := range []struct {
		name, clock  string
		mark         time.Time
		hour, day, r time.Duration // before rulesNow
	}{
		{"told", wire.ClockAuthenticated, rulesNow.Add(-5 * time.Hour), 0, 7 * time.Hour, 90 * time.Minute},
		{"told, and the mark was too high", wire.ClockAuthenticated, rulesNow.Add(5 * time.Hour), 0, 7 * time.Hour, 90 * time.Minute},
		{"by the wall, a moment after the mark", wire.ClockWall, rulesNow.Add(-10 * time.Minute), time.Hour, 7 * time.Hour, 100 * time.Minute},
		{"by the wall, the mark yesterday", wire.ClockWall, rulesNow.Add(-8 * time.Hour), 8 * time.Hour, 31 * time.Hour, 9*time.Hour + 30*time.Minute},
	} {
		f, _ := ruled(t)
		more(&f)
		f.clock, f.mark, f.sale = c.clock, terminal.MillisOf(c.mark), saleOf("tobacco", 1, 1)
		want := map[terminal.CapID]time.Duration{"hour": c.hour, "day": c.day, "rolling": c.r}
		for _, tally := range f.weighed().tallies() {
			if began := rulesNow.Add(-want[tally.Cap]); tally.Since != terminal.MillisOf(began) {
				t.Errorf("%s: %s since %v, want %v", c.name, tally.Cap, tally.Since, terminal.MillisOf(began))
			}
			delete(want, tally.Cap)
		}
		if len(want) != 0 {
			t.Errorf("%s: not asked for: %v", c.name, want)
		}
		if scope := f.weighed().scope(); c.clock == wire.ClockWall && scope.Since != terminal.MillisOf(c.mark.Add(-24*time.Hour)) {
			t.Errorf("%s: the account's payments count since %v", c.name, scope.Since)
		}
	}
}

// What was sold since the boot is asked for where the boot floor holds.
func TestScopeOfTheBootFloor(t *testing.T) {
	for _, c := range []struct {
		up    bool
		clock string
		want  bool
	}{{false, wire.ClockWall, true}, {false, wire.ClockAuthenticated, false}, {true, wire.ClockAuthenticated, false}} {
		f, _ := ruled(t)
		f.linkUp, f.clock = c.up, c.clock
		if s := f.weighed().scope(); s.Boot != c.want || s.Incarnation != f.incarnation {
			t.Errorf("%+v: %v of %q", c, s.Boot, s.Incarnation)
		}
	}
}

// The account's own sum is asked for where this register decides, and only there.
func TestScopeOfAnAccountsCap(t *testing.T) {
	for up, want := range map[bool]int{true: 0, false: 1} {
		f, _ := ruled(t)
		more(&f)
		f.sale, f.linkUp, f.code.account = saleOf("tobacco", 1, 1), up, "00112233445566ff"
		n := 0
		for _, tally := range f.weighed().scope().Tallies {
			if tally.Cap == "account" && tally.Account == f.code.account && tally.Since == accountBegan {
				n++
			}
		}
		if n != want {
			t.Errorf("line up %v: %d sums of the account", up, n)
		}
	}
}
