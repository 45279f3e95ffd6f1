package register_test

import (
	"slices"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// The journal says what kind of goods a payment was for, whether the watch list
// or the POS named it.
func TestTheJournalNamesTheCategoriesOfTheGoods(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		byPOS := riceBall
		byPOS.Category = "tobacco"
		for ref, c := range map[terminal.SaleRef]struct {
			lines []terminal.Line
			want  []terminal.Category
		}{
			"s1": {append(packs(1), riceBall, byPOS), []terminal.Category{"tobacco"}},
			"s2": {[]terminal.Line{riceBall}, nil},
		} {
			w.sells(ref, c.lines...)
			id := w.pays("account-" + string(ref))
			if got := w.payment(id).Categories; !slices.Equal(got, c.want) {
				t.Errorf("%s: the payment has %q, want %q", ref, got, c.want)
			}
			for _, e := range w.leaves() {
				if e.Payment == id && !slices.Equal(e.Categories, c.want) {
					t.Errorf("%s: entry %d has %q, want %q", ref, e.Seq, e.Categories, c.want)
				}
			}
			w.answer(id, wire.OutcomeDeclined)
			_, err := w.reg.CancelSale(t.Context(), ref)
			w.must(err)
		}
	})
}
