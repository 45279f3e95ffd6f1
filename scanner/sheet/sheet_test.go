package sheet

import (
	"bytes"
	"compress/zlib"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"codeberg.org/go-pdf/fpdf"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"

	"sekisho/scanner/framing"
)

// Patterns of the standards, written down from their tables.
var (
	space39    = bars{1, 3, 3, 1, 1, 1, 3, 1, 1} // ISO/IEC 16388: narrow, wide, wide, narrow, ...
	asterisk39 = bars{1, 3, 1, 1, 3, 1, 3, 1, 1}
	fnc3       = bars{1, 1, 4, 3, 1, 1} // ISO/IEC 15417: value 96
)

// The codes hold what their steps say, as an independent reader has it.

func TestHoneywellCodesAreCode128WithFNC3(t *testing.T) {
	want := []string{"~DEFALT.", "~TRMUSB130.", "~VSUFCR."}
	for i, step := range honeywell.Steps {
		coded := encoded(t, honeywell, step)
		got := read(t, oned.NewCode128Reader(), coded)
		if got.GetText() != want[i] || step.Holds != want[i]+" and FNC3" {
			t.Errorf("%s reads %q and is said to hold %q, want %q", step.Command, got.GetText(), step.Holds, want[i])
		}
		if values := got.GetRawBytes(); values[len(values)-3] != 96 { // behind it the check character and the stop
			t.Errorf("%s has no FNC3 at its end: %v", step.Command, values)
		}
		if n := len(coded) - 6 - 7; !slices.Equal(coded[n-6:n], fnc3) {
			t.Errorf("%s has other bars for FNC3: %v", step.Command, coded)
		}
	}
}

func TestOpticonCodesAreCode39BetweenSpaces(t *testing.T) {
	want := []string{"ZZ", "C01", "ZZ", "ZZ", "MG", "RZ", "1M", "ZZ"}
	for i, step := range opticon.Steps {
		coded := encoded(t, opticon, step)
		n := len(coded) - len(space39)
		if !slices.Equal(coded[:len(space39)], space39) || !slices.Equal(coded[n:], space39) {
			t.Errorf("%s is not between spaces: %v", step.Command, coded)
		}
		ordinary := slices.Concat(asterisk39, coded[len(space39):n], asterisk39)
		if got := read(t, oned.NewCode39Reader(), ordinary).GetText(); got != want[i] {
			t.Errorf("%s reads %q, want %q", step.Command, got, want[i])
		}
		if holds := strings.Join(strings.Split(want[i], ""), " ") + " between two spaces"; step.Holds != holds {
			t.Errorf("%s is said to hold %q, want %q", step.Command, step.Holds, holds)
		}
	}
}

// Both files show these codes, five dots to the module.

func TestPNGShowsTheCodes(t *testing.T) {
	for _, s := range sheets {
		page, err := newPicture()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.draw(page); err != nil {
			t.Fatal(err)
		}
		for i, step := range s.Steps {
			y := dots(56 + pitch*float64(i) + 10)
			if got, want := runs(page.image, dots(115), dots(width-margin), y), dotted(encoded(t, s, step)); !slices.Equal(got, want) {
				t.Errorf("%s %d: %v, want %v", s.Family, i+1, got, want)
			}
		}
	}
}

func TestPNGIsA4At300DotsToTheInch(t *testing.T) {
	var file bytes.Buffer
	if err := opticon.PNG(&file); err != nil {
		t.Fatal(err)
	}
	page, err := png.DecodeConfig(&file)
	if err != nil || page.Width != 2480 || page.Height != 3508 {
		t.Errorf("%d by %d, %v", page.Width, page.Height, err)
	}
}

func TestPDFShowsTheCodes(t *testing.T) {
	for _, s := range sheets {
		var file bytes.Buffer
		if err := s.PDF(&file); err != nil {
			t.Fatal(err)
		}
		areas := filled(t, file.Bytes())
		for i, step := range s.Steps {
			top := height - (56 + pitch*float64(i) + 4)
			var got bars
			end := 0.0
			for _, a := range areas {
				if math.Abs(a[1]-top) > 0.02 {
					continue
				}
				if end > 0 {
					got = append(got, inModules(a[0]-end))
				}
				got = append(got, inModules(a[2]))
				end = a[0] + a[2]
				if blackened := math.Ceil(end*perInch/25.4) - math.Floor(a[0]*perInch/25.4); blackened != 5*float64(inModules(a[2])) {
					t.Errorf("%s %d: a bar of %d modules blackens %v dots", s.Family, i+1, inModules(a[2]), blackened)
				}
			}
			if want := encoded(t, s, step); !slices.Equal(got, want) {
				t.Errorf("%s %d: %v, want %v", s.Family, i+1, got, want)
			}
		}
	}
}

// Nothing is off the page or in a code's quiet zone, in either file's letters, and
// the PDF's have every character.
func TestWordsFitThePage(t *testing.T) {
	for _, s := range sheets {
		m := newMeasure(t)
		if err := s.draw(m); err != nil {
			t.Fatal(err)
		}
		for _, l := range m.lines {
			limit := width - margin
			if l.x == margin+11 {
				limit = 1394*25.4/perInch - 10*module // the words beside a code
			}
			if l.right > limit || l.y > height-10 || strings.ContainsFunc(l.text, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%s: %q ends at %.1f, %.1f; the limit is %.1f", s.Family, l.text, l.right, l.y, limit)
			}
		}
		if !slices.ContainsFunc(m.lines, func(l line) bool { return strings.HasPrefix(l.text, "No real unit has read this page") }) {
			t.Errorf("%s does not warn", s.Family)
		}
	}
}

// A code without a source is not drawn, and no source stands there for nothing.
func TestEveryCodeNamesItsSources(t *testing.T) {
	mark := regexp.MustCompile(`\[\d\]`)
	for _, s := range sheets {
		var has []string
		for _, l := range s.Sources {
			has = append(has, mark.FindAllString(l, 1)...)
		}
		cited := mark.FindAllString(s.Symbols, -1)
		for i, step := range s.Steps {
			cites := mark.FindAllString(step.Sources, -1)
			if len(cites) == 0 {
				t.Errorf("%s %d has no source", s.Family, i+1)
			}
			cited = append(cited, cites...)
		}
		slices.Sort(cited)
		if cited = slices.Compact(cited); !slices.Equal(cited, has) {
			t.Errorf("%s cites %v of %v", s.Family, cited, has)
		}
	}
}

func TestAFamilyWithoutCodesNamesTheGuidesWords(t *testing.T) {
	for _, f := range framing.Families() {
		_, err := For(f)
		none, isNone := errors.AsType[*NoCodesError](err)
		switch drawn := slices.Contains(Families(), f); {
		case drawn && err == nil:
		case drawn, !isNone, none.Family != f:
			t.Errorf("%s: %v", f, err)
		case f == framing.FamilyRaw && !strings.Contains(err.Error(), "--family"):
			t.Errorf("raw: %v", err)
		case f != framing.FamilyRaw && !strings.Contains(err.Error(), guides[f].serial):
			t.Errorf("%s: %v", f, err)
		}
	}
}

func encoded(t *testing.T, s Sheet, step Step) bars {
	t.Helper()
	coded, err := s.encode(step.Command)
	if err != nil {
		t.Fatal(err)
	}
	return coded
}

// read draws bars with a quiet zone and has them read.
func read(t *testing.T, r gozxing.Reader, coded bars) *gozxing.Result {
	t.Helper()
	const quiet, dot = 20, 3
	total := 0
	for _, w := range coded {
		total += w
	}
	drawn := image.NewGray(image.Rect(0, 0, (total+2*quiet)*dot, 40))
	for i := range drawn.Pix {
		drawn.Pix[i] = 255
	}
	x := quiet * dot
	for i, w := range coded {
		for range w * dot {
			for y := range 40 {
				if i%2 == 0 {
					drawn.SetGray(x, y, color.Gray{})
				}
			}
			x++
		}
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(drawn)
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Decode(bitmap, nil)
	if err != nil {
		t.Fatalf("%v is not read: %v", coded, err)
	}
	return result
}

// runs are the widths of black and white in turn on a line of a picture, from the
// first black to the last.
func runs(page image.Image, from, to, y int) bars {
	var all bars
	was := false
	for x := from; x < to; x++ {
		r, _, _, _ := page.At(x, y).RGBA()
		if is := r == 0; is != was {
			all, was = append(all, 0), is
		}
		if len(all) > 0 {
			all[len(all)-1]++
		}
	}
	if len(all)%2 == 0 {
		all = all[:max(0, len(all)-1)] // the white behind the last
	}
	return all
}

func dotted(coded bars) bars {
	out := slices.Clone(coded)
	for i := range out {
		out[i] *= 5
	}
	return out
}

func inModules(mm float64) int { return int(math.Round(mm / (5 * 25.4 / 300))) }

// filled gives the rectangles that a PDF of one page fills: x, upper edge, width and
// height in millimetres from the lower left corner.
func filled(t *testing.T, file []byte) [][4]float64 {
	t.Helper()
	_, behind, _ := bytes.Cut(file, []byte("stream\n"))
	r, err := zlib.NewReader(bytes.NewReader(behind))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var all [][4]float64
	for _, m := range regexp.MustCompile(`(?m)^(\S+) (\S+) (\S+) (\S+) re f$`).FindAllSubmatch(content, -1) {
		var a [4]float64
		for i := range a {
			points, err := strconv.ParseFloat(string(m[i+1]), 64)
			if err != nil {
				t.Fatal(err)
			}
			a[i] = points * 25.4 / 72
		}
		all = append(all, a)
	}
	return all
}

// measure is a canvas that notes where lines end, in the wider of both files'
// letters.
type measure struct {
	t     *testing.T
	doc   *fpdf.Fpdf
	page  *picture
	lines []line
}

type line struct {
	x, y, right float64
	text        string
}

func newMeasure(t *testing.T) *measure {
	page, err := newPicture()
	if err != nil {
		t.Fatal(err)
	}
	return &measure{t: t, doc: fpdf.New("P", "mm", "A4", ""), page: page}
}

func (m *measure) fill(float64, float64, float64, float64) {}

func (m *measure) text(x, y, points float64, bold bool, words string) {
	style, letters := "", m.page.regular
	if bold {
		style, letters = "B", m.page.bold
	}
	m.doc.SetFont("Helvetica", style, points)
	face, err := opentype.NewFace(letters, &opentype.FaceOptions{Size: points, DPI: perInch, Hinting: font.HintingFull})
	if err != nil {
		m.t.Fatal(err)
	}
	drawn := float64(font.MeasureString(face, words).Ceil()) * 25.4 / perInch
	m.lines = append(m.lines, line{x, y, x + max(drawn, m.doc.GetStringWidth(words)), words})
}
