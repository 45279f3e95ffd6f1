package walletsim

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/ean"
	"github.com/boombuler/barcode/qr"

	"sekisho/terminal/pass"
)

// Sizes of the pictures, in pixels and modules.
const (
	moduleSize = 4  // pixels to the module of a QR code
	qrQuiet    = 4  // modules of quiet zone (ISO/IEC 18004, section 5.3.8)
	barSize    = 3  // pixels to the narrowest bar
	barHeight  = 90 // pixels
	barQuiet   = 11 // modules: EAN-13 asks for 11 at the left, Code 128 for 10
)

// QR draws text as a QR code. A pass goes in alphanumeric mode at level L, as
// docs/pass.md asks; other texts in the mode that fits them, at level M.
func QR(text string) (image.Image, error) {
	level, mode := qr.M, qr.Auto
	if strings.HasPrefix(text, pass.Prefix) {
		level, mode = qr.L, qr.AlphaNumeric
	}
	code, err := qr.Encode(text, level, mode)
	if err != nil {
		return nil, fmt.Errorf("walletsim: QR code of %d characters: %w", len(text), err)
	}
	side := code.Bounds().Dx()
	return framed(code, side*moduleSize, side*moduleSize, qrQuiet*moduleSize)
}

// Code128 draws text, plain ASCII, as Code 128.
func Code128(text string) (image.Image, error) {
	code, err := code128.Encode(text)
	if err != nil {
		return nil, fmt.Errorf("walletsim: Code 128 of %d characters: %w", len(text), err)
	}
	return framed(code, code.Bounds().Dx()*barSize, barHeight, barQuiet*barSize)
}

// EAN draws 8 or 13 digits, check digit included, or 7 or 12 without it.
func EAN(digits string) (image.Image, error) {
	code, err := ean.Encode(digits)
	if err != nil {
		return nil, fmt.Errorf("walletsim: EAN of %d digits: %w", len(digits), err)
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
