package backendsim

import (
	"context"
	"testing"

	"sekisho/terminal/wire"
)

// TestInMemory runs a good part of the tests again without a file.
func TestInMemory(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"TestI1AnAuthoriseThatComesTwiceIsChargedOnceAndAnsweredAlike": TestI1AnAuthoriseThatComesTwiceIsChargedOnceAndAnsweredAlike,
		"TestI1AReversedIdIsNeverCharged":                              TestI1AReversedIdIsNeverCharged,
		"TestI1AReversalOvertakesADelayedAuthorise":                    TestI1AReversalOvertakesADelayedAuthorise,
		"TestI1APassPaysOnce":                                          TestI1APassPaysOnce,
		"TestI1AnAdviceThatComesTwiceIsChargedOnce":                    TestI1AnAdviceThatComesTwiceIsChargedOnce,
		"TestI1VoidAndRefundGiveBackAtMostTheWhole":                    TestI1VoidAndRefundGiveBackAtMostTheWhole,
		"TestI1AnOlderSessionIsRefused":                                TestI1AnOlderSessionIsRefused,
		"TestI3AnAccountsCapIsExactOverAllRegistersAndRolls":           TestI3AnAccountsCapIsExactOverAllRegistersAndRolls,
		"TestI3TheWholeNeedIsGrantedWithTheApproval":                   TestI3TheWholeNeedIsGrantedWithTheApproval,
		"TestI3TheDaySellsTheCapAndNotOnePackMore":                     TestI3TheDaySellsTheCapAndNotOnePackMore,
		"TestI3WhatARetiredIncarnationHeldIsBurnt":                     TestI3WhatARetiredIncarnationHeldIsBurnt,
		"TestI3ACleanStopGivesTheQuotaBack":                            TestI3ACleanStopGivesTheQuotaBack,
		"TestI3NoHistoryGrantsMoreThanTheLimit":                        TestI3NoHistoryGrantsMoreThanTheLimit,
		"TestI6ACheckpointIsKeptIfItExtendsTheLast":                    TestI6ACheckpointIsKeptIfItExtendsTheLast,
		"TestI8AQuarantineEndsByHeadOfficesWord":                       TestI8AQuarantineEndsByHeadOfficesWord,
		"TestAFreezeStopsAtOnceAndIsToldAtOnce":                        TestAFreezeStopsAtOnceAndIsToldAtOnce,
		"TestDenialsComeWholeAtFirstAndThenAsDeltas":                   TestDenialsComeWholeAtFirstAndThenAsDeltas,
		"TestALargeSetComesInPartsThatBothSidesRead":                   TestALargeSetComesInPartsThatBothSidesRead,
		"TestAdvicesAreCheckedAgain":                                   TestAdvicesAreCheckedAgain,
	} {
		t.Run(name, test)
	}
}

func TestMemoryIsForOneBackend(t *testing.T) {
	one, other := newWorld(t), newWorld(t)
	for _, w := range []*world{one, other} {
		w.cfg.File = ""
		w.start()
		t.Cleanup(w.stop)
	}
	r := one.till("r1", "i1")
	id := newID(t)
	outcome(t, r.ask(one.buy(id, one.phone("account-0001", boundLongAgo).show(), 100, nil)), wire.OutcomeApproved, "")
	if one.state(id) != Approved || other.state(id) != "" {
		t.Errorf("the states are %q and %q", one.state(id), other.state(id))
	}
	if rows, err := other.b.Ledger().Registers(context.Background()); err != nil || len(rows) != 0 {
		t.Errorf("the other backend knows %v, %v", rows, err)
	}
}

// onBoth runs a test of a backend with certificates on a file and in memory.
func onBoth(t *testing.T, do func(*testing.T, *world)) {
	for _, where := range []string{"file", "memory"} {
		t.Run(where, func(t *testing.T) {
			w := newGuarded(t)
			if where == "memory" {
				w.cfg.File = ""
			}
			w.start()
			t.Cleanup(w.stop)
			do(t, w)
		})
	}
}
