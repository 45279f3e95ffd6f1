package walletsim

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/datamatrix"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// read shows a picture, as PNG, to a decoder that shares nothing with the one
// who drew it. The hint says that the picture is clean and upright: without it
// gozxing looks for the three corners as in a photograph, and mistakes other
// modules for one in about 2 % of codes of this size.
func read(t *testing.T, picture image.Image, reader gozxing.Reader) *gozxing.Result {
	t.Helper()
	file, err := PNG(picture)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(decoded)
	if err != nil {
		t.Fatal(err)
	}
	clean := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true}
	result, err := reader.Decode(bitmap, clean)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// version is a QR code's, from the width of its picture (ISO/IEC 18004: 17
// modules and four for each version).
func version(picture image.Image) int {
	return (picture.Bounds().Dx()/moduleSize - 2*qrQuiet - 17) / 4
}

func TestAPassIsReadFromItsPicture(t *testing.T) {
	for seed := range uint64(20) {
		phone, _ := demoPhone(t, seed+1)
		text, err := phone.Pass()
		if err != nil {
			t.Fatal(err)
		}
		picture, err := QR(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, picture, qrcode.NewQRCodeReader()).GetText(); got != text {
			t.Errorf("seed %d: read %q, want %q", seed+1, got, text)
		}
		// docs/pass.md promises version 12 for names as short as these.
		if v := version(picture); v > 12 {
			t.Errorf("seed %d: %d characters take version %d", seed+1, len(text), v)
		}
	}
}

func TestOtherCodesAreReadFromTheirPictures(t *testing.T) {
	phone, _ := demoPhone(t, 1)
	emv, err := phone.EMV()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		draw       func(string) (image.Image, error)
		reader     gozxing.Reader
	}{
		{"EMV", emv, QR, qrcode.NewQRCodeReader()},
		{"merchant", MerchantCode("DEMO STORE"), QR, qrcode.NewQRCodeReader()},
		{"digits as QR", phone.Digits(RakutenPay), QR, qrcode.NewQRCodeReader()},
		{"digits as bars", phone.Digits(PayPay), Code128, oned.NewCode128Reader()},
		{"JAN-13", "4902777130835", EAN, oned.NewEAN13Reader()},
		{"JAN-8", "49400762", EAN, oned.NewEAN8Reader()},
	} {
		t.Run(c.name, func(t *testing.T) {
			picture, err := c.draw(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, picture, c.reader).GetText(); got != c.text {
				t.Errorf("read %q, want %q", got, c.text)
			}
		})
	}
}

// ISO/IEC 18004 asks for four white modules on every side; a module has four
// pixels here, and the first inside is the corner of a finder pattern.
func TestAQRCodeHasItsQuietZone(t *testing.T) {
	picture, err := QR("4902777130835")
	if err != nil {
		t.Fatal(err)
	}
	black := func(x, y int) bool {
		r, _, _, _ := picture.At(x, y).RGBA()
		return r == 0
	}
	far := picture.Bounds().Dx() - 1
	for i := range far + 1 {
		if black(i, 15) || black(15, i) || black(i, far-15) || black(far-15, i) {
			t.Fatalf("a black module in the quiet zone, at %d", i)
		}
	}
	if !black(16, 16) || !black(far-16, 16) || !black(16, far-16) {
		t.Error("the code does not begin where the quiet zone ends")
	}
}

// I7: nor does the error quote what could not be drawn.
func TestI7WhatCannotBeDrawnIsAnError(t *testing.T) {
	const secret = "900081818812345678901234"
	for name, draw := range map[string]func() (image.Image, error){
		"pass in lower case":       func() (image.Image, error) { return QR("SK1:abc" + secret) },
		"too much for a QR code":   func() (image.Image, error) { return QR(strings.Repeat(secret, 200) + "x") },
		"wrong check digit":        func() (image.Image, error) { return EAN("4902777130836") },
		"no article's number":      func() (image.Image, error) { return EAN(secret) },
		"not ASCII":                func() (image.Image, error) { return Code128("円" + secret) },
		"a letter that means FNC1": func() (image.Image, error) { return Code128("ñ" + secret) },
		"too much for bars":        func() (image.Image, error) { return Code128(strings.Repeat(secret, 4)) },
		"elements beyond ASCII":    func() (image.Image, error) { return GS1128("10ñ" + secret) },
		"matrix beyond ASCII":      func() (image.Image, error) { return DataMatrix("é" + secret) },
		"too much for a matrix":    func() (image.Image, error) { return DataMatrix(strings.Repeat(secret+"ab", 200)) },
		"GS1 matrix beyond ASCII":  func() (image.Image, error) { return GS1DataMatrix("é" + secret) },
	} {
		if _, err := draw(); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FNC1 (codeword 232 of ISO/IEC 16022) stands in front and between, nowhere else.
func TestAMatrixIsReadWithItsFNC1(t *testing.T) {
	for want, draw := range map[string]func() (image.Image, error){
		"10ABC 12":              func() (image.Image, error) { return DataMatrix("10ABC 12") },
		"\x1d10ABC\x1d17270630": func() (image.Image, error) { return GS1DataMatrix("10ABC\x1d17270630") },
	} {
		picture, err := draw()
		if err != nil {
			t.Fatal(err)
		}
		result := read(t, picture, datamatrix.NewDataMatrixReader())
		if got := result.GetText(); got != want {
			t.Errorf("read %q, want %q", got, want)
		}
		// A reader sends GS for FNC1 and for the character GS alike.
		if n := bytes.Count(result.GetRawBytes(), []byte{232}); n != strings.Count(want, "\x1d") {
			t.Errorf("%q: %d times FNC1", want, n)
		}
		for i := range 8 { // two modules of four pixels
			for j := range picture.Bounds().Dx() {
				if r, _, _, _ := picture.At(i, j).RGBA(); r == 0 {
					t.Fatalf("%q: black in the quiet zone", want)
				}
			}
		}
	}
}
