package web

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// outline reads of a YAML file what these tests need: the keys of its block
// mappings as paths, joined by spaces, and the items of its block lists under
// the path of their key. The file keeps to two spaces an indent.
func outline(t *testing.T, name string) (keys map[string]bool, items map[string][]string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	keys, items = map[string]bool{}, map[string][]string{}
	var path []string
	for _, line := range strings.Split(string(text), "\n") {
		plain := strings.TrimLeft(line, " ")
		depth := (len(line) - len(plain)) / 2
		if item, ok := strings.CutPrefix(plain, "- "); ok {
			at := strings.Join(path[:min(depth, len(path))], " ")
			items[at] = append(items[at], item)
			continue
		}
		key, _, ok := strings.Cut(plain, ":")
		if !ok || strings.ContainsAny(key, " ,;") || depth > len(path) {
			continue
		}
		path = append(path[:depth], key)
		keys[strings.Join(path, " ")] = true
	}
	return keys, items
}

const apiFile = "../../docs/openapi.yaml"

func TestEveryRouteIsDescribedAndEveryDescribedRouteIsThere(t *testing.T) {
	keys, _ := outline(t, apiFile)
	described := map[string]bool{}
	for key := range keys {
		p := strings.Fields(key)
		if len(p) == 3 && p[0] == "paths" && slices.Contains([]string{"get", "put", "post", "delete", "patch"}, p[2]) {
			described[strings.ToUpper(p[2])+" "+p[1]] = true
		}
	}
	served := map[string]bool{}
	for _, r := range newTill(t).server.api() {
		served[r.method+" "+r.pattern] = true
	}
	if got, want := slices.Sorted(maps.Keys(described)), slices.Sorted(maps.Keys(served)); !slices.Equal(got, want) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEveryFieldIsDescribed(t *testing.T) {
	keys, _ := outline(t, apiFile)
	for name, v := range map[string]any{
		"Line": terminal.Line{}, "Sale": terminal.Sale{}, "Verdict": terminal.Verdict{}, "Proof": terminal.Proof{}, "Amount": terminal.Amount{},
		"View": register.View{}, "LinkView": register.LinkView{}, "PolicyView": register.PolicyView{}, "Scan": register.Scan{},
		"Holding": register.Holding{}, "Rules": register.Rules{}, "Refund": terminal.Refund{}, "Leaf": leaf{}, "Leaves": leaves{}, "LinePut": terminal.Line{},
	} {
		var want, got []string
		for f := range reflect.TypeOf(v).Fields() {
			if !f.IsExported() {
				continue
			}
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			want = append(want, tag)
		}
		for key := range keys {
			if field, ok := strings.CutPrefix(key, "components schemas "+name+" properties "); ok && !strings.Contains(field, " ") {
				got = append(got, field)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: described %q, sent %q", name, got, want)
		}
	}
}

func TestEveryCodeIsDescribed(t *testing.T) {
	_, items := outline(t, apiFile)
	got := slices.Sorted(slices.Values(items["components schemas Problem properties code enum"]))
	want := []string{string(codeRequest), string(codeMediaType), string(codeTooLarge), string(codeToken), string(codeForbidden), string(codeHost), string(codeOrigin),
		string(codeRoute), string(codeMethod), string(codeClients), string(codeLate), string(codeInternal)}
	for _, c := range codes(t) {
		want = append(want, string(c))
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("described %q\nused %q", got, want)
	}
}

func TestEveryStateIsDescribed(t *testing.T) {
	text, err := os.ReadFile(apiFile)
	if err != nil {
		t.Fatal(err)
	}
	states := []terminal.State{terminal.Refused, terminal.Sent, terminal.Approved, terminal.Declined, terminal.Unknown, terminal.Reversing,
		terminal.Reversed, terminal.ApprovedOffline, terminal.Advised, terminal.Settled, terminal.Rejected}
	var names []string
	for _, s := range states {
		names = append(names, string(s))
	}
	if want := "enum: [" + strings.Join(names, ", ") + "]"; !strings.Contains(string(text), want) {
		t.Errorf("no %q", want)
	}
}
