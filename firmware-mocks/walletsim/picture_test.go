package walletsim

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"github.com/makiuchi-d/gozxing"
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

func TestWhatCannotBeDrawnIsAnError(t *testing.T) {
	for name, draw := range map[string]func() (image.Image, error){
		"pass in lower case": func() (image.Image, error) { return QR("SK1:abc") },
		"wrong check digit":  func() (image.Image, error) { return EAN("4902777130836") },
		"not ASCII":          func() (image.Image, error) { return Code128("円") },
	} {
		if _, err := draw(); err == nil {
			t.Errorf("%s: drawn", name)
		}
	}
}
