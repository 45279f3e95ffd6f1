package sheet

import "fmt"

// A4 in millimetres, and the margin around what is printed.
const (
	width, height = 210.0, 297.0
	margin        = 18.0
)

// perInch is the picture's dots to the inch, and the grid on which bars begin, so
// that a printer of 300, 600 or 1200 makes all narrow bars alike.
const perInch = 300

// module is the width of the narrowest bar: five dots, 0.42 mm.
const module = 5 * 25.4 / perInch

// canvas is a page to draw on: millimetres from its upper left corner.
type canvas interface {
	fill(x, y, w, h float64)
	text(x, y, points float64, bold bool, line string) // x and y of its base line's begin
}

// pitch is the height of a step.
const pitch = 24.5

// draw lays the page out.
func (s Sheet) draw(c canvas) error {
	c.text(margin, 20, 18, true, "Programming codes for "+s.Maker+" scanners")
	c.text(margin, 26, 9, false, fmt.Sprintf("Sekisho, scanner family %q. Print at full size, black on white. Show the codes to the unit in their order, and", s.Family))
	c.text(margin, 30, 9, false, "cover the others with a sheet of paper, so that it reads no wrong one.")
	frame(c, margin, 33.5, width-2*margin, 13)
	c.text(margin+3, 38.8, 9, true, "No real unit has read this page: its codes were made from the texts named below.")
	c.text(margin+3, 43.3, 9, false, "If the unit sounds an error or does something else, stop, and use the maker's guide instead.")
	c.text(margin, 52.5, 9, false, s.Symbols)
	y := 56.0
	for i, step := range s.Steps {
		if err := s.row(c, y, i+1, step); err != nil {
			return err
		}
		y += pitch
	}
	c.fill(margin, y, width-2*margin, 0.2)
	s.foot(c, y+5)
	return nil
}

// row draws a step below y: words on the left, the code on the right.
func (s Sheet) row(c canvas, y float64, number int, step Step) error {
	const words, code, bar = margin + 11, 1394 * 25.4 / perInch, 14.0
	c.fill(margin, y, width-2*margin, 0.2)
	c.text(margin, y+9, 18, true, fmt.Sprint(number))
	c.text(words, y+7, 12, true, step.Does)
	lines := []string{"Holds:  " + step.Holds, "Source:  " + step.Sources}
	if step.Note != "" {
		lines = append([]string{step.Note}, lines...)
	}
	for i, line := range lines {
		c.text(words, y+12+float64(i)*4.3, 9, false, line)
	}
	coded, err := s.encode(step.Command)
	if err != nil {
		return err
	}
	x := code
	for i, modules := range coded {
		w := float64(modules) * module
		if i%2 == 0 {
			c.fill(x, y+4, w, bar)
		}
		x += w
	}
	c.text(code, y+22, 9, false, step.Command)
	return nil
}

// foot draws what is below the codes.
func (s Sheet) foot(c canvas, y float64) {
	lines := append([]string{}, s.After...)
	lines = append(lines,
		fmt.Sprintf(`A code that the unit does not take is in its guide: look for %s.`, guides[s.Family].serial+" and "+guides[s.Family].cr),
		fmt.Sprintf(`Then write scanner_family = %q into the configuration, and try: sekisho scan --port PATH --family %s`, s.Family, s.Family))
	for _, line := range lines {
		c.text(margin, y, 9, false, line)
		y += 4.2
	}
	y += 1.5
	for _, line := range s.Sources {
		c.text(margin, y, 7, false, line)
		y += 3.2
	}
}

// frame draws the edge of a box.
func frame(c canvas, x, y, w, h float64) {
	const line = 0.4
	c.fill(x, y, w, line)
	c.fill(x, y+h-line, w, line)
	c.fill(x, y, line, h)
	c.fill(x+w-line, y, line, h)
}
