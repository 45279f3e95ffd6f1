package wear

import (
	"math"
	"math/rand/v2"
)

// blur is a picture out of focus: each pixel is spread over its neighbours like
// a bell, of 1.2 pixels at strength 1, where a module has three or four.
func blur(p picture, strength float64, _ *rand.Rand) picture {
	bell := gauss(1.2 * strength)
	reach := len(bell) / 2
	width, height := p.Rect.Dx(), p.Rect.Dy()
	rows := each(width, height, func(x, y int) float64 {
		sum := 0.0
		for i, share := range bell {
			sum += share * p.at(x+i-reach, y)
		}
		return sum
	})
	return each(width, height, func(x, y int) float64 {
		sum := 0.0
		for i, share := range bell {
			sum += share * rows.at(x, y+i-reach)
		}
		return sum
	})
}

// gauss is a bell of that width, cut off where less than 1 in 100 is left; its
// parts add up to 1.
func gauss(sigma float64) []float64 {
	reach := int(math.Ceil(2.6 * sigma))
	bell := make([]float64, 2*reach+1)
	sum := 0.0
	for i := range bell {
		d := float64(i-reach) / sigma
		bell[i] = math.Exp(-d * d / 2)
		sum += bell[i]
	}
	for i := range bell {
		bell[i] /= sum
	}
	return bell
}

// fade brings black and white together, at strength 1 to 15 in 100 of what was
// between them, about a grey of its own: a dark screen, or faded thermal paper.
func fade(p picture, strength float64, random *rand.Rand) picture {
	left := max(0, 1-0.85*strength)
	grey := within(random, 100, 156)
	return each(p.Rect.Dx(), p.Rect.Dy(), func(x, y int) float64 {
		return grey + (p.at(x, y)-white/2)*left
	})
}

// grain is a dark shop's noise: each pixel is off by a random amount, 15 levels
// as a rule at strength 1.
func grain(p picture, strength float64, random *rand.Rand) picture {
	return each(p.Rect.Dx(), p.Rect.Dy(), func(x, y int) float64 {
		return p.at(x, y) + 15*strength*random.NormFloat64()
	})
}

// glare is a lamp's reflection: white mixed into a round spot, most in the
// middle, all of it from strength 1.25 on.
func glare(p picture, strength float64, random *rand.Rand) picture {
	width, height := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	radius := 0.25 * strength * min(width, height)
	cx, cy := within(random, 0.2, 0.8)*width, within(random, 0.2, 0.8)*height
	return each(p.Rect.Dx(), p.Rect.Dy(), func(x, y int) float64 {
		d := math.Hypot(float64(x)-cx, float64(y)-cy) / radius
		share := min(1, 0.8*strength*math.Exp(-d*d))
		return p.at(x, y) + (white-p.at(x, y))*share
	})
}
