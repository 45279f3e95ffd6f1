package scannersim

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"testing"

	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/firmware-mocks/walletsim/wear"
)

// worn are codes of each kind, and how the unit names them.
var worn = []struct {
	name, identifier, text string
	draw                   func(string) (image.Image, error)
}{
	{"pass", "]Q1", "SK1:" + strings.Repeat("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", 11)[:456], walletsim.QR},
	{"EMV", "]Q1", "hQVDUFYwMWEaTwegAAAAVVVVVw8SNFZ4kBI0WNGRIgESNF8=", walletsim.QR}, // EMVCo CPM 1.1, B.1
	{"elements", "]d2", "010950600013435210ABC\x1d17270630", walletsim.GS1DataMatrix},
	{"wallet's digits", "]C0", "900081818812345678901234", walletsim.Code128},
	{"JAN-13", "]E0", "4902777130835", walletsim.EAN},
	{"JAN-8", "]E4", "49400762", walletsim.EAN},
}

// A worn code is read as what was drawn, or not at all: another text would
// charge somebody else. As bad as in life, nine in ten of each wear are read;
// twice as bad, as many as may be. The seeds are fixed.
func TestAWornCodeIsReadOrRefused(t *testing.T) {
	const seeds = 4
	for _, w := range wear.All() {
		t.Run(w.Name, func(t *testing.T) {
			t.Parallel()
			read, all := 0, 0
			for _, c := range worn {
				clean, err := c.draw(c.text)
				if err != nil {
					t.Fatal(err)
				}
				want := unit.Symbol{Identifier: c.identifier, Data: c.text}
				for seed := range uint64(seeds) {
					all++
					if readOrRefused(t, w.Apply(clean, 1, seed), want) {
						read++
					}
				}
				readOrRefused(t, w.Apply(clean, 2, seeds), want)
			}
			t.Logf("%d of %d read", read, all)
			if read*10 < all*9 {
				t.Errorf("%d of %d read, want nine in ten", read, all)
			}
		})
	}
}

// readOrRefused tells which of the two it was; all else fails the test.
func readOrRefused(t *testing.T, picture image.Image, want unit.Symbol) bool {
	t.Helper()
	got, err := decode(picture)
	if err != nil && !errors.Is(err, ErrUnreadable) || err == nil && got != want {
		t.Errorf("read %+v (%v), drawn %+v", got, err, want)
	}
	return err == nil
}

// quarter turns a picture to the right.
func quarter(p *image.Gray) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, p.Rect.Dy(), p.Rect.Dx()))
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			out.SetGray(p.Rect.Dy()-1-y, x, p.GrayAt(x, y))
		}
	}
	return out
}

// Bars come in any direction, as a hand holds them.
func TestBarsAreReadInAnyDirection(t *testing.T) {
	rotation, ok := wear.Named("rotation")
	if !ok {
		t.Fatal("there is no rotation")
	}
	clean, err := walletsim.Code128("900081818812345678901234")
	if err != nil {
		t.Fatal(err)
	}
	held := grey(clean)
	for quarters := range 4 {
		for _, strength := range []float64{0, 0.8, 2} { // 8 to 16, and 20 to 40 degrees, to either side
			if !readOrRefused(t, rotation.Apply(held, strength, uint64(quarters)), unit.Symbol{Identifier: "]C0", Data: "900081818812345678901234"}) {
				t.Errorf("%d quarters, strength %v: not read", quarters, strength)
			}
		}
		held = quarter(held)
	}
}

// A picture may be a part of another, and transparent where it is white.
func TestAPictureMayLieAnywhereAndBeTransparent(t *testing.T) {
	clean, err := walletsim.EAN("4902777130835")
	if err != nil {
		t.Fatal(err)
	}
	at := image.Pt(400, -300)
	sheet := image.NewNRGBA(image.Rect(0, -600, 1000, 600)) // transparent
	inked := clean.Bounds().Add(at)
	for y := inked.Min.Y; y < inked.Max.Y; y++ {
		for x := inked.Min.X; x < inked.Max.X; x++ {
			if r, _, _, _ := clean.At(x-at.X, y-at.Y).RGBA(); r == 0 {
				sheet.Set(x, y, color.Black)
			}
		}
	}
	if !readOrRefused(t, sheet.SubImage(inked), unit.Symbol{Identifier: "]E0", Data: "4902777130835"}) {
		t.Error("not read")
	}
}

// stacked is a picture of one article's bars, those of another from a row on,
// and nothing from a later row on.
func stacked(t *testing.T, upper, lower string, from, until int) image.Image {
	t.Helper()
	top, err1 := walletsim.EAN(upper)
	bottom, err2 := walletsim.EAN(lower)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	const quiet, high = 33, 90 // pixels above the bars, and of the bars
	out := grey(top)
	draw.Draw(out, image.Rect(0, quiet+from, out.Rect.Dx(), quiet+high), bottom, image.Pt(0, quiet+from), draw.Src)
	draw.Draw(out, image.Rect(0, quiet+until, out.Rect.Dx(), quiet+high), image.White, image.Point{}, draw.Src)
	return out
}

// A crack or a fleck can make of a line another number whose check digit fits.
// So a number must stand on several lines, and clearly outnumber any other.
func TestOneLineOfBarsIsNotBelieved(t *testing.T) {
	const a, b = "4902777130835", "4971633002005"
	for _, c := range []struct {
		name        string
		from, until int // rows of 90
		want        string
	}{
		{"whole", 90, 90, a},
		{"24 rows left", 24, 24, a},
		{"9 rows left", 9, 9, ""},
		{"9 rows of another", 81, 90, a},
		{"a third of another", 60, 90, ""},
		{"half of another", 45, 90, ""},
		{"9 rows before another", 9, 90, b},
	} {
		got, err := decode(stacked(t, a, b, c.from, c.until))
		if got.Data != c.want || (c.want == "") != errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: read %q (%v), want %q", c.name, got.Data, err, c.want)
		}
	}
}
