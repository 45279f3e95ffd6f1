package walletsim

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// Tags of EMVCo's consumer-presented QR code (EMV QRCPS, version 1.1, tables 3
// to 6), as they stand in the bytes.
const (
	tagFormat    = "85"   // payload format indicator, always the first
	tagTemplate  = "61"   // application template
	tagAID       = "4f"   // application identifier
	tagLabel     = "50"   // application label
	tagTrack2    = "57"   // track 2 equivalent
	tagLastFour  = "9f25" // last four digits of the card number
	formatCPM    = "CPV01"
	fieldPadding = "f"
)

// object is one BER-TLV data object; the tag is in hex.
type object struct {
	tag   string
	value []byte
}

// encodeObjects writes tag, length and value of each (ISO/IEC 8825-1). Lengths
// over 127 take the long form: 0x80 and the number of length bytes, then those.
// A tag that is no hex is a slip in this package and gives an error.
func encodeObjects(objects ...object) ([]byte, error) {
	var out []byte
	for _, o := range objects {
		tag, err := hex.DecodeString(o.tag)
		if err != nil {
			return nil, fmt.Errorf("walletsim: tag: %w", err)
		}
		out = append(append(out, tag...), berLength(len(o.value))...)
		out = append(out, o.value...)
	}
	return out, nil
}

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

// template wraps objects into one of the constructed kind.
func template(tag string, objects ...object) (object, error) {
	value, err := encodeObjects(objects...)
	return object{tag, value}, err
}

// container is the text of the QR code: the format indicator, the objects, and
// all of it in base64.
func container(objects ...object) (string, error) {
	all, err := encodeObjects(append([]object{{tagFormat, []byte(formatCPM)}}, objects...)...)
	return base64.StdEncoding.EncodeToString(all), err
}

// EMV is a consumer-presented EMV code: a made-up application, a label, and a
// track 2 with a token in place of a card number. The token's digits are random
// behind 9, a first digit that no card scheme has, and end in a Luhn check
// digit. Each code has another token.
func (p *Phone) EMV() (string, error) {
	const expiry, service = "3012", "201" // December 2030; any country, chip
	token := p.Digits(Service{Name: "token", Prefix: "9", Length: 15})
	token += luhn(token)
	track2 := token + "d" + expiry + service
	for len(track2)%2 != 0 {
		track2 += fieldPadding
	}
	packed, err := hex.DecodeString(track2)
	if err != nil {
		return "", fmt.Errorf("walletsim: track 2: %w", err)
	}
	lastFour, err := hex.DecodeString(token[len(token)-4:])
	if err != nil {
		return "", fmt.Errorf("walletsim: last four: %w", err)
	}
	application, err := template(tagTemplate,
		object{tagAID, []byte{0xa0, 0, 0, 0, 0x55, 0x55, 0x55}}, // the specification's own example
		object{tagLabel, []byte("Demo Wallet")},
		object{tagTrack2, packed},
		object{tagLastFour, lastFour},
	)
	if err != nil {
		return "", err
	}
	return container(application)
}

// luhn is the check digit that goes behind digits (ISO/IEC 7812-1, annex B).
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
