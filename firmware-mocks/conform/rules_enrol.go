package conform

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/enrol"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

const (
	theEnrolment = "enrolment.md, Enrolment"
	theCerts     = "enrolment.md, The certificates"
	theRefusals  = "enrolment.md, Refusals"
)

var enrolRules = []Rule{
	{"tls.version", "TLS 1.2 is not spoken.", theEnrolment, func(p *play) {
		p.secured()
		trust := p.a().showing()
		if p.over() {
			return
		}
		trust.MinVersion, trust.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		conn, _, err := p.handshakeBy(trust, wire.Subprotocol)
		if err == nil {
			conn.Close()
			p.fail("a dial with TLS 1.2 was taken")
		}
	}},
	{"enrol.answer", "Enrolment gives certificate, CA, root, roles, identity, store key and the key for evidence, which fit each other.", theEnrolment, func(p *play) {
		p.secured()
		for _, m := range []*machine{p.a(), p.b(), p.c()} {
			p.fits(m)
		}
	}},
	{"enrol.store-key", "The store key is the same for every register of the store, and no other store's.", theEnrolment, func(p *play) {
		p.secured()
		if !p.over() {
			a, b, c := p.a().enrolled.answer.StoreKey, p.b().enrolled.answer.StoreKey, p.c().enrolled.answer.StoreKey
			p.want(a == b && a != c, "the store keys of two registers of one store differ, or another store has the same")
		}
	}},
	{"enrol.again", "The same code with the same key gets the same identity again: an answer can be lost.", theEnrolment, func(p *play) {
		p.secured()
		if p.over() {
			return
		}
		m := p.a()
		a, refused, err := p.enrol(m.Code, request(m.Key))
		p.want(err == nil && refused == nil, "the second enrolment got %v %v", refused, err)
		p.want(p.over() || a.StoreKey == m.enrolled.answer.StoreKey && sameText(a.Identity, m.enrolled.answer.Identity), "the second answer has another identity or store key")
		_, err = pair(a.Certificate, m.Key)
		p.want(p.over() || err == nil, "%v", err)
		p.join(m) // with the certificate from before
	}},
	{"enrol.other-key", "A code that was used by one key is refused to another: 403, enrol.code.", theRefusals, func(p *play) {
		p.refusedEnrolment(p.codeOf(p.a()), request(newKey()), http.StatusForbidden, enrol.SpentCode)
		p.join(p.a())
	}},
	{"enrol.unknown-code", "A code that was never given out is refused: 403, enrol.code.", theRefusals, func(p *play) {
		p.secured()
		if p.over() {
			return
		}
		c := p.strangeCode()
		p.refusedEnrolment(c.Text(), request(newKey()), http.StatusForbidden, enrol.SpentCode)
	}},
	{"enrol.csr", "What is no signing request, not signed by its own key, or not by an Ed25519 key, is refused: 400, enrol.csr.", theRefusals, func(p *play) {
		p.refusedEnrolment(p.codeOf(p.a()), "no request", http.StatusBadRequest, enrol.BadCSR)
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		p.want(err == nil, "the kit made no key: %v", err)
		p.refusedEnrolment(p.codeOf(p.a()), request(key), http.StatusBadRequest, enrol.BadCSR)
		if !p.over() { // of the key that the code is for
			p.refusedEnrolment(p.codeOf(p.a()), wronglySigned(request(p.a().Key)), http.StatusBadRequest, enrol.BadCSR)
		}
	}},
	{"certificate.missing", "A dial without a certificate is refused: 401, certificate.missing.", theRefusals, func(p *play) {
		p.secured()
		if trust := p.a().showing(); !p.over() {
			trust.Certificates = nil
			p.refusedDial(trust, http.StatusUnauthorized, enrol.NoCert)
		}
	}},
	{"certificate.foreign", "A certificate that another CA signed is refused, whatever its name: 403, certificate.foreign.", theRefusals, func(p *play) {
		p.secured()
		if trust := p.a().showing(); !p.over() {
			trust.Certificates = []tls.Certificate{p.forgedCertificate(p.a())}
			p.refusedDial(trust, http.StatusForbidden, enrol.Foreign)
		}
	}},
	{"certificate.name", "A hello that names another register or store than the certificate is refused.", theSessions, func(p *play) {
		p.secured()
		for _, other := range []Register{{Store: p.a().Store, ID: p.b().ID}, {Store: p.c().Store, ID: p.a().ID}, {Store: p.c().Store, ID: p.c().ID}} {
			t := p.dial(p.a())
			m := t.greeting()
			m.Hello.Store, m.Hello.Register = other.Store, other.ID
			t.refused(m, wire.CodeRefused)
		}
	}},
	{"renew.given", "A renewal gives another certificate of the same key and name; the one in use stays good.", theCerts, func(p *play) {
		p.secured()
		if p.over() {
			return
		}
		m := p.a()
		var r enrol.Renewed
		refused, err := p.request(enrol.RenewPath, enrol.Renewal{CSR: request(m.Key)}, m.showing(), &r)
		p.want(err == nil && refused == nil, "a renewal got %v %v", refused, err)
		next, err := open(enrol.Answer{Certificate: r.Certificate, CA: r.CA}, m.Key)
		p.want(p.over() || err == nil, "%v", err)
		p.join(m)
		if !p.over() {
			next.answer = m.enrolled.answer
			next.answer.Certificate, next.answer.CA = r.Certificate, r.CA
			m.enrolled = next
			p.fits(m)
			p.join(m)
		}
	}},
	{"renew.other-key", "A renewal for another key than the certificate's is refused: 400, enrol.csr.", theRefusals, func(p *play) {
		p.secured()
		if !p.over() {
			p.refusedRenewal(request(newKey()), p.a().showing(), http.StatusBadRequest, enrol.BadCSR)
		}
	}},
	{"renew.missing", "A renewal without a certificate is refused: 401, certificate.missing.", theRefusals, func(p *play) {
		p.secured()
		if trust := p.a().showing(); !p.over() {
			trust.Certificates = nil
			p.refusedRenewal(request(p.a().Key), trust, http.StatusUnauthorized, enrol.NoCert)
		}
	}},
}

func (p *play) secured() { p.need(p.k.secured(), "a link over TLS") }

// codeOf is the code that a register was enrolled with.
func (p *play) codeOf(m *machine) string {
	p.secured()
	return m.Code
}

// strangeCode names the backend's CA and a secret of the kit's own.
func (p *play) strangeCode() enrol.Code {
	block, _ := pem.Decode([]byte(p.a().enrolled.answer.CA))
	return enrol.NewCode(block.Bytes)
}

// wronglySigned spoils the signature of a signing request, which is its end.
func wronglySigned(csr string) string {
	block, _ := pem.Decode([]byte(csr))
	block.Bytes[len(block.Bytes)-1] ^= 1
	return string(pem.EncodeToMemory(block))
}

func newKey() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil { // never since Go 1.24
		return nil
	}
	return key
}

// sameText compares what two signed notes say.
func sameText(a, b string) bool {
	x, ok := policy.Text(a)
	y, good := policy.Text(b)
	return ok && good && x == y
}

// fits holds what a register got against each other.
func (p *play) fits(m *machine) {
	if p.over() {
		return
	}
	a := m.enrolled.answer
	leaf := m.enrolled.cert.Leaf
	_, err := leaf.Verify(x509.VerifyOptions{Roots: m.enrolled.ca, Intermediates: pool(m.enrolled.cert), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	p.want(err == nil, "the certificate does not verify up to ca for a client: %v", err)
	name, err := enrol.ParseName(leaf.URIs)
	p.want(err == nil && name == enrol.Name{Store: m.Store, Register: m.ID}, "the certificate names %v", name)
	p.want(leaf.NotAfter.After(time.Now()), "the certificate is past its end")
	key, err := hex.DecodeString(a.StoreKey)
	p.want(err == nil && len(key) == 32, "store_key is not 32 bytes in hex")
	_, err = readHPKE(a.BackendHPKE)
	p.want(err == nil, "backend_hpke is no base64 of an X25519 public key")
	root, err := note.NewVerifier(a.Root)
	p.want(err == nil, "root is no verifier key")
	if p.over() {
		return
	}
	id, err := policy.OpenIdentity(a.Identity, root)
	p.want(err == nil && string(id.Register) == m.ID && string(id.Store) == m.Store, "identity is not this register's, or root did not sign it: %v", err)
	p.want(id.Realm == p.k.policy.Realm && slices.Contains(p.k.policy.Classes, id.Class), "identity is of the realm %q and class %q, which the policy is not for", id.Realm, id.Class)
	roles, err := policy.OpenRoles(a.Roles, root, id.Realm)
	p.want(err == nil, "root did not sign the roles: %v", err)
	if !p.over() {
		_, err = roles.OpenPolicy(p.k.note, id.Class)
		p.want(err == nil, "the policy in force is not signed as the roles say: %v", err)
	}
}

func pool(c tls.Certificate) *x509.CertPool {
	some := x509.NewCertPool()
	for _, der := range c.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			some.AddCert(cert)
		}
	}
	return some
}

// forgedCertificate has a register's name and key, and a CA of the kit's own.
func (p *play) forgedCertificate(m *machine) tls.Certificate {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	mine := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		URIs: []*url.URL{enrol.Name{Store: m.Store, Register: m.ID}.URI()},
	}
	var der []byte
	if err == nil {
		der, err = x509.CreateCertificate(rand.Reader, mine, ca, m.Key.Public(), key)
	}
	if err != nil {
		p.fail("the kit made no certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: m.Key}
}

// turnedAway wants a refusal with a status and code.
func (p *play) turnedAway(what string, refused *enrol.Problem, err error, status int, code enrol.Reason) {
	if err != nil {
		p.fail("%s: %w", what, err)
	}
	p.want(p.over() || refused != nil, "%s was not refused", what)
	p.want(p.over() || refused.Status == status && refused.Code == code, "%s was refused with %+v, not %d %s", what, refused, status, code)
}

func (p *play) refusedEnrolment(code, csr string, status int, why enrol.Reason) {
	if p.over() {
		return
	}
	_, refused, err := p.enrol(code, csr)
	p.turnedAway("an enrolment", refused, err, status, why)
}

func (p *play) refusedRenewal(csr string, trust *tls.Config, status int, why enrol.Reason) {
	refused, err := p.request(enrol.RenewPath, enrol.Renewal{CSR: csr}, trust, &enrol.Renewed{})
	p.turnedAway("a renewal", refused, err, status, why)
}

func (p *play) refusedDial(trust *tls.Config, status int, why enrol.Reason) {
	if p.over() {
		return
	}
	conn, reply, err := p.handshakeBy(trust, wire.Subprotocol)
	if err == nil {
		conn.Close()
		p.fail("a dial was not refused")
	}
	p.want(reply != nil, "a dial was refused without an answer: %v", err)
	if p.over() {
		return
	}
	refused, err := refusalOf(reply)
	p.turnedAway("a dial", refused, err, status, why)
}
