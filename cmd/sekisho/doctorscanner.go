package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"sekisho/cmd/settings"
	"sekisho/scanner"
	"sekisho/scanner/framing"
	"sekisho/scanner/sheet"
)

// byID is where udev names USB's serial ports by maker, product and number.
var byID = "/dev/serial/by-id"

// makers tells families by what udev takes from the maker's own name for a USB
// unit, and whose units say who they are when they are asked.
var makers = []struct {
	family  framing.Family
	names   []string // in lower case
	answers bool
}{
	{framing.FamilyZebraSSI, []string{"symbol", "zebra", "motorola"}, true},
	{framing.FamilyHoneywell, []string{"honeywell", "hand_held", "metrologic"}, true},
	{framing.FamilyNewland, []string{"newland", "nlscan", "nls-"}, true},
	{framing.FamilyDatalogic, []string{"datalogic", "psc_"}, false},
	{framing.FamilyDenso, []string{"denso"}, false},
	{framing.FamilyOpticon, []string{"opticon", "opto_"}, false},
}

// makerOf gives the family of a port's name; "" where the name is no maker's, as
// that of a cable with an adapter.
func makerOf(path string) framing.Family {
	name := strings.ToLower(filepath.Base(path))
	for _, m := range makers {
		if slices.ContainsFunc(m.names, func(part string) bool { return strings.Contains(name, part) }) {
			return m.family
		}
	}
	return ""
}

// toAsk gives the families in whose languages a port is asked: its maker's alone
// where that is known, since one family's question may be another's command.
func toAsk(maker framing.Family) []framing.Family {
	ask := []framing.Family{}
	for _, m := range makers {
		if m.answers && (maker == "" || maker == m.family) {
			ask = append(ask, m.family)
		}
	}
	return ask
}

// mute gives a family back if its units do not say who they are, and "" for any
// other: what is told to be such a unit is not asked either.
func mute(set framing.Family) framing.Family {
	for _, m := range makers {
		if m.family == set && !m.answers {
			return set
		}
	}
	return ""
}

// candidate is a port on which a scanner may be.
type candidate struct {
	cfg     scanner.Config
	setting string // of the family, where the port is in the configuration; "" where it is not
}

// candidates gives the configured ports and those that udev names, each device
// once, under the name that the configuration has for it.
func candidates(cfg settings.Settings, byID string) []candidate {
	all := []candidate{
		{scanner.Config{Path: cfg.Scanner, Baud: cfg.ScannerBaud, Family: framing.Family(cfg.ScannerFamily)}, "scanner_family"},
		{scanner.Config{Path: cfg.SecondScanner, Baud: cfg.SecondScannerBaud, Family: framing.Family(cfg.SecondScannerFamily)}, "second_scanner_family"},
	}
	named, _ := filepath.Glob(filepath.Join(byID, "*")) // the pattern is a sound one
	for _, path := range named {
		all = append(all, candidate{cfg: scanner.Config{Path: path}})
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(c candidate) bool {
		device := c.cfg.Path
		if real, err := filepath.EvalSymlinks(device); err == nil {
			device = real
		}
		twice := seen[device]
		seen[device] = true
		return twice || c.cfg.Path == ""
	})
}

// portFinding is what was found at one port.
type portFinding struct {
	Port    string           `json:"port"`
	Setting string           `json:"setting,omitempty"` // scanner_family or second_scanner_family, where it is configured
	Level   level            `json:"level"`
	State   string           `json:"state"`            // "answered", "silent", "busy", "absent" or another reason of package scanner
	Asked   []framing.Family `json:"asked"`            // in whose languages
	Family  framing.Family   `json:"family,omitempty"` // which to set
	Unit    string           `json:"unit,omitempty"`   // what the unit says of itself
	Says    string           `json:"says"`
	Remedy  string           `json:"remedy,omitempty"`
}

// probeAll asks all ports at once, since each may take seconds.
func probeAll(ctx context.Context, ports []candidate) []portFinding {
	found := make([]portFinding, len(ports))
	var all sync.WaitGroup
	for i, c := range ports {
		all.Go(func() { found[i] = probe(ctx, c) })
	}
	all.Wait()
	return found
}

// probe asks one port and judges what it said.
func probe(ctx context.Context, c candidate) portFinding {
	maker := makerOf(c.cfg.Path)
	f := portFinding{Port: c.cfg.Path, Setting: c.setting, Asked: toAsk(cmp.Or(maker, mute(c.cfg.Family)))}
	family, unit, err := scanner.Ask(ctx, scanner.Config{Path: c.cfg.Path, Baud: c.cfg.Baud}, f.Asked)
	port, isPort := errors.AsType[*scanner.PortError](err)
	switch {
	case isPort && port.Reason == scanner.ReasonBusy:
		f.State, f.Asked = port.Reason, []framing.Family{}
		f.Says = "in use, as by sekishod; it was not asked"
		if maker != "" {
			f.Says += fmt.Sprintf("; by its name it is of the family %s", maker)
		}
	case isPort:
		f.State, f.Asked, f.Level = port.Reason, []framing.Family{}, warn
		f.Says, f.Remedy = port.Reason, noPort(c.cfg.Path, port.Reason).Error()
		if c.setting != "" {
			f.Level = fail
		}
	case err != nil:
		f.State, f.Level, f.Says = "failed", fail, err.Error()
	case unit != "":
		f.State, f.Family, f.Unit = "answered", family, unit
		f.Says = fmt.Sprintf("%s: %s", family, unit)
		f.compare(c)
	default:
		f.silent(c, maker)
	}
	return f
}

// silent judges a unit that said nothing: it is raw until it is told to speak its
// maker's protocol.
func (f *portFinding) silent(c candidate, maker framing.Family) {
	f.State, f.Family = "silent", framing.FamilyRaw
	f.Says = "silent, so raw" + tried(f.Asked)
	switch set := c.cfg.Family; {
	case maker != "" && len(f.Asked) == 0:
		f.Family = maker
		f.Says = fmt.Sprintf("by its name of the family %s, whose units do not say who they are", maker)
		f.compare(c)
	case len(f.Asked) == 0:
		f.Family = set
		f.Says = fmt.Sprintf("not asked: units of the configured family %s do not say who they are", set)
	case c.setting != "" && set != "" && set != framing.FamilyRaw && slices.Contains(f.Asked, set):
		f.Level = warn
		f.Remedy = fmt.Sprintf("the unit does not speak %s: set it up by %s, or write %s = %q; see that the baud rate is the unit's", set, manual(set), c.setting, framing.FamilyRaw)
	}
}

// manual says where the codes are that set a unit up.
func manual(f framing.Family) string {
	if slices.Contains(sheet.Families(), f) {
		return "its own manual or the codes that --sheet FILE draws"
	}
	return "its own manual"
}

// tried says in whose languages a unit was asked.
func tried(asked []framing.Family) string {
	if len(asked) == 0 {
		return ""
	}
	return fmt.Sprintf("; asked as %s", join(asked))
}

func join(list []framing.Family) string {
	words := make([]string, len(list))
	for i, f := range list {
		words[i] = string(f)
	}
	return strings.Join(words, ", ")
}

// compare holds the family found against the configured one.
func (f *portFinding) compare(c candidate) {
	set := cmp.Or(c.cfg.Family, framing.FamilyRaw)
	switch {
	case c.setting == "":
		f.Remedy = fmt.Sprintf("to use it: scanner = %q and scanner_family = %q", c.cfg.Path, f.Family)
	case set != f.Family:
		f.Level = warn
		f.Remedy = fmt.Sprintf("write %s = %q into the configuration, then restart sekishod", c.setting, f.Family)
	}
}

// doctorScanner is "sekisho doctor scanner".
func (s *staff) doctorScanner() *cobra.Command {
	var asJSON bool
	var sheetFile, family string
	cmd := &cobra.Command{
		Use: "scanner", Short: "Find the scanners, and say how to set them", Args: cobra.NoArgs,
		Long: "Scanner looks at the configured ports and at those under " + byID + ", and asks each unit that no\n" +
			"program holds who it is. A unit that does not answer counts as raw: it may need to be set up first.\n" +
			"Exit codes: 0 all is well, 1 something should be looked at, 2 a configured scanner is not there.\n\n" +
			"With --sheet it asks no unit, but draws the programming codes that set one up, where public texts give\n" +
			"them; where none do, it says what to look for in the unit's guide, with exit code 2.",
		Example: "  sekisho doctor scanner\n  sekisho doctor scanner --sheet codes.pdf --family honeywell",
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			s.begun = true
			return s.settle(cmd.Flags().Changed("config"))
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case sheetFile != "" && asJSON:
				return person(errors.New("a sheet is no JSON: say --sheet or --json"))
			case sheetFile != "":
				return s.drawSheet(sheetFile, family)
			case family != "":
				return person(errors.New("--family is of a sheet: say --sheet FILE too"))
			}
			found := probeAll(cmd.Context(), candidates(s.cfg, byID))
			if cmd.Context().Err() != nil {
				return context.Cause(cmd.Context()) // what was broken off found nothing out
			}
			if err := s.reportPorts(found, asJSON); err != nil {
				return err
			}
			worst := ok
			if len(found) == 0 {
				worst = fail
			}
			for _, f := range found {
				worst = max(worst, f.Level)
			}
			if worst == ok {
				return nil
			}
			return &exit{int(worst), nil}
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	cmd.Flags().StringVar(&sheetFile, "sheet", "", "draw programming codes into a new `FILE`, PDF or PNG by its name")
	cmd.Flags().StringVar(&family, "family", "", fmt.Sprintf("`NAME` of the sheet's family; the configured one if none is named; codes are known for %s", join(sheet.Families())))
	return cmd
}

func (s *staff) reportPorts(found []portFinding, asJSON bool) error {
	if asJSON {
		return s.writeJSON(struct {
			Ports []portFinding `json:"ports"`
		}{found})
	}
	if len(found) == 0 {
		fmt.Fprintf(s.out, "no port: none is configured, and there is none under %s\n-> plug the scanner in; a USB unit must be set to a serial port (USB COM), not to a keyboard:\n   --sheet FILE draws the codes for it, for %s\n", byID, join(sheet.Families()))
		return nil
	}
	rows := make([]finding, len(found))
	for i, f := range found {
		rows[i] = finding{Check: f.Port, Level: f.Level, Says: f.Says, Remedy: f.Remedy}
	}
	return s.listFindings(rows)
}
