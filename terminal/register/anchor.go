package register

import (
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

// Anchor is kept in the run directory, which lasts from one boot to the next:
// it survives a killed process and dies at a reboot. By it an older ledger that
// is put back without a reboot is seen, and the backend's time is not lost with
// the process.
type Anchor struct {
	Incarnation terminal.Incarnation
	Head        journal.Head  // of the journal, after the last commit
	Told        time.Time     // the backend's last word on the time; zero: none
	ToldAt      time.Duration // when it came, on the boot clock
	Heard       bool
	HeardAt     time.Duration
}

// AnchorStore keeps the anchor. Save is called after each commit and before
// what it decided is shown; it need not reach the disk.
type AnchorStore interface {
	Save(a Anchor) error
}
