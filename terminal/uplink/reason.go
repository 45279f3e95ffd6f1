package uplink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

// ended is why a session came to its end, or a try opened none.
type ended struct {
	why   terminal.LineReason
	wait  time.Duration // at least so long until the next dial, as the backend asked
	cause error
}

func (e *ended) Error() string { return e.cause.Error() }

func (e *ended) Unwrap() error { return e.cause }

// reasonOf gives why a line ended. What is no word of the network, of the backend
// or of ours is the websocket library's: bytes that are no websocket.
func reasonOf(err error) terminal.LineReason {
	var known *ended
	var closed *websocket.CloseError
	var wrong *wire.Error
	var network net.Error
	switch {
	case errors.As(err, &known):
		return known.why
	case errors.As(err, &wrong):
		return refusal(wrong.Code)
	case errors.As(err, &closed):
		return farewell(closed.Code)
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return terminal.LineSilent
	case errors.As(err, &network), errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return terminal.LineClosed
	}
	return terminal.LineProtocol
}

// refusal is what the code of an error in place of a welcome means.
func refusal(code wire.ErrorCode) terminal.LineReason {
	switch code {
	case wire.CodeRefused:
		return terminal.LineRefused
	case wire.CodeTrouble, wire.CodeSession:
		return terminal.LineClosed
	}
	return terminal.LineProtocol
}

// farewell is what a close frame's code means (RFC 6455, section 7.4.1).
func farewell(code int) terminal.LineReason {
	switch code {
	case websocket.CloseProtocolError, websocket.CloseUnsupportedData, websocket.CloseInvalidFramePayloadData, websocket.CloseMessageTooBig:
		return terminal.LineProtocol
	case websocket.ClosePolicyViolation:
		return terminal.LineRefused
	}
	return terminal.LineClosed
}

// Crowd is the failures that count for a session that every register of the
// chain may have lost in the same moment: they come back over eight times the
// first bound. By simulation of 20,000 and a backend that greets 1,000 a second,
// half are back after 12 s so, and after 60 s with 0, as most are then greeted
// too late and dial again. (What is registered for close code 1012 asks for 5 to
// 30 s.)
const Crowd = 3

// crowded says whether the backend ended a session, or died, and not for this
// register alone: then it says so with close code 1000.
func crowded(err error) bool {
	var closed *websocket.CloseError
	alone := errors.As(err, &closed) && closed.Code == websocket.CloseNormalClosure
	return reasonOf(err) == terminal.LineClosed && !alone
}

// asked gives how long the backend wants to be left alone.
func asked(err error) time.Duration {
	var e *ended
	if errors.As(err, &e) {
		return e.wait
	}
	return 0
}

// progress is how far a dial came.
type progress struct{ connected, secured bool }

// watched lets the dial tell how far it comes.
func (p *progress) watched(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:          func(httptrace.GotConnInfo) { p.connected = true },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) { p.secured = err == nil },
	})
}

// failed says why a dial opened nothing. resp is the backend's answer where it
// gave one.
func (p *progress) failed(err error, resp *http.Response) error {
	if resp != nil {
		return answered(resp)
	}
	return &ended{why: p.reason(err), cause: fmt.Errorf("uplink: dial: %w", err)}
}

func (p *progress) reason(err error) terminal.LineReason {
	var alert *net.OpError
	switch {
	case untrusted(err):
		return terminal.LineUntrusted
	case !p.connected:
		return terminal.LineUnreachable
	case errors.As(err, &alert) && alert.Op == "remote error": // a TLS alert, says crypto/tls
		if p.secured { // TLS 1.3 tells of a certificate that it does not take after the handshake
			return terminal.LineRefused
		}
		return terminal.LineProtocol
	}
	return reasonOf(err)
}

// Reason says why a dial, a request or a session failed.
func Reason(err error) terminal.LineReason { return reasonOf(err) }

// Refusal is what the backend answered in place of what was asked.
type Refusal struct {
	Status  int
	Problem enrol.Problem // zero where its body was none
}

// Error gives the status and the backend's own words.
func (r *Refusal) Error() string {
	return fmt.Sprintf("uplink: the backend answered with %d %.100q: %.300q", r.Status, r.Problem.Code, r.Problem.Detail)
}

// untrusted says whether the other side's certificate was not taken.
func untrusted(err error) bool {
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// answered is a dial, or a request, that the backend answered with another status
// than the one that was asked for.
func answered(resp *http.Response) error {
	e := &ended{why: terminal.LineProtocol}
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		e.why = terminal.LineRefused
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= 500:
		e.why = terminal.LineClosed
		e.wait = retryAfter(resp)
	}
	r := &Refusal{Status: resp.StatusCode}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem)) // without one the status says enough
	_ = json.Unmarshal(body, &r.Problem)
	e.cause = r
	return e
}

const (
	maxProblem  = 1 << 10         // bytes that are read of a refusal: the library keeps as many
	longestWait = 5 * time.Minute // that a backend may ask for: a mistake in it must not close a store for a day
)

// retryAfter reads the header's seconds; a date is not read, since it would be
// held against the register's own clock.
func retryAfter(resp *http.Response) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, longestWait)
}
