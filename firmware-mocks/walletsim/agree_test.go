package walletsim_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"sekisho/firmware-mocks/walletsim"
	"sekisho/scanner/aim"
	"sekisho/scanner/payload"
	"sekisho/scanner/payload/emv"
	"sekisho/scanner/payload/gs1"
)

// The wallet's writers and the till's parsers were made from the documents by
// different hands. Here one reads what the other wrote, field by field. A seed
// names one code of each kind.
func FuzzTheTillReadsWhatTheWalletWrote(f *testing.F) {
	f.Fuzz(agree)
}

func TestTheTillReadsWhatTheWalletWrote(t *testing.T) {
	const codes = 1500
	first := rand.Uint64()
	for seed := first; seed != first+codes && !t.Failed(); seed++ {
		agree(t, seed)
	}
	if t.Failed() {
		t.Logf("the first of the seeds was %d", first)
	}
}

func agree(t *testing.T, seed uint64) {
	for i, kind := range []struct {
		name  string
		check func(dice) error
	}{
		{"CPM", cpmAgrees}, {"MPM", mpmAgrees}, {"elements", elementsAgree}, {"link", linkAgrees}, {"goods", goodsAgree}, {"bill", billAgrees},
	} {
		if err := kind.check(dice{rand.New(rand.NewPCG(seed, uint64(i)))}); err != nil {
			t.Errorf("seed %d, %s: %v", seed, kind.name, err)
		}
	}
}

// dice makes up what a code holds.
type dice struct{ *rand.Rand }

func (d dice) coin() bool { return d.IntN(2) == 0 }

// of gives a text of low to high characters of an alphabet.
func (d dice) of(alphabet string, low, high int) string {
	letters := []rune(alphabet)
	out := make([]rune, low+d.IntN(high-low+1))
	for i := range out {
		out[i] = letters[d.IntN(len(letters))]
	}
	return string(out)
}

const (
	digits  = "0123456789"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz /"
	kana    = "メルペイ カフェ本舗食堂abc円"
	cset82  = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!\"%&'()*+,-./:;<=>?_" // GS1 General Specifications
)

func (d dice) bytes(low, high int) []byte {
	out := make([]byte, low+d.IntN(high-low+1))
	for i := range out {
		out[i] = byte(d.Uint32())
	}
	return out
}

// held is what a till should find: a tag and its value in hex.
type held map[emv.Tag]string

// template makes up a template and says what a till should find in it. A field
// that taken has is left out: it would be there twice.
func (d dice) template(taken held) (walletsim.Template, held) {
	var out walletsim.Template
	want := held{}
	free := func(tag emv.Tag, value string) bool {
		_, there := taken[tag]
		if there || d.coin() {
			return false
		}
		want[tag] = value
		return true
	}
	if s := d.of(letters, 1, 16); free(0x50, hex.EncodeToString([]byte(s))) {
		out.Label = s
	}
	if s := d.of(digits, 12, 19) + "d" + d.of(digits, 7, 12); free(0x57, s+strings.Repeat("f", len(s)%2)) {
		out.Track2 = s
	}
	if s := d.of(digits, 12, 19); free(0x5a, s+strings.Repeat("f", len(s)%2)) {
		out.PAN = s
	}
	if s := d.of(letters, 2, 26); free(0x5f20, hex.EncodeToString([]byte(s))) {
		out.Holder = s
	}
	if free(0x5f2d, hex.EncodeToString([]byte("jaen"))) {
		out.Languages = "jaen"
	}
	if s := d.of(letters, 1, 400); free(0x5f50, hex.EncodeToString([]byte(s))) {
		out.URL = s
	}
	if b := d.bytes(2, 2); free(0x9f08, hex.EncodeToString(b)) {
		out.Version = b
	}
	if s := d.of(digits, 1, 11); free(0x9f19, strings.Repeat("0", len(s)%2)+s) {
		out.Requestor = s
	}
	if s := d.of(digits, 29, 29); free(0x9f24, hex.EncodeToString([]byte(s))) {
		out.PAR = s
	}
	if s := d.of(digits, 4, 4); free(0x9f25, s) {
		out.LastFour = s
	}
	if b := d.bytes(0, 300); free(0xdf8101, hex.EncodeToString(b)) { // no table has this tag
		out.Other = []walletsim.Object{{Tag: "df8101", Value: b}}
	}
	if b := d.bytes(0, 100); d.coin() {
		out.Transparent = []walletsim.Object{{Tag: "9f26", Value: b}}
	}
	return out, want
}

func cpmAgrees(d dice) error {
	code := walletsim.CPM{}
	if d.coin() {
		code.Format = walletsim.FormatJPQR
	}
	common := held{}
	if d.coin() {
		var shared walletsim.Template
		shared, common = d.template(nil)
		code.Common = &shared
	}
	var want []held // of each application
	for range 1 + d.IntN(3) {
		own, found := d.template(common)
		own.AID = d.bytes(5, 16)
		found[0x4f] = hex.EncodeToString(own.AID)
		code.Templates, want = append(code.Templates, own), append(want, found)
	}
	text, err := code.Text()
	if err != nil {
		return err
	}
	if got := payload.Classify("]Q1", text, nil); got.Kind != payload.EMVContainer {
		return fmt.Errorf("is %v", got.Kind)
	}
	container, err := emv.Decode(nil, text)
	if err != nil {
		return err
	}
	if want := map[bool]emv.Format{true: "JPQR1", false: "CPV01"}[code.Format != ""]; container.Format != want {
		return fmt.Errorf("format %s, want %s", container.Format, want)
	}
	i := 0
	for application := range container.Applications() {
		if i == len(want) {
			return fmt.Errorf("more than %d applications", i)
		}
		if err := finds(application, want[i], common); err != nil {
			return fmt.Errorf("application %d: %w", i, err)
		}
		i++
	}
	if i != len(want) {
		return fmt.Errorf("%d applications, want %d", i, len(want))
	}
	return nil
}

// finds compares an application with its own and the common fields: all of them
// and, but for the opaque templates, no others.
func finds(application emv.Application, own, common held) error {
	for _, want := range []held{own, common} {
		for tag, value := range want {
			if got, ok := application.Find(tag); !ok || hex.EncodeToString(got.Value) != value {
				return fmt.Errorf("tag %v: %x (%v), want %s", tag, got.Value, ok, value)
			}
		}
	}
	n := 0
	for object := range application.Objects() {
		if object.Tag != emv.ApplicationTransparent && object.Tag != emv.CommonTransparent {
			n++
		}
	}
	if n != len(own)+len(common) {
		return fmt.Errorf("%d objects, want %d", n, len(own)+len(common))
	}
	return nil
}

// shop makes up a shop's code; levels are its number if it has the Japanese
// profile.
func (d dice) shop(japanese bool, levels [4]string) walletsim.MPM {
	account := walletsim.Field{ID: "27", Fields: []walletsim.Field{{ID: "00", Value: "jp.example"}, {ID: "05", Value: d.of(letters, 1, 80)}}}
	if japanese {
		account = walletsim.JPQRAccount(levels)
	}
	code := walletsim.MPM{
		{ID: "01", Value: walletsim.Dynamic}, account,
		{ID: "52", Value: d.of(digits, 4, 4)}, {ID: "53", Value: "392"}, {ID: "54", Value: d.of(digits, 1, 13)},
		{ID: "58", Value: "JP"}, {ID: "59", Value: d.of(letters, 1, 25)}, {ID: "60", Value: d.of(letters, 1, 15)},
		{ID: "64", Fields: []walletsim.Field{{ID: "00", Value: "JA"}, {ID: "01", Value: d.of(kana, 1, 25)}}},
		{ID: "81", Fields: []walletsim.Field{{ID: "00", Value: d.of(kana, 1, 32)}}},
	}
	d.Shuffle(len(code), func(i, j int) { code[i], code[j] = code[j], code[i] })
	return code
}

func mpmAgrees(d dice) error {
	levels := [4]string{d.of(digits, 13, 13), d.of(digits, 4, 4), d.of(digits, 6, 6), d.of(digits, 6, 6)}
	japanese := d.coin()
	code := d.shop(japanese, levels)
	text, err := code.Text()
	if err != nil {
		return err
	}
	if got := payload.Classify("]Q1", text, nil); got.Kind != payload.MerchantCode {
		return fmt.Errorf("is %v", got.Kind)
	}
	shop, err := emv.DecodeMerchant(text)
	if err != nil {
		return err
	}
	if id, ok := shop.JPQR(); ok != japanese || ok && [4]string(id) != levels {
		return fmt.Errorf("JPQR %v %v, want %v %v", ok, id, japanese, levels)
	}
	first, last := walletsim.Field{ID: "00", Value: "01"}, walletsim.Field{ID: "63", Value: text[len(text)-4:]}
	return sameItems(shop, append(append(walletsim.MPM{first}, code...), last))
}

func sameItems(shop emv.Merchant, want []walletsim.Field) error {
	i := 0
	for item := range shop.Items() {
		if i == len(want) || item.ID != want[i].ID || want[i].Fields == nil && item.Value != want[i].Value {
			return fmt.Errorf("item %d is %s %q", i, item.ID, item.Value)
		}
		j := 0
		for inner := range shop.Inside(item) {
			if j == len(want[i].Fields) || inner.ID != want[i].Fields[j].ID || inner.Value != want[i].Fields[j].Value {
				return fmt.Errorf("field %d in item %d is %s %q", j, i, inner.ID, inner.Value)
			}
			j++
		}
		if j != len(want[i].Fields) {
			return fmt.Errorf("item %d has %d fields, want %d", i, j, len(want[i].Fields))
		}
		i++
	}
	if i != len(want) {
		return fmt.Errorf("%d items, want %d", i, len(want))
	}
	return nil
}

// gtin14 has a right check digit: weights 3 and 1 from the right (GS1 General
// Specifications).
func (d dice) gtin14() string {
	number := d.of(digits, 13, 13)
	sum := 0
	for i, r := range number {
		sum += int(r-'0') * (3 - 2*(i%2))
	}
	return number + strconv.Itoa((10-sum%10)%10)
}

func (d dice) date() string {
	return fmt.Sprintf("%02d%02d%02d", d.IntN(100), 1+d.IntN(12), 1+d.IntN(28))
}

func elementsAgree(d dice) error {
	all := []walletsim.Element{
		{AI: "01", Value: d.gtin14()}, {AI: "11", Value: d.date()}, {AI: "17", Value: d.date()},
		{AI: "10", Value: d.of(cset82, 1, 20)}, {AI: "21", Value: d.of(cset82, 1, 20)},
		{AI: "3103", Value: d.of(digits, 6, 6)}, {AI: "240", Value: d.of(cset82, 1, 30)}, {AI: "91", Value: d.of(cset82, 1, 90)},
	}
	d.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	want := all[:1+d.IntN(len(all))]
	got, err := gs1.Parse(nil, walletsim.ElementString(want...))
	return sameElements(got, err, want)
}

func linkAgrees(d dice) error {
	link := walletsim.Link{Domain: "shop.example", Path: []walletsim.Element{{AI: "01", Value: d.gtin14()}}}
	for _, e := range []walletsim.Element{{AI: "22", Value: d.of(cset82, 1, 20)}, {AI: "10", Value: d.of(cset82, 1, 20)}, {AI: "21", Value: d.of(cset82, 1, 20)}} {
		if d.coin() {
			link.Path = append(link.Path, e)
		}
	}
	for _, e := range []walletsim.Element{{AI: "17", Value: d.date()}, {AI: "3103", Value: d.of(digits, 6, 6)}, {AI: "91", Value: d.of(cset82, 1, 90)}} {
		if d.coin() {
			link.Query = append(link.Query, e)
		}
	}
	got, err := gs1.ParseLink(nil, link.Text())
	return sameElements(got, err, append(link.Path, link.Query...))
}

func sameElements(got []gs1.Element, err error, want []walletsim.Element) error {
	if err != nil || len(got) != len(want) {
		return fmt.Errorf("%d elements (%v), want %d", len(got), err, len(want))
	}
	for i, e := range got {
		if e.AI != want[i].AI || e.Value != want[i].Value {
			return fmt.Errorf("element %d is %s %q, want %+v", i, e.AI, e.Value, want[i])
		}
	}
	return nil
}

func goodsAgree(d dice) error {
	magazine, price, err := walletsim.Magazine(d.of(digits, 5, 5), d.IntN(100), d.IntN(10), int64(d.IntN(10_000)))
	if err != nil {
		return err
	}
	for _, sent := range walletsim.WithAddOn(magazine, price) {
		got := payload.Classify(aim.ID(sent.Identifier), sent.Data, nil)
		if got.Kind != payload.Goods || got.GTIN != magazine || got.AddOn != price {
			return fmt.Errorf("magazine %q is %v %s %s", sent, got.Kind, got.GTIN, got.AddOn)
		}
	}
	isbn, row2, err := walletsim.Book("978"+d.of(digits, 9, 9), d.of(digits, 4, 4), int64(d.IntN(100_000)))
	if err != nil {
		return err
	}
	for i, row := range []string{isbn, row2} {
		if got := payload.Classify("]E0", row, nil); got.Kind != payload.Goods || got.Row != i+1 {
			return fmt.Errorf("a book's row %d is %v, row %d", i+1, got.Kind, got.Row)
		}
	}
	fresh, err := walletsim.InStore([]string{"02", "04", "20", "29"}[d.IntN(4)], d.of(digits, 5, 5), int64(d.IntN(10_000)))
	if err != nil {
		return err
	}
	if got := payload.Classify("]E0", fresh, nil); got.Kind != payload.Goods || !got.InStore || got.GTIN != fresh {
		return fmt.Errorf("a store's own code is %v, in store %v", got.Kind, got.InStore)
	}
	return nil
}

func billAgrees(d dice) error {
	slip, err := walletsim.Bill{Company: d.of(digits, 6, 6), Free: d.of(digits, 0, 21), Due: d.date(), Yen: int64(d.IntN(1_000_000))}.Text()
	if err != nil {
		return err
	}
	for _, id := range []aim.ID{"", "]C1"} {
		if got := payload.Classify(id, slip, nil); got.Kind != payload.Bill {
			return fmt.Errorf("a bill, identifier %q, is %v", id, got.Kind)
		}
	}
	return nil
}
