package scenario

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal"
)

// agreed are the states that the backend may hold for each that the register
// ends in; "" for a payment that it never heard of.
var agreed = map[terminal.State][]backendsim.State{
	terminal.Refused:  {""},
	terminal.Approved: {backendsim.Approved},
	terminal.Declined: {backendsim.Declined},
	// The reversal of what was declined leaves it declined.
	terminal.Reversed: {backendsim.Reversed, backendsim.Declined},
	terminal.Settled:  {backendsim.AdvisedAccepted},
	terminal.Rejected: {backendsim.AdvisedRejected},
}

// paid says whether money of the customer's is due for the payment.
func (e entry) paid() bool { return e.state.Approval() && !e.voided }

// left says whether the goods may have left for it: also where the backend
// refused the advice afterwards.
func (e entry) left() bool { return (e.state.Approval() || e.state == terminal.Rejected) && !e.voided }

// check holds both ledgers against each other and against what the till told.
func (b books) check(s *seller) []error {
	return append(slices.Concat(b.states(), b.charges(), b.accounts(), b.codesOnce(s), b.salesOnce(), b.capsKept(s), b.rights(), b.amountsTold(s), b.toldRight(s)), b.journal)
}

// states: each payment ended alike (I1, I4, I8).
func (b books) states() (bad []error) {
	for _, id := range slices.Sorted(maps.Keys(b.register)) {
		e, there := b.register[id], b.backend[id].State
		may := agreed[e.state]
		if e.voided {
			may = []backendsim.State{backendsim.Voided}
			if e.state == terminal.ApprovedOffline {
				may = append(may, "") // undone before the backend heard of it
			}
		}
		if !slices.Contains(may, there) {
			bad = append(bad, wrong("I1: payment %s is %s (voided: %v) at the register and %q at the backend", id, e.state, e.voided, there))
		}
		if e.bearer == string(backendsim.BearerStore) {
			bad = append(bad, wrong("I5: payment %s was approved offline against the rules: %s", id, e.reason))
		}
		if e.unresolved {
			bad = append(bad, wrong("I8: payment %s is unresolved: %s", id, e.state))
		}
		if there := b.backend[id].Refunded; there != e.refunded {
			bad = append(bad, wrong("I1: payment %s: %d yen refunded at the register, %d at the backend", id, e.refunded, there))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.backend)) {
		if _, known := b.register[id]; !known {
			bad = append(bad, wrong("I1: payment %s is %s at the backend, and the register does not know it", id, b.backend[id].State))
		}
	}
	return bad
}

// charges: what is due was charged, and each payment once at most (I1).
func (b books) charges() (bad []error) {
	sum, times := map[string]int64{}, map[string]int{}
	for _, m := range b.moves {
		if m.Kind == backendsim.Charge {
			sum[m.Payment] += m.Amount
			times[m.Payment]++
		} else {
			sum[m.Payment] -= m.Amount
		}
	}
	for _, id := range slices.Sorted(maps.Keys(sum)) {
		due := int64(0)
		if e := b.register[id]; e.paid() {
			due = e.amount - e.refunded
		}
		if sum[id] != due || times[id] != 1 {
			bad = append(bad, wrong("I1: payment %s: %d yen are due, %d were charged, in %d charges", id, due, sum[id], times[id]))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.register)) {
		if b.register[id].paid() && times[id] == 0 {
			bad = append(bad, wrong("I1: payment %s is paid at the register and was never charged", id))
		}
	}
	return bad
}

// accounts: the sums in yen are equal, account by account (I1).
func (b books) accounts() (bad []error) {
	here, there := map[string]int64{}, map[string]int64{}
	for _, e := range b.register {
		if e.paid() {
			here[e.account] += e.amount - e.refunded
		}
	}
	for _, m := range b.moves {
		if m.Kind == backendsim.Charge {
			there[string(m.Account)] += m.Amount
		} else {
			there[string(m.Account)] -= m.Amount
		}
	}
	for _, key := range slices.Sorted(maps.Keys(there)) {
		if here[key] != there[key] {
			bad = append(bad, wrong("I1: account %s: %d yen at the register, %d at the backend", key, here[key], there[key]))
		}
		delete(here, key)
	}
	for _, key := range slices.Sorted(maps.Keys(here)) {
		if here[key] != 0 {
			bad = append(bad, wrong("I1: account %s: %d yen at the register, none at the backend", key, here[key]))
		}
	}
	return bad
}

// codesOnce: no code paid twice, by what was shown and by both ledgers' own hashes
// (I1).
func (b books) codesOnce(s *seller) (bad []error) {
	shown, seen := map[string]string{}, map[string]string{}
	for id, e := range b.register {
		if e.left() {
			if text := s.codes[terminal.PaymentID(id)]; text != "" {
				shown[id] = text
			}
			seen[id] = e.seen
		}
	}
	for what, of := range map[string]map[string]string{"was shown": shown, "the register": seen, "the backend": b.hashes} {
		first := map[string]string{}
		for _, id := range slices.Sorted(maps.Keys(of)) {
			if other := first[of[id]]; other != "" {
				bad = append(bad, wrong("I1: one code paid %s and %s, by what %s", other, id, what))
			}
			first[of[id]] = id
		}
	}
	return bad
}

// salesOnce: no sale is paid twice (I1).
func (b books) salesOnce() (bad []error) {
	first := map[terminal.SaleRef]string{}
	for _, id := range slices.Sorted(maps.Keys(b.register)) {
		e := b.register[id]
		if !e.paid() {
			continue
		}
		if other := first[e.sale]; other != "" {
			bad = append(bad, wrong("I1: %s was paid by %s and by %s", e.sale, other, id))
		}
		first[e.sale] = id
	}
	return bad
}

// watchedGoods are the articles that each category of the storm's caps counts.
var watchedGoods = map[terminal.CapID]map[terminal.GTIN]int64{
	"tobacco-day":     {pack.GTIN: 1, carton.GTIN: 10},
	"e-cigarette-day": {cartridge.GTIN: 1},
}

// capsKept: no cap was passed, by the backend's rows and by what went over the
// counter (I3). Rejected advices count: their goods have left.
func (b books) capsKept(s *seller) (bad []error) {
	over := map[terminal.CapID]int64{}
	for _, e := range b.register {
		if e.left() {
			for _, line := range baskets[s.baskets[e.sale]] {
				for id, units := range watchedGoods {
					over[id] += units[line.GTIN] * line.Quantity
				}
			}
		}
	}
	for _, c := range b.caps {
		if !c.Sold.Within(c.Highest) || !c.Granted.Within(c.Highest.Plus(c.Returned)) {
			bad = append(bad, wrong("I3: cap %s: %d units sold, %d granted, %d returned, %d allowed", c.Cap, c.Sold.Units, c.Granted.Units, c.Returned.Units, c.Highest.Units))
		}
		if sold, counted := over[terminal.CapID(c.Cap)]; counted && sold > int64(c.Highest.Units) {
			bad = append(bad, wrong("I3: cap %s: %d units went over the counter, %d allowed", c.Cap, sold, c.Highest.Units))
		}
	}
	return bad
}

// toldRight: what the till told stays true (I2, I4).
func (b books) toldRight(s *seller) (bad []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.told)) {
		e, known := b.register[string(id)]
		if !known {
			bad = append(bad, wrong("I2: the till told of payment %s, which its ledger does not know", id))
			continue
		}
		no := false
		for _, state := range s.told[id] {
			switch outcome := terminal.OutcomeOf(state); {
			case outcome == terminal.OutcomeApproved && no:
				bad = append(bad, wrong("I4: payment %s was told not paid, and then paid: %v", id, s.told[id]))
			case outcome == terminal.OutcomeApproved && !e.state.Approval() && e.state != terminal.Rejected:
				bad = append(bad, wrong("I2: payment %s was told approved and is %s: %v", id, e.state, s.told[id]))
			case outcome == terminal.OutcomeDeclined:
				no = true
				if e.state.Approval() {
					bad = append(bad, wrong("I4: payment %s was told not paid and is %s: %v", id, e.state, s.told[id]))
				}
			}
		}
	}
	for _, id := range s.voided {
		if !b.register[string(id)].voided {
			bad = append(bad, wrong("I2: payment %s was told voided, and is not", id))
		}
	}
	return bad
}

// proved: the register's journal proves itself, and the last checkpoint that the
// backend keeps is of its past (I6). The daemon is stopped.
func (b books) proved(ctx context.Context, staff string, w *World) []error {
	args := []string{"verify", "--config", w.path("sekishod.toml")}
	if len(b.points) == 0 || b.leaves == 0 {
		return []error{wrong("I6: the backend keeps %d checkpoints and %d leaves", len(b.points), b.leaves)}
	}
	file := w.path("checkpoint.note")
	if err := os.WriteFile(file, []byte(b.points[len(b.points)-1].Note), 0o600); err != nil {
		return []error{err}
	}
	out, err := exec.CommandContext(ctx, staff, append(args, "--checkpoint", file)...).CombinedOutput()
	if err != nil {
		return []error{fmt.Errorf("I6: sekisho verify: %w\n%s", err, out)}
	}
	return nil
}
