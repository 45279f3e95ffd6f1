package registers

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal/enrol"
)

var tlsRules = []rule{
	{"enrol.request", "Enrolment is a POST of JSON over TLS 1.3 without a certificate, with the code's secret and a signing request by an Ed25519 key.", enrolment, enrolRequest},
	{"enrol.other-ca", "To a backend that shows another CA than the code's the secret is not told.", enrolment, enrolOtherCA},
	{"tls.certificate", "The register shows its certificate, of the key of enrolment, over TLS 1.3.", certs, tlsCertificate},
	{"tls.version", "A backend that speaks TLS 1.2 at most hears no hello.", theLink, tlsVersion},
	{"tls.other-ca", "A backend with a certificate of another CA hears no hello.", certs, tlsOtherCA},
	{"tls.host", "A backend with a certificate for another host hears no hello.", certs, tlsHost},
	{"tls.expired", "A backend whose certificate is past its end hears no hello.", certs, tlsExpired},
	{"tls.not-asked", "A link on which the backend asked for no certificate is not taken.", certs, tlsNotAsked},
	{"certificate.refused", "A dial that is refused, whatever the reason, is tried again.", refusals, certificateRefused},
	{"renew.request", "From two thirds of its certificate's life on the register asks for another, for the same key and with the one in use.", certs, renewRequest},
	{"renew.used", "The next dial shows the renewed certificate.", certs, renewUsed},
}

func enrolRequest(p *play) {
	p.overTLS()
	p.begin()
	if p.over() {
		return
	}
	r := p.who.asked
	p.k.tap.onRequest(r)
	p.want(r.Method == http.MethodPost && r.Header.Get("Content-Type") == "application/json", "it is a %s of %q", r.Method, r.Header.Get("Content-Type"))
	p.want(r.TLS.Version == tls.VersionTLS13, "it came over TLS %#x", r.TLS.Version)
	p.want(len(r.TLS.PeerCertificates) == 0, "it showed a certificate")
	p.want(p.who.secret == p.who.code.Secret(), "the secret is another")
	p.want(len(p.who.key) == ed25519.PublicKeySize, "the signing request is of no Ed25519 key")
}

func enrolOtherCA(p *play) {
	p.overTLS()
	if p.over() {
		return
	}
	p.act(func() {
		other, err := newAuthority()
		if err != nil {
			p.fail("the kit made no CA: %w", err)
			return
		}
		p.who.code = enrol.NewCode(other.cert.Raw)
	})
	w, err := scenario.NewWorld(p.ctx, p.setup(io.Discard))
	if err == nil {
		p.world, p.runs = w, true
		p.fail("the register enrolled with a backend of another CA")
	}
	p.want(p.who.asked == nil, "the secret was told to a backend of another CA")
}

func tlsCertificate(p *play) {
	p.overTLS()
	l := p.begin()
	if p.over() {
		return
	}
	s := l.dial.r.TLS
	p.want(s.Version == tls.VersionTLS13, "the link is over TLS %#x", s.Version)
	p.want(len(s.PeerCertificates) > 0, "the register shows no certificate")
	if p.over() {
		return
	}
	own := s.PeerCertificates[0]
	p.want(p.who.key.Equal(own.PublicKey), "the certificate is of another key")
	roots := x509.NewCertPool()
	roots.AddCert(p.ca.cert)
	_, err := own.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	p.want(err == nil, "the certificate is not the one that was given: %v", err)
	p.want(len(own.URIs) == 1 && own.URIs[0].String() == name().URI().String(), "the certificate names %v", own.URIs)
}

// untrusted changes what the backend shows, wants the register to come, to find
// out, and to say nothing; and, once the backend is itself again, to be back.
func (p *play) untrusted(bad func() (uint16, tls.Certificate, error)) {
	p.overTLS()
	l := p.begin()
	if p.over() {
		return
	}
	good := p.server.tls.Load()
	version, cert, err := bad()
	if err != nil {
		p.fail("the kit made no certificate: %w", err)
		return
	}
	p.act(func() { p.server.show(version, tls.RequestClientCert, cert) })
	before := p.server.came.Load()
	l.close(1000)
	// A third connection means that two have ended with nothing said.
	for p.server.came.Load() < before+3 && !p.over() {
		select {
		case <-p.server.dials:
			p.fail("the register dialled a backend that it must not trust")
		case <-p.ctx.Done():
			p.fail("the rule took longer than %v", ruleTime)
		case <-p.server.knocks:
		case <-time.After(p.k.cfg.Patience):
			p.fail("the register tried no more")
		}
	}
	p.server.tls.Store(good)
	p.open()
}

func tlsVersion(p *play) {
	p.untrusted(func() (uint16, tls.Certificate, error) {
		cert, err := p.ca.server(host, time.Now().Add(day))
		return tls.VersionTLS12, cert, err
	})
}

func tlsOtherCA(p *play) {
	p.untrusted(func() (uint16, tls.Certificate, error) {
		other, err := newAuthority()
		if err != nil {
			return 0, tls.Certificate{}, err
		}
		cert, err := other.server(host, time.Now().Add(day))
		return tls.VersionTLS13, cert, err
	})
}

func tlsHost(p *play) {
	p.untrusted(func() (uint16, tls.Certificate, error) {
		cert, err := p.ca.server("127.0.0.2", time.Now().Add(day))
		return tls.VersionTLS13, cert, err
	})
}

func tlsExpired(p *play) {
	p.untrusted(func() (uint16, tls.Certificate, error) {
		cert, err := p.ca.server(host, time.Now().Add(-time.Hour))
		return tls.VersionTLS13, cert, err
	})
}

func tlsNotAsked(p *play) {
	p.overTLS()
	l := p.begin()
	if p.over() {
		return
	}
	good := p.server.tls.Load()
	p.act(func() { p.server.show(tls.VersionTLS13, tls.NoClientCert, good.Certificates...) })
	l.close(1000)
	deaf := p.link()
	_, there := deaf.next("end of the link")
	p.want(!there, "the register spoke on a link on which it was not asked for its certificate")
	p.server.tls.Store(good)
	for !p.over() { // a dial from before is on its way, maybe
		if back := p.link(); !p.over() && len(back.dial.r.TLS.PeerCertificates) > 0 {
			back.greet(nil)
			p.ready()
			return
		}
	}
}

func certificateRefused(p *play) {
	p.begin().close(1000)
	for _, code := range []enrol.Reason{enrol.NoCert, enrol.Revoked, enrol.Foreign, enrol.NoProtocol} {
		if d := p.dial(); d != nil {
			d.refuse(http.StatusForbidden, code, "")
		}
	}
	p.open().works()
}

// renewing is a register most of whose certificate's life has gone.
func (p *play) renewing() (*link, asked) {
	p.overTLS()
	p.who.gone = 80 * day
	l := p.begin()
	if p.over() {
		return l, asked{}
	}
	select {
	case one := <-p.who.renewal:
		p.k.tap.onRenewal(&one)
		return l, one
	case <-time.After(p.k.cfg.Patience):
		p.fail("the register asked for no renewal, with eight ninths of its certificate's life gone")
	}
	return l, asked{}
}

func renewRequest(p *play) {
	l, one := p.renewing()
	if p.over() {
		return
	}
	p.want(p.who.key.Equal(one.key), "the renewal is for another key")
	first := l.dial.r.TLS.PeerCertificates
	p.want(len(one.shown) > 0 && slices.Equal(one.shown[0].Raw, first[0].Raw), "the renewal did not show the certificate in use")
}

func renewUsed(p *play) {
	l, one := p.renewing()
	for end := time.Now().Add(p.k.cfg.Patience); time.Now().Before(end) && !p.over(); { // it is put to use once it is on the disk
		if l = l.again(); p.over() {
			return
		}
		shown := l.dial.r.TLS.PeerCertificates
		if len(shown) > 0 && slices.Equal(shown[0].Raw, one.gave) {
			return
		}
	}
	p.fail("the renewed certificate is not shown")
}

var errLeaf = errors.New("the leaf is not the one that was uploaded, or its audit path does not hold")
