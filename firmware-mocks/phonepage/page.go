// Package phonepage is the demo's "customer's phone": a page on which a person
// clicks goods and payment codes in front of the scanner, cuts the line, and has
// an answer lost.
//
// Everything clicked goes the way of the real thing: a picture is drawn, a
// decoder reads it, and its bytes go over the serial line. The page serves
// loopback only and changes nothing by a GET.
package phonepage

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"image"
	"net/http"
	"sync"

	"sekisho/firmware-mocks/walletsim"
)

//go:embed page.html page.css page.js
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// Store is what the page needs of a running demo.
type Store interface {
	Show(ctx context.Context, picture image.Image) error
	CutLine(ctx context.Context) error
	MendLine(ctx context.Context) error
	LoseAnswer(ctx context.Context) error // the next one of the backend; the request is carried out
	LineUp(ctx context.Context) (bool, error)
	Page() string // of the cashier
}

// Card is something that can be held before the scanner.
type Card struct {
	ID    string
	Label string
	Note  string
	Draw  func(ctx context.Context) (image.Image, error)
}

// Group is a row of cards: a phone, or a shelf of goods.
type Group struct {
	Title string
	Note  string
	Cards []Card
}

// Page serves the customer's phone.
type Page struct {
	store  Store
	groups []Group

	mu    sync.Mutex
	shown []byte // PNG of the last picture; nil before the first
}

// New makes the page.
func New(store Store, groups []Group) *Page { return &Page{store: store, groups: groups} }

// Handler serves the page.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.index)
	mux.Handle("GET /page.css", http.FileServerFS(files))
	mux.Handle("GET /page.js", http.FileServerFS(files))
	mux.HandleFunc("GET /shown.png", p.picture)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /show/{id}", p.show)
	mux.HandleFunc("POST /line/{what}", p.line)
	return sameOrigin(mux)
}

// sameOrigin refuses what another site's page would send.
func sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	return guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	}))
}

func (p *Page) index(w http.ResponseWriter, r *http.Request) {
	up, err := p.store.LineUp(r.Context())
	if err != nil {
		http.Error(w, "the register does not answer", http.StatusBadGateway)
		return
	}
	var text bytes.Buffer
	if err := page.Execute(&text, map[string]any{"Groups": p.groups, "Cashier": p.store.Page(), "Up": up}); err != nil {
		http.Error(w, "the page cannot be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text.Bytes()) // the browser may have gone
}

func (p *Page) card(id string) (Card, bool) {
	for _, g := range p.groups {
		for _, c := range g.Cards {
			if c.ID == id {
				return c, true
			}
		}
	}
	return Card{}, false
}

func (p *Page) show(w http.ResponseWriter, r *http.Request) {
	c, ok := p.card(r.PathValue("id"))
	if !ok {
		http.Error(w, "there is no such card", http.StatusNotFound)
		return
	}
	picture, err := c.Draw(r.Context())
	if err == nil {
		p.remember(picture)
		err = p.store.Show(r.Context(), picture)
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("the scanner did not read it: %v", err), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (p *Page) remember(picture image.Image) {
	data, err := walletsim.PNG(picture)
	if err != nil {
		return // the scanner will say what is wrong with it
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = data
}

func (p *Page) picture(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown == nil {
		http.Error(w, "nothing was shown yet", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(p.shown) // the browser may have gone
}

func (p *Page) line(w http.ResponseWriter, r *http.Request) {
	var err error
	switch r.PathValue("what") {
	case "cut":
		err = p.store.CutLine(r.Context())
	case "mend":
		err = p.store.MendLine(r.Context())
	case "lose":
		err = p.store.LoseAnswer(r.Context())
	default:
		http.Error(w, "the line can be cut or mended, or lose an answer", http.StatusNotFound)
		return
	}
	if err != nil {
		http.Error(w, "the register does not answer", http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
