package web

import (
	"html"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

func TestPageHasEveryWordInEveryLanguage(t *testing.T) {
	all, err := words()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(all)), slices.Sorted(slices.Values(terminal.Languages)); !slices.Equal(got, want) {
		t.Fatalf("languages %q, want those of the verdicts' sentences %q", got, want)
	}
	keys := slices.Sorted(maps.Keys(all[firstLanguage]))
	for language, table := range all {
		maps.DeleteFunc(table, func(key, _ string) bool {
			return strings.HasPrefix(key, saidPrefix) && !slices.Contains(keys, key) // a language repeats what it repeats
		})
		if got := slices.Sorted(maps.Keys(table)); !slices.Equal(got, keys) {
			t.Errorf("%s has the words %q, %s has %q", language, got, firstLanguage, keys)
		}
		for key, text := range table {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: %s is empty", language, key)
			}
		}
	}
}

// saidPrefix begins the keys of what a heading says already, by kind of verdict.
const saidPrefix = "said."

// A verdict's sentence is shown without what its heading says. What is left out
// is named in words.json: it must be in the sentence, and leave something.
func TestWhatAHeadingSaysAlreadyIsInItsSentence(t *testing.T) {
	all, err := words()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string][]map[string]string{
		"approved": {terminal.SentenceFor(terminal.Payment{State: terminal.Approved})},
		"voided":   {terminal.SentenceFor(terminal.Payment{State: terminal.Approved, Void: &terminal.Void{}})},
		"sent":     {terminal.SentenceFor(terminal.Payment{State: terminal.Sent})},
		"unknown":  {terminal.SentenceFor(terminal.Payment{State: terminal.Unknown})},
	}
	for _, r := range terminal.Reasons() {
		kinds["declined"] = append(kinds["declined"], r.Sentences())
	}
	for language, table := range all {
		for key, said := range table {
			kind, ok := strings.CutPrefix(key, saidPrefix)
			if !ok {
				continue
			}
			found := slices.ContainsFunc(kinds[kind], func(told map[string]string) bool {
				rest := strings.Replace(told[language], said, "", 1)
				return rest != told[language] && strings.Trim(rest, " .。") != ""
			})
			if !found {
				t.Errorf("%s: no sentence of %q says %q and something more", language, kind, said)
			}
		}
	}
}

// The full-width signs of Japanese are none of English.
func TestEnglishIsASCII(t *testing.T) {
	all, err := words()
	if err != nil {
		t.Fatal(err)
	}
	for key, text := range all["en"] {
		if strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) {
			t.Errorf("%s: %q", key, text)
		}
	}
}

// built lists the keys that the script puts together at run time.
func built(t *testing.T) []string {
	keys := []string{"state.none", "approved", "declined", "unknown", "sent", "voided",
		"confirm.void", "confirm.stop", "confirm.cancel", "policy.stale", "policy.missing", "storage.slow", "storage.failed",
		"warning.storage.slow", "warning.storage.failed", "reference", "approval", "account", "offline", "error.late", "error.refund.refused", "error.storage.paid",
		saidPrefix + "approved", saidPrefix + "sent", saidPrefix + "voided", saidPrefix + "unknown"}
	for _, why := range terminal.LineReasons() {
		keys = append(keys, "line."+string(why))
	}
	for _, s := range []terminal.LineState{terminal.LineUp, terminal.LineBad, terminal.LineDown} {
		keys = append(keys, "link."+string(s))
	}
	for _, s := range []terminal.SaleState{terminal.SaleOpen, terminal.SaleReady, terminal.SalePaying, terminal.SalePaid} {
		keys = append(keys, "state."+string(s))
	}
	all, err := words()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range codes(t) { // a code without words of its own gets the general ones
		if key := "error." + string(c); all[firstLanguage][key] != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestPageUsesEveryWordThatItHasAndHasEveryWordThatItUses(t *testing.T) {
	all, err := words()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"language": true}
	for _, key := range built(t) {
		used[key] = true
	}
	for _, name := range []string{"page/cashier.html", "page/locked.html"} {
		document, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`data-(?:word|label)="([^"]+)"|\.(?:Now|Words \.) "([^"]+)"`).FindAllStringSubmatch(string(document), -1) {
			used[m[1]+m[2]] = true
		}
	}
	script, err := pageFiles.ReadFile("page/cashier.js")
	if err != nil {
		t.Fatal(err)
	}
	literal := regexp.MustCompile(`'([a-z.-]*[a-z])'`)
	for _, call := range regexp.MustCompile(`(?:word|filled)\([^()+]+[()]`).FindAllString(string(script), -1) {
		for _, m := range literal.FindAllStringSubmatch(call, -1) {
			used[m[1]] = true
		}
	}
	for key := range used {
		if all[firstLanguage][key] == "" {
			t.Errorf("the page uses %q, which is no word", key)
		}
	}
	for key := range all[firstLanguage] {
		if !used[key] {
			t.Errorf("no part of the page uses the word %q", key)
		}
	}
}

func TestPageIsServedWholeAndWithoutAnythingThatItsOwnPolicyForbids(t *testing.T) {
	x := newTill(t)
	a := x.do(t, "GET", "/", "")
	text := string(a.body)
	if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(text, `<html lang="ja">`) {
		t.Fatalf("%d %s", a.status, a.header)
	}
	for _, forbidden := range []string{"style=", "<style", "onclick=", "javascript:", "<script>", "http:", "https:", "ZgotmplZ"} {
		if strings.Contains(text, forbidden) {
			t.Errorf("the page has %q, which its policy forbids", forbidden)
		}
	}
	kinds := map[string]string{"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
	links := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(text, -1)
	if len(links) != len(kinds) {
		t.Errorf("%d links, want %d", len(links), len(kinds))
	}
	for _, m := range links {
		part := x.do(t, "GET", m[1], "")
		kind := kinds[m[1][strings.LastIndex(m[1], ".")+1:]]
		if part.status != http.StatusOK || kind == "" || !strings.HasPrefix(part.header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s, want %s", m[1], part.status, part.header.Get("Content-Type"), kind)
		}
	}
	for _, tag := range terminal.Languages {
		if !strings.Contains(text, `lang="`+tag+`"`) {
			t.Errorf("no key for %s", tag)
		}
	}
	for _, key := range []string{"total", "cancel", "handed-over", "void"} {
		if all, _ := words(); !strings.Contains(html.UnescapeString(text), ">"+all["ja"][key]+"</button>") {
			t.Errorf("no key %s", key)
		}
	}
}

// The page follows events of every type, so that none is told to nobody.
func TestPageFollowsEveryTypeOfEvent(t *testing.T) {
	script, err := pageFiles.ReadFile("page/cashier.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []register.EventType{register.EventSale, register.EventPayment, register.EventVerdict, register.EventLink,
		register.EventScanner, register.EventPolicy, register.EventCaps} {
		if !strings.Contains(string(script), "'"+string(kind)+"'") {
			t.Errorf("the page does not follow %s", kind)
		}
	}
}
