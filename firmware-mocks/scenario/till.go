package scenario

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"sekisho/terminal"
)

// Till is the POS and the cashier's hand: it speaks the local API.
type Till struct {
	base   string // "http://127.0.0.1:8470/"
	token  string // the staff's: the scenario looks at what a POS has no business with
	client *http.Client
}

// State is what the till reads of GET /v1/state.
type State struct {
	Incarnation string          `json:"incarnation"`
	Time        terminal.Millis `json:"time"`
	Clock       string          `json:"clock"`
	Link        struct {
		Up     bool                `json:"up"`
		State  terminal.LineState  `json:"state"`
		Reason terminal.LineReason `json:"reason"`
	} `json:"link"`
	Scanner string `json:"scanner"`
	Storage string `json:"storage"`
	Policy  struct {
		Version int64  `json:"version"`
		State   string `json:"state"`
	} `json:"policy"`
	Sale       *terminal.Sale    `json:"sale"`
	Verdict    *terminal.Verdict `json:"verdict"`
	Notice     *Notice           `json:"notice"`
	Quarantine string            `json:"quarantine"`
	Unresolved int               `json:"unresolved"`
	Outbox     int               `json:"outbox"`
	Parked     int               `json:"parked"`
	Frozen     []string          `json:"frozen"`
}

// Notice tells of a scan that was no payment.
type Notice struct {
	Reason terminal.Reason `json:"reason"`
}

// Problem is an error of the local API (RFC 9457).
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Error gives code and detail.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

func newTill(base, token string, door func(http.RoundTripper) http.RoundTripper) *Till {
	var way http.RoundTripper = &http.Transport{}
	if door != nil {
		way = door(way)
	}
	return &Till{base: base, token: token, client: &http.Client{Transport: way}}
}

func (t *Till) close() { t.client.CloseIdleConnections() }

// Put puts a sale and makes it ready to be paid.
func (t *Till) Put(ctx context.Context, ref terminal.SaleRef, lines []terminal.Line) error {
	total := terminal.Yen(0)
	for _, l := range lines {
		total += l.Price * terminal.Yen(l.Quantity)
	}
	return t.call(ctx, http.MethodPut, "v1/sales/"+url.PathEscape(string(ref)), map[string]any{"lines": lines, "total": total, "ready": true}, nil)
}

// PutTotal puts a sale of which the POS tells the total and nothing else.
func (t *Till) PutTotal(ctx context.Context, ref terminal.SaleRef, total terminal.Yen) error {
	return t.call(ctx, http.MethodPut, "v1/sales/"+url.PathEscape(string(ref)), map[string]any{"lines": []terminal.Line{}, "total": total, "ready": true}, nil)
}

// Refund asks for a part of a payment to be given back.
func (t *Till) Refund(ctx context.Context, id terminal.PaymentID, refund terminal.RefundID, amount terminal.Yen) error {
	return t.call(ctx, http.MethodPost, "v1/payments/"+string(id)+"/refunds", map[string]any{"id": refund, "amount": amount}, nil)
}

// Denied is how many accounts the register denies by its own list.
func (t *Till) Denied(ctx context.Context) (int, error) {
	var rules struct {
		Denied int `json:"denied_accounts"`
	}
	return rules.Denied, t.call(ctx, http.MethodGet, "v1/policy", nil, &rules)
}

// Cancel closes a sale that is not paid.
func (t *Till) Cancel(ctx context.Context, ref terminal.SaleRef) error {
	return t.call(ctx, http.MethodPost, "v1/sales/"+url.PathEscape(string(ref))+"/cancel", nil, nil)
}

// HandOver marks the approval: the goods left.
func (t *Till) HandOver(ctx context.Context, id terminal.PaymentID) error {
	return t.call(ctx, http.MethodPost, "v1/payments/"+string(id)+"/handed-over", nil, nil)
}

// Void undoes the approval.
func (t *Till) Void(ctx context.Context, id terminal.PaymentID) error {
	return t.call(ctx, http.MethodPost, "v1/payments/"+string(id)+"/void", nil, nil)
}

// Payment reads the verdict on a payment.
func (t *Till) Payment(ctx context.Context, id terminal.PaymentID) (terminal.Verdict, error) {
	var v terminal.Verdict
	return v, t.call(ctx, http.MethodGet, "v1/payments/"+string(id), nil, &v)
}

// State reads the present picture.
func (t *Till) State(ctx context.Context) (State, error) {
	var s State
	return s, t.call(ctx, http.MethodGet, "v1/state", nil, &s)
}

// Await follows the register's events until the state fits, and gives it. A
// state that passes quickly may be missed: watch tells of each.
func (t *Till) Await(ctx context.Context, fits func(State) bool) (State, error) {
	events, err := t.watch(ctx)
	if err != nil {
		return State{}, err
	}
	defer events.close()
	for {
		s, err := t.State(ctx)
		if err != nil || fits(s) {
			return s, err
		}
		if _, err := events.next(); err != nil {
			return s, err
		}
	}
}

// stream is the register's events from now on.
type stream struct {
	body  io.Closer
	lines *bufio.Scanner
}

// event is one of them: its type and its JSON.
type event struct {
	kind string
	data []byte
}

func (t *Till) watch(ctx context.Context) (*stream, error) {
	req, err := t.request(ctx, http.MethodGet, "v1/events", nil)
	if err != nil {
		return nil, err
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return &stream{body: resp.Body, lines: lines}, nil
}

func (s *stream) close() { s.body.Close() }

// next waits for the next event.
func (s *stream) next() (event, error) {
	var e event
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch name {
		case "event":
			e.kind = value
		case "data":
			e.data = []byte(value)
			return e, nil
		}
	}
	if err := s.lines.Err(); err != nil {
		return e, err
	}
	return e, io.ErrUnexpectedEOF
}

// reach waits until a payment of the sale comes to a state; a notice meanwhile
// is given to told, whose error ends the waiting.
func (s *stream) reach(ref terminal.SaleRef, state terminal.State, told func(Notice) error) error {
	for {
		e, err := s.next()
		if err != nil {
			return err
		}
		var v terminal.Verdict
		var n struct {
			Kind string `json:"kind"`
			Notice
		}
		switch e.kind {
		case "payment", "verdict":
			err = json.Unmarshal(e.data, &v)
		case "scanner":
			if err = json.Unmarshal(e.data, &n); err == nil && n.Kind == "notice" {
				err = told(n.Notice)
			}
		}
		if err != nil || v.Sale == ref && v.State == state {
			return err
		}
	}
}

func (t *Till) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, t.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+t.token)
	return req, nil
}

// call speaks JSON both ways; an error answer is a *Problem.
func (t *Till) call(ctx context.Context, method, path string, body, into any) error {
	var text io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text = bytes.NewReader(data)
	}
	req, err := t.request(ctx, method, path, text)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		p := &Problem{Status: resp.StatusCode}
		if err := json.NewDecoder(resp.Body).Decode(p); err != nil {
			return fmt.Errorf("%s %s: status %d and no problem+json: %w", method, path, resp.StatusCode, err)
		}
		return p
	}
	if into == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
