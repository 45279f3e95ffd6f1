package conform_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"sekisho/firmware-mocks/conform"
	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

// stranger is a backend that breaks a rule of enrolment or of the certificates.
// Its mutation stands on the kit's side of the TLS: a backend that asks for no
// certificate looks like one that is shown a good one.
type stranger struct {
	rule string
	tls  func(good tls.Certificate, c *tls.Config) // what the backend sees of the kit
	http func(r reply) reply                       // what the kit sees of the backend

	since string // tls counts from this act of head office's on
	idle  string // this act of head office's is not done
}

// reply is the answer to a request for a certificate.
type reply struct {
	status int
	body   map[string]any
	before *reply // the last good one
	of     string // the request's path
}

var strangers = []stranger{
	{rule: "tls.version", tls: func(_ tls.Certificate, c *tls.Config) {
		if c.MaxVersion == tls.VersionTLS12 {
			c.MaxVersion = tls.VersionTLS13
		}
	}},
	{rule: "enrol.answer", http: without("identity")},
	{rule: "enrol.answer", http: without("roles")},
	{rule: "enrol.answer", http: without("root")},
	{rule: "enrol.answer", http: without("store_key")},
	{rule: "enrol.answer", http: swapped("identity")},
	{rule: "enrol.store-key", http: changed("store_key")},
	{rule: "enrol.again", http: changed("store_key")},
	{rule: "enrol.other-key", http: forgiving(enrol.SpentCode)},
	{rule: "enrol.unknown-code", http: forgiving(enrol.SpentCode)},
	{rule: "enrol.csr", http: forgiving(enrol.BadCSR)},
	{rule: "certificate.missing", tls: anothers},
	{rule: "certificate.foreign", tls: anothers},
	{rule: "certificate.name"}, // see TestStrangersFail: every hello is taken as the certificate's
	{rule: "renew.given", http: func(r reply) reply {
		if strings.HasSuffix(r.of, enrol.RenewPath) {
			return *r.before
		}
		return r
	}},
	{rule: "renew.other-key", http: forgiving(enrol.BadCSR)},
	{rule: "renew.missing", http: forgiving(enrol.NoCert)},
	{rule: "certificate.revoked", idle: "revoke"},
	{rule: "certificate.revoked", since: "revoke", tls: anothers},
	{rule: "certificate.revoked", http: forgiving(enrol.Revoked)},
	{rule: "enrol.anew", since: "code", tls: anothers},
	{rule: "enrol.anew", http: forgiving(enrol.Revoked)},
}

// anothers is the certificate that another register was seen with.
func anothers(good tls.Certificate, c *tls.Config) { c.Certificates = []tls.Certificate{good} }

// without leaves a field of the answer out.
func without(field string) func(reply) reply {
	return func(r reply) reply {
		if r.status == http.StatusOK {
			r.body[field] = ""
		}
		return r
	}
}

// swapped gives each register a field of the one before.
func swapped(field string) func(reply) reply {
	return func(r reply) reply {
		if r.status == http.StatusOK && r.before != nil {
			kept := r.body[field]
			r.body[field], r.body["kept"] = r.before.body["kept"], kept
		} else if r.status == http.StatusOK {
			r.body["kept"] = r.body[field]
		}
		return r
	}
}

// changed gives another store key each time.
func changed(field string) func(reply) reply {
	return func(r reply) reply {
		if r.status == http.StatusOK {
			r.body[field] = strings.Repeat("0", 28) + strings.ReplaceAll(newID(), "-", "") + "0000"
		}
		return r
	}
}

// forgiving answers what is refused for a reason as the last time.
func forgiving(why enrol.Reason) func(reply) reply {
	return func(r reply) reply {
		if r.status != http.StatusOK && r.body["code"] == string(why) {
			return *r.before
		}
		return r
	}
}

// gate is an http.RoundTripper that changes what comes back.
type gate struct {
	next   http.RoundTripper
	change func(reply) reply
	last   **reply
}

// RoundTrip implements http.RoundTripper.
func (g gate) RoundTrip(q *http.Request) (*http.Response, error) {
	res, err := g.next.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	r := reply{status: res.StatusCode, before: *g.last, of: q.URL.Path}
	err = json.NewDecoder(res.Body).Decode(&r.body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	r = g.change(r)
	data, err := json.Marshal(r.body)
	if r.status == http.StatusOK {
		r.before = nil
		*g.last = &r
	}
	res.StatusCode, res.Body, res.ContentLength = r.status, io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return res, err
}

// TestStrangersFail plays the rules of enrolment and certificates against
// backends that break them.
func TestStrangersFail(t *testing.T) {
	b := reference(t, true)
	rules := map[string]conform.Rule{}
	for _, r := range conform.Rules() {
		rules[r.ID] = r
	}
	for _, s := range strangers {
		t.Run(s.rule, func(t *testing.T) {
			var good tls.Certificate
			var last *reply
			ordered := map[string]bool{}
			onTLS := func(c *tls.Config) {
				if len(c.Certificates) > 0 && good.Certificate == nil {
					good = c.Certificates[0]
				}
				if s.tls != nil && c.RootCAs != nil && (s.since == "" || ordered[s.since]) {
					s.tls(good, c)
				}
			}
			onHTTP := func(next http.RoundTripper) http.RoundTripper {
				if s.http == nil {
					return next
				}
				return gate{next, s.http, &last}
			}
			cfg := anew(t, b, 1)
			opened := false
			operate := cfg.Operator
			cfg.Operator = func(ctx context.Context, act string, args ...string) (string, error) {
				ordered[act] = true
				if act == s.idle {
					return "", nil
				}
				return operate(ctx, act, args...)
			}
			onSay := func(m *wire.Message) {
				if s.rule == "certificate.name" && opened && m.Hello != nil {
					m.Hello.Store, m.Hello.Register = cfg.Registers[0].Store, cfg.Registers[0].ID
				}
			}
			k, err := conform.OpenBehind(t.Context(), cfg, onTLS, onHTTP, onSay)
			if err != nil {
				t.Fatal(err)
			}
			opened = true
			k.Wait(impatience)
			r := k.Check(t.Context(), rules[s.rule])
			if r.Status != conform.Failed || strings.HasPrefix(r.Why, "the kit") {
				t.Errorf("a backend that breaks the rule is not found out:\n%v", r)
			}
			t.Log(r.Why)
		})
	}
}
