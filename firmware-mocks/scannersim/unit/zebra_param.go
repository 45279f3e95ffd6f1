package unit

// The parameters that the unit knows, by their SSI numbers; from 256 on they
// are written with a prefix (SE-923 guide, table 6-9).
const (
	paramGoodBeep  = 0x38  // beep after a good decode: 56, as public drivers have it
	paramPower     = 0x80  // 1: low power
	paramTimeout   = 0x9B  // how long the till's word is waited for, in tenths of a second
	paramHandshake = 0x9F  // ACK and NAK
	paramFormat    = 0xEB  // 0: data as it is, 1: data and suffix
	paramPackets   = 0xEE  // 0: raw, 1: packets
	paramBootEvent = 0x102 // tells the till of a power-up
)

// allParameters asks for every parameter.
const allParameters = 0xFE

// parameters are their factory values and greatest values, in the order in
// which they are told (DS9908 guide, table 17; for EB Motorola LI2208 guide,
// page 7-24).
var parameters = []struct {
	number         uint16
	factory, limit byte
}{
	{paramGoodBeep, 1, 1},
	{paramPower, 0, 1},
	{paramTimeout, 20, 99},
	{paramHandshake, 1, 1},
	{paramFormat, 0, 1},
	{paramPackets, 0, 1},
	{paramBootEvent, 0, 1},
}

// factoryParameters is what a new unit is set to.
func factoryParameters() map[uint16]byte {
	set := make(map[uint16]byte, len(parameters))
	for _, p := range parameters {
		set[p.number] = p.factory
	}
	return set
}

// store sets what a PARAM_SEND lists. What the unit does not know, number or
// value, it passes over (MDL-1000 software guide, PARAM_DATA).
func store(set map[uint16]byte, list []byte) {
	for {
		number, rest, ok := parameterNumber(list)
		if !ok || len(rest) == 0 {
			return
		}
		for _, p := range parameters {
			if p.number == number && rest[0] <= p.limit {
				set[number] = rest[0]
			}
		}
		list = rest[1:]
	}
}

// requested lists the values that a PARAM_REQUEST asks for and the unit knows.
func requested(set map[uint16]byte, list []byte) []byte {
	var values []byte
	if len(list) > 0 && list[0] == allParameters {
		for _, p := range parameters {
			values = appendParameter(values, p.number, set[p.number])
		}
		return values
	}
	for {
		number, rest, ok := parameterNumber(list)
		if !ok {
			return values
		}
		if value, known := set[number]; known {
			values = appendParameter(values, number, value)
		}
		list = rest
	}
}

// The first byte of a parameter's number says how it goes on.
const (
	prefix256  = 0xF0 // one byte, and 256 more
	prefix768  = 0xF2 // one byte, and 768 more; F1 is between them
	prefixWord = 0xF8 // two bytes, high one first
)

// parameterNumber reads a number off a list; false at its end.
func parameterNumber(list []byte) (number uint16, rest []byte, ok bool) {
	switch {
	case len(list) >= 1 && list[0] < prefix256:
		return uint16(list[0]), list[1:], true
	case len(list) >= 2 && list[0] <= prefix768:
		return uint16(list[0]-prefix256+1)<<8 | uint16(list[1]), list[2:], true
	case len(list) >= 3 && list[0] == prefixWord:
		return uint16(list[1])<<8 | uint16(list[2]), list[3:], true
	}
	return 0, nil, false
}

// appendParameter writes a number below 512 and its value.
func appendParameter(to []byte, number uint16, value byte) []byte {
	if number >= 256 {
		to = append(to, prefix256)
	}
	return append(to, byte(number), value)
}
