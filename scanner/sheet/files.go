package sheet

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// PDF writes the page with bars of sharp edges, whatever the printer.
func (s Sheet) PDF(w io.Writer) error {
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetAutoPageBreak(false, 0)
	doc.SetTitle("Programming codes for "+s.Maker+" scanners", true)
	doc.AddPage()
	doc.SetFillColor(0, 0, 0)
	if err := s.draw(paper{doc}); err != nil {
		return err
	}
	if err := doc.Output(w); err != nil {
		return fmt.Errorf("the page cannot be written: %w", err)
	}
	return nil
}

// paper is a page of PDF; fpdf keeps its first error until Output.
type paper struct{ doc *fpdf.Fpdf }

// fill leaves a hundredth of a millimetre at the sides: PDF blackens each dot that
// an area touches, and a rounded edge would make a bar one dot wider.
func (p paper) fill(x, y, w, h float64) { p.doc.Rect(x+0.01, y, w-0.02, h, "F") }

func (p paper) text(x, y, points float64, bold bool, line string) {
	style := ""
	if bold {
		style = "B"
	}
	p.doc.SetFont("Helvetica", style, points)
	p.doc.Text(x, y, line)
}

// PNG writes the page as a picture with 300 dots to the inch.
func (s Sheet) PNG(w io.Writer) error {
	c, err := newPicture()
	if err != nil {
		return err
	}
	if err := s.draw(c); err != nil {
		return err
	}
	if c.failed != nil {
		return c.failed
	}
	if err := png.Encode(w, c.image); err != nil {
		return fmt.Errorf("the page cannot be written: %w", err)
	}
	return nil
}

// picture is a page of dots.
type picture struct {
	image         *image.Gray
	regular, bold *opentype.Font
	failed        error // the first
}

func newPicture() (*picture, error) {
	regular, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("the letters cannot be had: %w", err)
	}
	bold, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, fmt.Errorf("the letters cannot be had: %w", err)
	}
	page := image.NewGray(image.Rect(0, 0, dots(width), dots(height)))
	draw.Draw(page, page.Bounds(), image.White, image.Point{}, draw.Src)
	return &picture{image: page, regular: regular, bold: bold}, nil
}

// dots turns millimetres into dots.
func dots(mm float64) int { return int(math.Round(mm * perInch / 25.4)) }

func (p *picture) fill(x, y, w, h float64) {
	area := image.Rect(dots(x), dots(y), dots(x+w), dots(y+h))
	draw.Draw(p.image, area, image.NewUniform(color.Black), image.Point{}, draw.Src)
}

func (p *picture) text(x, y, points float64, bold bool, line string) {
	letters := p.regular
	if bold {
		letters = p.bold
	}
	face, err := opentype.NewFace(letters, &opentype.FaceOptions{Size: points, DPI: perInch, Hinting: font.HintingFull})
	if err != nil {
		p.failed = fmt.Errorf("the letters cannot be drawn: %w", err)
		return
	}
	pen := font.Drawer{Dst: p.image, Src: image.Black, Face: face, Dot: fixed.P(dots(x), dots(y))}
	pen.DrawString(line)
}
