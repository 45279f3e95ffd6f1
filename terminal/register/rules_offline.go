package register

import (
	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// refuseOffline holds while the line is down.
func refuseOffline(f facts, u Usage) terminal.Reason {
	switch {
	case f.quarantine != "":
		return terminal.Quarantined
	case f.code.pass == nil:
		return terminal.CodeUnknownOff
	case u.Account.Declined:
		return terminal.BackendDeclined
	case f.denials == nil && !f.highResale().Zero():
		return terminal.OfflineLimit // who is denied is not known here
	case f.beyondCeiling(u), f.beyondBoot(u):
		return terminal.OfflineLimit
	case !f.within(terminal.ScopeAccount, u):
		return terminal.CapAccount
	}
	return ""
}

// beyondCeiling: the least of the pass's own ceilings, what the backend last told
// of the account, the policy's for any account and its floor limit for one
// payment, all shrunk by the age of the last contact.
func (f facts) beyondCeiling(u Usage) bool {
	o := f.policy.Offline
	share := o.Ageing(f.contactAge)
	if f.contactAge < 0 {
		share = 0
	}
	most, times := min(int64(o.AccountYen), f.code.pass.OfflineYen), min(o.AccountCount, f.code.pass.OfflineCount)
	if told := u.Account.Limit; told != nil {
		most, times = min(most, int64(told.Yen)), min(times, told.Count)
	}
	yen := most * share / 1000
	// Rounded up: one payment is one until nothing is left.
	count := (times*share + 999) / 1000
	floor := int64(o.Floor) * share / 1000
	return int64(f.sale.Total) > floor ||
		int64(u.Account.OfflineYen)+int64(f.sale.Total) > yen ||
		u.Account.OfflineCount+1 > count
}

// beyondBoot: until the backend is heard after a boot, this register sells
// little, to all accounts together: it may have been put back to an older state.
func (f facts) beyondBoot(u Usage) bool {
	return f.clock != wire.ClockAuthenticated && int64(u.BootYen)+int64(f.sale.Total) > int64(f.policy.Offline.BootYen)
}
