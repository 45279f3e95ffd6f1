package pass

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever bit of a pass is changed, it is refused; rapid prints its seed on
// failure.
func TestEveryFlippedBitIsRefused(t *testing.T) {
	set := vectors(t)
	trust, message := set.trust(), set.Good[0].Outer.Message
	rapid.Check(t, func(t *rapid.T) {
		bit := rapid.IntRange(0, len(message)*8-1).Draw(t, "bit")
		changed := bytes.Clone(message)
		changed[bit/8] ^= 1 << (bit % 8)
		_, err := Verify(textOf(changed), trust)
		if c := CodeOf(err); c != Malformed && c != Forged {
			t.Fatalf("bit %d: %v", bit, err)
		}
	})
}

func TestEveryShorteningIsMalformed(t *testing.T) {
	set := vectors(t)
	trust, text := set.trust(), set.Good[0].Text
	for n := range len(text) {
		if _, err := Verify(text[:n], trust); CodeOf(err) != Malformed {
			t.Fatalf("cut to %d characters: %v", n, err)
		}
	}
}

func TestI8LongTextIsRefusedUnread(t *testing.T) {
	_, err := Verify(Prefix+strings.Repeat("0", MaxText), Trust{})
	var e *Error
	if !errors.As(err, &e) || *e != (Error{Malformed, "too long"}) {
		t.Errorf("%v", err)
	}
	if MaxText != 772 { // 4 characters of prefix, and 3 for each 2 of 512 bytes
		t.Errorf("%d characters are read", MaxText)
	}
	// The longest text that is read: 768 zeros are base45, but no message.
	if _, err := Verify(Prefix+strings.Repeat("0", MaxText-len(Prefix)), Trust{}); !errors.As(err, &e) || *e != (Error{Malformed, "outer message"}) {
		t.Errorf("%v", err)
	}
}

func TestTrustDecides(t *testing.T) {
	set := vectors(t)
	text := set.Good[0].Text
	own, second := set.trust(), set.trust()
	key := string(set.Trusted[0].KeyID)
	second.Keys = map[string]IssuerKey{key: {Issuer: set.Trusted[0].Name, Key: own.Keys[string(set.Trusted[1].KeyID)].Key}}
	short := set.trust()
	short.Keys[key] = IssuerKey{Issuer: set.Trusted[0].Name, Key: own.Keys[key].Key[:31]}
	renamed := set.trust()
	renamed.Keys[key] = IssuerKey{Issuer: "another-name", Key: own.Keys[key].Key}
	elsewhere := set.trust()
	elsewhere.Audience = "demo-chain/live"

	for _, c := range []struct {
		name  string
		trust Trust
		want  Code
	}{
		{"own", own, ""},
		{"no keys", Trust{Audience: set.Audience}, Forged},
		{"another key under the id", second, Forged},
		{"a key of the wrong length", short, Forged},
		{"the key is another issuer's", renamed, Forged},
		{"another environment", elsewhere, WrongAudience},
		{"no audience", Trust{Keys: own.Keys}, WrongAudience},
	} {
		if _, err := Verify(text, c.trust); CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestI7NothingSecretIsPrinted(t *testing.T) {
	set := vectors(t)
	v := set.Good[0]
	p, err := Verify(v.Text, set.trust())
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("scan", "pass", p, "value", *p, "credential", p.Credential)
	printed := log.String()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		printed += fmt.Sprintf(format+format+format, p, *p, p.Credential)
	}
	if !strings.Contains(printed, "…"+p.Account[len(p.Account)-4:]) {
		t.Errorf("the masked account is missing in %s", printed)
	}
	id := fmt.Sprintf("%x", p.PassID[:])
	for _, secret := range []string{p.Account, id, strings.ToUpper(id), p.Device.X.String()} {
		if strings.Contains(printed, secret) {
			t.Errorf("%q is printed in %s", secret, printed)
		}
	}
	for _, bad := range set.Bad {
		_, err := Verify(bad.Text, set.trust())
		if message := err.Error(); strings.Contains(message, p.Account) || len(message) > 80 {
			t.Errorf("%s: %s", bad.Name, message)
		}
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{"": "…", "1234567": "…", "12345678": "…5678"} {
		if got := mask(in); got != want {
			t.Errorf("mask(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCodeOfFindsWrappedErrors(t *testing.T) {
	_, err := Verify("", Trust{})
	if CodeOf(fmt.Errorf("scan: %w", err)) != Malformed {
		t.Error("a wrapped error lost its code")
	}
	if CodeOf(nil) != "" || CodeOf(errors.New("other")) != "" {
		t.Error("a code where there is none")
	}
}

// A name length in front keeps ("a", "b…") and ("ab", "…") apart.
func TestIdentityIsUnambiguous(t *testing.T) {
	a := Pass{Credential: Credential{Issuer: "a"}, PassID: ID{'b'}}
	b := Pass{Credential: Credential{Issuer: "ab"}, PassID: ID{}}
	if bytes.HasPrefix(b.Identity(), a.Identity()[:2]) || bytes.Equal(a.Identity(), b.Identity()) {
		t.Errorf("%x and %x", a.Identity(), b.Identity())
	}
	if want := append([]byte{1, 'a', 'b'}, make([]byte, 15)...); !bytes.Equal(a.Identity(), want) {
		t.Errorf("%x, want %x", a.Identity(), want)
	}
}

func TestIssueRefusesWhatVerifyWouldNot(t *testing.T) {
	set := vectors(t)
	good := set.credentialOf(t, set.Good[0])
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Credential){
		"no issuer":     func(c *Credential) { c.Issuer = "" },
		"long issuer":   func(c *Credential) { c.Issuer = strings.Repeat("i", 33) },
		"no audience":   func(c *Credential) { c.Audience = "" },
		"short account": func(c *Credential) { c.Account = "1234567" },
		"control":       func(c *Credential) { c.Account = "12345678\n" },
		"no key id":     func(c *Credential) { c.KeyID = "" },
		"no device":     func(c *Credential) { c.Device = nil },
		"P-384":         func(c *Credential) { c.Device = &p384.PublicKey },
		"bound later":   func(c *Credential) { c.BoundAt = c.Issued.Add(time.Second) },
		"before 1970":   func(c *Credential) { c.BoundAt = time.Unix(-1, 0) },
		"no life":       func(c *Credential) { c.Expires = c.Issued },
		"after 9999":    func(c *Credential) { c.Expires = time.Unix(maxUnix+1, 0) },
		"negative yen":  func(c *Credential) { c.OfflineYen = -1 },
		"negative":      func(c *Credential) { c.OfflineCount = -1 },
	} {
		c := good
		change(&c)
		if _, err := IssueCredential(set.issuerKey(), c); err == nil {
			t.Errorf("%s: issued", name)
		}
	}
	if _, err := IssueCredential(set.deviceKey(t), good); err == nil {
		t.Error("a P-256 key issued")
	}
}

func TestIssueTakesTheShortestFields(t *testing.T) {
	set := vectors(t)
	c := set.credentialOf(t, set.Good[0])
	c.Issuer, c.Audience, c.Account, c.KeyID = "!", "~", "12345678", "k"
	c.BoundAt, c.Issued, c.Expires = seconds(0), seconds(0), seconds(1)
	c.OfflineYen, c.OfflineCount = 0, 0
	if _, err := IssueCredential(set.issuerKey(), c); err != nil {
		t.Error(err)
	}
}

func TestMakeRefusesWhatVerifyWouldNot(t *testing.T) {
	set := vectors(t)
	device := Device{set.deviceKey(t), set.Good[0].Credential.Message}
	now := time.Unix(set.Good[0].Pass.IssuedAt, 0)
	if _, err := (Device{set.issuerKey(), device.Credential}).Make(now, ID{}, 1); err == nil {
		t.Error("an Ed25519 key made a pass")
	}
	if _, err := device.Make(time.Unix(-1, 0), ID{}, 1); err == nil {
		t.Error("made before 1970")
	}
	if _, err := device.Make(now, ID{}, 1<<63); err == nil {
		t.Error("a counter over 63 bits")
	}
}

// The longest fields must fit, or a well issued pass could not be read.
func TestTheLongestPassFits(t *testing.T) {
	set := vectors(t)
	c := set.credentialOf(t, set.Good[0])
	c.Issuer, c.Audience, c.KeyID = strings.Repeat("i", maxName), strings.Repeat("a", maxName), strings.Repeat("k", maxKeyID)
	c.Account = strings.Repeat("s", maxAccount)
	c.Expires = seconds(maxUnix)
	c.Issued, c.BoundAt = c.Expires.Add(-time.Second), c.Expires.Add(-time.Second)
	c.OfflineYen, c.OfflineCount = maxInt, maxInt
	cwt, err := IssueCredential(set.issuerKey(), c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Device{set.deviceKey(t), cwt}.Make(seconds(maxUnix), ID{}, maxInt)
	if err != nil {
		t.Fatal(err)
	}
	trust := Trust{c.Audience, map[string]IssuerKey{c.KeyID: {c.Issuer, set.trust().Keys[string(set.Trusted[0].KeyID)].Key}}}
	t.Logf("the longest pass has %d characters, %d bytes", len(text), (len(text)-len(Prefix))*2/3)
	p, err := Verify(text, trust)
	if err != nil {
		t.Fatalf("%d characters of at most %d: %v", len(text), MaxText, err)
	}
	if want := "\x20" + c.Issuer + string(make([]byte, 16)); string(p.Identity()) != want { // 32 bytes of name
		t.Errorf("its identity: %x", p.Identity())
	}
}

// A device that makes a pass now has it verified, with fresh keys each time.
func TestRoundTrip(t *testing.T) {
	set := vectors(t)
	rapid.Check(t, func(t *rapid.T) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := Credential{
			Issuer: set.Trusted[0].Name, KeyID: string(set.Trusted[0].KeyID), Audience: set.Audience,
			Account:      rapid.StringMatching(`[!-~]{8,64}`).Draw(t, "account"),
			Device:       &key.PublicKey,
			BoundAt:      seconds(uint64(rapid.IntRange(0, 1<<31).Draw(t, "bound"))),
			OfflineYen:   rapid.Int64Min(0).Draw(t, "yen"),
			OfflineCount: rapid.Int64Min(0).Draw(t, "count"),
		}
		c.Issued = c.BoundAt.Add(time.Duration(rapid.IntRange(0, 1<<30).Draw(t, "age")) * time.Second)
		c.Expires = c.Issued.Add(24 * time.Hour)
		cwt, err := IssueCredential(set.issuerKey(), c)
		if err != nil {
			t.Fatal(err)
		}
		id, counter := ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")), rapid.Uint64Max(maxInt).Draw(t, "counter")
		text, err := Device{key, cwt}.Make(c.Issued, id, counter)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Verify(text, set.trust())
		if err != nil {
			t.Fatal(err)
		}
		same := p.Device.Equal(c.Device)
		c.Device = p.Device
		if !same || (*p != Pass{c, id, counter, c.Issued}) {
			t.Fatal("what was verified is not what was issued")
		}
	})
}
