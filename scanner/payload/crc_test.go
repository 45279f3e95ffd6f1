package payload

import "testing"

// The check value of this CRC in every catalogue of CRCs.
func TestCRCCheckValue(t *testing.T) {
	if got := crc16("123456789"); got != 0x29B1 {
		t.Errorf("crc16(123456789) = %04X, want 29B1", got)
	}
}
