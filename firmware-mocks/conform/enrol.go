package conform

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"time"

	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

// enrolled is what a register got at enrolment.
type enrolled struct {
	answer enrol.Answer
	cert   tls.Certificate
	ca     *x509.CertPool
}

// secured says whether the link is over TLS.
func (k *Kit) secured() bool {
	u, err := url.Parse(k.cfg.URL)
	return err == nil && u.Scheme == "wss"
}

// beside gives the address of a request beside the link.
func (k *Kit) beside(name string) string {
	u, err := url.Parse(k.cfg.URL)
	if err != nil { // sort has read it
		return ""
	}
	return "https://" + u.Host + path.Join(path.Dir(u.Path), name)
}

func (k *Kit) host() string {
	u, err := url.Parse(k.cfg.URL)
	if err != nil { // sort has read it
		return ""
	}
	return u.Hostname()
}

// enrolAll enrols every register by its code.
func (k *Kit) enrolAll(ctx context.Context) error {
	p := k.play(ctx)
	defer p.end()
	for _, m := range append(append([]*machine{}, k.machines...), k.spare...) {
		if err := p.enrolOne(m); err != nil {
			return fmt.Errorf("register %s was not enrolled: %w", m.ID, err)
		}
	}
	if k.cfg.Backend == nil {
		key, err := readHPKE(k.machines[0].enrolled.answer.BackendHPKE)
		if err != nil {
			return errors.New("backend_hpke is no base64 of an X25519 public key")
		}
		k.cfg.Backend = key
	}
	return nil
}

func (p *play) enrolOne(m *machine) error {
	if m.Code == "" {
		return errors.New("over TLS each register of the fixture has a one-time code")
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	m.Key = key
	answer, refused, err := p.enrol(m.Code, request(key))
	if err != nil {
		return err
	}
	if refused != nil {
		return fmt.Errorf("%d %s: %s", refused.Status, refused.Code, refused.Detail)
	}
	m.enrolled, err = open(answer, key)
	return err
}

// open reads an answer's certificates.
func open(a enrol.Answer, key ed25519.PrivateKey) (*enrolled, error) {
	e := &enrolled{answer: a, ca: x509.NewCertPool()}
	if !e.ca.AppendCertsFromPEM([]byte(a.CA)) {
		return nil, errors.New("ca holds no certificate in PEM")
	}
	var err error
	if e.cert, err = pair(a.Certificate, key); err != nil {
		return nil, err
	}
	return e, nil
}

func pair(chain string, key ed25519.PrivateKey) (tls.Certificate, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return tls.Certificate{}, err
	}
	cert, err := tls.X509KeyPair([]byte(chain), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		return cert, fmt.Errorf("certificate is none of the register's key: %w", err)
	}
	return cert, nil
}

// request is a signing request by a key.
func request(key crypto.Signer) string {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// enrol asks with a one-time code. A refusal is no error.
func (p *play) enrol(code, csr string) (enrol.Answer, *enrol.Problem, error) {
	c, err := enrol.ParseCode(code)
	if err != nil {
		return enrol.Answer{}, nil, err
	}
	var a enrol.Answer
	refused, err := p.request(enrol.EnrolPath, enrol.Request{Secret: c.Secret(), CSR: csr}, p.k.byCode(c), &a)
	return a, refused, err
}

// byCode trusts the backend whose CA's hash is in the code.
func (k *Kit) byCode(c enrol.Code) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, // VerifyConnection does it, from the CA that the code names
		VerifyConnection: func(s tls.ConnectionState) error {
			opts := x509.VerifyOptions{DNSName: k.host(), Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
			found := false
			for _, cert := range s.PeerCertificates {
				if c.Fits(cert.Raw) {
					opts.Roots.AddCert(cert)
					found = true
				}
				opts.Intermediates.AddCert(cert)
			}
			if !found {
				return errors.New("no certificate of the chain that the backend shows has the code's hash: it sends its CA along")
			}
			_, err := s.PeerCertificates[0].Verify(opts)
			return err
		},
	}
}

// showing trusts and shows as a register that was enrolled; nil without TLS.
func (m *machine) showing() *tls.Config {
	if m.enrolled == nil {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: m.enrolled.ca, Certificates: []tls.Certificate{m.enrolled.cert}}
}

// request posts JSON over TLS and reads the answer, or the problem of a refusal.
func (p *play) request(name string, body any, trust *tls.Config, answer any) (*enrol.Problem, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	p.k.line.onTLS(trust)
	client := http.Client{Timeout: requestTime, Transport: p.k.line.onHTTP(&http.Transport{TLSClientConfig: trust, DisableKeepAlives: true})}
	for {
		req, err := http.NewRequestWithContext(p.ctx, http.MethodPost, p.k.beside(name), bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		said, err := io.ReadAll(io.LimitReader(res.Body, enrol.MaxBody))
		res.Body.Close()
		switch {
		case err != nil:
			return nil, err
		case p.wait(res):
			continue
		case res.StatusCode == http.StatusOK:
			return nil, json.Unmarshal(said, answer)
		}
		return problem(res, said)
	}
}

// requestTime bounds one request for a certificate.
const requestTime = 20 * time.Second

// problem reads a refusal.
func problem(res *http.Response, said []byte) (*enrol.Problem, error) {
	refused := &enrol.Problem{}
	if err := json.Unmarshal(said, refused); err != nil {
		return nil, fmt.Errorf("a refusal with %s is no problem (RFC 9457)", res.Status)
	}
	refused.Status = res.StatusCode
	if kind := res.Header.Get("Content-Type"); kind != "application/problem+json" {
		return nil, fmt.Errorf("a refusal is of the type %q, not application/problem+json", kind)
	}
	return refused, nil
}

// line is where a test stands between kit and backend.
type line struct {
	tls  func(*tls.Config)
	http func(http.RoundTripper) http.RoundTripper
	say  func(*wire.Message)
}

func (l line) onSay(m *wire.Message) {
	if l.say != nil {
		l.say(m)
	}
}

func (l line) onTLS(c *tls.Config) {
	if l.tls != nil && c != nil {
		l.tls(c)
	}
}

func (l line) onHTTP(t http.RoundTripper) http.RoundTripper {
	if l.http != nil {
		return l.http(t)
	}
	return t
}
