package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"time"

	"sekisho/terminal/uplink"
)

// trusted is a line with certificates of both sides, made on the spot.
type trusted struct {
	server *tls.Config
	client *tls.Config  // of the bare line
	trust  uplink.Trust // of the register
}

func newTrusted() (trusted, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return trusted{}, err
	}
	ca := certificate("bench CA", true)
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		return trusted{}, err
	}
	if ca, err = x509.ParseCertificate(der); err != nil {
		return trusted{}, err
	}
	both := make([]tls.Certificate, 2)
	for i, name := range []string{"backend", "register"} {
		_, own, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return trusted{}, err
		}
		leaf, err := x509.CreateCertificate(rand.Reader, certificate(name, false), ca, own.Public(), key)
		if err != nil {
			return trusted{}, err
		}
		both[i] = tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: own}
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return trusted{
		server: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: both[:1], ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool},
		client: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: both[1:], RootCAs: pool},
		trust:  uplink.Trust{Certificate: both[1], CAs: []*x509.Certificate{ca}},
	}, nil
}

func certificate(name string, ca bool) *x509.Certificate {
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: ca,
		KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ca {
		c.KeyUsage, c.ExtKeyUsage, c.IPAddresses = x509.KeyUsageCertSign, nil, nil
	}
	return c
}
