package enrol_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sekisho/terminal/enrol"
)

// The text was made with Python's base64, hashlib and Crockford's alphabet: the
// secret is the bytes 0 to 9, the CA's certificate the text "a CA".
const (
	written = "000G4-0R40M-30E20-9FCRA-MDFRB-9RCQT-SVG9X-34E5Q-C5SE4"
	secret  = "000G40R40M30E209"
)

func TestCodeIsReadAsWritten(t *testing.T) {
	for _, text := range []string{
		written, strings.ToLower(written), strings.ReplaceAll(written, "-", ""), " " + strings.ReplaceAll(written, "-", " ") + "\n",
		strings.ReplaceAll(written, "0", "O"),
	} {
		c, err := enrol.ParseCode(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if c.Text() != written || c.Secret() != secret {
			t.Errorf("%q is read as %s with secret %s", text, c.Text(), c.Secret())
		}
		if !c.Fits([]byte("a CA")) || c.Fits([]byte("another CA")) {
			t.Errorf("%q does not tell the backend's CA from another", text)
		}
	}
}

func TestMistypedCodeIsNone(t *testing.T) {
	for i := range written {
		if written[i] == '-' {
			continue
		}
		other := byte('7')
		if written[i] == other {
			other = '8'
		}
		if _, err := enrol.ParseCode(written[:i] + string(other) + written[i+1:]); err == nil {
			t.Errorf("character %d may be another", i)
		}
	}
	for _, text := range []string{"", "SE1", written[1:], written + "0", strings.Replace(written, "9", "U", 1)} {
		if _, err := enrol.ParseCode(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestI7ACodeIsNotPrinted(t *testing.T) {
	c := enrol.NewCode([]byte("a CA"))
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s", c, c, c, c)} {
		if strings.Contains(text, c.Text()[:5]) || strings.Contains(text, c.Secret()[:5]) || strings.Contains(text, "0x") {
			t.Errorf("printed: %s", text)
		}
	}
	if enrol.NewCode([]byte("a CA")) == c {
		t.Error("two codes are the same")
	}
}

func TestNamesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := enrol.Name{Store: rapid.StringN(1, 20, 80).Draw(t, "store"), Register: rapid.StringN(1, 20, 80).Draw(t, "register")}
		again, err := enrol.ParseName([]*url.URL{n.URI()})
		if err != nil || again != n {
			t.Fatalf("%q gives %q, %v (%s)", n, again, err, n.URI())
		}
	})
}

func TestForeignNames(t *testing.T) {
	for _, text := range []string{
		"https://register/s/r", "sekisho://store/s/r", "sekisho://register/s", "sekisho://register/s/r/x",
		"sekisho://register//r", "sekisho://register/s/r?x=1", "sekisho://register/s/r#x", "sekisho://u@register/s/r",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := enrol.ParseName([]*url.URL{u}); err == nil {
			t.Errorf("%s is taken for %v", text, n)
		}
	}
	u := enrol.Name{Store: "s", Register: "r"}.URI()
	if u.String() != "sekisho://register/s/r" {
		t.Errorf("the name is written %s", u)
	}
	for _, several := range [][]*url.URL{nil, {u, u}} {
		if _, err := enrol.ParseName(several); err == nil {
			t.Errorf("%d names are taken for one", len(several))
		}
	}
}
