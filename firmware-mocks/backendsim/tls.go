package backendsim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"net/http"
	"sync"
	"time"
)

// ServeTLS serves registers, and /admin/ for this machine, over TLS 1.3 as
// Serve does. The certificate is made here, by the backend's CA, for hosts:
// names or IP addresses.
func (b *Backend) ServeTLS(l net.Listener, hosts ...string) error {
	front := &front{b: b, hosts: hosts}
	return b.serve(tls.NewListener(l, &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: front.certificate,
		// What is wrong with a register's certificate is told by a problem, which
		// a failed handshake could not: see shown.
		ClientAuth: tls.RequestClientCert,
		NextProtos: []string{"http/1.1"}, // websockets are
		Time:       b.now,
	}), b)
}

// front keeps the server's certificate.
type front struct {
	b     *Backend
	hosts []string

	mu   sync.Mutex
	made *tls.Certificate
	by   int64 // id of the CA that signed it
}

// certificate gives the one in use, and makes another at two thirds of its life
// or where another CA signs. It brings its CA along: a register at enrolment
// knows only the CA's hash.
func (f *front) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	ca, now := f.b.authorities()[0], f.b.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.made != nil && f.by == ca.id && now.Before(f.made.Leaf.NotAfter.Add(-certificateLife/3)) {
		return f.made, nil
	}
	made, err := serverCertificate(ca, f.hosts, now)
	if err != nil {
		return nil, err
	}
	f.made, f.by = made, ca.id
	return made, nil
}

func serverCertificate(ca authority, hosts []string, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{Organization: ca.cert.Subject.Organization},
		NotBefore: now.Add(-clockSlack), NotAfter: now.Add(certificateLife),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	return &tls.Certificate{Certificate: [][]byte{der, ca.cert.Raw}, PrivateKey: key, Leaf: leaf}, err
}

// deadlines is how long a connection may take for what. A register that is slower
// has a line on which nobody could pay.
type deadlines struct {
	request time.Duration // TLS and a request's header; its whole; and between two
	hello   time.Duration // a link's hello
	proof   time.Duration // a newcomer's proof after its welcome, which a slow line brings with a policy
	chatter time.Duration // in which no more than maxChatter is read
}

var usualDeadlines = deadlines{request: headerTimeout, hello: 10 * time.Second, proof: 30 * time.Second, chatter: time.Second}

// maxHeader is the most bytes of a request's header.
const maxHeader = 16 << 10

func (b *Backend) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, MaxHeaderBytes: maxHeader, ErrorLog: quiet(b.log),
		ReadTimeout: b.deadlines.request, ConnState: new(strangers).turns,
	}
}
