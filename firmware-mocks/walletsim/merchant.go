package walletsim

import "fmt"

// MerchantCode is a merchant-presented EMV code (EMV QRCPS, merchant-presented
// mode, version 1.1), the one on a shop's counter: a till must tell it from a
// customer's. Name is at most 25 bytes, as table 3.1 there has it.
func MerchantCode(name string) string {
	code := field("00", "01") + // payload format indicator, always first
		field("01", "11") + // static: the same for every sale
		field("26", field("00", "jp.example.demo")+field("01", "SHOP0001")) + // the merchant's account
		field("52", "5411") + // category: groceries
		field("53", "392") + // yen
		field("58", "JP") +
		field("59", name) +
		field("60", "TOKYO") +
		"6304" // the checksum's own id and length are under the checksum
	return code + fmt.Sprintf("%04X", crc16(code))
}

// field is id, two digits of length, value; a value is at most 99 bytes.
func field(id, value string) string { return fmt.Sprintf("%s%02d%s", id, len(value), value) }

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
