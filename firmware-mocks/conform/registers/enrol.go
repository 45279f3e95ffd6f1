package registers

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"time"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/policy"
)

// The names of every play's register.
const (
	storeID    = "store-1"
	registerID = "register-1"
)

// acquaintance is what the backend knows of its register.
type acquaintance struct {
	code    enrol.Code
	asked   *http.Request // the request for enrolment
	secret  string        // that it named
	key     ed25519.PublicKey
	gone    time.Duration // of the life of its certificate
	renewal chan asked    // what came for a renewal
}

// asked is a request for renewal.
type asked struct {
	key   ed25519.PublicKey   // of the signing request
	shown []*x509.Certificate // by the register
	gave  []byte              // the certificate that it got, DER
}

// csrKey reads a signing request.
func csrKey(text string) (ed25519.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("csr is no certificate request in PEM")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := csr.PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("csr is not by an Ed25519 key")
	}
	return key, csr.CheckSignature()
}

// enrolled answers the register's enrolment.
func (p *play) enrolled(w http.ResponseWriter, r *http.Request) {
	var q enrol.Request
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, enrol.MaxBody)).Decode(&q)
	key, wrong := csrKey(q.CSR)
	if err = errors.Join(err, wrong); err != nil || q.Secret != p.who.code.Secret() {
		http.Error(w, "no enrolment", http.StatusBadRequest)
		return
	}
	p.who.asked, p.who.secret, p.who.key = r, q.Secret, key
	var a enrol.Answer
	if a.Certificate, err = p.ca.register(name().URI(), key, p.who.gone); err == nil {
		a.Identity, err = policy.SignIdentity(policy.Identity{Register: registerID, Store: storeID, Class: scenario.Class, Realm: scenario.Realm}, p.k.keys.Root)
	}
	if err != nil {
		http.Error(w, "no enrolment", http.StatusInternalServerError)
		return
	}
	var store [32]byte
	rand.Read(store[:]) // never fails since Go 1.24
	a.StoreKey, a.CA = hex.EncodeToString(store[:]), pemOf(p.ca.cert.Raw)
	a.Root, a.Roles = p.k.keys.Pinned, p.k.keys.Roles
	a.BackendHPKE = base64.StdEncoding.EncodeToString(p.k.keys.Backend.PublicKey().Bytes())
	reply(w, a)
}

// renewed answers a renewal.
func (p *play) renewed(w http.ResponseWriter, r *http.Request) {
	var q enrol.Renewal
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, enrol.MaxBody)).Decode(&q)
	key, wrong := csrKey(q.CSR)
	if err = errors.Join(err, wrong); err != nil {
		http.Error(w, "no renewal", http.StatusBadRequest)
		return
	}
	chain, err := p.ca.register(name().URI(), key, 0)
	if err != nil {
		http.Error(w, "no renewal", http.StatusInternalServerError)
		return
	}
	block, _ := pem.Decode([]byte(chain))
	one := asked{key: key, gave: block.Bytes}
	if r.TLS != nil {
		one.shown = r.TLS.PeerCertificates
	}
	reply(w, enrol.Renewed{Certificate: chain, CA: pemOf(p.ca.cert.Raw)})
	select {
	case p.who.renewal <- one:
	default:
	}
}

func name() enrol.Name {
	return enrol.Name{Store: string(terminal.StoreID(storeID)), Register: string(terminal.RegisterID(registerID))}
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // who has gone is not told
}
