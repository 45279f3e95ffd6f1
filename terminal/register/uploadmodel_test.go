package register_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sekisho/terminal/register"
	"sekisho/terminal/wire"
)

// I6: however sessions drop, the register restarts, and messages and
// acknowledgements are lost, late or doubled, the backend has in the end every
// leaf, each once and in order, and nothing was pruned that it had not.
func TestI6TheBackendGetsEveryLeafOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		bare(t, func(t *testing.T, w *world) {
			w.aged(rapid.IntRange(1, 300).Draw(r, "old"), register.KeepEntries+time.Hour)
			w.start()
			a := &archive{keeper: keeper{w: w}}
			w.disk.fault(nil, a.watches(t))
			w.up(w.policy(1))
			for range rapid.IntRange(1, 25).Draw(r, "steps") {
				a.step(r, t)
			}
			a.welcomes()
			for range 5 {
				w.after(61 * time.Second)
				a.takes()
				if sent := w.line.take(wire.TypeJournal); len(sent) > 0 { // it went again meanwhile
					a.keepsLeaves(sent[len(sent)-1])
					a.acks(sent[len(sent)-1])
				}
				a.all()
			}
			if h := w.headNow(); a.kept != h || int64(len(a.leaves)) != h.Size {
				t.Fatalf("checkpoint of %d and %d leaves of %d", a.kept.Size, len(a.leaves), h.Size)
			}
			first := w.kept().Pruned
			list, err := w.disk.Entries(t.Context(), first, 10_000)
			w.must(err)
			for i, l := range list {
				if a.leaves[first+int64(i)] != string(l.Bytes) {
					t.Fatalf("leaf %d is another one", l.Seq)
				}
			}
			if v := w.reg.View(); v.Quarantine != "" {
				t.Fatalf("in doubt: %s", v.Quarantine)
			}
		})
	})
}

// watches fails the test where something is pruned that the backend does not have
// under a checkpoint that it keeps.
func (a *archive) watches(t *testing.T) func(register.Changes, error) error {
	return func(c register.Changes, err error) error {
		if c.Prune > min(a.kept.Size, int64(len(a.leaves))) {
			t.Errorf("pruned below %d; the backend has %d leaves and a checkpoint of %d", c.Prune, len(a.leaves), a.kept.Size)
		}
		return err
	}
}

// step lets one thing happen. The store is at rest then: what the backend has is
// looked at while a change is stored.
func (a *archive) step(r *rapid.T, t *testing.T) {
	w := a.w
	synctest.Wait()
	switch rapid.IntRange(0, 8).Draw(r, "step") {
	case 0, 1:
		handedOver(w)
	case 2:
		w.after(time.Duration(rapid.IntRange(1, 90).Draw(r, "seconds")) * time.Second)
	case 3:
		w.down()
		a.welcomes()
	case 4:
		w.restart()
		w.disk.fault(nil, a.watches(t))
		a.welcomes()
	case 5:
		a.takes()
	default:
		for range rapid.IntRange(1, 3).Draw(r, "messages") {
			sent := w.line.take(wire.TypeJournal)
			if len(sent) == 0 {
				return
			}
			a.hears(r, sent[len(sent)-1])
		}
	}
}

// hears takes a message with leaves, or loses it; and acknowledges it, or not, or
// twice.
func (a *archive) hears(r *rapid.T, m wire.Message) {
	how := rapid.SampledFrom([]string{"lost", "not acknowledged", "acknowledged", "acknowledged", "acknowledged twice"}).Draw(r, "how")
	if how == "lost" {
		return
	}
	a.keepsLeaves(m)
	had := int64(len(a.leaves))
	switch how {
	case "acknowledged":
		a.acks(m)
	case "acknowledged twice":
		a.acks(m)
		a.acks(m, func(k *wire.Ack) { k.Size = max(0, had-1) })
	}
}
