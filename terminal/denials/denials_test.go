package denials_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/terminal"
	"sekisho/terminal/denials"
)

// 2026-01-05 00:00 UTC is minute 29,459,520 since 1970: 20,458 days of 1,440.
const monday = 29_459_520

func at(minute int64, second int64) time.Time { return time.Unix(minute*60+second, 0) }

// add writes records as the protocol has them: id (8), minute (4), big-endian.
func add(records ...uint64) []byte {
	var out []byte
	for i := 0; i < len(records); i += 2 {
		out = binary.BigEndian.AppendUint64(out, records[i])
		out = binary.BigEndian.AppendUint32(out, uint32(records[i+1]))
	}
	return out
}

func remove(ids ...uint64) []byte {
	var out []byte
	for _, id := range ids {
		out = binary.BigEndian.AppendUint64(out, id)
	}
	return out
}

func key(id uint64) terminal.AccountKey {
	return terminal.AccountKey(hex.EncodeToString(remove(id)))
}

func apply(t *testing.T, s *denials.Set, c denials.Change) *denials.Set {
	t.Helper()
	out, err := s.Apply(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheZeroSetDeniesNobody(t *testing.T) {
	var s denials.Set
	if s.Has(key(0), at(0, 0)) || s.Void("demo-wallet", at(monday, 0)) || s.Void("demo-wallet", time.Unix(-1, 0)) || s.Len() != 0 {
		t.Error("the zero set denies somebody")
	}
}

// The message of docs/protocol.md: account 0f1e2d3c4b5a6978 to minute
// 0x01c22260 = 29,500,000.
func TestARecordIsReadAsTheProtocolSays(t *testing.T) {
	raw, err := hex.DecodeString("0f1e2d3c4b5a697801c22260")
	if err != nil {
		t.Fatal(err)
	}
	s := apply(t, new(denials.Set), denials.Change{Add: raw})
	if !s.Has("0f1e2d3c4b5a6978", at(29_500_000, 59)) || s.Has("0f1e2d3c4b5a6978", at(29_500_001, 0)) {
		t.Error("the record does not end with its minute")
	}
	for _, other := range []terminal.AccountKey{"", "0f1e2d3c4b5a69", "0f1e2d3c4b5a697800", "0f1e2d3c4b5a6979", "zf1e2d3c4b5a6978"} {
		if s.Has(other, at(monday, 0)) {
			t.Errorf("%q is denied", other)
		}
	}
}

func TestI5AnAccountStaysDeniedToItsLastMinute(t *testing.T) {
	s := apply(t, new(denials.Set), denials.Change{Add: add(7, monday, 0, monday+1, ^uint64(0), 1<<32-1)})
	for _, c := range []struct {
		id   uint64
		at   time.Time
		want bool
	}{
		{7, at(0, 0), true}, {7, at(monday, 0), true}, {7, at(monday, 59), true}, {7, at(monday+1, 0), false},
		{0, at(monday+1, 59), true}, {0, at(monday+2, 0), false},
		{^uint64(0), at(1<<32-1, 59), true}, {6, at(0, 0), false}, {8, at(0, 0), false},
	} {
		if got := s.Has(key(c.id), c.at); got != c.want {
			t.Errorf("%x at %s: %v", c.id, c.at.UTC(), got)
		}
	}
}

func TestApplyMergesAChangeAndLeavesTheOldSet(t *testing.T) {
	old := apply(t, new(denials.Set), denials.Change{Add: add(30, monday, 10, monday, 20, monday)})
	for _, c := range []struct {
		name   string
		change denials.Change
		want   map[uint64]int64 // id to its last minute
	}{
		{"nothing", denials.Change{}, map[uint64]int64{10: monday, 20: monday, 30: monday}},
		{"before, between and behind", denials.Change{Add: add(35, 1, 5, 2, 25, 3)}, map[uint64]int64{5: 2, 10: monday, 20: monday, 25: 3, 30: monday, 35: 1}},
		{"a longer credential", denials.Change{Add: add(20, monday+9)}, map[uint64]int64{10: monday, 20: monday + 9, 30: monday}},
		{"a shorter one", denials.Change{Add: add(20, 4)}, map[uint64]int64{10: monday, 20: 4, 30: monday}},
		{"one id twice: the last counts", denials.Change{Add: add(20, 9, 20, 3, 15, 1, 15, 8)}, map[uint64]int64{10: monday, 15: 8, 20: 3, 30: monday}},
		{"removed", denials.Change{Remove: remove(30, 10)}, map[uint64]int64{20: monday}},
		{"removed twice", denials.Change{Remove: remove(30, 30)}, map[uint64]int64{10: monday, 20: monday}},
		{"removed, and never there", denials.Change{Remove: remove(11, 0, 99)}, map[uint64]int64{10: monday, 20: monday, 30: monday}},
		{"removed and added at once is in", denials.Change{Add: add(10, 5, 11, 6), Remove: remove(10, 11)}, map[uint64]int64{10: 5, 11: 6, 20: monday, 30: monday}},
		{"all removed", denials.Change{Remove: remove(10, 20, 30)}, map[uint64]int64{}},
	} {
		holds(t, c.name, apply(t, old, c.change), c.want)
	}
	holds(t, "the old set", old, map[uint64]int64{10: monday, 20: monday, 30: monday})
}

func TestTheWholeOfASetMakesItAgain(t *testing.T) {
	old := apply(t, new(denials.Set), denials.Change{Add: add(30, monday, 10, 4), Before: map[string]terminal.Millis{"demo-wallet": 9}})
	whole := old.Whole()
	if want := add(10, 4, 30, monday); !slices.Equal(whole.Add, want) || len(whole.Remove) != 0 {
		t.Errorf("adds %x, removes %x, want %x", whole.Add, whole.Remove, want)
	}
	again := apply(t, new(denials.Set), whole)
	holds(t, "again", again, map[uint64]int64{10: 4, 30: monday})
	if !again.Void("demo-wallet", terminal.Millis(8).Time()) {
		t.Error("the issuer's time is lost")
	}
	whole.Before["demo-wallet"] = 1 // is not the set's
	if !old.Void("demo-wallet", terminal.Millis(8).Time()) {
		t.Error("the set changed")
	}
}

// holds looks every id up to 100 up in its last minute and in the one after.
func holds(t *testing.T, name string, s *denials.Set, want map[uint64]int64) {
	t.Helper()
	if s.Len() != len(want) {
		t.Errorf("%s: %d accounts, want %d", name, s.Len(), len(want))
	}
	for id := range uint64(100) {
		until, in := want[id]
		if s.Has(key(id), at(until, 59)) != in || s.Has(key(id), at(until+1, 0)) {
			t.Errorf("%s: %d: want it in: %v, to minute %d", name, id, in, until)
		}
	}
}

func TestI5CredentialsIssuedBeforeATimeAreVoid(t *testing.T) {
	const noon = terminal.Millis(1_767_571_200_000)
	s := apply(t, new(denials.Set), denials.Change{Before: map[string]terminal.Millis{"demo-wallet": noon}})
	if !s.Void("demo-wallet", noon.Time().Add(-time.Millisecond)) || s.Void("demo-wallet", noon.Time()) || s.Void("other", at(0, 0)) {
		t.Error("not what was issued before the time is void, or more than that")
	}
	s = apply(t, s, denials.Change{Before: map[string]terminal.Millis{"demo-wallet": noon - 1, "other": 1}})
	if !s.Void("demo-wallet", noon.Time().Add(-time.Millisecond)) || !s.Void("other", at(0, 0)) {
		t.Error("a time went back")
	}
	if s = apply(t, s, denials.Change{}); !s.Void("other", at(0, 0)) {
		t.Error("the next change lost it")
	}
}

func TestI8AChangeThatIsCutShortChangesNothing(t *testing.T) {
	old := apply(t, new(denials.Set), denials.Change{Add: add(10, monday)})
	for _, c := range []denials.Change{
		{Add: add(1, 1)[:11]}, {Add: append(add(1, 1), 0)}, {Remove: remove(1)[:7]}, {Remove: append(remove(10), 0), Add: add(1, 1)},
	} {
		if s, err := old.Apply(c); !errors.Is(err, denials.ErrForm) || s != nil {
			t.Errorf("%x: %v, %v", c, s, err)
		}
	}
	holds(t, "the set", old, map[uint64]int64{10: monday})
}

func TestABodyGivesItsChangeBack(t *testing.T) {
	for _, c := range []denials.Change{
		{}, {Add: add(1, 2, 3, 4), Remove: remove(5), Before: map[string]terminal.Millis{"demo-wallet": 1}},
	} {
		body, err := c.Body()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := denials.ParseBody(body); err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%s: %+v, %v", body, back, err)
		}
	}
	if _, err := denials.ParseBody([]byte("{")); err == nil {
		t.Error("half a body was taken")
	}
}

// A map is what anybody would write first.
func TestTheSetIsAMap(t *testing.T) {
	few := rapid.Uint64Range(0, 40) // ids meet each other
	rapid.Check(t, func(t *rapid.T) {
		set, model := new(denials.Set), map[uint64]int64{}
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			added := rapid.SliceOfN(few, 0, 30).Draw(t, "added")
			removed := rapid.SliceOfN(few, 0, 30).Draw(t, "removed")
			for _, id := range removed {
				delete(model, id)
			}
			var c denials.Change
			c.Remove = remove(removed...)
			for _, id := range added {
				until := rapid.Uint64Range(0, 1<<32-1).Draw(t, "until")
				c.Add, model[id] = append(c.Add, add(id, until)...), int64(until)
			}
			next, err := set.Apply(c)
			if err != nil {
				t.Fatal(err)
			}
			set = next
		}
		if set.Len() != len(model) {
			t.Fatalf("%d accounts, want %d", set.Len(), len(model))
		}
		for id := range uint64(42) {
			until, in := model[id]
			if set.Has(key(id), at(until, 0)) != in || in && set.Has(key(id), at(until+1, 0)) {
				t.Fatalf("%d: in %v, until %d", id, in, until)
			}
		}
	})
}

// FuzzBody feeds what the cache or the line could hold, on top of a set that is
// there. It must not panic, and what it takes must be denied.
func FuzzBody(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := denials.ParseBody(body)
		if err != nil {
			return
		}
		old, err := new(denials.Set).Apply(denials.Change{Add: add(0, 9, 1<<63, 9), Before: map[string]terminal.Millis{"a": 5}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := old.Apply(c)
		if err != nil {
			if !errors.Is(err, denials.ErrForm) {
				t.Fatal(err)
			}
			return
		}
		last := map[uint64]int64{}
		for b := c.Add; len(b) > 0; b = b[12:] {
			last[binary.BigEndian.Uint64(b)] = int64(binary.BigEndian.Uint32(b[8:]))
		}
		for _, id := range slices.Sorted(maps.Keys(last)) {
			if !s.Has(key(id), at(last[id], 0)) || s.Has(key(id), at(last[id]+1, 0)) {
				t.Fatalf("%016x is not denied to minute %d", id, last[id])
			}
		}
		if s.Len() < len(last) || s.Len() > len(last)+2 {
			t.Fatalf("%d accounts from %d and 2", s.Len(), len(last))
		}
	})
}
