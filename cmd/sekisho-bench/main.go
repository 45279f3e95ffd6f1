// Sekisho-bench prints the figures that the product promises, one line each:
//
//	bench: NAME VALUE UNIT limit=NAME:VALUE ratio=R goal<=G ok|short
//
// A figure of which nothing is promised has no goal, and the line of one scan ends
// with how many allocations it makes instead.
//
// A figure is a median, measured beside its limit: the work that no
// implementation could leave out, done bare. Both sides run in turn in one
// process, so that a busy or slow machine slows both and the ratio stays. The
// exit status is 0 also when a goal is missed; a figure that cannot be measured
// at all ends with 1.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == fleetArgument {
		if err := serveFleet(); err != nil {
			fmt.Fprintln(os.Stderr, "sekisho-bench: the registers' process:", err)
			os.Exit(1)
		}
		return
	}
	for _, measure := range []func() (fmt.Stringer, error){
		passFigure, scanFigures, cpmFigure, mpmFigure, portFigures,
		denialsSize, denialsLookup, denialsApply,
		offlineApproval, onlineApproval, drainFigures, capsInForce, idle,
		groupFigure, ledgerFigures, deniedSnapshot,
		roundTrip, fleetFigures, reconnects,
	} {
		f, err := measure()
		if err != nil {
			fmt.Fprintln(os.Stderr, "sekisho-bench:", err)
			os.Exit(1)
		}
		fmt.Println(f)
	}
}
