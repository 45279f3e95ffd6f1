package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/web/pin"
)

// The waits of the server. None of them is part of the API: a till's own
// programs on loopback need milliseconds.
const (
	headerWait = 5 * time.Second  // for a request's header
	readWait   = 10 * time.Second // for the whole request
	deskWait   = 10 * time.Second // for the register: several times what a slow disk needs for one commit
	writeWait  = 30 * time.Second // for a whole answer, deskWait included
	idleWait   = 60 * time.Second // between two requests of one connection
	stopWait   = 5 * time.Second  // for requests under way when the server stops
)

const maxHeader = 16 << 10 // bytes of a request's header

// Config is what a Server is made of.
type Config struct {
	Desk   register.Desk   // is asked
	Reader register.Reader // the journal is read from
	Events *Events         // are streamed
	Tokens Tokens
	PIN    *pin.Gate    // guards the manager's page
	Log    *slog.Logger // gets what only the operator can mend

	// LateRenewal tells of a certificate that is not renewed in good time; false
	// for none, and nil where the register has no certificate.
	LateRenewal func() (LateRenewal, bool)
}

// LateRenewal is a certificate of the register that should have been renewed by
// itself days ago: so long before its end people still have the time to help.
type LateRenewal struct {
	Due   terminal.Millis // when it should have been renewed at the latest
	End   terminal.Millis // how long it is good
	Ended bool            // the backend takes this register no more
}

// Server is the local API and the cashier's page of one register.
type Server struct {
	desk   register.Desk
	reader register.Reader
	events *Events
	tokens Tokens
	log    *slog.Logger
	page   *page

	gate    *pin.Gate
	session *session
	manager *manager
	late    func() (LateRenewal, bool)
}

// New makes a server; Serve starts it.
func New(c Config) *Server {
	return &Server{
		desk: c.Desk, reader: c.Reader, events: c.Events, tokens: c.Tokens, log: c.Log, page: newPage(),
		gate: c.PIN, session: &session{clock: c.PIN.Clock}, manager: newManager(), late: c.LateRenewal,
	}
}

// route is one method and pattern of the API, in http.ServeMux's form, and who
// may ask it.
type route struct {
	method  string
	pattern string
	least   access
	handle  http.HandlerFunc
}

// api lists every route of docs/openapi.yaml; a test compares the two.
func (s *Server) api() []route {
	return []route{
		{http.MethodPut, "/v1/sales/{ref}", forPOS, s.putSale},
		{http.MethodPost, "/v1/sales/{ref}/lines", forPOS, s.addLines},
		{http.MethodPost, "/v1/sales/{ref}/ready", forPOS, s.ready},
		{http.MethodPost, "/v1/sales/{ref}/cancel", forPOS, s.cancelSale},
		{http.MethodGet, "/v1/payments/{id}", forPOS, s.payment},
		{http.MethodPost, "/v1/payments/{id}/handed-over", forPOS, s.handOver},
		{http.MethodPost, "/v1/payments/{id}/void", forPOS, s.void},
		{http.MethodPost, "/v1/payments/{id}/refunds", forPOS, s.refund},
		{http.MethodPost, "/v1/payments/{id}/resolve", forStaff, s.resolve},
		{http.MethodPost, "/v1/payments/{id}/set-aside", forStaff, s.setAside},
		{http.MethodPost, "/v1/payments/{id}/erase", forStaff, s.erase},
		{http.MethodGet, "/v1/payments", forStaff, s.unresolved},
		{http.MethodGet, "/v1/policy", forStaff, s.policy},
		{http.MethodGet, "/v1/state", forPOS, s.state},
		{http.MethodGet, "/v1/caps", forPOS, s.caps},
		{http.MethodGet, "/v1/journal", forStaff, s.journal},
		{http.MethodGet, "/v1/events", forPOS, s.stream},
	}
}

// Handler serves API and page.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.api() {
		mux.HandleFunc(r.method+" "+r.pattern, s.need(r.least, r.handle))
	}
	s.pages(mux)
	s.managerPages(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.nowhere(mux, w, r) })
	return s.guard(mux)
}

// nowhere answers what no route took: with 405 where another method would have
// been taken, otherwise with 404.
func (s *Server) nowhere(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" {
			w.Header().Set("Allow", method)
			s.refuse(w, problem{status: http.StatusMethodNotAllowed, code: codeMethod, detail: "this address takes " + method + " only"})
			return
		}
	}
	s.refuse(w, problem{status: http.StatusNotFound, code: codeRoute, detail: "there is nothing at this address: docs/openapi.yaml lists what there is"})
}

// Serve answers on l until ctx ends. It then ends the streams of events, lets
// requests under way finish for five seconds, and returns nil; any other end is
// an error. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerWait,
		ReadTimeout:       readWait,
		WriteTimeout:      writeWait,
		IdleTimeout:       idleWait,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	srv.RegisterOnShutdown(s.events.Close)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(limit(l, maxConnections)) }()
	select {
	case err := <-failed:
		s.events.Close()
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		s.log.Warn("requests were cut off at the end", "error", err)
		_ = srv.Close() // its only news would be the listener's, closed already
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
