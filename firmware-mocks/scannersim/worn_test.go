package scannersim

import (
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/firmware-mocks/walletsim/wear"
)

// wornPictures is how many pictures a run tries. A campaign sets WORN.
const wornPictures = 24

// I1, I7: however a code is spoilt, by one wear or by two, a little or beyond
// recognition, no unit reads another text in it. A picture is told by its number
// alone; WORN=2000 tries so many, and FIRST=500 begins with that number.
func TestNoWornCodeIsReadAsAnother(t *testing.T) {
	first, pictures := knob(t, "FIRST", 0), knob(t, "WORN", wornPictures)
	read := map[string]int{}
	shown := map[string]int{}
	for seed := first; seed < first+pictures; seed++ {
		random := rand.New(rand.NewPCG(seed, 2))
		name, want, clean := anyCode(t, random)
		picture, how := spoilt(clean, seed, random)
		got, err := decode(picture)
		shown[name]++
		switch {
		case err == nil && got == want:
			read[name]++
		case !errors.Is(err, ErrUnreadable):
			t.Errorf("picture %d, %s, %s: read %+v (%v), drawn %+v", seed, name, how, got, err, want)
		}
	}
	t.Logf("pictures %d to %d: read %v of %v", first, first+pictures-1, read, shown)
}

// knob is a number from the environment, or what it is without.
func knob(t *testing.T, name string, usual uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// anyCode draws a code of some kind with any content.
func anyCode(t *testing.T, random *rand.Rand) (name string, want unit.Symbol, clean image.Image) {
	t.Helper()
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + random.IntN(10)))
		}
		return b.String()
	}
	kinds := []struct {
		name, identifier string
		draw             func(string) (image.Image, error)
		text             string
	}{
		{"QR", "]Q1", walletsim.QR, "SK1:" + digits(40+random.IntN(400))},
		{"DataMatrix", "]d2", walletsim.GS1DataMatrix, "0109506000134352" + "10" + digits(3+random.IntN(15))},
		{"Code 128", "]C0", walletsim.Code128, digits(12 + 2*random.IntN(9))},
		{"EAN-13", "]E0", walletsim.EAN, withCheck("49" + digits(10))},
		{"EAN-8", "]E4", walletsim.EAN, withCheck("49" + digits(5))},
	}
	k := kinds[random.IntN(len(kinds))]
	clean, err := k.draw(k.text)
	if err != nil {
		t.Fatal(err)
	}
	return k.name, unit.Symbol{Identifier: k.identifier, Data: k.text}, clean
}

// withCheck puts the check digit of GS1's General Specifications, section 7.9,
// behind digits.
func withCheck(digits string) string {
	sum, weight := 0, 3
	for i := len(digits) - 1; i >= 0; i-- {
		sum += weight * int(digits[i]-'0')
		weight = 4 - weight
	}
	return digits + strconv.Itoa((10-sum%10)%10)
}

// spoilt wears a picture in one way or in two, each of any strength.
func spoilt(clean image.Image, seed uint64, random *rand.Rand) (out image.Image, how string) {
	out = clean
	for range 1 + random.IntN(2) {
		w := wear.All()[random.IntN(len(wear.All()))]
		strength := wear.Ruin * random.Float64() * random.Float64()
		out = w.Apply(out, strength, seed)
		how += fmt.Sprintf("%s %.2f ", w.Name, strength)
	}
	return out, how
}

// Bars of one kind may hold what looks like bars of another: a campaign found an
// EAN-8 in this Code 128, on every line.
func TestNoArticleIsFoundInAWalletsCode(t *testing.T) {
	const text = "5323404741217160108091901166"
	clean, err := walletsim.Code128(text)
	if err != nil {
		t.Fatal(err)
	}
	for degrees := range 3 {
		w, _ := wear.Named("rotation")
		readOrRefused(t, w.Apply(clean, float64(degrees)/10, uint64(degrees)), unit.Symbol{Identifier: "]C0", Data: text})
	}
}
