package sheet

import (
	"fmt"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/code39"
)

// bars are the widths of bars and spaces in turn, in modules, from the first bar to
// the last.
type bars []int

// code128With holds a Honeywell menu command: a tilde, the command, a full stop that
// has it kept without power, and FNC3, which tells a scanner that the code is for
// itself (ISO/IEC 15417).
func code128With(command string) (bars, error) {
	drawn, err := code128.Encode("~" + command + "." + string(code128.FNC3))
	if err != nil {
		return nil, fmt.Errorf("code 128 of %q: %w", command, err)
	}
	return widths(drawn), nil
}

// code39BetweenSpaces holds an Opticon menu command. Code 39 (ISO/IEC 16388) sets
// the asterisk at both ends; it is cut off here, and the space stands there instead.
// Wide is three times narrow, the most the standard allows and the easiest to read.
func code39BetweenSpaces(command string) (bars, error) {
	drawn, err := code39.Encode(" "+command+" ", false, false)
	if err != nil {
		return nil, fmt.Errorf("code 39 of %q: %w", command, err)
	}
	all := widths(drawn)
	const asterisk = 10 // five bars, four spaces and the gap to the next character
	inner := all[asterisk : len(all)-asterisk]
	for i, w := range inner {
		if w > 1 {
			inner[i] = 3
		}
	}
	return inner, nil
}

// widths measures a drawn code, one pixel of which is a module.
func widths(drawn barcode.Barcode) bars {
	var all bars
	was := false
	for x := range drawn.Bounds().Dx() {
		r, _, _, _ := drawn.At(x, 0).RGBA()
		if is := r == 0; is != was || x == 0 {
			all, was = append(all, 0), is
		}
		all[len(all)-1]++
	}
	return all
}
