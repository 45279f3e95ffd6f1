package backendsim

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
)

// codeLife is how long a one-time code can be used.
const codeLife = time.Hour

// enrolment mounts what comes before a link.
func (b *Backend) enrolment() {
	beside := func(name string) string { return "POST " + path.Join(path.Dir(Path), name) }
	b.mux.HandleFunc(beside(enrol.EnrolPath), func(w http.ResponseWriter, r *http.Request) {
		answer, err := b.enrol(w, r)
		b.reply(w, answer, err)
	})
	b.mux.HandleFunc(beside(enrol.RenewPath), func(w http.ResponseWriter, r *http.Request) {
		answer, err := b.renew(w, r)
		b.reply(w, answer, err)
	})
}

// Code makes a one-time code with which a register is enrolled in a store of a
// class, "" for the policy's first. Only a hash of it is kept.
func (b *Backend) Code(ctx context.Context, store terminal.StoreID, register terminal.RegisterID, class string) (enrol.Code, error) {
	if b.root == nil {
		return enrol.Code{}, errors.New("backendsim: without the root key nobody is enrolled here")
	}
	p := b.inForce().policy
	if class == "" {
		class = p.Classes[0]
	}
	who := policy.Identity{Register: register, Store: store, Class: class, Realm: p.Realm}
	if _, err := p.For(class); err != nil {
		return enrol.Code{}, err
	}
	if err := b.canBe(who); err != nil {
		return enrol.Code{}, err
	}
	code, now := enrol.NewCode(b.authorities()[0].cert.Raw), b.now()
	return code, b.ledger.change(ctx, func(t *tx) error {
		if err := t.forgetCodes(now); err != nil {
			return err
		}
		if err := t.belongs(string(register), string(store)); err != nil {
			return err
		}
		return t.exec("INSERT INTO code (hash, store, register, class, made) VALUES (?, ?, ?, ?, ?)",
			b.ledger.hash("enrol", []byte(code.Secret())), string(store), string(register), class, now.UnixMilli())
	})
}

// canBe fails for names that cannot be written in what a register gets.
func (b *Backend) canBe(who policy.Identity) error {
	if len(who.Store) > maxName || len(who.Register) > maxName {
		return fmt.Errorf("backendsim: the names of store and register have at most %d characters", maxName)
	}
	if _, err := policy.SignIdentity(who, b.root); err != nil {
		return err
	}
	vkey, err := note.NewEd25519VerifierKey(journal.Origin(who.Store, who.Register), make([]byte, ed25519.PublicKeySize))
	if err == nil {
		_, err = note.NewVerifier(vkey) // a name without spaces and plus
	}
	return err
}

// maxName is the most characters of an identifier (docs/protocol.md).
const maxName = 100

// belongs fails where a register is another store's.
func (t *tx) belongs(register, store string) error {
	other, err := t.has(`SELECT 1 FROM enrolled WHERE register = ?1 AND store != ?2
		UNION SELECT 1 FROM register WHERE id = ?1 AND store != ?2`, register, store)
	return errors.Join(err, errIf(other, fmt.Sprintf("register %q belongs to another store", register)))
}

func (t *tx) forgetCodes(now time.Time) error {
	return t.exec("DELETE FROM code WHERE made <= ?", now.Add(-codeLife).UnixMilli())
}

// read reads a request's body and its signing request.
func read[T any](w http.ResponseWriter, r *http.Request, csr func(T) string) (T, ed25519.PublicKey, error) {
	var body T
	bad := &refusal{status: http.StatusBadRequest, code: enrol.BadCSR}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, enrol.MaxBody)).Decode(&body); err != nil {
		bad.detail = "the request is no JSON of this shape"
		return body, nil, bad
	}
	block, rest := pem.Decode([]byte(csr(body)))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || strings.TrimSpace(string(rest)) != "" {
		bad.detail = "csr is no certificate request in PEM"
		return body, nil, bad
	}
	asked, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		bad.detail = "the certificate request cannot be read"
		return body, nil, bad
	}
	// Before the signature: one by an RSA key as long as a request may hold takes hours.
	key, ok := asked.PublicKey.(ed25519.PublicKey)
	if !ok {
		bad.detail = "a register's key is an Ed25519 key"
		return body, nil, bad
	}
	if asked.CheckSignature() != nil {
		bad.detail = "the certificate request is not signed by its own key"
		return body, nil, bad
	}
	return body, key, nil
}

// enrol answers a register's first request.
func (b *Backend) enrol(w http.ResponseWriter, r *http.Request) (*enrol.Answer, error) {
	if r.TLS == nil && !loopback(r) {
		return nil, errPlain
	}
	body, key, err := read(w, r, func(q enrol.Request) string { return q.CSR })
	if err != nil {
		return nil, err
	}
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	if wait := b.guesses.over(from, b.now()); wait > 0 {
		return nil, &refusal{status: http.StatusTooManyRequests, code: enrol.TooMany, detail: "too many wrong codes came from this address", wait: wait}
	}
	ctx, cancel := context.WithTimeout(r.Context(), workTimeout)
	defer cancel()
	answer, name, serial, err := b.enrolled(ctx, body.Secret, key)
	if told, refused := errors.AsType[*refusal](err); refused && told.code == enrol.SpentCode {
		b.guesses.count(from, b.now())
	}
	if err != nil {
		return nil, err
	}
	b.hangUp(func(l *link) bool { return l.shown != nil && l.shown.name == name && l.shown.serial != serial })
	return answer, nil
}

var errSpent = &refusal{status: http.StatusForbidden, code: enrol.SpentCode,
	detail: "this code is not known here, was used by another key, or is more than an hour old; ask head office for a new one"}

// enrolled takes a code for a key, in one transaction, and gives what goes with
// it. The same key may take it again.
func (b *Backend) enrolled(ctx context.Context, secret string, key ed25519.PublicKey) (*enrol.Answer, enrol.Name, string, error) {
	now, all, rules := b.now(), b.authorities(), b.inForce()
	if b.root == nil {
		return nil, enrol.Name{}, "", errSpent
	}
	var id policy.Identity
	var a enrol.Answer
	var serial string
	err := b.ledger.change(ctx, func(t *tx) error {
		if err := t.forgetCodes(now); err != nil {
			return err
		}
		hash := b.ledger.hash("enrol", []byte(secret))
		err := t.row("SELECT store, register, class, serial FROM code WHERE hash = ?", hash).Scan(&id.Store, &id.Register, &id.Class, &serial)
		if errors.Is(err, sql.ErrNoRows) {
			return errSpent
		}
		if err != nil {
			return err
		}
		if serial == "" {
			serial, err = t.admit(enrol.Name{Store: string(id.Store), Register: string(id.Register)}, key, all, now)
		}
		if err == nil {
			a.Certificate, err = t.given(serial, key)
		}
		if err == nil {
			err = t.exec("UPDATE code SET serial = ? WHERE hash = ?", serial, hash)
		}
		if err == nil {
			a.StoreKey, err = t.storeKey(string(id.Store))
		}
		return err
	})
	if err != nil {
		return nil, enrol.Name{}, "", err
	}
	id.Realm = rules.policy.Realm
	a.CA, a.Root, a.Roles = caText(all), b.rootKey, rules.rolesNote
	a.BackendHPKE = base64.StdEncoding.EncodeToString(b.key.PublicKey().Bytes())
	a.Identity, err = policy.SignIdentity(id, b.root)
	return &a, enrol.Name{Store: string(id.Store), Register: string(id.Register)}, serial, err
}

// admit makes a key the register's, in place of what it had.
func (t *tx) admit(name enrol.Name, key ed25519.PublicKey, all []authority, now time.Time) (serial string, err error) {
	if err := t.belongs(name.Register, name.Store); err != nil {
		return "", err
	}
	if err := t.revoke(name.Register, now); err != nil {
		return "", err
	}
	vkey, err := note.NewEd25519VerifierKey(journal.Origin(terminal.StoreID(name.Store), terminal.RegisterID(name.Register)), key)
	if err != nil {
		return "", err
	}
	if err := t.exec("INSERT OR REPLACE INTO enrolled (register, store, vkey) VALUES (?, ?, ?)", name.Register, name.Store, vkey); err != nil {
		return "", err
	}
	return t.issue(name, key, all, now)
}

// issue makes a certificate and keeps it.
func (t *tx) issue(name enrol.Name, key ed25519.PublicKey, all []authority, now time.Time) (serial string, err error) {
	template := &x509.Certificate{
		SerialNumber: newSerial(), URIs: []*url.URL{name.URI()},
		NotBefore: now.Add(-clockSlack), NotAfter: now.Add(certificateLife),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, all[0].cert, key, all[0].key)
	if err != nil {
		return "", err
	}
	serial = serialOf(template)
	return serial, t.exec("INSERT INTO certificate (serial, register, store, key, chain, made, ends, authority) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		serial, name.Register, name.Store, []byte(key), pemOf(der), now.UnixMilli(), template.NotAfter.UnixMilli(), newest(all))
}

// given gives the certificate of a serial for the key that it was made for.
func (t *tx) given(serial string, key ed25519.PublicKey) (string, error) {
	var chain string
	var of []byte
	if err := t.row("SELECT chain, key FROM certificate WHERE serial = ?", serial).Scan(&chain, &of); err != nil {
		return "", err
	}
	if !key.Equal(ed25519.PublicKey(of)) {
		return "", errSpent
	}
	return chain, nil
}

// storeKey gives the key that all registers of a store share, in hex.
func (t *tx) storeKey(store string) (string, error) {
	fresh := make([]byte, 32)
	rand.Read(fresh) // never fails since Go 1.24
	if err := t.exec("INSERT OR IGNORE INTO store_key (store, key) VALUES (?, ?)", store, fresh); err != nil {
		return "", err
	}
	var key []byte
	err := t.row("SELECT key FROM store_key WHERE store = ?", store).Scan(&key)
	return hex.EncodeToString(key), err
}

// renew gives a register that shows a good certificate another on the same key.
func (b *Backend) renew(w http.ResponseWriter, r *http.Request) (*enrol.Renewed, error) {
	s, err := b.shown(r)
	if err != nil {
		return nil, err
	}
	_, key, err := read(w, r, func(q enrol.Renewal) string { return q.CSR })
	if err != nil {
		return nil, err
	}
	if s == nil { // without TLS
		return nil, &refusal{status: http.StatusUnauthorized, code: enrol.NoCert, detail: "a certificate is renewed over TLS with the one in use"}
	}
	if !key.Equal(s.key) {
		return nil, &refusal{status: http.StatusBadRequest, code: enrol.BadCSR, detail: "a renewal keeps the key; another key is enrolled with a one-time code"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), workTimeout)
	defer cancel()
	all := b.authorities()
	var renewed enrol.Renewed
	err = b.ledger.change(ctx, func(t *tx) error {
		if err := t.good(s); err != nil { // it may have been revoked just now
			return err
		}
		serial, err := t.issue(s.name, key, all, b.now())
		if err == nil {
			renewed.Certificate, err = t.given(serial, key)
		}
		return err
	})
	renewed.CA = caText(all)
	return &renewed, err
}
