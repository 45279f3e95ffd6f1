package wire

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// The vectors are made by docs/vectors/wire.py, which shares no code with this
// package. The tests read its committed output and run no Python.
const (
	vectorFile   = "../../docs/vectors/wire.json"
	protocolFile = "../../docs/protocol.md"
)

type vectorSet struct {
	Messages []struct {
		Name string
		Type Type
		Text string
	}
	Bad []struct {
		Name string
		Code ErrorCode
		Text string
	}
	Evidence struct {
		PrivateKey string `json:"private_key"`
		PublicKey  string `json:"public_key"`
		Payment    string
		Code       string
		Evidence   string
	}
}

func vectors(t testing.TB) vectorSet {
	t.Helper()
	data, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var set vectorSet
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Messages) == 0 || len(set.Bad) == 0 {
		t.Fatal("there are no vectors")
	}
	return set
}

// plain reads JSON without this package's types, numbers as they are written.
func plain(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEveryFieldOfTheGoldenMessagesIsReadAndWritten(t *testing.T) {
	seen := map[Type]bool{}
	for _, v := range vectors(t).Messages {
		seen[v.Type] = true
		m, err := Parse([]byte(v.Text))
		if err != nil || m.Type != v.Type {
			t.Errorf("%s: read as %q: %v", v.Name, m.Type, err)
			continue
		}
		again, err := Encode(m)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if got, want := plain(t, again), plain(t, []byte(v.Text)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: written as\n%s\nwant\n%s", v.Name, again, v.Text)
		}
	}
	for kind := range (Message{}).all() {
		if !seen[kind] {
			t.Errorf("no vector has type %q", kind)
		}
	}
}

func TestI8EveryBadMessageGetsItsCode(t *testing.T) {
	for _, v := range vectors(t).Bad {
		_, err := Parse([]byte(v.Text))
		var told *Error
		if !errors.As(err, &told) || told.Code != v.Code {
			t.Errorf("%s: %v, want code %q", v.Name, err, v.Code)
		}
	}
	_, err := Parse([]byte(strings.Repeat(" ", MaxMessage+1)))
	var told *Error
	if !errors.As(err, &told) || told.Code != CodeSyntax {
		t.Errorf("a message over the limit: %v", err)
	}
}

func TestI8BytesThatAreNoTextAreRefused(t *testing.T) {
	for _, v := range vectors(t).Messages {
		text := strings.Replace(v.Text, `{"v":1,`, "{\"v\":1,\"x\":\"\xff\",", 1)
		_, err := Parse([]byte(text))
		var told *Error
		if !errors.As(err, &told) || told.Code != CodeSyntax {
			t.Errorf("%s: %v, want code %q", v.Name, err, CodeSyntax)
		}
	}
}

// The documents bound texts in characters, as JSON Schema does; a store's own
// language has up to four bytes for one.
func TestALengthIsOfCharacters(t *testing.T) {
	m := Message{Type: TypeError, ID: strings.Repeat("店", maxID), Error: &Error{Code: "code", Text: strings.Repeat("𠮷", maxText)}}
	data, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Parse(data); err != nil || !reflect.DeepEqual(got.Error, m.Error) || got.ID != m.ID {
		t.Errorf("read as %v: %v", got, err)
	}
	if err := payload(t, document(t), "error").Validate(instance(t, string(data))); err != nil {
		t.Errorf("the schema: %v", err)
	}
	m.Error.Text += "x"
	if _, err := Encode(m); err == nil {
		t.Error("a text of one character more is taken")
	}
}

// An object may have many names; one that has one twice is found all the same.
func TestOneNameTwiceOfMany(t *testing.T) {
	for _, last := range []string{"x7", "X7", "x\u0037"} {
		text := `{"v":1,"type":"error","id":"e","error":{"code":"a"}`
		for i := range 2 * few {
			text += fmt.Sprintf(`,"x%d":1`, i)
		}
		if _, err := Parse([]byte(text + "}")); err != nil {
			t.Fatal(err)
		}
		var told *Error
		if _, err := Parse([]byte(text + `,"` + last + `":2}`)); !errors.As(err, &told) || told.Code != CodeSyntax {
			t.Errorf("%s: %v", last, err)
		}
	}
}

// A name that comes again in another object is none twice.
func TestNamesMayComeAgainElsewhere(t *testing.T) {
	m, err := Parse([]byte(`{"v":1,"type":"error","id":"e","x":[{"a":1},{"a":":"},"a","\"a\":"],"y":{"a":1, "b" : {"a":"\\"}},"a":1,"error":{"code":"a"}}`))
	if err != nil || m.Error.Code != "a" {
		t.Errorf("%v, %v", m, err)
	}
}

func TestABadMessageIsAnsweredByItsId(t *testing.T) {
	for _, v := range vectors(t).Bad {
		if v.Code == CodeSyntax || v.Name == "no-id" || v.Name == "null" {
			continue
		}
		if m, _ := Parse([]byte(v.Text)); m.ID == "" {
			t.Errorf("%s: the id is lost", v.Name)
		}
	}
}

func TestFieldsThatAreNotKnownAreIgnored(t *testing.T) {
	for _, v := range vectors(t).Messages {
		want, err := Parse([]byte(v.Text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse([]byte(`{"tomorrow":{"x":[1]},` + v.Text[1:]))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: a field that is not known gave %v, %v", v.Type, got, err)
		}
	}
}

func TestI4AnUnknownOutcomeIsNoApproval(t *testing.T) {
	for _, v := range vectors(t).Messages {
		if v.Type != TypeAnswer {
			continue
		}
		m, err := Parse([]byte(strings.Replace(v.Text, `"approved"`, `"approved-maybe"`, 1)))
		if err != nil || m.Answer.Outcome != "approved-maybe" || m.Answer.Outcome == OutcomeApproved {
			t.Errorf("got %v, %v", m, err)
		}
	}
}

func TestEvidenceSealedElsewhereOpensForItsPaymentOnly(t *testing.T) {
	v := vectors(t).Evidence
	secret, err := hex.DecodeString(v.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := hpke.DHKEM(ecdh.X25519()).NewPrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(key.PublicKey().Bytes()); got != v.PublicKey {
		t.Errorf("the public key is %s, want %s", got, v.PublicKey)
	}
	if code, err := OpenEvidence(key, v.Payment, v.Evidence); err != nil || code != v.Code {
		t.Errorf("the evidence opens as %q, %v", code, err)
	}
	other := strings.Replace(v.Payment, "0002", "0003", 1)
	if _, err := OpenEvidence(key, other, v.Evidence); err == nil {
		t.Error("the evidence opens for another payment")
	}
	fresh, err := SealEvidence(key.PublicKey(), v.Payment, v.Code)
	if err != nil || fresh == v.Evidence {
		t.Errorf("sealing again gave the same evidence, or %v", err)
	}
	if code, err := OpenEvidence(key, v.Payment, fresh); err != nil || code != v.Code {
		t.Errorf("fresh evidence opens as %q, %v", code, err)
	}
}

// The document's examples are the vectors, to the letter.
func TestTheProtocolShowsEveryVector(t *testing.T) {
	doc, err := os.ReadFile(protocolFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors(t).Messages {
		if !bytes.Contains(doc, []byte("\n"+v.Text+"\n")) {
			t.Errorf("docs/protocol.md does not show the vector %q", v.Name)
		}
	}
}

func TestI7NoCodeIsPrinted(t *testing.T) {
	for _, v := range vectors(t).Messages {
		m, err := Parse([]byte(v.Text))
		if err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			printed := fmt.Sprintf(verb, m)
			if m.Authorise != nil {
				printed += fmt.Sprintf(verb, m.Authorise) + fmt.Sprintf(verb, *m.Authorise)
			}
			if strings.Contains(printed, "SK1:") {
				t.Errorf("%s of %s prints the code", verb, v.Type)
			}
		}
	}
}
