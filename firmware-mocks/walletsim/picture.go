package walletsim

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/datamatrix"
	"github.com/boombuler/barcode/ean"
	"github.com/boombuler/barcode/qr"

	"sekisho/terminal/pass"
)

// Sizes of the pictures, in pixels and modules.
const (
	moduleSize  = 4  // pixels to the module of a QR code or DataMatrix
	qrQuiet     = 4  // modules of quiet zone (ISO/IEC 18004)
	matrixQuiet = 2  // modules; ISO/IEC 16022 asks for one
	barSize     = 3  // pixels to the narrowest bar
	barHeight   = 90 // pixels
	barQuiet    = 11 // modules: EAN-13 asks for 11 at the left, Code 128 for 10
)

var errBeyondASCII = errors.New("walletsim: only ASCII can be drawn in this symbology")

// QR draws text as a QR code. A pass goes in alphanumeric mode at level L, as
// docs/pass.md asks; other texts in the mode that fits them, at level M.
func QR(text string) (image.Image, error) {
	level, mode := qr.M, qr.Auto
	if strings.HasPrefix(text, pass.Prefix) {
		level, mode = qr.L, qr.AlphaNumeric
	}
	code, err := qr.Encode(text, level, mode)
	if err != nil {
		// The library's own sentence holds the text.
		return nil, fmt.Errorf("walletsim: QR code of %d characters cannot be drawn: too long, or a pass that is not alphanumeric", len(text))
	}
	side := code.Bounds().Dx()
	return framed(code, side*moduleSize, side*moduleSize, qrQuiet*moduleSize)
}

// Code128 draws text, plain ASCII, as Code 128.
func Code128(text string) (image.Image, error) {
	if strings.ContainsFunc(text, beyondASCII) {
		return nil, errBeyondASCII
	}
	return bars(text)
}

// GS1128 draws an element string: Code 128 with FNC1 in front, and FNC1 for each
// [Separator].
func GS1128(elements string) (image.Image, error) {
	if strings.ContainsFunc(elements, beyondASCII) {
		return nil, errBeyondASCII
	}
	fnc1 := string(code128.FNC1)
	return bars(fnc1 + strings.ReplaceAll(elements, Separator, fnc1))
}

// beyondASCII finds what Code 128 has no character for, and the letters that
// the library takes for FNC1 to FNC4.
func beyondASCII(r rune) bool { return r > unicode.MaxASCII }

func bars(content string) (image.Image, error) {
	code, err := code128.Encode(content)
	if err != nil {
		// The library's own sentence holds the text.
		return nil, fmt.Errorf("walletsim: Code 128 of %d characters cannot be drawn", utf8.RuneCountInString(content))
	}
	return framed(code, code.Bounds().Dx()*barSize, barHeight, barQuiet*barSize)
}

// DataMatrix draws text, plain ASCII, as a DataMatrix.
func DataMatrix(text string) (image.Image, error) {
	if strings.ContainsFunc(text, beyondASCII) {
		return nil, errBeyondASCII
	}
	return matrix(text)
}

// GS1DataMatrix draws an element string: a DataMatrix with FNC1 in front, and
// FNC1 for each [Separator]. There is no GS1 QR code: the library that draws
// has no FNC1 for those.
func GS1DataMatrix(elements string) (image.Image, error) {
	if strings.ContainsFunc(elements, beyondASCII) {
		return nil, errBeyondASCII
	}
	fnc1 := string([]byte{datamatrix.FNC1})
	return matrix(fnc1 + strings.ReplaceAll(elements, Separator, fnc1))
}

func matrix(content string) (image.Image, error) {
	code, err := datamatrix.Encode(content)
	if err != nil {
		return nil, fmt.Errorf("walletsim: DataMatrix of %d bytes: %w", len(content), err)
	}
	b := code.Bounds()
	return framed(code, b.Dx()*moduleSize, b.Dy()*moduleSize, matrixQuiet*moduleSize)
}

// EAN draws 8 or 13 digits, check digit included, or 7 or 12 without it.
func EAN(digits string) (image.Image, error) {
	code, err := ean.Encode(digits)
	if err != nil {
		return nil, fmt.Errorf("walletsim: these %d characters are no EAN: it has 8 or 13 digits, the last of them the right check digit, or 7 or 12 without it", len(digits))
	}
	return framed(code, code.Bounds().Dx()*barSize, barHeight, barQuiet*barSize)
}

// PNG is the picture as a file's bytes.
func PNG(picture image.Image) ([]byte, error) {
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return nil, fmt.Errorf("walletsim: %w", err)
	}
	return out.Bytes(), nil
}

// framed scales a code to width by height pixels and puts quiet white pixels on
// every side.
func framed(code barcode.Barcode, width, height, quiet int) (image.Image, error) {
	scaled, err := barcode.Scale(code, width, height)
	if err != nil {
		return nil, fmt.Errorf("walletsim: %w", err)
	}
	out := image.NewGray(image.Rect(0, 0, width+2*quiet, height+2*quiet))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, image.Rect(quiet, quiet, quiet+width, quiet+height), scaled, image.Point{}, draw.Src)
	return out, nil
}
