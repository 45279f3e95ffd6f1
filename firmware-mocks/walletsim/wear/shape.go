package wear

import (
	"image/color"
	"math"
	"math/rand/v2"
)

// rotate turns the picture about its middle, by 10 to 20 degrees to either side
// at strength 1, on paper that is large enough for its corners.
func rotate(p picture, strength float64, random *rand.Rand) picture {
	angle := either(random) * strength * within(random, 10, 20) * math.Pi / 180
	sin, cos := math.Sincos(angle)
	width, height := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	wide := math.Ceil(width*math.Abs(cos) + height*math.Abs(sin))
	high := math.Ceil(width*math.Abs(sin) + height*math.Abs(cos))
	return each(int(wide), int(high), func(x, y int) float64 {
		dx, dy := float64(x)-wide/2, float64(y)-high/2
		return p.between(width/2+dx*cos+dy*sin, height/2-dx*sin+dy*cos)
	})
}

// tilt is a picture seen from the side: its corners move inwards, each by up to
// 8 in 100 of the picture's width and height at strength 1.
func tilt(p picture, strength float64, random *rand.Rand) picture {
	most := min(0.08*strength, 0.3) // beyond it the corners would cross
	width, height := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	inward := func() float64 { return within(random, 0, most) }
	seen := ontoSquare([4]point{
		{inward(), inward()}, {1 - inward(), inward()}, {1 - inward(), 1 - inward()}, {inward(), 1 - inward()},
	})
	return each(p.Rect.Dx(), p.Rect.Dy(), func(x, y int) float64 {
		from, ok := seen.of(point{float64(x) / width, float64(y) / height})
		if !ok {
			return white
		}
		return p.between(from.x*width, from.y*height)
	})
}

type point struct{ x, y float64 }

// projection is a 3 by 3 matrix on points (x, y, 1).
type projection [9]float64

// ontoSquare is the projection that brings a convex quadrilateral, corners in
// turn, onto the square from 0, 0 to 1, 1: the inverse of the one that Heckbert,
// Fundamentals of Texture Mapping and Image Warping, 1989, section 2.2.3, gives
// from the square onto a quadrilateral. A factor over all nine is of no account,
// so the adjugate does for the inverse.
func ontoSquare(q [4]point) projection {
	sx, sy := q[0].x-q[1].x+q[2].x-q[3].x, q[0].y-q[1].y+q[2].y-q[3].y
	dx1, dy1 := q[1].x-q[2].x, q[1].y-q[2].y
	dx2, dy2 := q[3].x-q[2].x, q[3].y-q[2].y
	det := dx1*dy2 - dx2*dy1
	g, h := (sx*dy2-dx2*sy)/det, (dx1*sy-sx*dy1)/det
	a, b, c := q[1].x-q[0].x+g*q[1].x, q[3].x-q[0].x+h*q[3].x, q[0].x
	d, e, f := q[1].y-q[0].y+g*q[1].y, q[3].y-q[0].y+h*q[3].y, q[0].y
	return projection{
		e - f*h, c*h - b, b*f - c*e,
		f*g - d, a - c*g, c*d - a*f,
		d*h - e*g, b*g - a*h, a*e - b*d,
	}
}

// of is where a point comes to lie; false if that is nowhere.
func (m projection) of(p point) (point, bool) {
	w := m[6]*p.x + m[7]*p.y + m[8]
	if w == 0 {
		return point{}, false
	}
	return point{(m[0]*p.x + m[1]*p.y + m[2]) / w, (m[3]*p.x + m[4]*p.y + m[5]) / w}, true
}

// crack is a screen that fell: jagged lines from one place outwards, three of one
// pixel at strength 1, bright where the glass reflects and dark where not.
func crack(p picture, strength float64, random *rand.Rand) picture {
	out := each(p.Rect.Dx(), p.Rect.Dy(), p.at)
	width, height := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	middle := point{within(random, 0.2, 0.8) * width, within(random, 0.2, 0.8) * height}
	for range int(math.Ceil(3 * strength)) {
		grey := level(white * float64(random.IntN(2)))
		out.crackle(middle, within(random, 0, 2*math.Pi), strength, grey, random)
	}
	return out
}

// crackle draws one line from a place to the picture's edge; it changes its
// direction a little every few pixels.
func (p picture) crackle(from point, angle, thick float64, grey color.Gray, random *rand.Rand) {
	const straight = 12 // pixels
	width, height := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	for step := 0; from.x >= 0 && from.y >= 0 && from.x < width && from.y < height; step++ {
		if step%straight == straight-1 {
			angle += within(random, -0.4, 0.4)
		}
		for dy := range int(math.Ceil(thick)) {
			for dx := range int(math.Ceil(thick)) {
				p.SetGray(int(from.x)+dx, int(from.y)+dy, grey) // outside the picture it does nothing
			}
		}
		from.x, from.y = from.x+math.Cos(angle), from.y+math.Sin(angle)
	}
}
