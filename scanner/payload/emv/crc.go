package emv

// polynomial is that of the CRC of ISO/IEC 13239 as EMVCo MPM uses
// it: start value 0xFFFF, nothing reflected or inverted.
const polynomial = 0x1021

// crcTable holds the CRC of each byte alone.
var crcTable = makeTable()

func makeTable() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= polynomial
			}
		}
		table[i] = crc
	}
	return table
}

// Checksum is the CRC of text, a shop's code up to and including its "6304".
func Checksum(text string) uint16 {
	crc := uint16(0xFFFF)
	for i := range len(text) {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^text[i]]
	}
	return crc
}
