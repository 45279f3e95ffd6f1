package scenario

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sekisho/firmware-mocks/scannersim"
	"sekisho/firmware-mocks/scannersim/unit"
)

// scriptCmds are a person's steps.
//
//	store MODEL [SETTING...]   opens a store whose scanner lies there unplugged, set by its manual's codes
//	plug, unplug               puts the scanner's cable in or pulls it; the page shows it
//	named NAME                 the scanner, set up, has told the daemon its name
//	sale REF GTIN YEN          the POS puts a sale of one article, ready to be paid
//	show WHAT                  holds a code before the scanner; with ! it reads nothing
//	verdict STATE [REASON]     the sale's payment comes to this state
//	notice REASON              the page says why a code was no payment
//	heard [DEED...]            these are the next sounds and lights, in order; without one, there was none
//	hand-over, cancel          the goods go, or the sale is given up
//	backend holds|answers      from now on payments wait for its answer; it answers them all
//	backend declines           it declines the next payment
//	cut line                   the line to the backend goes down
//	crash                      kill -9 for the daemon, which is started again, its line up
var scriptCmds = map[string]func(*person, *testscript.TestScript, []string) error{
	"store": (*person).open, "plug": (*person).plug, "unplug": (*person).unplug, "named": (*person).named,
	"sale": (*person).sell, "show": (*person).show, "verdict": (*person).verdict, "notice": (*person).notice,
	"heard": (*person).hear, "hand-over": (*person).handOver, "cancel": (*person).cancel,
	"backend": (*person).backend, "cut": (*person).cut, "crash": (*person).crash,
}

// errUsage is a script that does not know its commands.
var errUsage = errors.New("usage: see scriptCmds")

// TestScripts plays testdata/script: each family of scanners with the daemon, from
// plugging in to the verdict to the beep.
func TestScripts(t *testing.T) {
	params := testscript.Params{
		Dir:  filepath.Join("testdata", "script"),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){},
		Setup: func(e *testscript.Env) error {
			e.Values[personKey] = &person{t: t, log: newWatched()}
			return nil
		},
	}
	for name, do := range scriptCmds {
		params.Cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			p := ts.Value(personKey).(*person)
			err := do(p, ts, args)
			if name == "show" && neg {
				err = blind(err)
			} else if neg {
				err = errUsage
			}
			if err != nil {
				ts.Fatalf("%v\n%s", err, p.scene())
			}
		}
	}
	testscript.Run(t, params)
}

// TestAScriptForEveryModel: a family without a script is one that nobody has seen
// work from end to end.
func TestAScriptForEveryModel(t *testing.T) {
	for _, m := range unit.Models() {
		if found, err := filepath.Glob("testdata/script/scanner-" + m.Name + ".txtar"); err != nil || len(found) == 0 {
			t.Errorf("no script for %s (%v)", m.Name, err)
		}
	}
}

// blind demands that a unit read nothing.
func blind(err error) error {
	switch {
	case errors.Is(err, scannersim.ErrBlind):
		return nil
	case err != nil:
		return err
	}
	return wrong("the unit read it")
}
