package payload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload"
)

// holder is somebody else's struct: fmt reaches its unexported field without
// asking the field's methods.
type holder struct {
	Open   payload.Code
	closed payload.Code
	nested []payload.Code
}

// printings gives every way in which a code might reach a log.
func printings(c payload.Code) []string {
	var out []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		out = append(out, fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c),
			fmt.Sprintf(verb, holder{c, c, []payload.Code{c}}), fmt.Sprintf(verb, map[string]payload.Code{"k": c}))
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "code", c, "holder", holder{c, c, nil})
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "code", c, "holder", holder{c, c, nil})
	asJSON, err := json.Marshal(map[string]any{"code": c, "pointer": &c})
	return append(out, c.LogValue().String(), log.String(), string(asJSON), fmt.Sprint(err))
}

func TestI7NothingPrintsACode(t *testing.T) {
	for _, text := range []string{"900081818812345678901234", "SK1:6BF+70790T9WJWG.FKY*4GO0", cpmB1, mpmB7, "secretword"} {
		secret := []rune(text)[len([]rune(text))-5:] // one character more than may be seen
		for _, got := range printings(payload.Classify("", text, issuers)) {
			hex := fmt.Sprintf("%x", string(secret))
			if strings.Contains(got, string(secret)) || strings.Contains(strings.ToLower(got), hex) {
				t.Errorf("printed: %s", got)
			}
		}
	}
}

func TestMasked(t *testing.T) {
	for text, want := range map[string]string{
		"900081818812345678901234":  "…1234",
		"49400762":                  "…0762",
		"1234567":                   "…",
		"":                          "…",
		"http://a/\x1b[2J":          "…?[2J",
		"http://a/\xff\xfe\xfd\xfc": "…????",
		"http://東京都千代田区千代田":         "…区千代田",
		"password":                  "…",
		cpmB1[4:]:                   "…",
	} {
		if got := payload.Classify("", text, nil).Masked(); got != want {
			t.Errorf("Masked of %q = %q, want %q", text, got, want)
		}
	}
	if got, err := json.Marshal(payload.Classify("", "49400762", nil)); err != nil || string(got) != `"goods …0762"` {
		t.Errorf("as JSON: %s, %v", got, err)
	}
	if got := (payload.Code{}).String(); got != "not-payment …" {
		t.Errorf("the zero Code prints %q", got)
	}
}

// A container shows the card's last four digits, and never a piece of its
// base64, which may be a piece of the card's number (I7).
func TestI7ContainersShowTheCardsLastFour(t *testing.T) {
	for text, want := range map[string]string{
		cpmB1:                                 "emv-container …3458",
		cpmB2:                                 "emv-container …3458",
		strings.Replace(cpmB1, "8=", "9=", 1): "not-payment …",
		cpmB1[:44]:                            "not-payment …",
		"hQVDUFYwMWEPTwegAAAAVVVVUARhYmNk":    "emv-container …",
	} {
		if got := payload.Classify("", text, nil).String(); got != want {
			t.Errorf("%s prints %q, want %q", text, got, want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Fuzz(func(t *testing.T, id, text string) {
		code := payload.Classify(aim.ID(id), text, issuers)
		if !strings.Contains(text, `\`) && code.Reveal() != text {
			t.Fatalf("cut: %q became %q", text, code.Reveal())
		}
		if !strings.HasSuffix(text, code.Reveal()) && !aim.ID(id).ECI() {
			t.Fatalf("%q became %q", text, code.Reveal())
		}
		checkKind(t, aim.ID(id), code)
		if code.Kind == payload.EMVContainer && strings.Trim(code.Masked(), "…0123456789") != "" && !strings.HasPrefix(text, "hQVKUFFS") {
			t.Fatalf("%q shows %s", text, code.Masked())
		}
		if n := utf8.RuneCountInString(strings.TrimPrefix(code.Masked(), "…")); n > 4 {
			t.Fatalf("%d characters of %q are seen", n, text)
		}
		if want := code.Kind.String() + " " + code.Masked(); fmt.Sprintf("%v", code) != want || fmt.Sprintf("%#v", code) != want {
			t.Fatalf("%#v is not %s", code, want)
		}
	})
}

// checkKind holds what each kind promises against the revealed text.
func checkKind(t *testing.T, id aim.ID, code payload.Code) {
	text := code.Reveal()
	var ok bool
	switch code.Kind {
	case payload.Goods:
		ok = (len(code.GTIN) == 8 || len(code.GTIN) == 13) && (id == "" || id.EAN() || id.GS1() || id.Matrix())
		ok = ok && (strings.Contains("0"+text, code.GTIN) || strings.Contains(text, "%"))
		ok = ok && (len(code.AddOn) == 0 || len(code.AddOn) == 2 || len(code.AddOn) == 5) && strings.HasSuffix(text, code.AddOn)
	case payload.WalletDigits:
		ok = len(text) >= 16 && len(text) <= 24 && strings.Trim(text, "0123456789") == "" && !id.EAN() && !id.GS1()
	case payload.Pass:
		ok = strings.HasPrefix(text, "SK1:")
	case payload.EMVContainer:
		ok = strings.HasPrefix(text, "hQV")
	case payload.MerchantCode:
		ok = strings.HasPrefix(text, "000201")
	case payload.Bill:
		ok = len(strings.TrimPrefix(text, "\x1D")) == 44
	case payload.NotPayment:
		ok = true
	}
	known := code.Issuer == ""
	for _, row := range issuers {
		known = known || row.ID == code.Issuer && strings.HasPrefix(text, row.Prefix)
	}
	if !ok || !known || (code.Why != "") != (code.Kind == payload.NotPayment) || (code.GTIN != "") != (code.Kind == payload.Goods) {
		t.Fatalf("%q %q: kind %v, GTIN %q, issuer %q, why %q", id, text, code.Kind, code.GTIN, code.Issuer, code.Why)
	}
}
