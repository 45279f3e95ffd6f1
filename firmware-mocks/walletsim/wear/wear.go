// Package wear spoils pictures of codes as life does: a phone held askew, out of
// focus or behind a broken screen, a label under a lamp.
//
// A [Wear] is one way to spoil a picture, a pure function of the picture, a
// strength and a seed: the same three give the same picture in every run.
// Strength 0 is no wear, 1 the worst that a till's scanner should still read,
// [Ruin] what hardly anything reads; what is outside this range counts as its
// end. Pictures come out grey, on white.
package wear

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
)

// Ruin is the greatest strength.
const Ruin = 4.0

// Wear is one way to spoil a picture.
type Wear struct {
	Name  string
	spoil func(p picture, strength float64, random *rand.Rand) picture
}

// All are the ways there are.
func All() []Wear {
	return []Wear{
		{"rotation", rotate},
		{"blur", blur},
		{"contrast", fade},
		{"perspective", tilt},
		{"crack", crack},
		{"noise", grain},
		{"glare", glare},
	}
}

// Named finds a Wear by its name.
func Named(name string) (Wear, bool) {
	for _, w := range All() {
		if w.Name == name {
			return w, true
		}
	}
	return Wear{}, false
}

// Apply gives the spoilt picture and leaves the one it was given as it is.
func (w Wear) Apply(clean image.Image, strength float64, seed uint64) *image.Gray {
	p := blank(clean.Bounds().Dx(), clean.Bounds().Dy())
	draw.Draw(p.Gray, p.Rect, clean, clean.Bounds().Min, draw.Src)
	if !(strength > 0) || p.Rect.Empty() { // not a number counts as none
		return p.Gray
	}
	return w.spoil(p, min(strength, Ruin), rand.New(rand.NewPCG(seed, 0))).Gray
}

// picture is a grey picture whose corner is at 0, 0.
type picture struct{ *image.Gray }

// blank is white.
func blank(width, height int) picture {
	p := picture{image.NewGray(image.Rect(0, 0, width, height))}
	for i := range p.Pix {
		p.Pix[i] = white
	}
	return p
}

const white = 0xff

// level is a grey value brought into a byte.
func level(v float64) color.Gray { return color.Gray{Y: uint8(min(max(math.Round(v), 0), white))} }

// at is the grey value of a pixel, white outside the picture.
func (p picture) at(x, y int) float64 {
	if !(image.Point{X: x, Y: y}).In(p.Rect) {
		return white
	}
	return float64(p.GrayAt(x, y).Y)
}

// between is the grey value at a place between pixels, from the four around it.
func (p picture) between(x, y float64) float64 {
	left, top := math.Floor(x), math.Floor(y)
	right, down := x-left, y-top
	i, j := int(left), int(top)
	above := p.at(i, j)*(1-right) + p.at(i+1, j)*right
	below := p.at(i, j+1)*(1-right) + p.at(i+1, j+1)*right
	return above*(1-down) + below*down
}

// each gives a picture of that size whose every pixel is what f says.
func each(width, height int, f func(x, y int) float64) picture {
	out := blank(width, height)
	for y := range height {
		for x := range width {
			out.SetGray(x, y, level(f(x, y)))
		}
	}
	return out
}

// either is -1 or 1.
func either(random *rand.Rand) float64 { return float64(2*random.IntN(2) - 1) }

// within is a random number from low to high.
func within(random *rand.Rand, low, high float64) float64 { return low + (high-low)*random.Float64() }
