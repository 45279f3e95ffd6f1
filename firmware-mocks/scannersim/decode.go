package scannersim

import (
	"image"
	"image/color"
	"image/draw"
	"slices"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/datamatrix"
	"github.com/makiuchi-d/gozxing/qrcode"

	"sekisho/firmware-mocks/scannersim/unit"
)

// kind is a symbology that the scanner reads.
type kind struct {
	reader func() gozxing.Reader
	// symbol takes the bytes out of the decoder's result, false where it does
	// not tell them.
	symbol func(*gozxing.Result) (unit.Symbol, bool)
}

// matrices are the symbologies with error correction. They are tried before
// bars, because bars can be found in a part of them.
var matrices = []kind{
	{qrcode.NewQRCodeReader, qrSymbol},
	{func() gozxing.Reader { return datamatrix.NewDataMatrixReader() }, dataMatrixSymbol},
}

// decode reads the code in a picture; ErrUnreadable if there is none.
func decode(picture image.Image) (unit.Symbol, error) {
	if picture == nil || picture.Bounds().Empty() {
		return unit.Symbol{}, ErrUnreadable
	}
	seen := grey(picture)
	if s, ok := decodeMatrix(seen); ok {
		return s, nil
	}
	if s, ok := decodeBars(seen); ok {
		return s, nil
	}
	for _, reach := range mends {
		if s, ok := decodeMatrix(mended(seen, reach)); ok {
			return s, nil
		}
	}
	return unit.Symbol{}, ErrUnreadable
}

// grey is the picture as the sensor has it, its corner at 0, 0.
func grey(picture image.Image) *image.Gray {
	b := picture.Bounds()
	out := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, picture, b.Min, draw.Over)
	return out
}

// decodeMatrix looks for each kind in each way.
func decodeMatrix(seen *image.Gray) (unit.Symbol, bool) {
	source := gozxing.NewLuminanceSourceFromImage(seen)
	for _, kind := range matrices {
		for _, look := range looks {
			if s, ok := kind.read(look, source); ok {
				return s, true
			}
		}
	}
	return unit.Symbol{}, false
}

// mends are how far, in pixels, a mended picture looks about each pixel.
var mends = []int{1, 2}

// mended is the picture without what is thinner than reach, such as cracks and
// grain: each pixel is the median of those about it.
func mended(p *image.Gray, reach int) *image.Gray {
	out := image.NewGray(p.Rect)
	about := make([]byte, 0, (2*reach+1)*(2*reach+1))
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			about = about[:0]
			for j := y - reach; j <= y+reach; j++ {
				for i := x - reach; i <= x+reach; i++ {
					about = append(about, light(p, i, j))
				}
			}
			slices.Sort(about)
			out.SetGray(x, y, color.Gray{Y: about[len(about)/2]})
		}
	}
	return out
}

// light is how bright a pixel is, white outside the picture.
func light(p *image.Gray, x, y int) byte {
	if !(image.Point{X: x, Y: y}).In(p.Rect) {
		return 0xff
	}
	return p.Pix[y*p.Stride+x]
}

// look is one way to look at a picture.
type look struct {
	binarizer func(gozxing.LuminanceSource) gozxing.Binarizer
	clean     bool // drawn, not photographed
}

// looks are tried in turn. A drawn picture is known by its edges: looked at
// like a photograph, two in a hundred are missed. A photograph is split into
// black and white by one threshold, which suits even light, then by one for
// each part of it.
var looks = []look{
	{gozxing.NewGlobalHistgramBinarizer, true},
	{gozxing.NewGlobalHistgramBinarizer, false},
	{gozxing.NewHybridBinarizer, false},
}

// read looks for one kind of symbol.
func (k kind) read(l look, source gozxing.LuminanceSource) (unit.Symbol, bool) {
	bitmap, err := gozxing.NewBinaryBitmap(l.binarizer(source))
	if err != nil {
		return unit.Symbol{}, false
	}
	result, err := k.reader().Decode(bitmap, hints(l.clean))
	if err != nil {
		return unit.Symbol{}, false
	}
	s, ok := k.symbol(result)
	return s, ok && s.Data != ""
}

// hints makes the decoder give a QR code's bytes one by one (as ISO 8859-1,
// where it would guess a character set), and each FNC1 of a Code 128.
func hints(clean bool) map[gozxing.DecodeHintType]any {
	h := map[gozxing.DecodeHintType]any{
		gozxing.DecodeHintType_CHARACTER_SET: "ISO-8859-1",
		gozxing.DecodeHintType_ASSUME_GS1:    true,
	}
	if clean {
		h[gozxing.DecodeHintType_PURE_BARCODE] = true
	} else {
		h[gozxing.DecodeHintType_TRY_HARDER] = true
	}
	return h
}

// identifier is what the decoder says of the symbol.
func identifier(result *gozxing.Result) string {
	id, _ := result.GetResultMetadata()[gozxing.ResultMetadataType_SYMBOLOGY_IDENTIFIER].(string)
	return id
}

// eanSymbol is for symbols that hold digits alone.
func eanSymbol(result *gozxing.Result) (unit.Symbol, bool) {
	return unit.Symbol{Identifier: identifier(result), Data: result.GetText()}, true
}

// qrSymbol undoes ISO 8859-1. A symbol with an ECI (identifiers 2, 4, 6) names
// a character set of its own and kanji mode gives characters beyond this one:
// in both the bytes are lost, and the symbol counts as unreadable.
func qrSymbol(result *gozxing.Result) (unit.Symbol, bool) {
	id := identifier(result)
	if id == "]Q2" || id == "]Q4" || id == "]Q6" {
		return unit.Symbol{}, false
	}
	var data strings.Builder
	for _, r := range result.GetText() {
		if r > 0xFF {
			return unit.Symbol{}, false
		}
		data.WriteByte(byte(r))
	}
	return unit.Symbol{Identifier: id, Data: data.String()}, true
}

// dataMatrixSymbol takes off the FNC1 that a GS1 symbol begins with: the
// identifier stands for it. The decoder writes a byte beyond ASCII in two ways
// that cannot be told apart, so a symbol with one counts as unreadable.
func dataMatrixSymbol(result *gozxing.Result) (unit.Symbol, bool) {
	s := unit.Symbol{Identifier: identifier(result), Data: result.GetText()}
	for i := range len(s.Data) {
		if s.Data[i] > 0x7F {
			return unit.Symbol{}, false
		}
	}
	if s.Identifier == "]d2" {
		s.Data = strings.TrimPrefix(s.Data, gs)
	}
	return s, true
}

// FNC1 has this value in every code set of Code 128 (ISO/IEC 15417); a scanner
// sends it as GS.
const (
	fnc1 = 102
	gs   = "\x1D"
)

// code128Symbol tells Code 128 from GS1-128. It goes by the symbol's own
// values, start first, check and stop last, because the decoder takes a check
// character of the value 102 for one more FNC1, and of 97 for an FNC2, and
// then names the wrong identifier and adds a GS.
func code128Symbol(result *gozxing.Result) (unit.Symbol, bool) {
	const start, check, stop = 1, 1, 1
	values := result.GetRawBytes()
	if len(values) <= start+check+stop {
		return unit.Symbol{}, false
	}
	s := unit.Symbol{Identifier: "]C0", Data: result.GetText()}
	if values[len(values)-check-stop] == fnc1 {
		s.Data = strings.TrimSuffix(s.Data, gs)
	}
	if values[start] == fnc1 {
		s.Identifier = "]C1"
		s.Data = strings.TrimPrefix(s.Data, s.Identifier)
	}
	return s, true
}
