package pass

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

// Prefix begins the text of every pass and names its first version.
const Prefix = "SK1:"

// MaxText is the most characters that the text of a pass can have: the prefix
// and the base45 of maxMessage bytes. Longer text is refused unread.
const MaxText = len(Prefix) + maxMessage/2*3

const (
	maxMessage   = 512          // bytes of the outer COSE message; the longest fields make 478
	maxName      = 32           // bytes of an issuer's name or an audience
	minAccount   = 8            // characters of a pseudonym: the last four of it are shown
	maxAccount   = 64           //
	maxKeyID     = 16           // bytes of an issuer's key id
	maxUnix      = 253402300799 // the last second of the year 9999
	maxInt       = 1<<63 - 1    // counters and yen fit int64, as SQLite's integers do
	coordinate   = 32           // bytes of a P-256 coordinate
	signatureLen = 64           // bytes of an Ed25519 and of an ES256 signature
)

// externalAAD binds the device's signature to this use (RFC 9052, section 4.3).
var externalAAD = []byte("sekisho.pass.v1")

// claims is the CWT claims set. The numbers are those of RFC 8392, section 4,
// and RFC 8747, section 3; numbers below -65536 are for private use.
type claims struct {
	Issuer   string  `cbor:"1,keyasint"`
	Account  string  `cbor:"2,keyasint"`
	Audience string  `cbor:"3,keyasint"`
	Expires  uint64  `cbor:"4,keyasint"`
	Issued   uint64  `cbor:"6,keyasint"`
	Confirm  confirm `cbor:"8,keyasint"`
	Terms    terms   `cbor:"-65537,keyasint"`
}

// confirm is the cnf claim, holding a COSE_Key (RFC 8747, section 3.2).
type confirm struct {
	Key coseKey `cbor:"1,keyasint"`
}

// coseKey is a P-256 public key, uncompressed (RFC 9053, section 7.1.1).
type coseKey struct {
	Type  int    `cbor:"1,keyasint"`
	Curve int    `cbor:"-1,keyasint"`
	X     []byte `cbor:"-2,keyasint"`
	Y     []byte `cbor:"-3,keyasint"`
}

// Values of kty and crv in a coseKey (RFC 9053, tables 18 and 19).
const (
	keyTypeEC2 = 2
	curveP256  = 1
)

// terms is this product's one private claim: since when the device is bound,
// and its offline ceilings in any 24 hours.
type terms struct {
	_       struct{} `cbor:",toarray"`
	BoundAt uint64
	Yen     uint64
	Count   uint64
}

// payload is what the device signs.
type payload struct {
	_          struct{} `cbor:",toarray"`
	IssuedAt   uint64
	PassID     []byte
	Counter    uint64
	Credential []byte // the CWT
}

var encMode, decMode = func() (cbor.EncMode, cbor.DecMode) {
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err) // fixed options: cannot fail at run time only
	}
	dec, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  8,  // the claims nest three deep
		MaxArrayElements: 16, // the longest array has four
		MaxMapPairs:      16, // the claims have seven
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return enc, dec
}()

// decodeOnly decodes data into value and requires that value has no other
// encoding than data. That one comparison refuses indefinite lengths, long
// forms, unsorted, doubled, missing and unknown keys, tags and trailing bytes.
func decodeOnly(data []byte, value any) bool {
	if decMode.Unmarshal(data, value) != nil {
		return false
	}
	again, err := encMode.Marshal(value)
	return err == nil && bytes.Equal(again, data)
}

// sign1 is a COSE_Sign1 (RFC 9052, section 4.2) without its tag.
type sign1 struct {
	_           struct{} `cbor:",toarray"`
	Protected   []byte
	Unprotected struct{} // always the empty map
	Payload     []byte
	Signature   []byte
}

// deviceHeader and issuerHeader are the protected headers (RFC 9052, section
// 3.1): both name the algorithm, the issuer's also its key.
type deviceHeader struct {
	Algorithm cose.Algorithm `cbor:"1,keyasint"`
}

type issuerHeader struct {
	Algorithm cose.Algorithm `cbor:"1,keyasint"`
	KeyID     []byte         `cbor:"4,keyasint"`
}

// tagSign1 is the encoded tag 18 that begins a tagged COSE_Sign1.
const tagSign1 = 0xd2

// openSign1 decodes a tagged COSE_Sign1 and, into header, a pointer to one of
// the two above, its protected header. go-cose could decode them too, into maps
// of any type and at twice the cost; it is left to verify.
func openSign1(data []byte, header any) (sign1, bool) {
	var m sign1
	ok := len(data) > 0 && data[0] == tagSign1 &&
		decodeOnly(data[1:], &m) && len(m.Signature) == signatureLen && decodeOnly(m.Protected, header)
	return m, ok
}

// claimsOf is the claims set of a credential; the device's key must have been
// checked by [Credential.check].
func claimsOf(c Credential) (claims, error) {
	point, err := c.Device.Bytes()
	if err != nil {
		return claims{}, err
	}
	return claims{
		Issuer:   c.Issuer,
		Account:  c.Account,
		Audience: c.Audience,
		Expires:  uint64(c.Expires.Unix()),
		Issued:   uint64(c.Issued.Unix()),
		Confirm:  confirm{coseKey{keyTypeEC2, curveP256, point[1 : 1+coordinate], point[1+coordinate:]}},
		Terms: terms{
			BoundAt: uint64(c.BoundAt.Unix()),
			Yen:     uint64(c.OfflineYen),
			Count:   uint64(c.OfflineCount),
		},
	}, nil
}

// credential is the way back; it answers false for a claim outside its bounds.
// A number over 63 bits turns negative here, which check refuses.
func (c claims) credential(keyID string) (Credential, bool) {
	device, ok := c.Confirm.Key.public()
	if !ok {
		return Credential{}, false
	}
	out := Credential{
		Issuer:       c.Issuer,
		KeyID:        keyID,
		Audience:     c.Audience,
		Account:      c.Account,
		Device:       device,
		BoundAt:      seconds(c.Terms.BoundAt),
		Issued:       seconds(c.Issued),
		Expires:      seconds(c.Expires),
		OfflineYen:   int64(c.Terms.Yen),
		OfflineCount: int64(c.Terms.Count),
	}
	return out, out.check() == ""
}

// public is the key as a point that is on the curve.
func (k coseKey) public() (*ecdsa.PublicKey, bool) {
	if k.Type != keyTypeEC2 || k.Curve != curveP256 || len(k.X) != coordinate || len(k.Y) != coordinate {
		return nil, false
	}
	point := make([]byte, 0, 1+2*coordinate)
	point = append(point, 4) // SEC 1, section 2.3.3: an uncompressed point
	point = append(append(point, k.X...), k.Y...)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	return key, err == nil
}

// check names the first field outside its bounds, or "" when all are well.
func (c Credential) check() string {
	switch {
	case !visible(c.Issuer, 1, maxName):
		return "issuer"
	case !visible(c.Audience, 1, maxName):
		return "audience"
	case !visible(c.Account, minAccount, maxAccount):
		return "account"
	case len(c.KeyID) < 1 || len(c.KeyID) > maxKeyID:
		return "key id"
	case c.Device == nil || c.Device.Curve != elliptic.P256():
		return "device key"
	case !representable(c.BoundAt) || c.BoundAt.After(c.Issued):
		return "bound at"
	case !representable(c.Issued) || !c.Issued.Before(c.Expires):
		return "issued"
	case !representable(c.Expires):
		return "expires"
	case c.OfflineYen < 0 || c.OfflineCount < 0:
		return "offline ceilings"
	}
	return ""
}

// visible tells whether s is least to most characters of visible ASCII, so that
// a name can stand in a log, a database and a page as it is.
func visible(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// representable tells whether t is a second from 1970 to 9999.
func representable(t time.Time) bool { return t.Unix() >= 0 && t.Unix() <= maxUnix }

func seconds(unix uint64) time.Time { return time.Unix(int64(unix), 0).UTC() }
