package backendsim

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

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

func TestEnrolmentGivesAllThatARegisterNeeds(t *testing.T) {
	w := guarded(t)
	one, two := w.enrolled("r1"), w.enrolled("r2")
	a := one.answer
	root, err := note.NewVerifier(a.Root)
	must(t, err)
	id, err := policy.OpenIdentity(a.Identity, root)
	must(t, err)
	if want := (policy.Identity{Register: "r1", Store: store, Class: "demo", Realm: "demo-chain/dev"}); id != want {
		t.Errorf("the identity is %+v, want %+v", id, want)
	}
	_, err = policy.OpenRoles(a.Roles, root, id.Realm)
	must(t, err)
	if a.StoreKey != two.answer.StoreKey || len(a.StoreKey) != 64 {
		t.Errorf("the registers of one store got the keys %q and %q", a.StoreKey, two.answer.StoreKey)
	}
	other, err := w.b.Code(t.Context(), "store-2", "r9", "demo")
	must(t, err)
	far := w.machine("r9")
	if status, problem := far.enrol(other.Secret()); status != http.StatusOK || far.answer.StoreKey == a.StoreKey {
		t.Errorf("another store's register: %d %+v, its key the same: %t", status, problem, far.answer.StoreKey == a.StoreKey)
	}
	leaf, err := x509.ParseCertificate(one.certificate().Certificate[0])
	must(t, err)
	name, err := enrol.ParseName(leaf.URIs)
	if err != nil || name != (enrol.Name{Store: store, Register: "r1"}) || !leaf.NotAfter.Equal(noon.Add(certificateLife)) {
		t.Errorf("the certificate is %v's until %v (%v)", name, leaf.NotAfter, err)
	}
	ca, _ := pem.Decode([]byte(a.CA))
	if code, err := w.b.Code(t.Context(), store, "r3", ""); err != nil || !code.Fits(ca.Bytes) {
		t.Errorf("the code does not name the CA that registers get: %v", err)
	}
	r := one.till("i1")
	outcome(t, r.ask(w.buy(newID(t), w.phone("account-0001", boundLongAgo).show(), 100, nil)), wire.OutcomeApproved, "")
}

// The server shows its CA too: a register at enrolment knows the CA's hash only.
func TestTheBackendShowsItsCA(t *testing.T) {
	w := guarded(t)
	code, err := w.b.Code(t.Context(), store, "r1", "")
	must(t, err)
	conn, err := tls.Dial("tcp", w.addr, &tls.Config{InsecureSkipVerify: true})
	must(t, err)
	defer conn.Close()
	chain := conn.ConnectionState().PeerCertificates
	if len(chain) != 2 || !code.Fits(chain[1].Raw) {
		t.Fatalf("it shows %d certificates", len(chain))
	}
	pool := x509.NewCertPool()
	pool.AddCert(chain[1])
	for host, good := range map[string]bool{"127.0.0.1": true, "backend.example": true, "other.example": false} {
		if _, err := chain[0].Verify(x509.VerifyOptions{Roots: pool, DNSName: host, CurrentTime: noon}); (err == nil) != good {
			t.Errorf("for %s: %v", host, err)
		}
	}
}

func TestACodeWorksOnceForOneKey(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		secret := w.code("r1")
		first, thief := w.machine("r1"), w.machine("r1")
		for _, m := range []*client{first, first} {
			if status, problem := m.enrol(secret); status != http.StatusOK {
				t.Fatalf("the same key: %d %+v", status, problem)
			}
		}
		same := first.answer
		_, problem := thief.enrol(secret)
		turnedAway(t, "another key", problem, http.StatusForbidden, enrol.SpentCode)
		if status, _ := first.enrol(secret); status != http.StatusOK || first.answer != same {
			t.Error("the same key does not get the same identity again")
		}
		w.pass(codeLife)
		_, problem = first.enrol(secret)
		turnedAway(t, "an hour later", problem, http.StatusForbidden, enrol.SpentCode)
		_, problem = first.enrol("0000000000000000")
		turnedAway(t, "a code that is none", problem, http.StatusForbidden, enrol.SpentCode)
		late := w.code("r2")
		w.pass(codeLife - time.Millisecond)
		if status, problem := w.machine("r2").enrol(late); status != http.StatusOK {
			t.Errorf("within its hour: %d %+v", status, problem)
		}
	})
}

func TestACodeAndACertificateSurviveARestart(t *testing.T) {
	w := newGuarded(t)
	w.start()
	m, secret := w.enrolled("r1"), w.code("r2")
	ca := w.b.CA()
	w.stop()
	w.start()
	defer w.stop()
	if w.b.CA() != ca {
		t.Fatal("the CA is another")
	}
	m.till("i1")
	two := w.machine("r2")
	if status, problem := two.enrol(secret); status != http.StatusOK || two.answer.StoreKey != m.answer.StoreKey {
		t.Errorf("the code after a restart: %d %+v", status, problem)
	}
	for _, text := range []string{secret, fmt.Sprintf("%x", secret)} {
		if inFiles(t, w.cfg.File, text) {
			t.Error("the code's secret is in the file")
		}
	}
}

func TestWhatIsNoSigningRequestUsesNoCode(t *testing.T) {
	w := guarded(t)
	secret := w.code("r1")
	m := w.machine("r1")
	good := csr(t, m.key)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	block, _ := pem.Decode([]byte(good))
	forged := bytes.Clone(block.Bytes)
	forged[len(forged)-1] ^= 1
	for name, text := range map[string]string{
		"nothing": "", "no PEM": "hello", "another thing": w.b.CA(), "two": good + good, "another kind of key": csr(t, ec),
		"a signature that is wrong": string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: forged})),
	} {
		_, problem := m.post(enrol.EnrolPath, enrol.Request{Secret: secret, CSR: text}, nil, nil)
		turnedAway(t, name, problem, http.StatusBadRequest, enrol.BadCSR)
	}
	_, problem := m.post(enrol.EnrolPath, []string{"x"}, nil, nil)
	turnedAway(t, "no object", problem, http.StatusBadRequest, enrol.BadCSR)
	if status, problem := m.enrol(secret); status != http.StatusOK {
		t.Errorf("the code is used up: %d %+v", status, problem)
	}
}

// I8: a signature by an RSA key as long as a request may hold one takes hours to be
// verified, and whoever can reach the backend can send it.
func TestI8NoSignatureOfAnotherKindOfKeyIsVerified(t *testing.T) {
	w := guarded(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	block, _ := pem.Decode([]byte(csr(t, key)))
	block.Bytes[len(block.Bytes)-1] ^= 1
	_, problem := w.machine("r1").post(enrol.EnrolPath, enrol.Request{Secret: w.code("r1"), CSR: string(pem.EncodeToMemory(block))}, nil, nil)
	turnedAway(t, "another kind of key", problem, http.StatusBadRequest, enrol.BadCSR)
	if !strings.Contains(problem.Detail, "Ed25519") {
		t.Errorf("its signature was looked at first: %q", problem.Detail)
	}
}

func TestGuessingACodeIsSlow(t *testing.T) {
	w := guarded(t)
	m, secret := w.machine("r1"), w.code("r1")
	for i := range wrongCodes {
		_, problem := m.enrol(fmt.Sprintf("%016d", i))
		turnedAway(t, "a guess", problem, http.StatusForbidden, enrol.SpentCode)
	}
	_, problem := m.enrol(secret)
	turnedAway(t, "one more", problem, http.StatusTooManyRequests, enrol.TooMany)
	w.pass(time.Minute)
	if status, problem := m.enrol(secret); status != http.StatusOK {
		t.Errorf("a minute later: %d %+v", status, problem)
	}
}

func TestWhoMayNotDialIsToldWhy(t *testing.T) {
	w := guarded(t)
	m := w.enrolled("r1")
	foreign := newGuarded(t)
	foreign.start()
	defer foreign.stop()
	other := foreign.enrolled("r1")
	stranger := w.enrolled("r2")
	must(t, w.b.ledger.change(t.Context(), func(x *tx) error { return x.exec("DELETE FROM certificate WHERE register = 'r2'") }))
	_, self, err := makeAuthority(noon)
	must(t, err)
	key, err := x509.ParsePKCS8PrivateKey(self)
	must(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: newSerial(), NotAfter: noon.Add(time.Hour)}, &x509.Certificate{}, key.(crypto.Signer).Public(), key)
	must(t, err)
	for _, c := range []struct {
		name   string
		shown  *tls.Certificate
		status int
		code   enrol.Reason
	}{
		{"nobody's", nil, http.StatusUnauthorized, enrol.NoCert},
		{"another backend's", other.certificate(), http.StatusForbidden, enrol.Foreign},
		{"signed by itself", &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, http.StatusForbidden, enrol.Foreign},
		{"of a register that is not known", stranger.certificate(), http.StatusForbidden, enrol.Foreign},
	} {
		_, problem := w.link(c.shown)
		turnedAway(t, c.name, problem, c.status, c.code)
		_, problem, _ = m.renew(c.shown)
		turnedAway(t, c.name+", renewing", problem, c.status, c.code)
	}
	front, err := w.trusted(nil).Clone(), error(nil)
	must(t, err)
	front.Certificates = []tls.Certificate{*m.certificate()}
	front.MinVersion, front.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if conn, err := tls.Dial("tcp", w.addr, front); err == nil {
		conn.Close()
		t.Error("TLS 1.2 is spoken")
	}
	m.till("i1")
	w.pass(certificateLife + time.Second)
	_, problem := w.link(m.certificate())
	turnedAway(t, "past its end", problem, http.StatusForbidden, enrol.Revoked)
}

func TestHelloIsTheCertificatesRegister(t *testing.T) {
	w := guarded(t)
	one := w.enrolled("r1")
	w.enrolled("r2")
	conn, _ := w.link(one.certificate())
	r := &till{w: w, register: "r2", incarnation: "i1", conn: conn, size: new(int64)}
	refused(t, r.ask(r.hello()), wire.CodeRefused)
	r.register = "r1"
	elsewhere := r.hello()
	elsewhere.Hello.Store = "store-2"
	refused(t, r.ask(elsewhere), wire.CodeRefused)
	if m := r.ask(r.hello()); m.Welcome == nil {
		t.Errorf("its own hello was answered by %+v", m.Error)
	}
	rows, err := w.b.Ledger().Registers(t.Context())
	must(t, err)
	if len(rows) != 1 || rows[0].ID != "r1" || rows[0].Store != store {
		t.Errorf("the registers are %+v", rows)
	}
}

func TestARenewalKeepsTheKeyAndInterruptsNothing(t *testing.T) {
	w := guarded(t)
	m := w.enrolled("r1")
	r := m.till("i1")
	w.pass(certificateLife * 2 / 3)
	status, problem, got := m.renew(m.certificate())
	if status != http.StatusOK {
		t.Fatalf("the renewal: %d %+v", status, problem)
	}
	if got.CA != w.b.CA() {
		t.Error("the renewal brings other CAs than there are")
	}
	outcome(t, r.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
	thief := w.machine("r1")
	_, problem, _ = thief.renew(m.certificate())
	// The certificate's key signs the handshake, the other key the request.
	turnedAway(t, "another key", problem, http.StatusBadRequest, enrol.BadCSR)
	conn, _ := w.link(m.certificate())
	conn.Close()
	m.answer.Certificate = got.Certificate
	w.pass(certificateLife * 2 / 3)
	m.till("i1")
}

func TestRevocationEndsTheLinkAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		secret := w.code("r1")
		m := w.machine("r1")
		m.enrol(secret)
		r, other := m.till("i1"), w.enrolled("r2").till("i1")
		out, otherOut := w.code("r1"), w.code("r3")
		must(t, w.b.Revoke(t.Context(), "r1"))
		r.closed()
		_, problem := w.machine("r1").enrol(out)
		turnedAway(t, "a code that is out", problem, http.StatusForbidden, enrol.SpentCode)
		if status, problem := w.machine("r3").enrol(otherOut); status != http.StatusOK {
			t.Errorf("another register's code: %d %+v", status, problem)
		}
		_, problem = w.link(m.certificate())
		turnedAway(t, "a dial", problem, http.StatusForbidden, enrol.Revoked)
		_, problem, _ = m.renew(m.certificate())
		turnedAway(t, "a renewal", problem, http.StatusForbidden, enrol.Revoked)
		_, problem = m.enrol(secret)
		turnedAway(t, "its code", problem, http.StatusForbidden, enrol.SpentCode)
		if err := w.b.Revoke(t.Context(), "r1"); err == nil {
			t.Error("it was revoked twice")
		}
		outcome(t, other.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
		if status, problem := m.enrol(w.code("r1")); status != http.StatusOK {
			t.Fatalf("enrolled again: %d %+v", status, problem)
		}
		m.till("i1")
	})
}

// A dial that was let in before a revocation says hello after it. A refusal would
// have the register hold its own records in doubt.
func TestAHelloAfterTheRevocationEndsTheLink(t *testing.T) {
	w := guarded(t)
	m := w.enrolled("r1")
	conn, _ := w.link(m.certificate())
	r := &till{w: w, register: "r1", incarnation: "i1", conn: conn, size: new(int64)}
	must(t, w.b.ledger.change(t.Context(), func(x *tx) error { return x.revoke("r1", noon) }))
	refused(t, r.ask(r.hello()), wire.CodeTrouble)
	r.closed()
}

func TestEnrollingAgainTakesOver(t *testing.T) {
	w := guarded(t)
	before := w.enrolled("r1")
	firstCode, stale := w.code("r1"), w.machine("r1")
	stale.enrol(firstCode)
	r := stale.till("i1")
	id := newID(t)
	outcome(t, r.ask(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 100, nil)), wire.OutcomeApproved, "")
	after := w.enrolled("r1")
	r.closed()
	for name, m := range map[string]*client{"the first": before, "the second": stale} {
		_, problem := w.link(m.certificate())
		turnedAway(t, name, problem, http.StatusForbidden, enrol.Revoked)
	}
	_, problem := stale.enrol(firstCode)
	turnedAway(t, "the code before", problem, http.StatusForbidden, enrol.SpentCode)
	next := after.till("i1")
	if m := next.ask(w.query(id)); m.Answer == nil || m.Answer.Outcome != wire.OutcomeApproved {
		t.Errorf("the payment from before is %+v", m.Answer)
	}
	var vkey string
	must(t, w.b.ledger.view(t.Context(), func(x *tx) error {
		return x.row("SELECT vkey FROM enrolled WHERE register = 'r1'").Scan(&vkey)
	}))
	want, err := note.NewEd25519VerifierKey("sekisho/"+store+"/r1", after.key.Public().(ed25519.PublicKey))
	must(t, err)
	if vkey != want {
		t.Error("checkpoints are not held against the new key")
	}
	if all, err := w.b.Standings(t.Context()); err != nil || len(all) != 1 || all[0].Key != want {
		t.Errorf("the operator is told %+v, %v", all, err)
	}
}

func TestCodesThatNobodyCouldUse(t *testing.T) {
	w := guarded(t)
	w.enrolled("r1")
	for name, c := range map[string][3]string{
		"no register": {store, "", ""}, "no store": {"", "r2", ""}, "another store's register": {"store-2", "r1", ""},
		"a class that no policy names": {store, "r2", "palace"}, "a space": {store, "r 2", ""},
		"a long name": {store, strings.Repeat("r", maxName+1), ""}, "a line's end": {store, "r\n2", ""},
	} {
		if _, err := w.b.Code(t.Context(), terminal.StoreID(c[0]), terminal.RegisterID(c[1]), c[2]); err == nil {
			t.Errorf("%s: a code was made", name)
		}
	}
	plain := running(t)
	if _, err := plain.b.Code(t.Context(), store, "r1", ""); err == nil {
		t.Error("a backend without a root key made a code")
	}
}

func TestANewCAComesBeforeTheOldOneGoes(t *testing.T) {
	w := guarded(t)
	ctx := t.Context()
	m, deaf := w.enrolled("r1"), w.enrolled("r2")
	for name, err := range map[string]error{"switched to nothing": w.b.SwitchCA(ctx, false), "dropped nothing": w.b.DropCA(ctx)} {
		if err == nil {
			t.Error(name)
		}
	}
	must(t, w.b.AddCA(ctx))
	if err := w.b.AddCA(ctx); err == nil {
		t.Error("two CAs are to follow")
	}
	m.till("i1")
	status, problem, got := m.renew(m.certificate())
	if status != http.StatusOK || strings.Count(got.CA, "BEGIN CERTIFICATE") != 2 || !strings.HasPrefix(got.CA, m.answer.CA) {
		t.Fatalf("the renewal: %d %+v, %d CAs", status, problem, strings.Count(got.CA, "BEGIN"))
	}
	if err := w.b.SwitchCA(ctx, false); err == nil || !strings.Contains(err.Error(), "r2") || strings.Contains(err.Error(), "r1") {
		t.Errorf("with a register that has not heard of it: %v", err)
	}
	unused := w.code("r3")
	must(t, w.b.SwitchCA(ctx, true))
	_, problem = w.machine("r3").enrol(unused)
	turnedAway(t, "a code that names the old CA", problem, http.StatusForbidden, enrol.SpentCode)
	// The server's certificate is the new CA's: who knows only the old one hangs up.
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(deaf.answer.CA))
	if conn, err := tls.Dial("tcp", w.addr, &tls.Config{RootCAs: pool, Time: w.clock}); err == nil {
		conn.Close()
		t.Error("the server's certificate is still the old CA's")
	}
	m.till("i1") // with a certificate that the old CA signed
	late := w.enrolled("r4")
	if !strings.HasPrefix(w.b.CA(), late.answer.CA) {
		t.Error("the CA that signs does not come first")
	}
	if err := w.b.AddCA(ctx); err != nil {
		t.Error(err)
	}
	if err := w.b.SwitchCA(ctx, true); err == nil {
		t.Error("it switched while the old CA is there")
	}
	must(t, w.b.DropCA(ctx))
	_, problem = w.link(m.certificate())
	turnedAway(t, "what the old CA signed", problem, http.StatusForbidden, enrol.Foreign)
	late.till("i1")
}

func TestTheServersCertificateIsRenewed(t *testing.T) {
	w := guarded(t)
	seen := func() *x509.Certificate {
		conn, err := tls.Dial("tcp", w.addr, w.trusted(nil))
		must(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0]
	}
	first := seen()
	if !seen().Equal(first) {
		t.Error("every dial sees another certificate")
	}
	w.pass(certificateLife * 2 / 3)
	if again := seen(); again.Equal(first) || again.NotAfter.Sub(noon) < certificateLife {
		t.Error("it was not renewed at two thirds of its life")
	}
}
