package main

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/denials"
)

const (
	deniedAccounts = 1_500_000 // about one in eighty people in Japan
	deniedDelta    = 1_000     // accounts that come in one delta
	deniedLookups  = 1_000     // in one round, so that the clock's own time does not count
	deniedRounds   = 300
	deniedEntry    = 12.0 // bytes: an id (8) and a minute (4)
	// deniedSizeGoal lets the allocator round two arrays up to its pages.
	deniedSizeGoal   = 1.01
	deniedLookupGoal = 1.5 // reading the account's hex may add this much to the search
	// deniedApplyGoal allows for finding 1,000 places twice, to count and to fill,
	// and for clearing the arrays before: some milliseconds, a few times a day.
	deniedApplyGoal = 4
)

// bytesFigure is a promise about memory.
type bytesFigure struct {
	name      string
	value     float64 // bytes
	limitName string
	limit     float64
	goal      float64
}

// String is the figure's line.
func (f bytesFigure) String() string {
	verdict := "short"
	if f.value/f.limit <= f.goal {
		verdict = "ok"
	}
	return fmt.Sprintf("bench: %s %.2f bytes limit=%s:%.2f ratio=%.2f goal<=%.2f %s",
		f.name, f.value, f.limitName, f.limit, f.value/f.limit, f.goal, verdict)
}

// randomDenials gives records as the line brings them.
func randomDenials(n int) ([]byte, error) {
	records := make([]byte, n*int(deniedEntry))
	_, err := rand.Read(records)
	return records, err
}

// denialsSize measures what the heap holds for one account of a whole set.
func denialsSize() (fmt.Stringer, error) {
	records, err := randomDenials(deniedAccounts)
	if err != nil {
		return nil, err
	}
	before := heap()
	set, err := new(denials.Set).Apply(denials.Change{Add: records})
	if err != nil {
		return nil, err
	}
	grown := heap() - before
	runtime.KeepAlive(records)
	return bytesFigure{"denials-entry", grown / float64(set.Len()), "id+minute", deniedEntry, deniedSizeGoal}, nil
}

// heap gives the bytes that are in use once all rubbish is gone.
func heap() float64 {
	runtime.GC()
	runtime.GC() // what the first found only finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// denialsLookup measures 1,000 lookups of random accounts, against as many bare
// binary searches in a sorted array of the same size.
func denialsLookup() (fmt.Stringer, error) {
	records, err := randomDenials(deniedAccounts)
	if err != nil {
		return nil, err
	}
	set, err := new(denials.Set).Apply(denials.Change{Add: records})
	if err != nil {
		return nil, err
	}
	bare, now, found := sortedIDs(records), time.Now(), 0
	ids, accounts, err := someAccounts(deniedRounds * deniedLookups)
	if err != nil {
		return nil, err
	}
	value, limit, err := inTurn(deniedRounds,
		func(round int) error {
			for _, account := range accounts[round*deniedLookups:][:deniedLookups] {
				if set.Has(account, now) {
					found++
				}
			}
			return nil
		},
		func(round int) error {
			for _, id := range ids[round*deniedLookups:][:deniedLookups] {
				if _, in := slices.BinarySearch(bare, id); in {
					found++
				}
			}
			return nil
		},
	)
	return figure{"denials-1000-lookups", value, "binary-search", limit, deniedLookupGoal}, err
}

// someAccounts gives n accounts that are in no set, as numbers and as keys.
func someAccounts(n int) ([]uint64, []terminal.AccountKey, error) {
	ids, accounts := make([]uint64, n), make([]terminal.AccountKey, n)
	raw := make([]byte, 8*n)
	if _, err := rand.Read(raw); err != nil {
		return nil, nil, err
	}
	for i := range n {
		ids[i] = binary.BigEndian.Uint64(raw[8*i:])
		accounts[i] = terminal.AccountKey(fmt.Sprintf("%016x", ids[i]))
	}
	return ids, accounts, nil
}

// denialsApply measures a delta's application, against one copy of the arrays:
// a lookup goes on in the old set meanwhile, so there must be a new one.
func denialsApply() (fmt.Stringer, error) {
	records, err := randomDenials(deniedAccounts)
	if err != nil {
		return nil, err
	}
	delta, err := randomDenials(deniedDelta)
	if err != nil {
		return nil, err
	}
	set, err := new(denials.Set).Apply(denials.Change{Add: records})
	if err != nil {
		return nil, err
	}
	ids, until := sortedIDs(records), make([]uint32, deniedAccounts)
	value, limit, err := inTurn(deniedRounds/3,
		func(int) error {
			_, err := set.Apply(denials.Change{Add: delta})
			return err
		},
		func(int) error {
			copied, beside := slices.Clone(ids), slices.Clone(until)
			runtime.KeepAlive(copied)
			runtime.KeepAlive(beside)
			return nil
		},
	)
	return figure{"denials-delta-of-1000", value, "copy", limit, deniedApplyGoal}, err
}

func sortedIDs(records []byte) []uint64 {
	ids := make([]uint64, 0, len(records)/int(deniedEntry))
	for b := records; len(b) > 0; b = b[int(deniedEntry):] {
		ids = append(ids, binary.BigEndian.Uint64(b))
	}
	slices.Sort(ids)
	return ids
}
