package pass

// Base45 (RFC 9285): two bytes become three characters of the QR code's
// alphanumeric alphabet, least significant first; a last odd byte becomes two.

const base45Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// base45Values maps a character to its value, and what is not in the alphabet
// to 0xff.
var base45Values = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i := range len(base45Alphabet) {
		table[base45Alphabet[i]] = byte(i)
	}
	return table
}()

// appendBase45 appends the base45 of data to dst.
func appendBase45(dst, data []byte) []byte {
	for ; len(data) >= 2; data = data[2:] {
		n := int(data[0])<<8 | int(data[1])
		dst = append(dst, base45Alphabet[n%45], base45Alphabet[n/45%45], base45Alphabet[n/(45*45)])
	}
	if len(data) == 1 {
		n := int(data[0])
		dst = append(dst, base45Alphabet[n%45], base45Alphabet[n/45])
	}
	return dst
}

// decodeBase45 is strict: upper case only, no character outside the alphabet,
// no group above its range, no length that base45 cannot have. A space is a
// digit of the alphabet like any other, so nothing is trimmed.
func decodeBase45(text string) ([]byte, bool) {
	if len(text)%3 == 1 {
		return nil, false
	}
	out := make([]byte, 0, len(text)/3*2+1)
	for ; len(text) >= 3; text = text[3:] {
		a, b, c := base45Values[text[0]], base45Values[text[1]], base45Values[text[2]]
		n := int(a) + int(b)*45 + int(c)*45*45
		if a|b|c == 0xff || n > 0xffff {
			return nil, false
		}
		out = append(out, byte(n>>8), byte(n))
	}
	if len(text) == 2 {
		a, b := base45Values[text[0]], base45Values[text[1]]
		n := int(a) + int(b)*45
		if a|b == 0xff || n > 0xff {
			return nil, false
		}
		out = append(out, byte(n))
	}
	return out, true
}
