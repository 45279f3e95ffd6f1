package scenario

import (
	"context"
	"fmt"
	"image"
	"strconv"
	"strings"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/phonepage"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

// Cards lays out what a person can hold before the demo's scanner: goods, three
// customers' phones, and a shop's code.
func (w *World) Cards(ctx context.Context) ([]phonepage.Group, error) {
	groups := []phonepage.Group{shelf()}
	for _, c := range []struct{ title, name string }{
		{"Sakura's phone", "sakura"},
		{"A thief's phone with a stolen account", "thief"},
	} {
		bound, note := longAgo, "Bound to the account more than a year ago."
		if c.name == "thief" {
			bound, note = anHour, "Bound to the account an hour ago."
		}
		customer, err := w.NewCustomer(ctx, c.name, bound, wellOff)
		if err != nil {
			return nil, err
		}
		groups = append(groups, phone(w, customer, c.title, note))
	}
	groups = append(groups, phonepage.Group{Title: "On the counter", Cards: []phonepage.Card{{
		ID: "merchant", Label: "A shop's code", Note: "shown by mistake",
		Draw: func(context.Context) (image.Image, error) { return walletsim.QR(walletsim.MerchantCode("CORNER SHOP")) },
	}}})
	return groups, nil
}

func shelf() phonepage.Group {
	g := phonepage.Group{Title: "Goods", Note: "The register has prices for these and begins a sale by itself."}
	for _, l := range priced {
		g.Cards = append(g.Cards, phonepage.Card{
			ID: "goods-" + string(l.GTIN), Label: l.Name, Note: yen(l.Price),
			Draw: func(context.Context) (image.Image, error) { return walletsim.EAN(string(l.GTIN)) },
		})
	}
	return g
}

// yen writes an amount for people, with a comma before each three digits.
func yen(y terminal.Yen) string {
	text := strconv.FormatInt(int64(y), 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text + " yen"
}

// phone lays out one customer's codes.
func phone(w *World, c *Customer, title, note string) phonepage.Group {
	last := ""
	fresh := func(context.Context) (image.Image, error) {
		text, err := c.Phone.Pass()
		if err != nil {
			return nil, err
		}
		last = text
		return walletsim.QR(text)
	}
	again := func(ctx context.Context) (image.Image, error) {
		if last == "" {
			return fresh(ctx)
		}
		return walletsim.QR(last)
	}
	digits := func(ctx context.Context) (image.Image, error) {
		text := c.Phone.Digits(walletsim.PayPay)
		if err := w.backend.RegisterDigits(ctx, text, "paypay", c.Phone.Account()); err != nil {
			return nil, err
		}
		if err := w.backend.SetAccount(ctx, "paypay", c.Phone.Account(), 50_000); err != nil {
			return nil, err
		}
		return walletsim.Code128(text)
	}
	return phonepage.Group{Title: title, Note: note, Cards: []phonepage.Card{
		{ID: c.name + "-pass", Label: "A fresh pass", Draw: fresh},
		{ID: c.name + "-again", Label: "The last pass again", Draw: again},
		{ID: c.name + "-digits", Label: "Another wallet's digits", Draw: digits},
	}}
}

// itemsFile is the price file that the daemon reads.
func itemsFile() string {
	var text strings.Builder
	text.WriteString("gtin,name,price_yen\n")
	for _, l := range priced {
		fmt.Fprintf(&text, "%s,%q,%d\n", l.GTIN, l.Name, int64(l.Price))
	}
	return text.String()
}

var priced = []terminal.Line{lunch, pack, carton, cartridge, feast}

// Show holds a picture before the scanner.
func (w *World) Show(ctx context.Context, picture image.Image) error {
	return w.scanner.Show(ctx, picture)
}

// LoseAnswer lets the backend carry out the next authorise and say nothing.
func (w *World) LoseAnswer(context.Context) error {
	return w.backend.Set(backendsim.Fault{Kind: backendsim.DropAfter, Count: 1})
}

// LineUp says whether the register's line to the backend is up.
func (w *World) LineUp(ctx context.Context) (bool, error) {
	s, err := w.Till.State(ctx)
	return s.Link.Up, err
}
