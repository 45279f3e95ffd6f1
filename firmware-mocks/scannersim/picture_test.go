package scannersim_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"testing"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/datamatrix"
	"github.com/boombuler/barcode/ean"
	"github.com/boombuler/barcode/qr"
)

// Pictures are drawn at 3 pixels to the module, bars 60 high, with 12 modules
// of quiet zone, more than any symbology asks for.
const (
	module    = 3
	barHeight = 60
	quiet     = 12 * module
)

func drawQR(t *testing.T, text string, mode qr.Encoding) *image.Gray {
	t.Helper()
	return framed(t, must(t)(qr.Encode(text, qr.L, mode)))
}

func drawCode128(t *testing.T, text string) *image.Gray {
	t.Helper()
	code, err := code128.Encode(text)
	return framed(t, must(t)(code, err))
}

func drawEAN(t *testing.T, digits string) *image.Gray {
	t.Helper()
	code, err := ean.Encode(digits)
	return framed(t, must(t)(code, err))
}

func drawDataMatrix(t *testing.T, text string) *image.Gray {
	t.Helper()
	return framed(t, must(t)(datamatrix.Encode(text)))
}

// must ends the test where a picture cannot be drawn.
func must(t *testing.T) func(barcode.Barcode, error) barcode.Barcode {
	t.Helper()
	return func(code barcode.Barcode, err error) barcode.Barcode {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
}

// framed scales a code and puts a quiet zone round it.
func framed(t *testing.T, code barcode.Barcode) *image.Gray {
	t.Helper()
	width, height := code.Bounds().Dx()*module, code.Bounds().Dy()*module
	if code.Metadata().Dimensions == 1 {
		height = barHeight
	}
	scaled := must(t)(barcode.Scale(code, width, height))
	out := blank(width+2*quiet, height+2*quiet)
	draw.Draw(out, image.Rect(quiet, quiet, quiet+width, quiet+height), scaled, image.Point{}, draw.Src)
	return out
}

// blank is white paper.
func blank(width, height int) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, width, height))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	return out
}

// photographed is the picture as a camera would have it: grey, on a larger
// sheet, with a dark fleck beside it that is no part of the code.
func photographed(clean *image.Gray) *image.Gray {
	const margin, fleck = 30, 5
	b := clean.Bounds()
	out := blank(b.Dx()+2*margin, b.Dy()+2*margin)
	for y := range b.Dy() {
		for x := range b.Dx() {
			grey := 40 + clean.GrayAt(x, y).Y/5*3
			out.SetGray(x+margin, y+margin, color.Gray{Y: grey})
		}
	}
	corner := out.Bounds().Max.Sub(image.Pt(2*fleck, 2*fleck))
	draw.Draw(out, image.Rectangle{corner, corner.Add(image.Pt(fleck, fleck))}, image.Black, image.Point{}, draw.Src)
	return out
}

// shaded is the picture with light that falls off towards the right, so that
// white there is darker than black at the left.
func shaded(clean *image.Gray) *image.Gray {
	b := clean.Bounds()
	out := blank(b.Dx(), b.Dy())
	for y := range b.Dy() {
		for x := range b.Dx() {
			light := 100 - 85*x/b.Dx() // in percent
			grey := (110 + int(clean.GrayAt(x, y).Y)*145/255) * light / 100
			out.SetGray(x, y, color.Gray{Y: byte(grey)})
		}
	}
	return out
}

// pngFile is the picture as a file's bytes.
func pngFile(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
