package registers

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sekisho/terminal/enrol"
)

// host is where the kit's backends are.
const host = "127.0.0.1"

// path is the link's.
const path = "/v1/link"

// server is the address of a play's backend. Over TLS the certificate that it
// shows may be changed between two dials.
type server struct {
	p       *play
	address string
	http    *http.Server
	serving sync.WaitGroup
	tls     atomic.Pointer[tls.Config]
	dials   chan *dial
	came    atomic.Int64  // connections, whatever became of them
	knocks  chan struct{} // one of them just now
	ended   chan struct{}
}

// dial is a register's request for a link. It waits until the rule takes or
// refuses it, or the register gives up.
type dial struct {
	at     time.Time
	r      *http.Request
	decide chan func(http.ResponseWriter)
	gone   <-chan struct{}
}

func (p *play) serve() (*server, error) {
	s := &server{p: p, dials: make(chan *dial, 1000), knocks: make(chan struct{}, 1), ended: make(chan struct{})}
	listener, err := net.Listen("tcp", host+":0")
	if err != nil {
		return nil, err
	}
	s.address = listener.Addr().String()
	var counted net.Listener = &counting{listener, s}
	if p.secured() {
		cert, err := p.ca.server(host, time.Now().Add(day))
		if err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		s.show(tls.VersionTLS13, tls.RequestClientCert, cert)
		counted = tls.NewListener(counted, &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return s.tls.Load(), nil
		}})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path, s.dialled)
	mux.HandleFunc("POST /v1/"+enrol.EnrolPath, p.enrolled)
	mux.HandleFunc("POST /v1/"+enrol.RenewPath, p.renewed)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: patience, ErrorLog: log.New(io.Discard, "", 0)}
	s.serving.Go(func() { _ = s.http.Serve(counted) }) // ends with close
	return s, nil
}

// show is what the backend shows and asks from the next connection on.
func (s *server) show(version uint16, asks tls.ClientAuthType, certs ...tls.Certificate) {
	s.tls.Store(&tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: max(version, tls.VersionTLS12), ClientAuth: asks, Certificates: certs, NextProtos: []string{"http/1.1"}})
}

func (s *server) close() {
	close(s.ended)
	_ = s.http.Close() // its listener is closed, whatever else
	s.serving.Wait()
}

// counting counts connections.
type counting struct {
	net.Listener
	s *server
}

// Accept implements net.Listener.
func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.s.came.Add(1)
		select {
		case c.s.knocks <- struct{}{}:
		default:
		}
	}
	return conn, err
}

func (s *server) dialled(w http.ResponseWriter, r *http.Request) {
	d := &dial{at: time.Now(), r: r, decide: make(chan func(http.ResponseWriter), 1), gone: r.Context().Done()}
	s.p.k.tap.onDial(d)
	select {
	case s.dials <- d:
	default: // more than any rule waits for
		return
	}
	select {
	case do := <-d.decide:
		do(w)
	case <-d.gone:
	case <-s.ended:
	}
}

// dial waits for the next dial; nil where none comes.
func (p *play) dial() *dial {
	for over := time.After(p.k.cfg.Patience); !p.over(); {
		select {
		case d := <-p.server.dials:
			select {
			case <-d.gone: // the register has given it up
				continue
			default:
				return d
			}
		case <-p.ctx.Done():
			p.fail("the rule took longer than %v", ruleTime)
		case <-over:
			p.fail("the register did not dial within %v", p.k.cfg.Patience)
		}
	}
	return nil
}

// refuse refuses a dial, with the seconds of Retry-After unless they are "".
func (d *dial) refuse(status int, code enrol.Reason, retryAfter string) {
	d.decide <- func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/problem+json")
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"title":"refused","status":%d,"code":%q,"detail":"the kit refuses this dial"}`, status, code)
	}
}

// offers gives the subprotocols that a dial names.
func (d *dial) offers() []string {
	var list []string
	for _, one := range strings.Split(d.r.Header.Get("Sec-WebSocket-Protocol"), ",") {
		list = append(list, strings.TrimSpace(one))
	}
	return list
}
