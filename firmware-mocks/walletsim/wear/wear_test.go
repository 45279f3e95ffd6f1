package wear

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// checks is a board of black and white squares with a white border.
func checks(side, square int) *image.Gray {
	p := blank(side, side)
	for y := square; y < side-square; y++ {
		for x := square; x < side-square; x++ {
			if (x/square+y/square)%2 == 0 {
				p.SetGray(x, y, color.Gray{})
			}
		}
	}
	return p.Gray
}

func same(a, b *image.Gray) bool { return a.Rect == b.Rect && bytes.Equal(a.Pix, b.Pix) }

func TestAWearIsAFunctionOfPictureStrengthAndSeed(t *testing.T) {
	clean := checks(120, 4)
	before := slices.Clone(clean.Pix)
	for _, w := range All() {
		once, again := w.Apply(clean, 1, 7), w.Apply(clean, 1, 7)
		if !same(once, again) {
			t.Errorf("%s: one seed, two pictures", w.Name)
		}
		if same(once, clean) {
			t.Errorf("%s: strength 1 changes nothing", w.Name)
		}
		if w.Name != "blur" && same(once, w.Apply(clean, 1, 8)) {
			t.Errorf("%s: two seeds, one picture", w.Name)
		}
		for _, none := range []float64{0, -1, math.NaN(), math.Inf(-1)} {
			if !same(w.Apply(clean, none, 7), clean) {
				t.Errorf("%s: strength %v changes something", w.Name, none)
			}
		}
		if !same(w.Apply(clean, Ruin, 7), w.Apply(clean, math.Inf(1), 7)) {
			t.Errorf("%s: there is more than ruin", w.Name)
		}
		if !bytes.Equal(clean.Pix, before) {
			t.Fatalf("%s: changed the picture that it was given", w.Name)
		}
	}
}

func TestWearsAreKnownByName(t *testing.T) {
	for _, w := range All() {
		if got, ok := Named(w.Name); !ok || got.Name != w.Name {
			t.Errorf("%s is not found", w.Name)
		}
	}
	if _, ok := Named("rust"); ok || len(All()) != 7 {
		t.Errorf("%d wears, rust found %v", len(All()), ok)
	}
}

// Pictures of any size, and parts of a larger one, come out no larger than they
// are wide and high together.
func TestWearTakesAnyPicture(t *testing.T) {
	for _, size := range []image.Rectangle{
		{}, image.Rect(0, 0, 1, 1), image.Rect(0, 0, 1, 200), image.Rect(0, 0, 200, 1), image.Rect(-3, 5, 40, 30),
	} {
		for _, w := range All() {
			for _, strength := range []float64{0.01, 1, Ruin} {
				got := w.Apply(image.NewGray(size), strength, 3)
				if most := size.Dx() + size.Dy(); got.Rect.Min != (image.Point{}) || got.Rect.Dx() > most+1 || got.Rect.Dy() > most+1 {
					t.Errorf("%s of %v: %v", w.Name, size, got.Rect)
				}
			}
		}
	}
	part := checks(120, 4).SubImage(image.Rect(10, 20, 60, 80))
	if got := All()[0].Apply(part, 0, 0); got.GrayAt(2, 0) != part.At(12, 20) || got.Rect.Dx() != 50 || got.Rect.Dy() != 60 {
		t.Error("a part of a picture came out otherwise")
	}
}

// levels are the darkest and the brightest pixel.
func levels(p *image.Gray) (darkest, brightest int) {
	return int(slices.Min(p.Pix)), int(slices.Max(p.Pix))
}

func changed(a, b *image.Gray) int {
	n := 0
	for i := range a.Pix {
		if a.Pix[i] != b.Pix[i] {
			n++
		}
	}
	return n
}

func TestEachWearDoesWhatItSays(t *testing.T) {
	clean := checks(200, 4)
	for seed := range uint64(20) {
		spoilt := map[string]*image.Gray{}
		for _, w := range All() {
			spoilt[w.Name] = w.Apply(clean, 1, seed)
		}
		if dark, bright := levels(spoilt["contrast"]); bright-dark < 36 || bright-dark > 40 {
			t.Errorf("seed %d: contrast leaves %d levels, want 15 in 100 of 255", seed, bright-dark)
		}
		if side := spoilt["rotation"].Rect.Dx(); side < 229 || side > 257 { // 200 (sin + cos) of 10 and of 20 degrees
			t.Errorf("seed %d: rotated onto %d pixels", seed, side)
		}
		if n := changed(clean, spoilt["crack"]); n < 20 || n > 3*200*4 {
			t.Errorf("seed %d: cracks over %d pixels", seed, n)
		}
		for i, v := range spoilt["glare"].Pix {
			if v < clean.Pix[i] {
				t.Fatalf("seed %d: glare darkens", seed)
			}
		}
		if n := changed(clean, spoilt["glare"]); n == 0 {
			t.Errorf("seed %d: no glare", seed)
		}
	}
}

// A grey that leaves room on both sides shows the noise's size, and blur leaves
// a plain picture's middle as it is.
func TestNoiseAndBlurOfAPlainPicture(t *testing.T) {
	plain := each(100, 100, func(int, int) float64 { return 128 }).Gray
	noise, _ := Named("noise")
	sum := 0.0
	for _, v := range noise.Apply(plain, 1, 1).Pix {
		sum += (float64(v) - 128) * (float64(v) - 128)
	}
	if off := math.Sqrt(sum / 10_000); off < 14 || off > 16 {
		t.Errorf("noise of %.1f levels, want 15", off)
	}
	blur, _ := Named("blur")
	if got := blur.Apply(plain, 1, 1).GrayAt(50, 50).Y; got != 128 {
		t.Errorf("blur makes 128 into %d", got)
	}
	edge := each(100, 100, func(x, _ int) float64 { return float64(x / 50 * white) }).Gray
	got := blur.Apply(edge, 1, 1)
	if a, b := int(got.GrayAt(49, 50).Y), int(got.GrayAt(50, 50).Y); a < 60 || a > 110 || a+b < 253 || a+b > 257 {
		t.Errorf("blur makes an edge into %d and %d", a, b)
	}
}

// The projection brings the four corners to the square's, and a point on an edge
// to that edge.
func TestOntoSquare(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		in := func() float64 { return within(random, 0, 0.3) }
		corners := [4]point{{in(), in()}, {1 - in(), in()}, {1 - in(), 1 - in()}, {in(), 1 - in()}}
		m := ontoSquare(corners)
		for i, want := range []point{{0, 0}, {1, 0}, {1, 1}, {0, 1}} {
			if got, ok := m.of(corners[i]); !ok || math.Hypot(got.x-want.x, got.y-want.y) > 1e-9 {
				t.Errorf("corner %d of %v: %v", i, corners, got)
			}
		}
		half := point{(corners[0].x + corners[1].x) / 2, (corners[0].y + corners[1].y) / 2}
		if got, _ := m.of(half); math.Abs(got.y) > 1e-9 || got.x <= 0 || got.x >= 1 {
			t.Errorf("a point of the upper edge: %v", got)
		}
	}
	if _, ok := (projection{}).of(point{1, 1}); ok {
		t.Error("a projection to nowhere gives a point")
	}
}
