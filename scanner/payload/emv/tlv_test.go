package emv

import "testing"

// Two tags of one bit cost a second look, so those of every code have their own.
func TestTagsOfEMVCoHaveTheirOwnBits(t *testing.T) {
	var seen uint64
	for tag := range tagNames {
		if tag.Constructed() || tag == FormatIndicator {
			continue
		}
		if seen&tag.bit() != 0 {
			t.Errorf("%v shares its bit", tag)
		}
		seen |= tag.bit()
	}
}
