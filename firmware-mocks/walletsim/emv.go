package walletsim

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Tags of EMVCo's consumer-presented QR code (EMV QRCPS, consumer-presented
// mode, version 1.1), as they stand in the bytes.
const (
	tagFormat            = "85"   // payload format indicator, always the first
	tagTemplate          = "61"   // application template
	tagCommon            = "62"   // common data template
	tagTransparent       = "63"   // application specific transparent template, inside 61
	tagCommonTransparent = "64"   // common data transparent template, inside 62
	tagAID               = "4f"   // application identifier
	tagLabel             = "50"   // application label
	tagTrack2            = "57"   // track 2 equivalent
	tagPAN               = "5a"   // card number
	tagHolder            = "5f20" // cardholder name
	tagLanguages         = "5f2d" // language preference
	tagURL               = "5f50" // issuer URL
	tagVersion           = "9f08" // application version number
	tagRequestor         = "9f19" // token requestor
	tagPAR               = "9f24" // payment account reference
	tagLastFour          = "9f25" // last four digits of the card number
)

// Values of the payload format indicator.
const (
	FormatCPM  = "CPV01" // EMVCo's
	FormatJPQR = "JPQR1" // the Japanese container (as people who read it have it; the official text was not found)
)

// CPM is a consumer-presented code: what a phone shows as a QR code.
type CPM struct {
	Format    string     // FormatCPM if empty
	Templates []Template // 61, one for each application
	Common    *Template  // 62, what all applications share; nil for none
	Other     []Object   // any more objects beside them, written last
}

// Template is an application template, or the common data template, which has
// no AID. A field that is empty is not written; the others are written in the
// order in which they stand here.
type Template struct {
	AID         []byte   // 5 to 16 bytes
	Label       string   // 1 to 16 characters
	Track2      string   // hex digits: card number, "d", expiry YYMM, service code, discretionary data
	PAN         string   // digits
	Holder      string   // 2 to 26 characters
	Languages   string   // two letters for each, the best first
	URL         string   // of the issuer
	Version     []byte   // of the application
	Requestor   string   // digits
	PAR         string   // 29 characters
	LastFour    string   // four digits
	Transparent []Object // 63, in the common data template 64
	Other       []Object // objects with tags of the caller's own, written last
}

// Object is one BER-TLV data object; the tag is in hex.
type Object struct {
	Tag   string
	Value []byte
}

// Text is the text of the QR code: the format indicator and the templates, in
// base64 (RFC 4648, section 4). The writer obeys whoever describes the code: it
// leaves lengths and duplicates to the caller, who may want a broken one, and
// gives an error only for digits and tags that are none, and for a value longer
// than 65,535 bytes.
func (c CPM) Text() (string, error) {
	format := c.Format
	if format == "" {
		format = FormatCPM
	}
	objects := []Object{{tagFormat, []byte(format)}}
	for _, t := range c.Templates {
		o, err := t.object(tagTemplate, tagTransparent)
		if err != nil {
			return "", err
		}
		objects = append(objects, o)
	}
	if c.Common != nil {
		o, err := c.Common.object(tagCommon, tagCommonTransparent)
		if err != nil {
			return "", err
		}
		objects = append(objects, o)
	}
	all, err := encodeObjects(append(objects, c.Other...)...)
	return base64.StdEncoding.EncodeToString(all), err
}

// object is the template as one object of that tag.
func (t Template) object(tag, transparent string) (Object, error) {
	fields, err := t.fields()
	if err != nil {
		return Object{}, err
	}
	if len(t.Transparent) > 0 {
		inner, err := encodeObjects(t.Transparent...)
		if err != nil {
			return Object{}, err
		}
		fields = append(fields, Object{transparent, inner})
	}
	value, err := encodeObjects(append(fields, t.Other...)...)
	return Object{tag, value}, err
}

// fields are the named objects that are not empty.
func (t Template) fields() ([]Object, error) {
	track2, err1 := padded(t.Track2)
	pan, err2 := padded(t.PAN)
	requestor, err3 := zeroed(t.Requestor)
	lastFour, err4 := zeroed(t.LastFour)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	var present []Object
	for _, o := range []Object{
		{tagAID, t.AID},
		{tagLabel, []byte(t.Label)},
		{tagTrack2, track2},
		{tagPAN, pan},
		{tagHolder, []byte(t.Holder)},
		{tagLanguages, []byte(t.Languages)},
		{tagURL, []byte(t.URL)},
		{tagVersion, t.Version},
		{tagRequestor, requestor},
		{tagPAR, []byte(t.PAR)},
		{tagLastFour, lastFour},
	} {
		if len(o.Value) > 0 {
			present = append(present, o)
		}
	}
	return present, nil
}

// padded packs digits two to a byte, an odd number of them with F behind: EMV's
// formats cn and, with its letter D, track 2 (EMV Book 3).
func padded(digits string) ([]byte, error) {
	return packed(digits + strings.Repeat("f", len(digits)%2))
}

// zeroed packs digits two to a byte, an odd number of them with 0 in front:
// EMV's format n (EMV Book 3).
func zeroed(digits string) ([]byte, error) {
	return packed(strings.Repeat("0", len(digits)%2) + digits)
}

// packed is hex to bytes. The digits may be a card's: the error has none.
func packed(digits string) ([]byte, error) {
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("walletsim: %d characters that are not all digits", len(digits))
	}
	return b, nil
}

// encodeObjects writes tag, length and value of each (ISO/IEC 8825-1).
func encodeObjects(objects ...Object) ([]byte, error) {
	var out []byte
	for _, o := range objects {
		tag, err := hex.DecodeString(o.Tag)
		if err != nil || len(tag) == 0 {
			return nil, fmt.Errorf("walletsim: %q is no tag", o.Tag)
		}
		if len(o.Value) > 0xffff {
			return nil, fmt.Errorf("walletsim: tag %s has %d bytes, at most 65,535 can be written", o.Tag, len(o.Value))
		}
		out = append(append(out, tag...), berLength(len(o.Value))...)
		out = append(out, o.Value...)
	}
	return out, nil
}

// berLength writes lengths over 127 in the long form: 0x80 and the number of
// length bytes, then those.
func berLength(n int) []byte {
	switch {
	case n < 0x80:
		return []byte{byte(n)}
	case n < 0x100:
		return []byte{0x81, byte(n)}
	default:
		return []byte{0x82, byte(n >> 8), byte(n)}
	}
}

// EMV is a consumer-presented EMV code: a made-up application, a label, and a
// track 2 with a token in place of a card number. The token's digits are random
// behind 9, a first digit that no card scheme has, and end in a Luhn check
// digit. Each code has another token.
func (p *Phone) EMV() (string, error) {
	const expiry, service = "3012", "201" // December 2030; any country, chip
	token := p.Digits(Service{Name: "token", Prefix: "9", Length: 15})
	token += luhn(token)
	return CPM{Templates: []Template{{
		AID:      []byte{0xa0, 0, 0, 0, 0x55, 0x55, 0x55}, // the specification's own example
		Label:    "Demo Wallet",
		Track2:   token + "d" + expiry + service,
		LastFour: token[len(token)-4:],
	}}}.Text()
}

// luhn is the check digit that goes behind digits (ISO/IEC 7812-1).
func luhn(digits string) string {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return string(rune('0' + (10-sum%10)%10))
}
