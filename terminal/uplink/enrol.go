package uplink

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/enrol"
)

// askTime is what an enrolment or a renewal may take: a person waits for the one,
// nobody for the other.
const askTime = 20 * time.Second

// Enrol asks the backend of a link's URL for all that a register needs, over TLS
// that trusts the CA of the code alone. What comes back was told by that backend,
// and its CAs hold for it; the rest of it is not looked at. The error is ErrURL,
// or one that Reason explains.
func Enrol(ctx context.Context, address string, code enrol.Code, csr string, wall time.Time) (enrol.Answer, error) {
	var answer enrol.Answer
	u, err := backendURL(address, false)
	if err != nil {
		return answer, err
	}
	verify := func(shown []*x509.Certificate) error { return verifyByCode(shown, code, u.Hostname(), wall) }
	shown, err := ask(ctx, u, enrol.EnrolPath, config(tls.Certificate{}, new(atomic.Bool), verify),
		enrol.Request{Secret: code.Secret(), CSR: csr}, &answer)
	if err != nil {
		return answer, err
	}
	return answer, staysTrusted(shown, answer.CA, u.Hostname(), Times{Wall: wall})
}

// Renew asks for another certificate on the same key, over TLS with the one in
// use. The CAs of the answer hold for the backend that gave it; the certificate
// is not looked at. The error is as of Enrol.
func Renew(ctx context.Context, address string, trust Trust, csr string, at Times) (enrol.Renewed, error) {
	var answer enrol.Renewed
	u, err := backendURL(address, false)
	if err != nil {
		return answer, err
	}
	verify := func(shown []*x509.Certificate) error { return verifyBackend(shown, trust.CAs, u.Hostname(), at) }
	shown, err := ask(ctx, u, enrol.RenewPath, config(trust.Certificate, new(atomic.Bool), verify), enrol.Renewal{CSR: csr}, &answer)
	if err != nil {
		return answer, err
	}
	return answer, staysTrusted(shown, answer.CA, u.Hostname(), at)
}

// staysTrusted refuses CAs by which the register would not know the backend again
// that gave them: it would be shut out for good.
func staysTrusted(shown []*x509.Certificate, cas, host string, at Times) error {
	all, err := enrol.OpenCAs(cas)
	if err == nil {
		err = verifyBackend(shown, all, host, at)
	}
	if err != nil {
		return &ended{why: terminal.LineProtocol, cause: fmt.Errorf("the CAs that the backend tells are not its own: %w", err)}
	}
	return nil
}

// ask posts a request beside the link's path and reads the answer into one. It
// gives what certificates the backend showed.
func ask(ctx context.Context, u *url.URL, path string, cfg *tls.Config, request, answer any) ([]*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	at := *u.ResolveReference(&url.URL{Path: path})
	at.Scheme = "https"
	posted, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	posted.Header.Set("Content-Type", "application/json")
	var far progress
	line, err := far.connect(ctx, u, cfg)
	if err != nil {
		return nil, far.failed(err, nil)
	}
	defer line.Close()
	got, err := roundTrip(line, posted)
	if err != nil {
		return nil, far.failed(err, nil)
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return nil, answered(got)
	}
	text, err := io.ReadAll(io.LimitReader(got.Body, enrol.MaxBody))
	if err != nil {
		return nil, far.failed(err, nil)
	}
	if json.Unmarshal(text, answer) != nil {
		return nil, &ended{why: terminal.LineProtocol, cause: errors.New("uplink: the backend's answer cannot be read")}
	}
	return line.ConnectionState().PeerCertificates, nil
}

// connect dials the host of a URL over TLS.
func (p *progress) connect(ctx context.Context, u *url.URL, cfg *tls.Config) (*tls.Conn, error) {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	p.connected = true
	cfg.ServerName = u.Hostname()
	line := tls.Client(conn, cfg)
	if err := line.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	p.secured = true
	return line, nil
}

// roundTrip sends one request over a connection that stands; no redirection is
// followed, no proxy asked, and the connection does not outlive the answer.
func roundTrip(line *tls.Conn, request *http.Request) (*http.Response, error) {
	transport := &http.Transport{
		DialTLSContext:    func(context.Context, string, string) (net.Conn, error) { return line, nil },
		DisableKeepAlives: true,
	}
	return transport.RoundTrip(request)
}
