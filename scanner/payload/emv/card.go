package emv

// shown is how many digits of a card may be seen; of a number shorter than
// twice that none are.
const shown = 4

// Sizes of ISO/IEC 7813 and ISO/IEC 7812, in digits.
const (
	minPAN      = 2 * shown
	maxPAN      = 19
	expiryLen   = 4
	serviceLen  = 3
	maxTrack2   = 19 // bytes
	maxPANBytes = 10
)

// Nibbles that are no digits (EMV Book 3).
const (
	separator = 0xD // between card number and expiry
	filler    = 0xF // behind the last digit, up to the end
)

// Card is what may be told of a card number.
type Card struct {
	LastFour string // digits
	Digits   int    // how many the number has
	Luhn     bool   // whether its check digit is right (ISO/IEC 7812-1)
	Expiry   string // YYMM, from track 2 only
	Service  string // service code, three digits, from track 2 only
}

// CardOf reads a PAN or a track-2 object: packed digits, then in track 2 the
// separator, the expiry, the service code and discretionary data, and a filler
// where the count is odd. ok is false when it is neither, or malformed.
func CardOf(o Object) (card Card, ok bool) {
	n := nibbles(o.Value)
	switch {
	case o.Tag == PAN && len(o.Value) <= maxPANBytes:
		return number(n, n.len())
	case o.Tag == Track2Data && len(o.Value) <= maxTrack2:
		return track2(n)
	}
	return Card{}, false
}

// track2 reads what is on a card's second track.
func track2(n nibbles) (card Card, ok bool) {
	end := 0
	for end < n.len() && n.at(end) != separator {
		end++
	}
	rest := end + 1
	if n.len() < rest+expiryLen+serviceLen || !n.digits(rest, n.len()) {
		return Card{}, false
	}
	if card, ok = number(n, end); !ok {
		return Card{}, false
	}
	card.Expiry = n.text(rest, rest+expiryLen)
	card.Service = n.text(rest+expiryLen, rest+expiryLen+serviceLen)
	return card, true
}

// number reads a card number of n's first nibbles.
func number(n nibbles, end int) (Card, bool) {
	if end < minPAN || end > maxPAN || !n.digits(0, end) {
		return Card{}, false
	}
	return Card{LastFour: n.text(end-shown, end), Digits: end, Luhn: n.luhn(end)}, true
}

// fourDigits reads an object of two bytes.
func fourDigits(value []byte) string {
	n := nibbles(value)
	if len(value) != shown/2 || !n.digits(0, shown) {
		return ""
	}
	return n.text(0, shown)
}

// lastCharacters gives the last four of an ASCII text of eight and more.
func lastCharacters(value []byte) string {
	if len(value) < minPAN {
		return ""
	}
	last := value[len(value)-shown:]
	for _, c := range last {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return string(last)
}

// nibbles are half bytes, the upper one first.
type nibbles []byte

// len counts them, less the fillers at the end.
func (n nibbles) len() int {
	count := 2 * len(n)
	for count > 0 && n.at(count-1) == filler {
		count--
	}
	return count
}

func (n nibbles) at(i int) byte {
	if i%2 == 0 {
		return n[i/2] >> 4
	}
	return n[i/2] & 0xF
}

// digits tells whether the nibbles of [from, to) are all digits.
func (n nibbles) digits(from, to int) bool {
	for i := from; i < to; i++ {
		if n.at(i) > 9 {
			return false
		}
	}
	return true
}

// text gives the digits of [from, to), at most four.
func (n nibbles) text(from, to int) string {
	var out [shown]byte
	for i := from; i < to; i++ {
		out[i-from] = '0' + n.at(i)
	}
	return string(out[:to-from])
}

// luhn tells whether the first end digits, every second from the right doubled,
// have a sum of digits that is a multiple of ten.
func (n nibbles) luhn(end int) bool {
	sum := 0
	for i := range end {
		d := int(n.at(end - 1 - i))
		if i%2 == 1 {
			d = d*2%10 + d/5
		}
		sum += d
	}
	return sum%10 == 0
}
