package scenario

import "sekisho/terminal"

// The demo's goods. The tobacco's numbers are made up, in the range for a
// store's own use; the chocolate's is a real one.
var (
	lunch     = terminal.Line{GTIN: "4902777130835", Name: "bento and tea", Quantity: 1, Price: 720}
	pack      = terminal.Line{GTIN: "2000000000015", Name: "cigarettes, pack", Quantity: 1, Price: 580}
	carton    = terminal.Line{GTIN: "2000000000107", Name: "cigarettes, carton", Quantity: 1, Price: 5800}
	cartridge = terminal.Line{GTIN: "2000000000206", Name: "e-cigarette cartridges", Quantity: 1, Price: 5000}
	dear      = terminal.Line{GTIN: "2000000000015", Name: "cigarettes, a dear brand", Quantity: 1, Price: 4000}
	novelty   = terminal.Line{GTIN: "4902777990002", Name: "cartridges, a new flavour", Quantity: 1, Price: 100} // on no watch list
	platter   = terminal.Line{GTIN: "2000000000305", Name: "party tray, small", Quantity: 1, Price: 4900}
	feast     = terminal.Line{GTIN: "2000000000305", Name: "party tray", Quantity: 1, Price: 6000}
)

// maker is the prefix of the numbers of a maker of cartridges, made up.
const maker = "490277799"

// priceOf is the same article at another price.
func priceOf(l terminal.Line, yen terminal.Yen) terminal.Line {
	l.Price = yen
	return l
}

func times(n int64, l terminal.Line) []terminal.Line {
	l.Quantity = n
	return []terminal.Line{l}
}
