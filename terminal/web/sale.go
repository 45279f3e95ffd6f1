package web

import (
	"context"
	"net/http"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// unpriced is how a Desk is told that a line has no price of its own and is
// priced from the price file: see register.Desk.AddLines.
const unpriced terminal.Yen = -1

// putSale is PUT /v1/sales/{ref}: the sale becomes what the POS says.
func (s *Server) putSale(w http.ResponseWriter, r *http.Request) {
	sale, ready, err := readSale(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.sell(w, r, func(ctx context.Context) (terminal.Sale, error) { return s.desk.PutSale(ctx, sale, ready) })
}

// addLines is POST /v1/sales/{ref}/lines: the total grows by what they cost.
func (s *Server) addLines(w http.ResponseWriter, r *http.Request) {
	ref, lines, err := readMoreLines(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.sell(w, r, func(ctx context.Context) (terminal.Sale, error) { return s.desk.AddLines(ctx, ref, lines) })
}

// ready is POST /v1/sales/{ref}/ready: the cashier's Total key.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	s.actOnSale(w, r, s.desk.Ready)
}

// cancelSale is POST /v1/sales/{ref}/cancel.
func (s *Server) cancelSale(w http.ResponseWriter, r *http.Request) {
	s.actOnSale(w, r, s.desk.CancelSale)
}

func (s *Server) actOnSale(w http.ResponseWriter, r *http.Request, act func(context.Context, terminal.SaleRef) (terminal.Sale, error)) {
	ref, err := readRef(r)
	if err == nil {
		err = readNothing(w, r)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.sell(w, r, func(ctx context.Context) (terminal.Sale, error) { return act(ctx, ref) })
}

// sell asks the register and answers with the sale as it now is.
func (s *Server) sell(w http.ResponseWriter, r *http.Request, ask func(context.Context) (terminal.Sale, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	sale, err := ask(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, withLines(sale))
}

// withLines makes a sale without lines read [] instead of null.
func withLines(s terminal.Sale) terminal.Sale {
	if s.Lines == nil {
		s.Lines = []terminal.Line{}
	}
	return s
}

// readSale reads a whole sale. The total must be there: it is the POS's word
// and may be less than the lines, so it cannot be guessed from them.
func readSale(w http.ResponseWriter, r *http.Request) (terminal.Sale, bool, error) {
	ref, err := readRef(r)
	if err != nil {
		return terminal.Sale{}, false, err
	}
	body, err := readBody(w, r, "lines", "total", "ready")
	if err != nil {
		return terminal.Sale{}, false, err
	}
	lines, err := readLines(body)
	if err != nil {
		return terminal.Sale{}, false, err
	}
	if _, ok := body.get("total"); !ok {
		return terminal.Sale{}, false, body.bad("total", "is missing: send what the customer is to pay, in yen")
	}
	total, err := body.number("total", 0)
	if err != nil {
		return terminal.Sale{}, false, err
	}
	ready, err := body.flag("ready")
	if err != nil {
		return terminal.Sale{}, false, err
	}
	sale := terminal.Sale{Ref: ref, Lines: lines, Total: terminal.Yen(total)}
	return sale, ready, check(sale)
}

func readMoreLines(w http.ResponseWriter, r *http.Request) (terminal.SaleRef, []terminal.Line, error) {
	ref, err := readRef(r)
	if err != nil {
		return "", nil, err
	}
	body, err := readBody(w, r, "lines")
	if err != nil {
		return "", nil, err
	}
	lines, err := readLines(body)
	if err != nil {
		return "", nil, err
	}
	if len(lines) == 0 {
		return "", nil, body.bad("lines", "has no line to add")
	}
	return ref, lines, check(terminal.Sale{Ref: ref, Lines: lines})
}

func readRef(r *http.Request) (terminal.SaleRef, error) {
	ref := terminal.SaleRef(r.PathValue("ref"))
	return ref, check(terminal.Sale{Ref: ref})
}

func readLines(body object) ([]terminal.Line, error) {
	list, err := body.list("lines", "gtin", "name", "quantity", "unit_price", "category", "units")
	if err != nil {
		return nil, err
	}
	lines := make([]terminal.Line, len(list))
	for i, o := range list {
		if lines[i], err = readLine(o); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// readLine reads one line: no quantity means one, no price means unpriced, no
// units means that the register looks them up.
func readLine(o object) (terminal.Line, error) {
	var texts [3]string
	for i, name := range []string{"gtin", "name", "category"} {
		var err error
		if texts[i], err = o.text(name); err != nil {
			return terminal.Line{}, err
		}
	}
	numbers := [3]int64{1, int64(unpriced), 0}
	for i, name := range []string{"quantity", "unit_price", "units"} {
		var err error
		if numbers[i], err = o.number(name, numbers[i]); err != nil {
			return terminal.Line{}, err
		}
	}
	return terminal.Line{
		GTIN: terminal.GTIN(texts[0]).Canonical(), Name: texts[1], Category: terminal.Category(texts[2]),
		Quantity: numbers[0], Price: terminal.Yen(numbers[1]), Units: numbers[2],
	}, nil
}

// check applies terminal.Sale.Check as far as it can be applied before the
// price file has been asked: a line without a price counts as costing nothing,
// and the total is then compared with the lines by the register.
func check(s terminal.Sale) error {
	known := s
	known.Lines = make([]terminal.Line, len(s.Lines))
	priced := true
	for i, l := range s.Lines {
		if l.Price == unpriced {
			l.Price, priced = 0, false
		}
		known.Lines[i] = l
	}
	if !priced {
		known.Total = 0
		if s.Total > terminal.MaxSale {
			known.Total = s.Total
		}
	}
	if err := known.Check(); err != nil {
		return problem{status: statusOf[register.CodeSaleInvalid], code: register.CodeSaleInvalid, detail: err.Error()}
	}
	return nil
}
