package denials

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"sekisho/terminal"
)

// stress is how many accounts the issue asks for: about one in eighty people in
// Japan.
const stress = 1_500_000

// entrySize is an id and a minute, and nothing around them.
const entrySize = 12

// random gives n records with ids spread as a hash spreads them.
func random(n int, seed uint64) []byte {
	numbers := rand.New(rand.NewPCG(seed, 0))
	out := make([]byte, 0, n*recordSize)
	for range n {
		out = binary.BigEndian.AppendUint64(out, numbers.Uint64())
		out = binary.BigEndian.AppendUint32(out, numbers.Uint32())
	}
	return out
}

func TestAnEntryTakesTwelveBytes(t *testing.T) {
	s, err := new(Set).Apply(Change{Add: random(stress, 1)})
	if err != nil {
		t.Fatal(err)
	}
	again := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, s.ids[9]), 1)
	more, err := s.Apply(Change{Add: append(random(1000, 2), again...), Remove: binary.BigEndian.AppendUint64(nil, s.ids[7])})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  *Set
		want int
	}{{s, stress}, {more, stress + 999}} {
		if size := 8*cap(c.set.ids) + 4*cap(c.set.until); c.set.Len() != c.want || size != entrySize*c.want {
			t.Errorf("%d accounts in %d bytes, want %d in %d", c.set.Len(), size, c.want, entrySize*c.want)
		}
	}
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	s, err := new(Set).Apply(Change{Add: random(1000, 1)})
	if err != nil {
		t.Fatal(err)
	}
	account := terminal.NewAccountKey("demo-wallet", "somebody")
	if n := testing.AllocsPerRun(100, func() { s.Has(account, terminal.Millis(0).Time()) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkHas(b *testing.B) {
	s, err := new(Set).Apply(Change{Add: random(stress, 1)})
	if err != nil {
		b.Fatal(err)
	}
	accounts := make([]terminal.AccountKey, 1<<12)
	for i := range accounts {
		accounts[i] = terminal.NewAccountKey("demo-wallet", string(rune(i)))
	}
	now := terminal.Millis(1_767_571_200_000).Time()
	for i := 0; b.Loop(); i++ {
		s.Has(accounts[i%len(accounts)], now)
	}
}

func BenchmarkApplyThousand(b *testing.B) {
	s, err := new(Set).Apply(Change{Add: random(stress, 1)})
	if err != nil {
		b.Fatal(err)
	}
	delta := Change{Add: random(1000, 2)}
	for b.Loop() {
		if _, err := s.Apply(delta); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApplySnapshot(b *testing.B) {
	whole := Change{Add: random(stress, 1)}
	for b.Loop() {
		if _, err := new(Set).Apply(whole); err != nil {
			b.Fatal(err)
		}
	}
}
