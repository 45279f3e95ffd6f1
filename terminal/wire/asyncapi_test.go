package wire

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const asyncapiFile = "../../docs/asyncapi.yaml"

// beyond are bad vectors that no schema of one message can tell: what holds
// between two fields, or inside base64.
var beyond = []string{
	"two-bodies", "grants-both-ways", "denials-backwards", "denials-part-beyond", "denials-remove-cut-short",
	"checkpoint-leaf-beyond-from", "welcome-challenge-beyond-checkpoint", "welcome-challenge-without-checkpoint",
}

// document is asyncapi.yaml as a schema compiler reads it.
func document(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile(asyncapiFile)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(again))
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

func at(t *testing.T, v any, path ...string) map[string]any {
	t.Helper()
	for _, step := range path {
		v = v.(map[string]any)[step]
	}
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("the document has no %s", strings.Join(path, "."))
	}
	return m
}

// payload compiles the schema of a message.
func payload(t *testing.T, doc map[string]any, message string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7) // the one that AsyncAPI 3.0 names
	if err := c.AddResource("asyncapi.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("asyncapi.json#/components/messages/" + message + "/payload")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSchemasTakeTheGoldenMessages(t *testing.T) {
	doc := document(t)
	for _, v := range vectors(t).Messages {
		message := string(v.Type)
		if v.Name == "grants-back" {
			message = "returned"
		}
		if err := payload(t, doc, message).Validate(instance(t, v.Text)); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

func TestTheSchemasRefuseWhatParseRefuses(t *testing.T) {
	doc := document(t)
	var left []string
	for _, v := range vectors(t).Bad {
		if v.Code != CodeBody && v.Code != CodeVersion {
			continue
		}
		var of struct{ Type Type }
		if json.Unmarshal([]byte(v.Text), &of) != nil || of.Type == "" {
			continue
		}
		message := string(of.Type)
		if strings.HasPrefix(v.Name, "grants-back") || v.Name == "returned-below-zero" {
			message = "returned"
		}
		switch err := payload(t, doc, message).Validate(instance(t, v.Text)); {
		case err == nil && !slices.Contains(beyond, v.Name):
			t.Errorf("%s: the schema takes it", v.Name)
		case err == nil:
			left = append(left, v.Name)
		}
	}
	for _, name := range beyond {
		if !slices.Contains(left, name) {
			t.Errorf("%s stands in the list of what no schema tells, and is refused or is no vector", name)
		}
	}
}

func instance(t *testing.T, text string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Every field of a message's Go type stands in its schema, and none besides.
func TestTheSchemasHaveTheFieldsOfTheMessages(t *testing.T) {
	schemas := at(t, document(t), "components", "schemas")
	for _, of := range []any{
		Head{}, Amount{}, Versions{}, Counter{}, Spend{}, Grant{}, Hello{}, Welcome{}, Sale{}, Line{}, Common{}, Authorise{}, Query{},
		Answer{}, Limits{}, Reversal{}, Advice{}, Void{}, Refund{}, Ack{}, Grants{}, Policy{}, Freeze{}, Denials{}, Entries{},
		Checkpoint{}, LeafProof{}, Error{},
	} {
		typ := reflect.TypeOf(of)
		written := properties(schemas, schemas[typ.Name()])
		if own := fields(typ); !slices.Equal(own, written) {
			t.Errorf("%s has the fields %v, its schema %v", typ.Name(), own, written)
		}
	}
	bodies := at(t, document(t), "channels", "link", "messages")
	for kind := range (Message{}).all() {
		if bodies[string(kind)] == nil {
			t.Errorf("the channel has no message %s", kind)
		}
	}
}

// fields gives the JSON names of a struct's fields, with those of what it embeds.
func fields(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		if f.Anonymous {
			names = append(names, fields(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// properties gives the names of a schema's properties, with those of what it is
// all of.
func properties(schemas map[string]any, schema any) []string {
	s, _ := schema.(map[string]any)
	var names []string
	if ref, ok := s["$ref"].(string); ok {
		return properties(schemas, schemas[strings.TrimPrefix(ref, "#/components/schemas/")])
	}
	own, _ := s["properties"].(map[string]any)
	for name := range own {
		names = append(names, name)
	}
	all, _ := s["allOf"].([]any)
	for _, part := range all {
		names = append(names, properties(schemas, part)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
