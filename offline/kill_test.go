package offline

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

// childDir names the environment variable that makes this binary the child: its
// value is the data folder.
const childDir = "SEKISHO_OFFLINE_CHILD"

// kills is how often the child dies: with none lost, fewer than 3 in 20 kills
// lose one, with 95 % confidence, for a killed process and no other fault.
const kills = 20

func paymentID(n int64) terminal.PaymentID { return terminal.PaymentID(fmt.Sprint("p", n)) }

// sell stores one approval, numbered by the journal, as a register does.
func sell(ctx context.Context, s register.Store) (int64, error) {
	var number int64
	_, err := s.Decide(ctx, register.Scope{}, func(u register.Usage) (register.Changes, error) {
		number = u.Head.Size
		p := terminal.Payment{ID: paymentID(number), Number: number, State: terminal.Approved, Amount: 720, Code: terminal.CodePass, Account: "a1", Created: 1, Decided: 1}
		return register.Changes{Payments: []terminal.Payment{p}, Entries: []journal.Draft{journal.OfPayment(p, "i1")}}, nil
	})
	return number, err
}

func pruneTo(ctx context.Context, s register.Store, to int64) error {
	_, err := s.Decide(ctx, register.Scope{}, func(register.Usage) (register.Changes, error) { return register.Changes{Prune: to}, nil })
	return err
}

// beKilled sells and prunes until it is killed, and prints the number of each sale only
// once the store has acknowledged it.
func beKilled(dir string) error {
	s, err := Open(context.Background(), dir, Options{})
	if err != nil {
		return err
	}
	for {
		n, err := sell(context.Background(), s)
		if err != nil {
			return err
		}
		if n%5 == 0 {
			if err := pruneTo(context.Background(), s, n-3); err != nil {
				return err
			}
		}
		if _, err := fmt.Println(n); err != nil {
			return err
		}
	}
}

// TestI2NothingAcknowledgedIsLostByKill kills a selling process again and again
// at a random moment after its first sale.
func TestI2NothingAcknowledgedIsLostByKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	sold := int64(0)
	for range kills {
		last := sellAndDie(t, dir, time.Duration(chance.IntN(20_000))*time.Microsecond)
		s, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatalf("after the kill: %v", err)
		}
		if err := s.Verify(t.Context()); err != nil {
			t.Error(err)
		}
		for n := sold; n <= last; n++ {
			if _, err := s.Payment(t.Context(), paymentID(n)); err != nil {
				t.Errorf("acknowledged and lost: %v", err)
			}
		}
		snap, err := s.Load(t.Context())
		if err != nil || snap.Head.Size <= last {
			t.Fatalf("journal has %d entries, entry %d was acknowledged: %v", snap.Head.Size, last, err)
		}
		sold = snap.Head.Size
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d sales over %d kills", sold, kills)
}

// sellAndDie runs the child until it has acknowledged a sale and some time has
// gone, kills it, and gives the last sale that it acknowledged.
func sellAndDie(t *testing.T, dir string, after time.Duration) int64 {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	var complaint bytes.Buffer
	child.Stderr = &complaint
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	last := int64(-1)
	lines := bufio.NewScanner(out)
	var killer *time.Timer
	for lines.Scan() {
		n, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			continue // cut off by the kill
		}
		last = n
		if killer == nil {
			killer = time.AfterFunc(after, func() { child.Process.Kill() })
		}
	}
	err = child.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() || last < 0 {
		t.Fatalf("the child was not killed while selling (last sale %d): %v %s", last, err, complaint.String())
	}
	return last
}
