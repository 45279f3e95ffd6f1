package walletsim

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Field is one data object of a merchant-presented code (EMV QRCPS,
// merchant-presented mode, version 1.1): an id of two digits and a
// value, or fields inside it, of 1 to 99 characters.
type Field struct {
	ID     string
	Value  string
	Fields []Field // behind Value; a template has these alone
}

// MPM is a merchant-presented code, the one on a shop's counter: a till must
// tell it from a customer's. It is the fields between the payload format
// indicator, which is always first, and the checksum, always last.
type MPM []Field

// Point of initiation (id 01).
const (
	Static  = "11" // the same code for every sale
	Dynamic = "12" // a code for one sale
)

// jpqrGUID names the merchant account of the Japanese profile.
const jpqrGUID = "jp.or.paymentsjapan"

// JPQRAccount is the merchant account (id 26) by which the Japanese profile is
// known: the unified shop number in four levels, of 13, 4, 6 and 6 characters.
// As in the public go-emv-code's package jpqr, whose examples the tests hold.
func JPQRAccount(levels [4]string) Field {
	account := Field{ID: "26", Fields: []Field{{ID: "00", Value: jpqrGUID}}}
	for i, level := range levels {
		account.Fields = append(account.Fields, Field{ID: fmt.Sprintf("%02d", i+1), Value: level})
	}
	return account
}

// Text is the text of the QR code.
func (m MPM) Text() (string, error) {
	fields, err := encodeFields(append([]Field{{ID: "00", Value: "01"}}, m...))
	if err != nil {
		return "", err
	}
	fields += "6304" // the checksum's own id and length are under the checksum
	return fields + fmt.Sprintf("%04X", crc16(fields)), nil
}

// encodeFields writes id, two digits of length, value of each. A length counts
// characters, not bytes: in the specification's example B.7 a name of four
// Chinese characters has length 04.
func encodeFields(fields []Field) (string, error) {
	var out strings.Builder
	for _, f := range fields {
		inner, err := encodeFields(f.Fields)
		if err != nil {
			return "", err
		}
		value := f.Value + inner
		n := utf8.RuneCountInString(value)
		if len(f.ID) != 2 || strings.Trim(f.ID, "0123456789") != "" || n < 1 || n > 99 {
			return "", fmt.Errorf("walletsim: field %q with %d characters: an id is two digits and a value 1 to 99 characters", f.ID, n)
		}
		fmt.Fprintf(&out, "%s%02d%s", f.ID, n, value)
	}
	return out.String(), nil
}

// MerchantCode is a static code of a made-up shop. Name must not be empty, and is
// cut to 25 bytes, as many as the specification gives a merchant's name.
func MerchantCode(name string) string {
	const longest = 25
	code, _ := MPM{ // no field of these is empty or too long
		{ID: "01", Value: Static},
		{ID: "26", Fields: []Field{{ID: "00", Value: "jp.example.demo"}, {ID: "01", Value: "SHOP0001"}}},
		{ID: "52", Value: "5411"}, // category: groceries
		{ID: "53", Value: "392"},  // yen
		{ID: "58", Value: "JP"},
		{ID: "59", Value: name[:min(len(name), longest)]},
		{ID: "60", Value: "TOKYO"},
	}.Text()
	return code
}

// crc16 has polynomial 0x1021 and begins with 0xFFFF (ISO/IEC 13239).
func crc16(s string) uint16 {
	crc := uint16(0xffff)
	for i := range len(s) {
		crc ^= uint16(s[i]) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
	}
	return crc
}
