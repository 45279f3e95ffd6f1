package backendsim

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

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
