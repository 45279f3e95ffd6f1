package pass

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"
)

// The vectors are made by docs/vectors/pass.py, which shares no code with this
// package. The tests read its committed output and run no Python.
const vectorFile = "../../docs/vectors/pass.json"

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type signedVector struct {
	Protected, Payload, TBS, Signature, Message hexBytes
}

type goodVector struct {
	Name   string
	Claims struct {
		Iss, Sub, Aud string
		Exp, Iat      int64
		BoundAt       int64 `json:"bound_at"`
		OfflineYen    int64 `json:"offline_yen"`
		OfflineCount  int64 `json:"offline_count"`
	}
	Pass struct {
		IssuedAt int64    `json:"issued_at"`
		PassID   hexBytes `json:"pass_id"`
		Counter  uint64
	}
	Credential, Outer signedVector
	Identity          hexBytes
	Text              string
	Fresh             []struct {
		Now       int64
		MaxAge    int64 `json:"max_age"`
		Tolerance int64
		Code      Code
	}
}

type badVector struct {
	Name, Text string
	Code       Code
}

type vectorSet struct {
	ExternalAAD hexBytes `json:"external_aad"`
	Audience    string
	Trusted     []struct {
		Name         string
		KeyID        hexBytes `json:"key_id"`
		Seed, Public hexBytes
	}
	Device struct{ Private, X, Y hexBytes }
	Base45 []struct {
		Bytes hexBytes
		Text  string
	}
	Good []goodVector
	Bad  []badVector
}

func vectors(t testing.TB) vectorSet {
	t.Helper()
	raw, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var set vectorSet
	if err := json.Unmarshal(raw, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Good) < 5 || len(set.Bad) < 50 || len(set.Trusted) != 2 {
		t.Fatalf("%s holds %d good and %d bad vectors", vectorFile, len(set.Good), len(set.Bad))
	}
	return set
}

func (s vectorSet) trust() Trust {
	out := Trust{Audience: s.Audience, Keys: map[string]IssuerKey{}}
	for _, i := range s.Trusted {
		out.Keys[string(i.KeyID)] = IssuerKey{Issuer: i.Name, Key: ed25519.PublicKey(i.Public)}
	}
	return out
}

func (s vectorSet) issuerKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(s.Trusted[0].Seed)
}

func (s vectorSet) deviceKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), s.Device.Private)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (s vectorSet) credentialOf(t testing.TB, v goodVector) Credential {
	t.Helper()
	return Credential{
		Issuer:       v.Claims.Iss,
		KeyID:        string(s.Trusted[0].KeyID),
		Audience:     v.Claims.Aud,
		Account:      v.Claims.Sub,
		Device:       &s.deviceKey(t).PublicKey,
		BoundAt:      time.Unix(v.Claims.BoundAt, 0).UTC(),
		Issued:       time.Unix(v.Claims.Iat, 0).UTC(),
		Expires:      time.Unix(v.Claims.Exp, 0).UTC(),
		OfflineYen:   v.Claims.OfflineYen,
		OfflineCount: v.Claims.OfflineCount,
	}
}

func TestGoodVectorsVerify(t *testing.T) {
	set := vectors(t)
	for _, v := range set.Good {
		t.Run(v.Name, func(t *testing.T) {
			p, err := Verify(v.Text, set.trust())
			if err != nil {
				t.Fatal(err)
			}
			want := set.credentialOf(t, v)
			if !p.Device.Equal(want.Device) {
				t.Error("the device's key is another")
			}
			want.Device = p.Device
			if p.Credential != want {
				t.Error("the credential differs from the claims")
			}
			if p.IssuedAt.Unix() != v.Pass.IssuedAt || p.Counter != v.Pass.Counter || !bytes.Equal(p.PassID[:], v.Pass.PassID) {
				t.Error("the pass differs from its payload")
			}
			if !bytes.Equal(p.Identity(), v.Identity) {
				t.Errorf("identity %x, want %x", p.Identity(), v.Identity)
			}
			checkFresh(t, p, v)
		})
	}
}

func checkFresh(t *testing.T, p *Pass, v goodVector) {
	t.Helper()
	for _, f := range v.Fresh {
		err := p.Fresh(time.Unix(f.Now, 0), time.Duration(f.MaxAge)*time.Second, time.Duration(f.Tolerance)*time.Second)
		if CodeOf(err) != f.Code || (err == nil) != (f.Code == "") {
			t.Errorf("at %d with tolerance %d s: %v, want code %q", f.Now, f.Tolerance, err, f.Code)
		}
	}
}

func TestI8BadVectorsAreRefusedWithTheirCode(t *testing.T) {
	set := vectors(t)
	for _, v := range set.Bad {
		t.Run(v.Name, func(t *testing.T) {
			p, err := Verify(v.Text, set.trust())
			if CodeOf(err) != v.Code || p != nil {
				t.Errorf("%v, want code %q", err, v.Code)
			}
		})
	}
}

// replay is a signer that notes what it is given and answers with the vector's
// signature in the form that a crypto.Signer of its key gives.
type replay struct {
	public crypto.PublicKey
	answer []byte
	given  []byte
}

func (r *replay) Public() crypto.PublicKey { return r.public }

func (r *replay) Sign(_ io.Reader, given []byte, _ crypto.SignerOpts) ([]byte, error) {
	r.given = bytes.Clone(given)
	return r.answer, nil
}

func TestOurEncoderMakesTheVectorsAgain(t *testing.T) {
	set := vectors(t)
	for _, v := range set.Good {
		t.Run(v.Name, func(t *testing.T) {
			issuer := &replay{public: set.issuerKey().Public(), answer: v.Credential.Signature}
			cwt, err := IssueCredential(issuer, set.credentialOf(t, v))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(issuer.given, v.Credential.TBS) {
				t.Errorf("credential: to be signed\n%x, want\n%x", issuer.given, v.Credential.TBS)
			}
			if !bytes.Equal(cwt, v.Credential.Message) {
				t.Errorf("credential\n%x, want\n%x", cwt, v.Credential.Message)
			}
			remakePass(t, set, v)
		})
	}
}

func remakePass(t *testing.T, set vectorSet, v goodVector) {
	t.Helper()
	der, err := asn1.Marshal(struct{ R, S *big.Int }{
		new(big.Int).SetBytes(v.Outer.Signature[:32]), new(big.Int).SetBytes(v.Outer.Signature[32:]),
	})
	if err != nil {
		t.Fatal(err)
	}
	hardware := &replay{public: set.deviceKey(t).Public(), answer: der}
	text, err := Device{hardware, v.Credential.Message}.Make(time.Unix(v.Pass.IssuedAt, 0), ID(v.Pass.PassID), v.Pass.Counter)
	if err != nil {
		t.Fatal(err)
	}
	if digest := sha256.Sum256(v.Outer.TBS); !bytes.Equal(hardware.given, digest[:]) {
		t.Error("pass: the digest to be signed is another")
	}
	if text != v.Text {
		t.Errorf("pass\n%s, want\n%s", text, v.Text)
	}
}

// Ed25519 is deterministic, so that a real key must give the vector's bytes.
func TestRealIssuerKeyGivesTheVectorsSignature(t *testing.T) {
	set := vectors(t)
	v := set.Good[0]
	cwt, err := IssueCredential(set.issuerKey(), set.credentialOf(t, v))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(cwt, v.Credential.Message) {
		t.Errorf("%x, want %x", cwt, v.Credential.Message)
	}
}

func TestI1MalleatedSignatureIsTheSamePass(t *testing.T) {
	set := vectors(t)
	usual, other := set.Good[0], set.Good[1]
	if usual.Text == other.Text || other.Name != "other-s" {
		t.Fatal("the vectors do not show what they should")
	}
	a, errA := Verify(usual.Text, set.trust())
	b, errB := Verify(other.Text, set.trust())
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if !bytes.Equal(a.Identity(), b.Identity()) {
		t.Error("two identities of one pass")
	}
}

// The page is what a wallet's developer reads: its example must be the vector.
func TestThePageShowsTheFirstVector(t *testing.T) {
	raw, err := os.ReadFile("../../docs/pass.md")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(raw)), "")
	set := vectors(t)
	v := set.Good[0]
	digest := sha256.Sum256(v.Outer.TBS)
	for name, want := range map[string]string{
		"seed": hex.EncodeToString(set.Trusted[0].Seed), "key": hex.EncodeToString(set.Trusted[0].Public),
		"device": hex.EncodeToString(set.Device.Private), "to be signed": hex.EncodeToString(v.Credential.TBS),
		"credential's signature": hex.EncodeToString(v.Credential.Signature), "digest": hex.EncodeToString(digest[:]),
		"pass's signature": hex.EncodeToString(v.Outer.Signature), "identity": hex.EncodeToString(v.Identity),
		"text": strings.Join(strings.Fields(v.Text), ""),
	} {
		if !strings.Contains(page, want) {
			t.Errorf("docs/pass.md does not show the %s", name)
		}
	}
}
