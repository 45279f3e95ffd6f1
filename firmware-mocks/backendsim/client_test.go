package backendsim

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
	"fmt"
	"net/http"
	"testing"

	"github.com/gorilla/websocket"
	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

// guarded is a backend with TLS and enrolment.
func guarded(t *testing.T) *world {
	w := newGuarded(t)
	w.start()
	t.Cleanup(w.stop)
	return w
}

const rolesText = "version = 1\nrealm = \"demo-chain/dev\"\nroot = %q\n[policy]\nthreshold = 1\nkeys = [%q]\n[freeze]\nthreshold = 1\nkeys = [%q]\n"

func newGuarded(t *testing.T) *world {
	w := newWorld(t)
	w.tls = true
	keys := map[string]note.Signer{}
	public := []any{}
	for _, name := range []string{"root", "policy", "freeze"} {
		skey, vkey, err := note.GenerateKey(rand.Reader, name)
		must(t, err)
		keys[name], err = note.NewSigner(skey)
		must(t, err)
		public = append(public, vkey)
	}
	roles, err := policy.SignRoles(fmt.Sprintf(rolesText, public...), keys["root"])
	must(t, err)
	pinned, err := note.NewVerifier(public[0].(string))
	must(t, err)
	w.signer = keys["policy"]
	w.cfg.Roles, w.cfg.Root, w.cfg.Pinned = roles, keys["root"], public[0].(string)
	w.cfg.Signer, err = policy.OpenRoles(roles, pinned, "demo-chain/dev")
	must(t, err)
	w.cfg.Note, w.cfg.Policy = w.policy(3, 20)
	return w
}

// machine is a register's own key, and what it got for it.
type client struct {
	w      *world
	id     string
	key    crypto.Signer
	answer enrol.Answer
}

func (w *world) machine(id string) *client {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(w.t, err)
	return &client{w: w, id: id, key: key}
}

// enrolled is a machine that has enrolled.
func (w *world) enrolled(id string) *client {
	w.t.Helper()
	m := w.machine(id)
	if status, problem := m.enrol(w.code(id)); status != http.StatusOK {
		w.t.Fatalf("enrolment: %d %+v", status, problem)
	}
	return m
}

func (w *world) code(register string) string {
	w.t.Helper()
	code, err := w.b.Code(context.Background(), store, terminal.RegisterID(register), "")
	must(w.t, err)
	return code.Secret()
}

func csr(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func (m *client) enrol(secret string) (int, enrol.Problem) {
	m.w.t.Helper()
	var got enrol.Answer
	status, problem := m.post(enrol.EnrolPath, enrol.Request{Secret: secret, CSR: csr(m.w.t, m.key)}, &got, nil)
	if status == http.StatusOK {
		m.answer = got
	}
	return status, problem
}

// renew asks with one key's request and another machine's certificate.
func (m *client) renew(with *tls.Certificate) (int, enrol.Problem, enrol.Renewed) {
	m.w.t.Helper()
	var got enrol.Renewed
	status, problem := m.post(enrol.RenewPath, enrol.Renewal{CSR: csr(m.w.t, m.key)}, &got, with)
	return status, problem, got
}

// trusted is a client's side of TLS.
func (w *world) trusted(shown *tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(w.b.CA()))
	c := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13, Time: w.clock}
	if shown != nil {
		c.Certificates = []tls.Certificate{*shown}
	}
	return c
}

func (m *client) post(path string, body, into any, shown *tls.Certificate) (int, enrol.Problem) {
	m.w.t.Helper()
	text, err := json.Marshal(body)
	must(m.w.t, err)
	client := http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: m.w.trusted(shown), DisableKeepAlives: true}}
	res, err := client.Post("https://"+m.w.addr+"/v1/"+path, "application/json", bytes.NewReader(text))
	must(m.w.t, err)
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		must(m.w.t, json.NewDecoder(res.Body).Decode(into))
		return res.StatusCode, enrol.Problem{}
	}
	return res.StatusCode, problemOf(m.w.t, res)
}

func problemOf(t testing.TB, res *http.Response) enrol.Problem {
	t.Helper()
	var p enrol.Problem
	if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("a refusal is %q", got)
	}
	must(t, json.NewDecoder(res.Body).Decode(&p))
	if p.Status != res.StatusCode || p.Detail == "" || p.Title == "" {
		t.Errorf("%s brings the problem %+v", res.Status, p)
	}
	if (p.Code == enrol.TooMany) != (res.Header.Get("Retry-After") != "") {
		t.Errorf("%s with code %s says to wait %q", res.Status, p.Code, res.Header.Get("Retry-After"))
	}
	return p
}

func (m *client) certificate() *tls.Certificate { return m.pair(m.answer.Certificate) }

func (m *client) pair(chain string) *tls.Certificate {
	m.w.t.Helper()
	block, _ := pem.Decode([]byte(chain))
	if block == nil {
		m.w.t.Fatalf("%q is no certificate", chain)
	}
	return &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: m.key}
}

// link dials with a certificate; without a connection it gives the problem.
func (w *world) link(shown *tls.Certificate) (*websocket.Conn, enrol.Problem) {
	w.t.Helper()
	d := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, HandshakeTimeout: patience, TLSClientConfig: w.trusted(shown)}
	conn, res, err := d.Dial("wss://"+w.addr+Path, nil)
	if err == nil {
		w.t.Cleanup(func() { conn.Close() })
		return conn, enrol.Problem{}
	}
	if res == nil {
		w.t.Fatal(err)
	}
	return nil, problemOf(w.t, res)
}

// till is a register that has said hello over its own certificate.
func (m *client) till(incarnation string) *till {
	m.w.t.Helper()
	conn, problem := m.w.link(m.certificate())
	if conn == nil {
		m.w.t.Fatalf("the dial was refused: %+v", problem)
	}
	t := &till{w: m.w, register: m.id, incarnation: incarnation, conn: conn, size: new(int64)}
	if before, ok := m.w.sizes[m.id+incarnation]; ok {
		t.size = before
	}
	m.w.sizes[m.id+incarnation] = t.size
	reply := t.ask(t.hello())
	if reply.Welcome == nil {
		m.w.t.Fatalf("hello was answered by %v: %+v", reply, reply.Error)
	}
	t.welcome, t.session = *reply.Welcome, reply.Welcome.Session
	return t
}

func turnedAway(t *testing.T, name string, p enrol.Problem, status int, code enrol.Reason) {
	t.Helper()
	if p.Status != status || p.Code != code {
		t.Errorf("%s: got %d %s (%s), want %d %s", name, p.Status, p.Code, p.Detail, status, code)
	}
}
