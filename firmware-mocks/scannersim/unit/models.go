package unit

import (
	"fmt"
	"slices"
	"strings"
)

// Model is a make of scanner that can be had.
type Model struct {
	Name     string // as in the setting scanner_family of a till: "raw", "zebra-ssi"
	Document string // where its bytes come from
	factory  func() Unit
}

// models are all there are, one row each.
var models = []Model{
	{"raw", "the habit of all units with a serial line: data, then a terminator", func() Unit { return NewRaw(RawSettings{}) }},
	{"zebra-ssi", "Zebra SE-923 and SE955 Integration Guides; DS9908 Product Reference Guide", func() Unit { return NewZebra(ZebraSettings{}) }},
	{"honeywell", "HH1800 User Guide, chapter 9; Xenon/Granit User Guide, pages 38, 77 and 111", func() Unit { return NewHoneywell() }},
	{"newland", "NLS-HR42 User Guide, pages 15 and 16; NLS-HR52 User Manual, page 35", func() Unit { return NewNewland() }},
	{"datalogic", "Magellan 800i Product Reference Guide, page 153; PowerScan Programming Guide, page 143", func() Unit { return NewDatalogic() }},
	{"denso", "QK20-R User's Manual, section 9.4 and appendix 2; AT21B-SM User's Manual, appendix 2", func() Unit { return NewDenso() }},
	{"opticon", "NLV-4001 Specifications Manual, chapter 10; L-46X User's Manual, page 49; OptiConnect SDK", func() Unit { return NewOpticon() }},
}

// Models lists the models that New makes.
func Models() []Model { return slices.Clone(models) }

// New makes a unit of a model, as it leaves the factory and without power. An
// error names the models there are.
func New(name string) (Unit, error) {
	var names []string
	for _, m := range models {
		if m.Name == name {
			return m.factory(), nil
		}
		names = append(names, m.Name)
	}
	return nil, fmt.Errorf("unit: no model is called %q: take one of %s", name, strings.Join(names, ", "))
}
