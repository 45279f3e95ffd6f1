package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// tlsEcho is the bare line: a websocket over TLS 1.3 with certificates of both
// sides, and at its other end somebody who sends back what comes.
type tlsEcho struct {
	address string
	client  tls.Config
	end     func() error
}

// openTLSEcho serves it on any port of this machine.
func openTLSEcho() (*tlsEcho, error) {
	ca, caKey, err := signedBy(nil, nil)
	if err != nil {
		return nil, err
	}
	own, ownKey, err := signedBy(ca, caKey)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	pair := []tls.Certificate{{Certificate: [][]byte{own.Raw}, PrivateKey: ownKey, Leaf: own}}
	server := &http.Server{Handler: http.HandlerFunc(echo), ReadHeaderTimeout: patience}
	served := make(chan error, 1)
	both := tls.Config{MinVersion: tls.VersionTLS13, Certificates: pair, ClientCAs: pool, RootCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	go func() { served <- server.Serve(tls.NewListener(listener, &both)) }()
	return &tlsEcho{
		address: "wss://" + listener.Addr().String() + "/",
		client:  tls.Config{MinVersion: tls.VersionTLS13, Certificates: pair, RootCAs: pool},
		end: func() error {
			err := server.Close()
			if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
				err = errors.Join(err, ended)
			}
			return err
		},
	}, nil
}

func (e *tlsEcho) dial(ctx context.Context) (*websocket.Conn, error) {
	dialer := websocket.Dialer{TLSClientConfig: &e.client, HandshakeTimeout: patience}
	conn, response, err := dialer.DialContext(ctx, e.address, nil)
	if err != nil {
		return nil, err
	}
	return conn, response.Body.Close()
}

// signedBy makes a certificate for this machine's loopback, for both ends, with
// its key; a CA that signs itself where none is given.
func signedBy(ca *x509.Certificate, by ed25519.PrivateKey) (*x509.Certificate, ed25519.PrivateKey, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ca == nil {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
		ca, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, public, by)
	if err != nil {
		return nil, nil, err
	}
	made, err := x509.ParseCertificate(der)
	return made, key, err
}
