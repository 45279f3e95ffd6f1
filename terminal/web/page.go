package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"

	"sekisho/terminal"
)

//go:embed page
var pageFiles embed.FS

// firstLanguage is that of the page until the cashier chooses another.
const firstLanguage = "ja"

// page is the cashier's page: one document, one script, one style sheet. Its
// words are page/words.json; a verdict's sentences come with the verdict.
type page struct {
	document []byte
	locked   []byte // what is seen without the cookie
	static   fs.FS
}

// newPage builds the document once. Its parts are built in, so that what fails
// here fails in every test, and never at a till.
func newPage() *page {
	document, err := render("cashier.html")
	if err != nil {
		panic(fmt.Sprintf("web: the built-in page does not build: %v", err))
	}
	locked, err := render("locked.html")
	if err != nil {
		panic(fmt.Sprintf("web: the built-in page does not build: %v", err))
	}
	static, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(fmt.Sprintf("web: the built-in page is not there: %v", err))
	}
	return &page{document: document, locked: locked, static: static}
}

// words gives the page's own words by language and key.
func words() (map[string]map[string]string, error) {
	raw, err := pageFiles.ReadFile("page/words.json")
	if err != nil {
		return nil, err
	}
	var all map[string]map[string]string
	return all, json.Unmarshal(raw, &all)
}

func render(name string) ([]byte, error) {
	all, err := words()
	if err != nil {
		return nil, err
	}
	t, err := template.New(name).Option("missingkey=error").ParseFS(pageFiles, "page/"+name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		Language  string
		Languages []string
		Now       map[string]string
		Words     map[string]map[string]string
	}{firstLanguage, terminal.Languages, all[firstLanguage], all})
	return b.Bytes(), err
}

// pages adds what a browser is shown. The static parts hold nothing that is not
// in every release, so that they need no cookie.
func (s *Server) pages(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", s.needPage(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(s.page.document) // a browser that goes away is no fault
	}))
	for _, name := range []string{"cashier.css", "cashier.js", "manager.css", "icon.svg"} {
		mux.HandleFunc("GET /static/"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, s.page.static, name)
		})
	}
}
