package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sekisho/scanner"
	"sekisho/scanner/framing"
	"sekisho/scanner/payload"
)

// scan is "sekisho scan".
func (s *staff) scan() *cobra.Command {
	cfg := scanner.Config{}
	family, count := "", 0
	cmd := &cobra.Command{
		Use: "scan --port PATH", Short: "Try a scanner: print each scan as a line of JSON", Args: cobra.NoArgs,
		Long: "Scan reads a scanner while no sekishod does, tells what each code is, and lets the unit beep: good for\n" +
			"whatever was read. Of goods it prints the number, of any other code no more than its end. It ends with\n" +
			"Ctrl-C, or after --count scans.",
		Example:          "  sekisho scan --port /dev/serial/by-id/usb-SCANNER --family honeywell",
		PersistentPreRun: func(*cobra.Command, []string) { s.begun = true }, // needs no register
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cfg.Path == "" {
				return person(errors.New("--port is the path of the scanner's port: see what is under /dev/serial/by-id"))
			}
			if count < 0 {
				return person(errors.New("--count is the number of scans to wait for: 1 or more, or 0 for no end"))
			}
			cfg.Family = framing.Family(family)
			if err := cfg.Check(); err != nil {
				return person(err)
			}
			return s.watch(cmd.Context(), cfg, count)
		},
	}
	cmd.Flags().StringVar(&cfg.Path, "port", "", "`PATH` of the scanner's port, best under /dev/serial/by-id")
	cmd.Flags().StringVar(&family, "family", string(framing.FamilyRaw), "`NAME` of the protocol that the unit speaks: one of "+join(framing.Families()))
	cmd.Flags().IntVar(&cfg.Baud, "baud", 0, "speed `N` of the line, as the unit is set; 0 is 9600, USB units have none")
	cmd.Flags().IntVar(&count, "count", 0, "end after `N` scans; 0 never does")
	return cmd
}

// scanLine is one scan, or what was dropped in place of one. It holds nothing of
// what was scanned but an article's number and, of any other code, the end.
type scanLine struct {
	Family     framing.Family `json:"family"`
	Symbology  string         `json:"symbology,omitempty"`
	Identifier string         `json:"identifier,omitempty"` // AIM, "" where the unit sends none
	Kind       string         `json:"kind,omitempty"`
	Why        string         `json:"why,omitempty"` // a code that is none of ours
	GTIN       string         `json:"gtin,omitempty"`
	AddOn      string         `json:"add_on,omitempty"`
	Masked     string         `json:"masked,omitempty"`
	Length     int            `json:"length,omitempty"`  // bytes of text
	Dropped    string         `json:"dropped,omitempty"` // why
	Bytes      int            `json:"bytes,omitempty"`   // of what was dropped
}

// lineOf tells of an event; it has no line for the port's own.
func lineOf(f framing.Family, e scanner.Event) (line scanLine, ok bool) {
	line.Family = f
	switch e.Kind {
	case scanner.Scanned:
		id := e.Frame.Symbology
		c := payload.Classify(id, e.Frame.Text, nil)
		line.Symbology, line.Identifier, line.Length = id.Symbology(), string(id), len(e.Frame.Text)
		line.Kind, line.Why, line.GTIN, line.AddOn = c.Kind.String(), c.Why, c.GTIN, c.AddOn
		if c.Kind != payload.Goods {
			line.Masked = c.Masked()
		}
		return line, true
	case scanner.Dropped:
		line.Dropped, line.Bytes = e.Reason, e.Bytes
		return line, true
	}
	return line, false
}

// watch prints what a scanner says until parent ends, count scans have come (0 is
// without end) or nobody reads any more. A port that is not to be had at the start
// is an error; one that goes away later comes back.
func (s *staff) watch(parent context.Context, cfg scanner.Config, count int) error {
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	gone := make(chan os.Signal, 1)
	signal.Notify(gone, syscall.SIGPIPE) // else it kills us before the unit is let go
	defer signal.Stop(gone)
	scans, came := 0, false
	err := scanner.New(cfg, nil).Run(ctx, func(e scanner.Event) {
		switch {
		case ctx.Err() != nil:
		case e.Kind == scanner.Connected:
			came = true
			fmt.Fprintln(s.err, "scan now; Ctrl-C ends")
		case e.Kind == scanner.Disconnected && !came:
			stop(person(noPort(cfg.Path, e.Reason)))
		case e.Kind == scanner.Disconnected:
			fmt.Fprintln(s.err, "the scanner has gone:", e.Reason)
		default:
			e.Reply(soundOf(e.Kind))
			if err := s.printScan(cfg.Family, e); err != nil {
				stop(err)
			}
			if e.Kind == scanner.Scanned {
				if scans++; scans == count {
					stop(nil)
				}
			}
		}
	})
	if err != nil {
		return person(err)
	}
	why := context.Cause(ctx)
	if parent.Err() != nil || why == context.Canceled || errors.Is(why, syscall.EPIPE) {
		return nil // an end as it should be
	}
	return why
}

// soundOf is what the unit says of a scan.
func soundOf(k scanner.EventKind) framing.Answer {
	if k == scanner.Scanned {
		return framing.Good
	}
	return framing.Bad
}

func (s *staff) printScan(f framing.Family, e scanner.Event) error {
	line, ok := lineOf(f, e)
	if !ok {
		return nil
	}
	return json.NewEncoder(s.out).Encode(line)
}

// noPort says in words why a port cannot be had, and what to do.
func noPort(path, reason string) error {
	what := map[string]string{
		scanner.ReasonBusy:      "is in use: stop sekishod first (systemctl stop sekishod), or whatever program holds it",
		scanner.ReasonAbsent:    "is not there: plug the scanner in and see what is under /dev/serial/by-id",
		scanner.ReasonDenied:    "may not be opened by you: run sekisho as the same user as sekishod, or as root",
		scanner.ReasonNotAPort:  "is no serial port: take one under /dev/serial/by-id",
		scanner.ReasonUnplugged: "went away as it was opened: see the cable, and try again",
	}[reason]
	if what == "" {
		what = "cannot be opened: the kernel's log (dmesg) says why"
	}
	return fmt.Errorf("%s %s", path, what)
}
