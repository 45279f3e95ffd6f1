package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

const (
	// callWait is above the ten seconds that the daemon gives a slow disk.
	callWait = 15 * time.Second
	// maxAnswer bounds what is read of an answer: a policy note has at most one
	// megabyte, and JSON may double it.
	maxAnswer = 4 << 20
)

// errNoDaemon says that nobody answers at the local API's address.
var errNoDaemon = errors.New("sekishod does not answer: see whether it runs (systemctl status sekishod), and whether --listen is its address")

// problem is what the daemon answers when it did not do what it was asked (RFC
// 9457).
type problem struct {
	Code   register.Code `json:"code"`
	Detail string        `json:"detail"`
}

func (p *problem) Error() string { return fmt.Sprintf("%s (%s)", p.Detail, p.Code) }

// call asks the running daemon. body nil sends none; answer nil reads none.
func (s *staff) call(ctx context.Context, method, path string, body, answer any) error {
	if host, _, err := net.SplitHostPort(s.cfg.Listen); err != nil || !net.ParseIP(host).IsLoopback() {
		return person(fmt.Errorf("%q is no address of the local API: it is this machine's own, such as 127.0.0.1:8470", s.cfg.Listen))
	}
	token, err := os.ReadFile(filepath.Join(s.cfg.Run, "staff.token"))
	if err != nil {
		return person(fmt.Errorf("the staff's token cannot be read: start sekishod, which makes it, and run sekisho as the same user: %w", err))
	}
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.cfg.Listen+path, sent)
	if err != nil {
		return person(fmt.Errorf("%q is no address of the local API", s.cfg.Listen))
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	reply, err := local.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoDaemon, err)
	}
	defer reply.Body.Close()
	return read(reply, answer)
}

// local follows no proxy of the environment and no answer that sends it elsewhere:
// the token goes to this machine only.
var local = &http.Client{
	Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func read(reply *http.Response, answer any) error {
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: %w", errNoDaemon, err)
	}
	if reply.StatusCode/100 != 2 {
		p := new(problem)
		if err := json.Unmarshal(text, p); err != nil || p.Code == "" {
			return fmt.Errorf("the local API answered %s: see whether --listen is sekishod's address", reply.Status)
		}
		return p
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("the local API's answer cannot be read: are sekisho and sekishod of the same release? %w", err)
	}
	return nil
}

// paymentPath is the address of a payment.
func paymentPath(id terminal.PaymentID, step string) string {
	return "/v1/payments/" + url.PathEscape(string(id)) + step
}

// writeJSON writes v for machines.
func (s *staff) writeJSON(v any) error {
	e := json.NewEncoder(s.out)
	e.SetIndent("", " ")
	return e.Encode(v)
}
