package scannersim

import (
	"image"
	"math"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"

	"sekisho/firmware-mocks/scannersim/unit"
)

// Lines of sight across a picture with bars.
const (
	apart     = 3 // pixels between lines: a narrow bar's width, so that a fleck is on one or two
	direction = 6 // degrees between directions, so that five lines cross long low bars; a line is read both ways
	halfTurn  = 180

	// A crack or a fleck on one line can make another number of it whose check
	// digit fits: of ten broken EAN-13 one does. Units therefore vote (their
	// manuals say redundancy, or security level): so many lines have to say the
	// same, and this many times as many as say anything else. With three lines
	// a cracked EAN-13 was still read as another number, with five none was in
	// 3,000 pictures.
	agreeing  = 5
	outnumber = 3
)

// bars are the symbologies of bars. UPC-A is an EAN-13 that begins with 0 and is
// sent so.
var bars = []struct {
	kind
	modules float64 // from the middle of its first guard to that of its last; 0 where the decoder looks at the margins
}{
	{kind{oned.NewEAN13Reader, eanSymbol}, 95 - guard},
	{kind{oned.NewEAN8Reader, eanSymbol}, 67 - guard},
	{kind{oned.NewCode128Reader, code128Symbol}, 0},
}

// Modules of EAN and UPC symbols (GS1 General Specifications, section 5.2.3): of
// a guard, and of the white that must be on both sides. The standard asks for 7
// and more. The decoder is content with 3, and then finds an EAN-8 in the middle
// of about one Code 128 in a thousand: there white is up to 4 modules wide.
const (
	guard  = 3
	margin = 5
)

// decodeBars reads bars in any direction, upright ones first. The first
// direction in which enough lines agree decides, also that there is no telling:
// lines aslant might cross one of two numbers alone.
func decodeBars(picture *image.Gray) (unit.Symbol, bool) {
	votes := ballot{count: map[unit.Symbol]int{}}
	for degrees := 0; degrees < halfTurn; degrees += direction {
		votes.take(across(picture, float64(degrees)*math.Pi/halfTurn))
		if most := votes.count[votes.first]; most >= agreeing {
			return votes.first, most >= outnumber*(votes.all-most)
		}
	}
	return unit.Symbol{}, false
}

// ballot counts what lines say, of all directions so far.
type ballot struct {
	count map[unit.Symbol]int
	first unit.Symbol // the one with the most
	all   int
}

// take reads each row of a source.
func (b *ballot) take(source gozxing.LuminanceSource) {
	binarizer := gozxing.NewGlobalHistgramBinarizer(source)
	for y := range source.GetHeight() {
		row, err := binarizer.GetBlackRow(y, nil)
		if err != nil {
			continue // nothing dark and bright on this line
		}
		s, ok := readLine(row)
		if !ok {
			continue
		}
		b.all++
		if b.count[s]++; b.count[s] > b.count[b.first] {
			b.first = s
		}
	}
}

// readLine reads one line, from either end.
func readLine(row *gozxing.BitArray) (unit.Symbol, bool) {
	for range 2 {
		for _, k := range bars {
			reader, ok := k.reader().(oned.RowDecoder)
			if !ok {
				continue // the library's readers of bars all are
			}
			result, err := reader.DecodeRow(0, row, hints(false))
			if err != nil {
				continue
			}
			if s, ok := k.symbol(result); ok && s.Data != "" && alone(row, result, k.modules) {
				return s, true
			}
		}
		row.Reverse()
	}
	return unit.Symbol{}, false
}

// alone tells whether there is white on both sides of a symbol, whose guards are
// so many modules apart.
func alone(row *gozxing.BitArray, result *gozxing.Result, modules float64) bool {
	if modules == 0 {
		return true
	}
	left, right := result.GetResultPoints()[0].GetX(), result.GetResultPoints()[1].GetX()
	module := (right - left) / modules
	edge := 2 * module // half of the guard, and half a module of doubt
	return white(row, left-edge-margin*module, left-edge) && white(row, right+edge, right+edge+margin*module)
}

// white tells whether there is nothing dark on a stretch of a line; what is beyond
// the line is white.
func white(row *gozxing.BitArray, from, to float64) bool {
	for x := max(0, int(from)); x < min(row.GetSize(), int(to)); x++ {
		if row.Get(x) {
			return false
		}
	}
	return true
}

// across is the picture along lines in one direction, each a row of its own.
func across(picture *image.Gray, angle float64) gozxing.LuminanceSource {
	sin, cos := math.Sincos(angle)
	width, height := float64(picture.Rect.Dx()), float64(picture.Rect.Dy())
	long := int(math.Ceil(width*math.Abs(cos) + height*math.Abs(sin)))
	deep := width*math.Abs(sin) + height*math.Abs(cos)
	lines := int(deep/apart) + 1
	rows := make([]byte, long*lines)
	for line := range lines {
		down := apart * (float64(line) - float64(lines-1)/2)
		for i := range long {
			along := float64(i) - float64(long)/2
			x, y := width/2+along*cos-down*sin, height/2+along*sin+down*cos
			rows[line*long+i] = light(picture, int(math.Floor(x)), int(math.Floor(y)))
		}
	}
	source, _ := gozxing.NewPlanarYUVLuminanceSource(rows, long, lines, 0, 0, long, lines, false) // it fits its own size
	return source
}
