package register

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/denials"
	"sekisho/terminal/pass"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

var rulesNow = time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)

// rulesPolicy has a cap of each kind; times and ceilings are round numbers.
func rulesPolicy(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(fmt.Sprintf(`version = 1
realm = "test/chain"
good_until = 2026-11-30T00:00:00Z
classes = ["convenience"]
business = { zone = "Asia/Tokyo", cut_over = "05:00" }
times = { answer = "5s", query = "3s", give_up = "45s" }
pass = { life = "60s", tolerance = "30s" }
device = { new_for = "72h", new_units_online = 1 }
offline = { floor = 5000, account_yen = 10000, account_count = 4, full_for = "1h", nothing_after = "24h", decline_bars = "24h" }
reserve = { register_percent = 10, store_percent = 30 }
category = [ { id = "tobacco", high_resale = true }, { id = "gift-card", high_resale = true }, { id = "beer" } ]
cap = [
  { id = "tobacco-sale", scope = "register", window = "sale", category = "tobacco", units = 15, yen = 9000 },
  { id = "all-sale", scope = "register", window = "sale", yen = 50000 },
  { id = "tobacco-offline", scope = "store", window = "day", category = "tobacco", offline_only = true, units = 4 },
  { id = "tobacco-day", scope = "store", window = "day", category = "tobacco", units = 200 },
  { id = "beer-day", scope = "store", window = "day", category = "beer", yen = 4000 },
]
pass_issuer = [ { name = "wallet", key_id = "k1", key = %q } ]
`, base64.StdEncoding.EncodeToString(make([]byte, ed25519.PublicKeySize))))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ruled is a payment of rice balls for 300 yen with a good pass, line up.
func ruled(t testing.TB) (facts, Usage) {
	f := facts{
		policy: rulesPolicy(t), denials: new(denials.Set), now: rulesNow, clock: wire.ClockAuthenticated, day: "2026-11-20", linkUp: true,
		incarnation: "i", sale: saleOf("", 2, 150),
		code: presented{kind: terminal.CodePass, pass: &pass.Pass{
			Credential: pass.Credential{
				BoundAt: rulesNow.Add(-1000 * time.Hour), Issued: rulesNow.Add(-time.Hour), Expires: rulesNow.Add(time.Hour),
				OfflineYen: 8000, OfflineCount: 10,
			},
			IssuedAt: rulesNow.Add(-time.Second),
		}},
	}
	return f, Usage{Counters: map[terminal.CounterKey]terminal.Counter{}}
}

func saleOf(c terminal.Category, quantity int64, price terminal.Yen) terminal.Sale {
	return terminal.Sale{
		Ref: "s", Revision: 1, Total: price * terminal.Yen(quantity),
		Lines: []terminal.Line{{GTIN: "4902777130835", Quantity: quantity, Price: price, Category: c}},
	}
}

// holds gives a register so many units and yen of a cap.
func (u Usage) holds(id terminal.CapID, units, yen int64) {
	k := terminal.CounterKey{Cap: id, Window: "2026-11-20", Incarnation: "i"}
	u.Counters[k] = terminal.Counter{Key: k, Granted: terminal.Amount{Units: units, Yen: yen}}
}

// Each rule just inside its bound and just outside. The line is up unless a case
// takes it down.
func TestRules(t *testing.T) {
	type edit = func(f *facts, u *Usage)
	down := func(f *facts, _ *Usage) { f.linkUp = false }
	tobacco := func(n int64) edit { return func(f *facts, _ *Usage) { f.sale = saleOf("tobacco", n, 500) } }
	costs := func(yen terminal.Yen) edit { return func(f *facts, _ *Usage) { f.sale = saleOf("", 1, yen) } }
	bound := func(d time.Duration) edit { return func(f *facts, _ *Usage) { f.code.pass.BoundAt = f.now.Add(-d) } }
	heard := func(d time.Duration) edit {
		return func(f *facts, u *Usage) { down(f, u); f.contactAge = d }
	}
	used := func(yen terminal.Yen, count int64) edit {
		return func(f *facts, u *Usage) { down(f, u); u.Account.OfflineYen, u.Account.OfflineCount = yen, count }
	}
	own := func(yen, count int64) edit { // the pass's own ceilings
		return func(f *facts, u *Usage) {
			down(f, u)
			f.code.pass.OfflineYen, f.code.pass.OfflineCount = yen, count
		}
	}
	holds := func(id terminal.CapID, units int64) edit { return func(_ *facts, u *Usage) { u.holds(id, units, 0) } }
	digits := func(f *facts, _ *Usage) { f.code.kind, f.code.pass = terminal.CodeDigits, nil }

	const ok = terminal.Reason("")
	for _, c := range []struct {
		name  string
		want  terminal.Reason
		edits []edit
	}{
		{"as it is", ok, nil},
		{"no policy", terminal.PolicyMissing, []edit{func(f *facts, _ *Usage) { f.policy = nil }}},
		{"the sale is taken", terminal.SaleTaken, []edit{func(_ *facts, u *Usage) { u.Taken = &terminal.Payment{State: terminal.Unknown} }}},
		{"a shop's code", terminal.CodeMerchant, []edit{func(f *facts, _ *Usage) { f.code.reason = terminal.CodeMerchant }}},
		{"presented before", terminal.CodeReplayed, []edit{func(_ *facts, u *Usage) { u.Seen = true }}},

		{"a pass of 90 s", ok, []edit{func(f *facts, _ *Usage) { f.code.pass.IssuedAt = f.now.Add(-90 * time.Second) }}},
		{"a pass of 91 s", terminal.CodeExpired, []edit{func(f *facts, _ *Usage) { f.code.pass.IssuedAt = f.now.Add(-91 * time.Second) }}},
		{"a pass from 30 s ahead", ok, []edit{func(f *facts, _ *Usage) { f.code.pass.IssuedAt = f.now.Add(30 * time.Second) }}},
		{"a pass from 31 s ahead", terminal.CodeExpired, []edit{func(f *facts, _ *Usage) { f.code.pass.IssuedAt = f.now.Add(31 * time.Second) }}},
		{"a credential over since 29 s", ok, []edit{func(f *facts, _ *Usage) { f.code.pass.Expires = f.now.Add(-29 * time.Second) }}},
		{"a credential over since 30 s", terminal.CodeExpired, []edit{func(f *facts, _ *Usage) { f.code.pass.Expires = f.now.Add(-30 * time.Second) }}},

		{"tobacco on the policy's last instant", ok, []edit{tobacco(1), func(f *facts, _ *Usage) { f.now = f.policy.GoodUntil; refresh(f) }}},
		{"tobacco past the policy's date", terminal.PolicyStale, []edit{tobacco(1), func(f *facts, _ *Usage) { f.now = f.policy.GoodUntil.Add(1); refresh(f) }}},
		{"rice balls past the policy's date", ok, []edit{func(f *facts, _ *Usage) { f.now = f.policy.GoodUntil.Add(1); refresh(f) }}},
		{"beer past the policy's date", ok, []edit{func(f *facts, _ *Usage) { f.sale = saleOf("beer", 1, 1); f.now = f.policy.GoodUntil.Add(1); refresh(f) }}},

		{"tobacco by the wall clock", terminal.ClockDoubt, []edit{tobacco(1), func(f *facts, _ *Usage) { f.clock = wire.ClockWall }}},
		{"rice balls by the wall clock", ok, []edit{func(f *facts, _ *Usage) { f.clock = wire.ClockWall }}},

		{"15 packs in a sale", ok, []edit{tobacco(15)}},
		{"16 packs in a sale", terminal.CapRegister, []edit{tobacco(16)}},
		{"packs for 9,000 yen", ok, []edit{func(f *facts, _ *Usage) { f.sale = saleOf("tobacco", 1, 9000) }}},
		{"packs for 9,001 yen", terminal.CapRegister, []edit{func(f *facts, _ *Usage) { f.sale = saleOf("tobacco", 1, 9001) }}},
		{"16 beers", ok, []edit{func(f *facts, _ *Usage) { f.sale = saleOf("beer", 16, 1) }}},
		{"50,000 yen of anything", ok, []edit{costs(50000)}},
		{"50,001 yen of anything", terminal.CapRegister, []edit{costs(50001)}},
		{"50,001 yen of goods, a part paid so", terminal.CapRegister, []edit{costs(50001), func(f *facts, _ *Usage) { f.sale.Total = 1 }}},

		{"bound 72 h ago, two packs", ok, []edit{tobacco(2), bound(72 * time.Hour)}},
		{"bound a moment less ago, two packs", terminal.DeviceNew, []edit{tobacco(2), bound(72*time.Hour - 1)}},
		{"bound a moment less ago, one pack", ok, []edit{tobacco(1), bound(72*time.Hour - 1)}},
		{"bound a moment less ago, a pack and a gift card", terminal.DeviceNew, []edit{tobacco(1), bound(time.Hour),
			func(f *facts, _ *Usage) { f.sale.Lines = append(f.sale.Lines, saleOf("gift-card", 1, 500).Lines...) }}},
		{"bound in the future, two packs", terminal.DeviceNew, []edit{tobacco(2), bound(-time.Hour)}},
		{"bound just now, rice balls", ok, []edit{bound(0)}},
		{"bound just now, offline, rice balls", ok, []edit{bound(0), down}},
		{"bound a moment less ago, offline, one pack", terminal.DeviceNew, []edit{tobacco(1), bound(72*time.Hour - 1), down, holds("tobacco-day", 9), holds("tobacco-offline", 4)}},
		{"bound 72 h ago, offline, one pack", ok, []edit{tobacco(1), bound(72 * time.Hour), down, holds("tobacco-day", 9), holds("tobacco-offline", 4)}},
		{"digits tell no binding", ok, []edit{tobacco(2), digits}},

		{"digits, line up", ok, []edit{digits}},
		{"digits, line down", terminal.CodeUnknownOff, []edit{digits, down}},
		{"declined before, line up", ok, []edit{func(_ *facts, u *Usage) { u.Account.Declined = true }}},
		{"declined before, line down", terminal.BackendDeclined, []edit{down, func(_ *facts, u *Usage) { u.Account.Declined = true }}},

		{"offline, the floor limit", ok, []edit{costs(5000), down}},
		{"offline, a yen over the floor limit", terminal.OfflineLimit, []edit{costs(5001), down}},
		{"online, a yen over the floor limit", ok, []edit{costs(5001)}},
		{"offline, the pass's yen reached", ok, []edit{used(7700, 0)}},
		{"offline, a yen over the pass's", terminal.OfflineLimit, []edit{used(7701, 0)}},
		{"offline, the policy's yen reached", ok, []edit{own(90000, 10), used(9700, 0)}},
		{"offline, a yen over the policy's", terminal.OfflineLimit, []edit{own(90000, 10), used(9701, 0)}},
		{"offline, the policy's last payment", ok, []edit{used(0, 3)}},
		{"offline, one payment more", terminal.OfflineLimit, []edit{used(0, 4)}},
		{"offline, the pass's last payment", ok, []edit{own(8000, 2), used(0, 1)}},
		{"offline, one more than the pass's", terminal.OfflineLimit, []edit{own(8000, 2), used(0, 2)}},
		{"offline, a pass that may spend nothing", terminal.OfflineLimit, []edit{own(0, 0)}},

		{"heard an hour ago, the floor limit", ok, []edit{costs(5000), heard(time.Hour)}},
		{"heard 12.5 h ago, half of the floor limit", ok, []edit{costs(2500), heard(12*time.Hour + 30*time.Minute)}},
		{"heard 12.5 h ago, a yen more", terminal.OfflineLimit, []edit{costs(2501), heard(12*time.Hour + 30*time.Minute)}},
		{"heard 12.5 h ago, half of the pass's yen", ok, []edit{heard(12*time.Hour + 30*time.Minute), used(3700, 0)}},
		{"heard 12.5 h ago, a yen over it", terminal.OfflineLimit, []edit{heard(12*time.Hour + 30*time.Minute), used(3701, 0)}},
		{"heard 12.5 h ago, half of the payments", ok, []edit{heard(12*time.Hour + 30*time.Minute), used(0, 1)}},
		{"heard 12.5 h ago, one more", terminal.OfflineLimit, []edit{heard(12*time.Hour + 30*time.Minute), used(0, 2)}},
		{"heard 24 h ago, one yen", terminal.OfflineLimit, []edit{costs(1), heard(24 * time.Hour)}},
		{"never heard since boot, one yen", terminal.OfflineLimit, []edit{costs(1), heard(-1)}},

		{"offline, all packs held", ok, []edit{tobacco(4), down, holds("tobacco-day", 4), holds("tobacco-offline", 4)}},
		{"offline, a pack over the store's cap held", terminal.CapStore, []edit{tobacco(4), down, holds("tobacco-day", 3), holds("tobacco-offline", 4)}},
		{"offline, a pack over the allowance", terminal.CapOffline, []edit{tobacco(4), down, holds("tobacco-day", 4), holds("tobacco-offline", 3)}},
		{"online, nothing held: asked for", ok, []edit{tobacco(4)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, u := ruled(t)
			for _, edit := range c.edits {
				edit(&f, &u)
			}
			d := judge(f.weighed(), u)
			if d.reason != c.want || (d.state == terminal.Refused) != (c.want != ok) {
				t.Fatalf("%q (%q), want %q", d.state, d.reason, c.want)
			}
			if d.state == terminal.Refused && len(d.spends)+len(d.counters) != 0 {
				t.Fatalf("refused, and yet spends %+v %+v", d.spends, d.counters)
			}
			if want := map[bool]terminal.State{true: terminal.Sent, false: terminal.ApprovedOffline}[f.linkUp]; d.state != terminal.Refused && d.state != want {
				t.Fatalf("%q, want %q", d.state, want)
			}
		})
	}
}

// refresh makes the pass fresh at the facts' own time.
func refresh(f *facts) {
	f.code.pass.IssuedAt, f.code.pass.Issued, f.code.pass.Expires = f.now, f.now, f.now.Add(time.Hour)
}

// What is held is reserved and the rest needed, for all caps that count; the
// offline-only cap counts only while the line is down.
func TestI3WhatAPaymentTakes(t *testing.T) {
	beer := func(f *facts) { f.sale.Lines = append(f.sale.Lines, saleOf("beer", 3, 400).Lines...) }
	for _, c := range []struct {
		name   string
		linkUp bool
		want   string
	}{
		{"online", true, "tobacco-day reserved 0/3 need 0/2, beer-day reserved 500/0 need 700/0"},
		{"offline", false, "refused cap.store"},
	} {
		f, u := ruled(t)
		f.linkUp, f.sale = c.linkUp, saleOf("tobacco", 5, 500)
		beer(&f)
		f.sale.Total = 100
		u.holds("tobacco-day", 3, 0)
		u.holds("tobacco-offline", 9, 0)
		u.holds("beer-day", 0, 500)
		d := judge(f.weighed(), u)
		var got []string
		for i, s := range d.spends {
			got = append(got, fmt.Sprintf("%s reserved %d/%d need %d/%d", s.Cap, s.Reserved.Yen, s.Reserved.Units, s.Need.Yen, s.Need.Units))
			if d.counters[i].Used != s.Reserved || s.Window != f.day || d.counters[i].Key.Incarnation != f.incarnation {
				t.Errorf("%s: %+v is debited for %+v", c.name, d.counters[i], s)
			}
		}
		if d.state == terminal.Refused {
			got = []string{"refused " + string(d.reason)}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %s, want %s", c.name, strings.Join(got, ", "), c.want)
		}
	}
}

// Offline all caps are debited from what is held, the offline-only one too.
func TestI3OfflineSpendsOnlyWhatIsHeld(t *testing.T) {
	f, u := ruled(t)
	f.linkUp, f.sale = false, saleOf("tobacco", 4, 500)
	u.holds("tobacco-day", 6, 0)
	u.holds("tobacco-offline", 4, 0)
	d := judge(f.weighed(), u)
	if d.state != terminal.ApprovedOffline || len(d.spends) != 2 {
		t.Fatalf("%+v", d)
	}
	for i, s := range d.spends {
		if s.Reserved.Units != 4 || !s.Need.Zero() || d.counters[i].Used.Units != 4 || d.counters[i].Key.Cap != s.Cap {
			t.Errorf("%+v %+v", s, d.counters[i])
		}
	}
}
