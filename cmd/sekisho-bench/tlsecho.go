package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
)

// tlsEcho is the bare line: a websocket over TLS 1.3 with certificates of both
// sides, and at its other end somebody who sends back what comes.
type tlsEcho struct {
	address string
	client  *tls.Config
	end     func() error
}

// openTLSEcho serves it on any port of this machine.
func openTLSEcho() (*tlsEcho, error) {
	both, err := newTrusted()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(echo), ReadHeaderTimeout: patience}
	served := make(chan error, 1)
	go func() { served <- server.Serve(tls.NewListener(listener, both.server)) }()
	end := func() error {
		err := server.Close()
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	}
	return &tlsEcho{"wss://" + listener.Addr().String() + "/", both.client, end}, nil
}

func (e *tlsEcho) dial(ctx context.Context) (*websocket.Conn, error) {
	dialer := websocket.Dialer{TLSClientConfig: e.client, HandshakeTimeout: patience}
	conn, response, err := dialer.DialContext(ctx, e.address, nil)
	if err != nil {
		return nil, err
	}
	return conn, response.Body.Close()
}
