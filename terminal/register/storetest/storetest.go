// Package storetest is the contract of register.Store, as tests that every
// store must pass: SQLite's, and one in memory.
//
// # What a store promises
//
//   - A decision is stored whole or not at all; decide's own error comes back
//     unchanged; every other error wraps register.ErrNotStored.
//   - Decisions run one by one. An entry's Seq is the journal's size before it,
//     the root is the Merkle tree hash of RFC 6962 over the leaves.
//   - A counter never shrinks, never holds less than nothing, never releases
//     more than was used. A code seen with one payment is refused for another.
//     Policy, roles and freeze never go back a version.
//   - What counts against a cap over time is what the payments say that count
//     (Payment.Counting), from the same moment as the payment.
//   - Erasing takes private parts and persons, and leaves every leaf and hash.
//   - Pruning takes the first entries and leaves every hash: the tree grows on as
//     if they were there. Who asks for one of them is told where the journal
//     begins. The last entry stays, and those of a payment that is not resolved.
//   - Outbox items keep their order; only Done and Aside remove one, of which
//     Aside keeps it for ever, Parked marks it, and
//     doing either twice changes nothing. An id is never used again. The payment
//     of an item, or of a code seen, is stored in the same decision or before.
//   - What was decided is there after the store was closed and opened again.
//
// The tests count and hash with code of their own.
package storetest

import (
	"crypto/sha256"
	"encoding/json"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// Store is a store that a test can close.
type Store interface {
	register.Store
	Close() error
}

// Open opens the store that lives at a place: a folder of the test's own, which
// a store in memory may use as a mere name. After Close it is opened again
// there. It fails the test where it cannot.
type Open func(t testing.TB, place string) Store

// Run runs the contract against the stores that open gives.
func Run(t *testing.T, open Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"AllOrNothing":          testAllOrNothing,
		"OwnErrorUnchanged":     testOwnError,
		"PanicStoresNothing":    testPanic,
		"I6SeqAndRoot":          testSeqAndRoot,
		"I6PrivatePartSealed":   testPrivate,
		"I3Counters":            testCounters,
		"I1SeenOnce":            testSeen,
		"I1SaleTaken":           testTaken,
		"AccountUsage":          testAccount,
		"Outbox":                testOutbox,
		"Rejected":              testRejected,
		"Sale":                  testSale,
		"I6PolicyNeverBack":     testPolicy,
		"CancelledBeforeItRuns": testCancelled,
		"CancelledWhileItWaits": testCancelledQueued,
		"CancelledWhileItRuns":  testCancelledLate,
		"Reopen":                testReopen,
		"Closed":                testClosed,
		"ConcurrentCallers":     testConcurrent,
		"I3Tallies":             testTallies,
		"BootYen":               testBoot,
		"Mark":                  testMark,
		"I6NotesNeverBack":      testNotes,
		"Quarantine":            testQuarantine,
		"Limit":                 testLimit,
		"Denials":               testDenials,
		"I6EraseKeepsProofs":    testErase,
		"I6PruneKeepsProofs":    testPrune,
		"Aged":                  testAged,
		"Reader":                testReader,
		"I2SharedCommit":        testShared,
		"Model":                 testModel,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// fresh opens a store at a place of its own, closed with the test.
func fresh(t *testing.T, open Open) (Store, string) {
	place := t.TempDir()
	s := open(t, place)
	t.Cleanup(func() { s.Close() })
	return s, place
}

// decide stores changes whatever the usage, and gives receipt and usage.
func decide(t tb, s register.Store, scope register.Scope, c register.Changes) (register.Receipt, register.Usage) {
	t.Helper()
	var seen register.Usage
	got, err := s.Decide(ctx(t), scope, func(u register.Usage) (register.Changes, error) {
		seen = u
		return c, nil
	})
	if err != nil {
		t.Fatalf("Decide: %v", err)
	}
	return got, seen
}

func loaded(t tb, s register.Store) register.Snapshot {
	t.Helper()
	snap, err := s.Load(ctx(t))
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return snap
}

// itemsOf gives the whole outbox, oldest first.
func itemsOf(t tb, s register.Store) []register.OutboxItem {
	t.Helper()
	var scope register.Scope
	for _, i := range loaded(t, s).Outbox {
		scope.Items = append(scope.Items, i.ID)
	}
	_, u := decide(t, s, scope, register.Changes{})
	return u.Items
}

// check compares by value; both sides are shown as JSON where they differ.
func check[T any](t tb, what string, got, want T) {
	t.Helper()
	g, err1 := json.Marshal(got)
	w, err2 := json.Marshal(want)
	if err1 != nil || err2 != nil {
		t.Fatalf("%s: cannot be compared: %v, %v", what, err1, err2)
	}
	if string(g) != string(w) {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

const (
	incarnation = terminal.Incarnation("00112233445566778899aabbccddeeff")
	day         = terminal.BusinessDay("2026-03-31")
	// noon is a moment of that day, in milliseconds.
	noon = terminal.Millis(1_774_926_000_000)
)

func payment(id terminal.PaymentID, state terminal.State) terminal.Payment {
	return terminal.Payment{
		ID: id, Number: 7, State: state, Sale: "sale-1", Revision: 2, SaleHash: "ab", Amount: 720,
		Code: terminal.CodePass, Issuer: "issuer.example", Masked: "…1234", Account: "a1",
		Incarnation: incarnation, Day: day, Created: noon, Decided: noon,
		Spends: []terminal.Spend{{Cap: "cap-1", Window: day, Reserved: terminal.Amount{Yen: 580, Units: 1}}},
	}
}

func entry(p terminal.Payment) journal.Draft { return journal.OfPayment(p, incarnation) }

// root is the Merkle tree hash of RFC 6962, 2.1, written from its text.
func root(leaves [][]byte) [sha256.Size]byte {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		left, right := root(leaves[:k]), root(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

// leavesOf reads the whole journal, in pages, and checks that it has no gap.
func leavesOf(t tb, s register.Reader) [][]byte {
	t.Helper()
	const page = 3 // small, so that paging is tried
	var all [][]byte
	for {
		got, err := s.Entries(ctx(t), int64(len(all)), page)
		if err != nil {
			t.Fatalf("Entries: %v", err)
		}
		if len(got) == 0 {
			return all
		}
		if len(got) > page {
			t.Fatalf("Entries gave %d of at most %d", len(got), page)
		}
		for _, l := range got {
			e, err := journal.Parse(l.Bytes)
			if err != nil || l.Seq != int64(len(all)) || e.Seq != l.Seq {
				t.Fatalf("entry at %d has seq %d, inside %d: %v", len(all), l.Seq, e.Seq, err)
			}
			all = append(all, l.Bytes)
		}
	}
}

// checkHead recomputes the tree from the leaves.
func checkHead(t tb, s register.Reader, got journal.Head) {
	t.Helper()
	leaves := leavesOf(t, s)
	if got.Size != int64(len(leaves)) || [sha256.Size]byte(got.Root) != root(leaves) {
		t.Fatalf("head is %d %s, the %d leaves give %x", got.Size, got.Hex(), len(leaves), root(leaves))
	}
}
