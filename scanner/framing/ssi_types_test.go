package framing_test

import (
	"strings"
	"testing"
)

func TestSSISymbologies(t *testing.T) {
	for _, c := range []struct {
		codeType   byte
		data, want string
	}{
		{0x01, "AB-12", "]A0AB-12"},
		{0x02, "A12A", "]F0A12A"},
		{0x03, "9000818188123456", "]C09000818188123456"},
		{0x06, "1234", "]I01234"},
		{0x08, "012345678905", "]E0012345678905"},
		{0x09, "01234565", "]E001234565"},
		{0x0A, "49400762", "]E449400762"},
		{0x0F, "0104901234567894", "]C10104901234567894"},
		{0x11, "AB", "]L0AB"},
		{0x1B, "AB", "]d1AB"},
		{0x1C, "SK1:A B ", "]Q1SK1:A B "},
		{0x2C, "12", "]Q112"},
		{0x2D, "AB", "]z0AB"},
		{0x30, "0104901234567894", "]e00104901234567894"},
		{0xC1, "0104901234567894\x1d10A", "]d20104901234567894\x1d10A"},
		{0xC2, "0104901234567894", "]Q30104901234567894"},
		{0x4B, "491012345678012", "]E3491012345678012"},
		{0x8B, "491012345678012345", "]E3491012345678012345"},
		{0x88, "01234567890512345", "]E301234567890512345"},
		{0x41, "AB", "AB"},
		{0xCB, "4901234567894", "4901234567894"},
		{0x25, "AB", "AB"},
		{0x00, "AB", "AB"},

		{0x0B, "]E04901234567894", eanHeard},
		{0x1C, "]Q2\\000026A", "]Q2\\000026A"},
		{0x4B, "]E049101234567801]E112", "]E049101234567801]E112"},
		{0x1C, "]E04901234567894", "]Q1]E04901234567894"}, // printed in the QR code
		{0x25, "]Q1AB", "]Q1AB"},
		{0x0B, "]E0", "<garbled 4>"},

		{0x0B, "4901234567894\r", eanHeard},
		{0x0B, "4901234567894\n", eanHeard},
		{0x0B, "4901234567894\r\n", eanHeard},
		{0x0B, "4901234567894\n\r", "<garbled 16>"},
		{0x0B, "4901234567894\r\r", "<garbled 16>"},
		{0x1C, "A\rB\r", "<garbled 5>"},
		{0x1C, " ", "]Q1 "},
		{0x1C, "\r\n", "<garbled 3>"},
		{0x1C, "", "<garbled 1>"},
		{0x1C, "\xe6\x9d\xb1", "]Q1東"},
		{0x1C, "\xe6\x9d", "<garbled 3>"},
		{0x1C, "A\x7f", "<garbled 3>"},
		{0x1C, "A\x00", "<garbled 3>"},

		{0x0B, "\x01\x00\x0d4901234567894", eanHeard}, // the head of newer units
		{0x0B, "\x01\x00\x0e4901234567894", "<garbled 17>"},
		{0x0B, "\x01\x00\x00", "<garbled 4>"},
	} {
		l := settled(t)
		l.feed(decodePacket(0x20, c.codeType, c.data))
		if got := strings.Join(l.heard, " "); got != c.want {
			t.Errorf("type %02X %q: heard %q, want %q", c.codeType, c.data, got, c.want)
		}
		l.expectSent(t, "whatever it was, it came", hostACK)
	}
}
