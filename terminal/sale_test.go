package terminal_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sekisho/terminal"
)

func tea() terminal.Line {
	return terminal.Line{GTIN: "4902777130835", Name: "tea", Quantity: 2, Price: 150, Category: "drinks", Units: 1}
}

func basket() terminal.Sale {
	return terminal.Sale{
		Ref: "pos-7/1", Revision: 3, Total: 880, State: terminal.SaleOpen,
		Lines: []terminal.Line{tea(), {GTIN: "49400762", Name: "cigarettes", Quantity: 1, Price: 580, Category: "tobacco"}},
	}
}

func TestSaleCheckTakesWhatASaleMayBe(t *testing.T) {
	for name, change := range map[string]func(*terminal.Sale){
		"as it is":                func(*terminal.Sale) {},
		"no lines, only a total":  func(s *terminal.Sale) { s.Lines = nil },
		"a coupon pays a part":    func(s *terminal.Sale) { s.Total = 1 },
		"a coupon pays all":       func(s *terminal.Sale) { s.Total = 0 },
		"200 Japanese characters": func(s *terminal.Sale) { s.Lines[0].Name = strings.Repeat("弁", 200) },
		"a reference of 200":      func(s *terminal.Sale) { s.Ref = terminal.SaleRef(strings.Repeat("é", 200)) },
		"the most lines":          func(s *terminal.Sale) { s.Lines = slices.Repeat([]terminal.Line{tea()}, 500) },
		"the largest quantity":    func(s *terminal.Sale) { s.Lines[0].Quantity = 10_000 },
		"the most units":          func(s *terminal.Sale) { s.Lines[1].Units = 10_000 },
		"a carton":                func(s *terminal.Sale) { s.Lines[1].Units = 10 },
		"free of charge":          func(s *terminal.Sale) { s.Lines[0].Price, s.Total = 0, 580 },
		"ten million yen": func(s *terminal.Sale) {
			s.Lines, s.Total = s.Lines[:1], 10_000_000
			s.Lines[0].Quantity, s.Lines[0].Price = 1, 10_000_000
		},
		"next to what turns a line":   func(s *terminal.Sale) { s.Lines[1].Name = "\u202f\u2065\u206a" },
		"no name and no category":     func(s *terminal.Sale) { s.Lines[0].Name, s.Lines[0].Category = "", "" },
		"an article number of UPC-A":  func(s *terminal.Sale) { s.Lines[0].GTIN = "614141000036" },
		"no units: an article is one": func(s *terminal.Sale) { s.Lines[0].Units = 0 },
	} {
		s := basket()
		change(&s)
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every sentence that a POS's maker can get.
func TestI8SaleCheckSaysWhatIsWrong(t *testing.T) {
	const (
		ref      = "the sale's reference must have 1 to 200 characters and no control characters"
		total    = "the total must be from 0 to 10000000 yen"
		number   = "line 1: the article number must be 8, 12 or 13 digits with a right check digit"
		quantity = "line 2: the quantity must be from 1 to 10000"
		price    = "line 1: the unit price must be from 0 to 10000000 yen"
		units    = "line 2: the units must be from 0 to 10000"
		name     = "line 2: the name has more than 200 characters or control characters"
		category = "line 1: the category is no category"
	)
	for _, c := range []struct {
		name   string
		change func(*terminal.Sale)
		want   string
	}{
		{"no reference", func(s *terminal.Sale) { s.Ref = "" }, ref},
		{"a long reference", func(s *terminal.Sale) { s.Ref = terminal.SaleRef(strings.Repeat("a", 201)) }, ref},
		{"a reference of two rows", func(s *terminal.Sale) { s.Ref = "a\nb" }, ref},
		{"a reference that is no UTF-8", func(s *terminal.Sale) { s.Ref = "a\xff" }, ref},
		{"a C1 control", func(s *terminal.Sale) { s.Ref = "a\u0085b" }, ref},
		{"a line separator", func(s *terminal.Sale) { s.Ref = "a\u2028b" }, ref},
		{"a name that turns the line around", func(s *terminal.Sale) { s.Lines[1].Name = "\u202eyen 0001" }, name},
		{"the first that turns", func(s *terminal.Sale) { s.Lines[1].Name = "\u202a" }, name},
		{"the first that isolates", func(s *terminal.Sale) { s.Lines[1].Name = "\u2066" }, name},
		{"the end of what isolates", func(s *terminal.Sale) { s.Lines[1].Name = "\u2069" }, name},
		{"a name that isolates", func(s *terminal.Sale) { s.Lines[1].Name = "a\u2067b" }, name},
		{"501 lines", func(s *terminal.Sale) { s.Lines = slices.Repeat([]terminal.Line{tea()}, 501) }, "a sale has at most 500 lines"},
		{"a total below zero", func(s *terminal.Sale) { s.Total = -1 }, total},
		{"a total above all", func(s *terminal.Sale) { s.Total = 10_000_001 }, total},
		{"a wrong check digit", func(s *terminal.Sale) { s.Lines[0].GTIN = "4902777130836" }, number},
		{"no quantity", func(s *terminal.Sale) { s.Lines[1].Quantity = 0 }, quantity},
		{"a quantity below zero", func(s *terminal.Sale) { s.Lines[1].Quantity = math.MinInt64 }, quantity},
		{"too many", func(s *terminal.Sale) { s.Lines[1].Quantity = 10_001 }, quantity},
		{"a price below zero", func(s *terminal.Sale) { s.Lines[0].Price = -1 }, price},
		{"a price above all", func(s *terminal.Sale) { s.Lines[0].Price = 10_000_001 }, price},
		{"units below zero", func(s *terminal.Sale) { s.Lines[1].Units = -1 }, units},
		{"too many units", func(s *terminal.Sale) { s.Lines[1].Units = 10_001 }, units},
		{"a long name", func(s *terminal.Sale) { s.Lines[1].Name = strings.Repeat("弁", 201) }, name},
		{"a name with a bell", func(s *terminal.Sale) { s.Lines[1].Name = "\a" }, name},
		{"a long category", func(s *terminal.Sale) { s.Lines[0].Category = terminal.Category(strings.Repeat("a", 201)) }, category},
		{"a category of two rows", func(s *terminal.Sale) { s.Lines[0].Category = "a\nb" }, category},
		{"a line above all", func(s *terminal.Sale) { s.Lines[1].Quantity, s.Lines[1].Price = 2, 5_000_001 }, "line 2: the sale comes to more than 10000000 yen"},
		{"lines above all together", func(s *terminal.Sale) { s.Lines[1].Price = 9_999_701 }, "line 2: the sale comes to more than 10000000 yen"},
		{"a total above the lines", func(s *terminal.Sale) { s.Total = 881 }, "the total is 881 yen but the lines come to 880 yen"},
	} {
		s := basket()
		c.change(&s)
		err, ok := s.Check().(*terminal.ErrSale)
		if !ok || err.Error() != c.want {
			t.Errorf("%s: got %v, want %q", c.name, s.Check(), c.want)
		}
	}
}

func TestHashChangesWithAllThatIsPaidFor(t *testing.T) {
	seen := map[string]string{basket().Hash(): "as it is"}
	for name, change := range map[string]func(*terminal.Sale){
		"reference":     func(s *terminal.Sale) { s.Ref += "1" },
		"revision":      func(s *terminal.Sale) { s.Revision++ },
		"total":         func(s *terminal.Sale) { s.Total-- },
		"number":        func(s *terminal.Sale) { s.Lines[0].GTIN = "4971633002005" },
		"quantity":      func(s *terminal.Sale) { s.Lines[0].Quantity++ },
		"price":         func(s *terminal.Sale) { s.Lines[0].Price++ },
		"category":      func(s *terminal.Sale) { s.Lines[0].Category = "tobacco" },
		"units":         func(s *terminal.Sale) { s.Lines[0].Units++ },
		"another line":  func(s *terminal.Sale) { s.Lines = append(s.Lines, tea()) },
		"a line less":   func(s *terminal.Sale) { s.Lines = s.Lines[:1] },
		"lines swapped": func(s *terminal.Sale) { slices.Reverse(s.Lines) },
	} {
		s := basket()
		change(&s)
		if other, twice := seen[s.Hash()]; twice {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[s.Hash()] = name
	}
	s := basket()
	s.State, s.Own, s.Payment, s.Lines[0].Name = terminal.SalePaid, true, "x", "other words for the same article"
	if s.Hash() != basket().Hash() {
		t.Error("the hash changed with what is not paid for")
	}
}

// The form of the hash is a promise to the backend; here it is written by hand:
//
//	printf 'sekisho.sale.v1\npos-7/1\n3\n880\n4902777130835 2 150 drinks 1\n49400762 1 580 tobacco 0\n' | sha256sum
func TestHashIsOfTheRowsAsWritten(t *testing.T) {
	if got := basket().Hash(); got != basketHash {
		t.Errorf("got %s, want %s", got, basketHash)
	}
}

// No two sales that Check takes have one hash, however their texts are cut:
// texts are drawn from the very characters that part the rows and fields.
func TestHashTellsAmbiguousTextsApart(t *testing.T) {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("1 \n7")), 0, 6, -1)
	line := rapid.Custom(func(t *rapid.T) terminal.Line {
		l := tea()
		l.Quantity = rapid.Int64Range(1, 12).Draw(t, "quantity")
		l.Price = terminal.Yen(rapid.Int64Range(0, 12).Draw(t, "price"))
		l.Units = rapid.Int64Range(0, 12).Draw(t, "units")
		l.Category = terminal.Category(text.Draw(t, "category"))
		return l
	})
	sale := rapid.Custom(func(t *rapid.T) terminal.Sale {
		return terminal.Sale{
			Ref: terminal.SaleRef(text.Draw(t, "ref")), Revision: rapid.Int64Range(0, 12).Draw(t, "revision"),
			Lines: rapid.SliceOfN(line, 0, 3).Draw(t, "lines"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := sale.Draw(t, "a"), sale.Draw(t, "b")
		if a.Check() != nil || b.Check() != nil {
			return
		}
		same := a.Same(b) && a.Revision == b.Revision
		if same != (a.Hash() == b.Hash()) {
			t.Fatalf("same: %v, but hashes %s and %s", same, a.Hash(), b.Hash())
		}
	})
	s, other := basket(), basket()
	s.Lines[0].Category, s.Lines[0].Units = "a 1", 2
	other.Lines[0].Category, other.Lines[0].Units = "a", 12
	if s.Hash() == other.Hash() || s.Check() != nil || other.Check() != nil {
		t.Error("a category with a space is mistaken for one without")
	}
}

func TestSameLooksAtGoodsAndTotal(t *testing.T) {
	a, b := basket(), basket()
	b.Revision, b.State, b.Payment, b.Own = 9, terminal.SalePaid, "x", true
	if !a.Same(b) {
		t.Error("a revision or state made another sale of it")
	}
	for name, change := range map[string]func(*terminal.Sale){
		"ref": func(s *terminal.Sale) { s.Ref = "x" }, "total": func(s *terminal.Sale) { s.Total = 1 },
		"name": func(s *terminal.Sale) { s.Lines[0].Name = "x" }, "line": func(s *terminal.Sale) { s.Lines = s.Lines[1:] },
	} {
		c := basket()
		change(&c)
		if a.Same(c) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestGrossCountsWholeLinesAndPacksOfCartons(t *testing.T) {
	cigarettes := terminal.Line{GTIN: "49400762", Quantity: 3, Price: 580, Category: "tobacco"}
	carton := terminal.Line{GTIN: "4971633002005", Quantity: 2, Price: 5800, Category: "tobacco", Units: 10}
	s := terminal.Sale{Ref: "1", Lines: []terminal.Line{tea(), cigarettes, carton}, Total: 1} // a coupon pays the rest
	for _, c := range []struct {
		category terminal.Category
		want     terminal.Amount
	}{
		{"tobacco", amount(3*580+2*5800, 3+20)},
		{"drinks", amount(300, 2)},
		{"gift card", amount(0, 0)},
		{"", amount(300+3*580+2*5800, 2+3+20)},
	} {
		if got := s.Gross()[c.category]; got != c.want {
			t.Errorf("%q: got %v, want %v", c.category, got, c.want)
		}
	}
	bare := terminal.Sale{Ref: "1", Total: 720}
	if got := bare.Gross(); got[""] != amount(720, 1) || len(got) != 1 {
		t.Errorf("a total without lines: got %v", got)
	}
}

// A sale that was never checked must not slip under a cap.
func TestGrossOfTooMuchIsNotLittle(t *testing.T) {
	s := terminal.Sale{Lines: []terminal.Line{{Quantity: math.MaxInt64, Price: math.MaxInt64, Category: "tobacco"}, {Quantity: math.MaxInt64, Price: 1, Category: "tobacco"}}}
	if got := s.Gross()["tobacco"]; got.Yen < int64(terminal.MaxSale) || got.Units != terminal.Unlimited {
		t.Errorf("got %v", got)
	}
}

const basketHash = "8fe1fd27fddad31c244d3e9aa3452f0e774cc860dfcd937f84f18094b546e4e1"
