package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
)

// The bounds of one page of the journal.
const (
	pageEntries = 50
	pageScan    = 50_000 // entries looked at for one page, a third of a second's work; then the manager asks on
	scanStep    = 500    // read from the ledger at once
)

// filter is what the manager looks for. The zero one fits everything.
type filter struct {
	from, to terminal.Millis // to is the first that does not fit; 0 for no bound
	reason   terminal.Reason
	payment  terminal.PaymentID
}

func (f filter) fits(e journal.Entry) bool {
	return (f.from == 0 || e.Time >= f.from) && (f.to == 0 || e.Time < f.to) &&
		(f.reason == "" || e.Reason == f.reason) && (f.payment == "" || e.Payment == f.payment)
}

// journalPage is GET /manager/journal: the newest entries that fit, older ones
// by before.
func (s *Server) journalPage(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	rules, err := s.desk.Rules(ctx)
	if err != nil {
		s.showTrouble(w, r, err)
		return
	}
	page := trailPage{Query: r.URL.Query(), Zone: zoneOf(rules), Reasons: terminal.Reasons()}
	f, wrong, err := s.readFilter(ctx, page.Query, page.Zone)
	if err == nil && wrong == "" {
		before := int64(-1)
		if text := page.Query.Get("before"); text != "" {
			if before, err = strconv.ParseInt(text, 10, 64); err != nil || before < 0 {
				before, err = 0, nil // an address that somebody typed: nothing is before the first
			}
		}
		var next int64
		page.Entries, next, err = s.trail(ctx, f, before)
		page.Older = older(page.Query, next)
	}
	if err != nil {
		s.showTrouble(w, r, err)
		return
	}
	page.Wrong = wrong
	s.show(w, r, http.StatusOK, "journal", page)
}

// older gives the address of the next page; "" where there is none.
func older(q url.Values, next int64) string {
	if next <= 0 {
		return ""
	}
	on := url.Values{}
	for _, name := range []string{"from", "to", "reason", "payment"} {
		if v := q.Get(name); v != "" {
			on.Set(name, v)
		}
	}
	on.Set("before", strconv.FormatInt(next, 10))
	return "/manager/journal?" + on.Encode()
}

// readFilter reads what the form asks for; wrong is the key of the word that
// says what cannot be read.
func (s *Server) readFilter(ctx context.Context, q url.Values, zone *time.Location) (f filter, wrong string, err error) {
	for _, bound := range []struct {
		name string
		into *terminal.Millis
	}{{"from", &f.from}, {"to", &f.to}} {
		text := q.Get(bound.name)
		if text == "" {
			continue
		}
		t, bad := time.ParseInLocation("2006-01-02T15:04", text, zone)
		if bad != nil {
			return f, "filter.time", nil
		}
		*bound.into = terminal.MillisOf(t)
	}
	f.reason = terminal.Reason(q.Get("reason"))
	if f.reason != "" && !f.reason.Known() {
		return f, "filter.reason", nil
	}
	if text := strings.TrimSpace(q.Get("payment")); text != "" {
		f.payment, err = s.paymentOf(ctx, text)
		var gone *register.PrunedError
		switch {
		case errors.As(err, &gone):
			return f, "filter.pruned", nil
		case err == nil && f.payment == "":
			wrong = "filter.payment"
		}
	}
	return f, wrong, err
}

// paymentOf gives the payment of an id, or of the reference on a receipt, which
// is the index of its first entry; "" where there is none.
func (s *Server) paymentOf(ctx context.Context, text string) (terminal.PaymentID, error) {
	if canonicalID(text) {
		return terminal.PaymentID(text), nil
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < 0 {
		return "", nil
	}
	found, err := s.reader.Entries(ctx, number, 1)
	if err != nil || len(found) == 0 || found[0].Seq != number {
		return "", err
	}
	return readLeaf(found[0]).Payment, nil
}

// trail gives the newest entries before an index that fit, newest first, and the
// index before which to go on; 0 where nothing older is left. With before below
// 0, or beyond the journal, it begins at the end of the journal.
func (s *Server) trail(ctx context.Context, f filter, before int64) (found []journal.Entry, next int64, err error) {
	if f.payment != "" {
		found, err = s.caseOf(ctx, f.payment)
		slices.Reverse(found)
		return slices.DeleteFunc(found, func(e journal.Entry) bool { return !f.fits(e) }), 0, err
	}
	first, size, err := s.reader.Span(ctx)
	if err != nil {
		return nil, 0, err
	}
	if before < 0 || before > size {
		before = size
	}
	for scanned := 0; before > first && scanned < pageScan; scanned += scanStep {
		from := max(first, before-scanStep)
		leaves, err := s.reader.Entries(ctx, from, int(before-from))
		if err != nil {
			return nil, 0, err
		}
		for _, l := range slices.Backward(leaves) {
			if e := readLeaf(l); f.fits(e) {
				found = append(found, e)
			}
			if len(found) == pageEntries {
				return found, above(l.Seq, first), nil
			}
		}
		before = from
	}
	return found, above(before, first), nil
}

// above gives the index before which to go on; 0 where nothing before it is kept.
func above(before, first int64) int64 {
	if before <= first {
		return 0
	}
	return before
}

// caseOf gives the entries of one payment, oldest first.
func (s *Server) caseOf(ctx context.Context, id terminal.PaymentID) ([]journal.Entry, error) {
	leaves, err := s.reader.CaseEntries(ctx, id)
	if err != nil {
		return nil, err
	}
	entries := make([]journal.Entry, len(leaves))
	for i, l := range leaves {
		entries[i] = readLeaf(l)
	}
	return entries, nil
}

// readLeaf reads what a page shows of an entry. It asks for no canonical form:
// sekisho verify does, and a manager is to see whatever is there. Bytes that are
// no JSON come as an entry of no type.
func readLeaf(l register.Leaf) journal.Entry {
	var e journal.Entry
	if json.Unmarshal(l.Bytes, &e) != nil {
		return journal.Entry{Seq: l.Seq}
	}
	return e
}

// zoneOf gives the store's time zone as the policy in force names it, and the
// machine's before there is one.
func zoneOf(rules register.Rules) *time.Location {
	text, ok := policy.Text(rules.Policy)
	if !ok {
		return time.Local
	}
	p, err := policy.Parse(text)
	if err != nil {
		return time.Local
	}
	return p.Business.Zone
}
