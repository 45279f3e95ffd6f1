// Package sheet draws the programming codes that set up a maker's scanner on a page
// of A4, as PDF or PNG, for the technician in the store.
//
// A Sheet is a family's page: its Steps in the order in which they are shown to the
// unit, and the texts they come from. A code is drawn only where public texts state
// both its symbology and its content in words, since a guessed code may set
// anything. No real unit has read these pages, and the page says so. A family
// without such texts has no Sheet: For tells what to look for in the unit's guide.
package sheet

import (
	"fmt"
	"strings"

	"sekisho/scanner/framing"
)

// Sheet is the page of a family.
type Sheet struct {
	Family  framing.Family
	Maker   string
	Symbols string   // what the codes are, in a line
	Steps   []Step   // at most eight fit
	After   []string // what to do when all codes were shown, in lines
	Sources []string // in lines; "[1] " and so on begins one that the rest refers to

	encode func(command string) (bars, error)
}

// Step is a code to be shown to the unit.
type Step struct {
	Does    string // what it sets
	Note    string // when to leave it out, or what to mind
	Command string // what the maker calls it
	Holds   string // the content of the code, in words
	Sources string // as "[1] [3]"
}

// sheets are the families whose codes can be drawn.
var sheets = []Sheet{honeywell, opticon}

// Families gives those that have a Sheet.
func Families() []framing.Family {
	families := make([]framing.Family, len(sheets))
	for i, s := range sheets {
		families[i] = s.Family
	}
	return families
}

// For gives the page of a family, or a *NoCodesError.
func For(family framing.Family) (Sheet, error) {
	for _, s := range sheets {
		if s.Family == family {
			return s, nil
		}
	}
	return Sheet{}, &NoCodesError{family}
}

// NoCodesError says that no public text gives a family's programming codes.
type NoCodesError struct{ Family framing.Family }

// Error names what to look for in the maker's guide, or says that the family is no maker's.
func (e *NoCodesError) Error() string {
	if words, ok := guides[e.Family]; ok {
		return fmt.Sprintf("no public text gives the programming codes of %s units in words: take the unit's own guide, and look in it for %s", e.Family, words)
	}
	return fmt.Sprintf("%s is no maker's family, so it has no programming codes: name the maker's with --family", e.Family)
}

// words are the names under which a guide has the codes that a till needs.
type words struct{ serial, cr, verdict string }

func (w words) String() string {
	all := []string{w.serial + " (a serial line over USB)", w.cr + " (CR behind each code)"}
	if w.verdict != "" {
		all = append(all, w.verdict+" (the beep after the verdict)")
	}
	return strings.Join(all, ", ")
}

// guides are from the makers' guides that package framing names.
var guides = map[framing.Family]words{
	framing.FamilyZebraSSI:  {`"USB CDC Host" or "SSI"`, `"Scan Suffix" or "Enter key"`, ""},
	framing.FamilyHoneywell: {`"USB Serial"`, `"Add CR Suffix"`, `"Host ACK On"`},
	framing.FamilyNewland:   {`"USB CDC" or "USB COM"`, `"Terminating Character Suffix"`, ""},
	framing.FamilyDatalogic: {`"USB-COM"`, `"Global Suffix"`, `"Good Read Beep" off`},
	framing.FamilyDenso:     {`"USB-COM interface"`, `"Terminator: CR"`, `beeper off`},
	framing.FamilyOpticon:   {`"USB-VCP" or "USB-COM"`, `"Suffix"`, ""},
}
