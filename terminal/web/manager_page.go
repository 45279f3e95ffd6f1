package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
)

const languageCookie = "sekisho-language"

// What the templates of page/manager.html are given, by the name of each.
type (
	pinPage struct {
		Wrong   string // key of a word; "" for nothing
		Minutes int64
		Ask     bool
	}
	overviewPage struct {
		View     register.View
		Late     *LateRenewal // nil for none
		Told     string       // what the last key did
		Open     []terminal.Verdict
		Parked   []register.ParkedItem
		Rejected []terminal.Payment // the latest ones
		Left     int                // of them, that are not shown
		Losses   []terminal.Loss
		Days     int // as far as these go back
		Caps     []register.Holding
		Rules    register.Rules
		Zone     *time.Location
	}
	casePage struct {
		Verdict   terminal.Verdict
		Entries   []journal.Entry
		Open      bool // register and backend have yet to agree
		Undecided bool
		Parked    bool   // a message of it is
		Told      string // what the last key did
		Zone      *time.Location
	}
	trailPage struct {
		Query   url.Values
		Entries []journal.Entry
		Reasons []terminal.Reason
		Older   string // address of the next page; "" for none
		Wrong   string // key of a word; "" for nothing
		Zone    *time.Location
	}
)

// manager is the manager's page in every language.
type manager struct{ pages map[string]*template.Template }

// managerWords gives the page's words by language and key.
func managerWords() (map[string]map[string]string, error) {
	raw, err := pageFiles.ReadFile("page/manager.json")
	if err != nil {
		return nil, err
	}
	var all map[string]map[string]string
	return all, json.Unmarshal(raw, &all)
}

// newManager builds the page once. Its parts are built in, so that what fails
// here fails in every test, and never at a till.
func newManager() *manager {
	all, err := managerWords()
	if err != nil {
		panic(fmt.Sprintf("web: the manager's words cannot be read: %v", err))
	}
	m := &manager{pages: map[string]*template.Template{}}
	for _, tag := range terminal.Languages {
		t := template.New("manager.html").Funcs(speech{tag, all}.functions())
		m.pages[tag] = template.Must(t.ParseFS(pageFiles, "page/manager.html"))
	}
	return m
}

// show writes a page in the language that the browser keeps.
func (s *Server) show(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	tag := firstLanguage
	if c, err := r.Cookie(languageCookie); err == nil && s.manager.pages[c.Value] != nil {
		tag = c.Value
	}
	var b bytes.Buffer
	if err := s.manager.pages[tag].ExecuteTemplate(&b, name, data); err != nil {
		s.fail(w, r, fmt.Errorf("the page %s: %w", name, err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	// The page has forms; and a browser names the origin of a form that it posts
	// only where a referrer may be told at all (Fetch Standard, "Origin" header).
	h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a browser that goes away is no fault
}

// speech writes in one language.
type speech struct {
	tag string
	all map[string]map[string]string
}

func (l speech) functions() template.FuncMap {
	return template.FuncMap{
		"lang": func() string { return l.tag }, "languages": func() []string { return terminal.Languages },
		"named": func(tag string) string { return l.all[tag]["language"] },
		"w":     l.word, "said": l.said, "filled": func(key string, v any) string { return strings.ReplaceAll(l.word(key), "{}", fmt.Sprint(v)) },
		"sentence": func(texts map[string]string) string { return texts[l.tag] },
		"because":  func(r terminal.Reason) string { return l.because(r) },
		"what":     l.what, "yen": l.yen, "amount": l.amount,
		"at":        func(m terminal.Millis, zone *time.Location) string { return clock(m, zone) },
		"iso":       func(m terminal.Millis) string { return m.Time().Format(time.RFC3339) },
		"shortened": shortened,
		"text":      func(note string) string { text, _ := policy.Text(note); return text },
	}
}

// word gives a word of the page; the tests see to it that each is there.
func (l speech) word(key string) string { return l.all[l.tag][key] }

// said gives the word for one of a kind that a later release may add to, and
// otherwise its name.
func (l speech) said(kind string, of any) string {
	name := fmt.Sprint(of)
	if word := l.word(kind + "." + name); word != "" {
		return word
	}
	return name
}

// because gives the first sentence of what the cashier was told.
func (l speech) because(r terminal.Reason) string {
	text := r.Sentences()[l.tag]
	for _, end := range []string{"。", ". "} {
		if first, _, more := strings.Cut(text, end); more {
			return first + strings.TrimSpace(end)
		}
	}
	return text
}

// what says in words what an entry tells of.
func (l speech) what(e journal.Entry) string {
	switch e.Type {
	case journal.TypePayment:
		return l.said("state", e.State)
	case journal.TypeMark:
		if e.By != "" {
			return l.said("mark", e.Mark+"."+e.By)
		}
		return l.said("mark", e.Mark)
	case "":
		return l.word("type.damaged")
	}
	return l.said("type", e.Type)
}

// yen writes an amount, of whichever whole-number type.
func (l speech) yen(n any) string {
	return l.number(fmt.Sprintf("%d", n)) + " " + l.word("yen")
}

// number groups digits by thousands.
func (l speech) number(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	var groups []string
	for len(digits) > 3 {
		groups, digits = append(groups, digits[len(digits)-3:]), digits[:len(digits)-3]
	}
	groups = append(groups, digits)
	slices.Reverse(groups)
	return sign + strings.Join(groups, ",")
}

// amount writes the measures that a cap limits.
func (l speech) amount(a terminal.Amount, counts []string) string {
	var parts []string
	for _, measure := range counts {
		switch measure {
		case "yen":
			parts = append(parts, l.yen(a.Yen))
		case "units":
			parts = append(parts, l.number(strconv.FormatInt(a.Units, 10))+" "+l.word("units"))
		}
	}
	return strings.Join(parts, l.word("comma"))
}

// clock writes a time as the store's clock shows it.
func clock(m terminal.Millis, zone *time.Location) string {
	if m == 0 {
		return "—"
	}
	return m.Time().In(zone).Format("2006-01-02 15:04:05")
}

// shortened gives the end of an id: the rest of a UUIDv7 is its time.
func shortened(id terminal.PaymentID) string {
	const end = 6
	return "…" + string(id[max(0, len(id)-end):])
}
