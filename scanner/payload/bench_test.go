package payload_test

import (
	"testing"

	"sekisho/scanner/aim"
	"sekisho/scanner/payload"
)

func BenchmarkClassify(b *testing.B) {
	for _, c := range []struct {
		name string
		id   aim.ID
		text string
	}{
		{"goods", "]E0", "4902777130835"},
		{"add-on", "]E0", "4910027701131]E210800"},
		{"gs1", "]d2", "010490277713083510AB\x1D17270630"},
		{"link", "]Q1", "https://example.jp/01/04902777130835?17=270630"},
		{"digits", "", "900081818812345678901234"},
		{"pass", "]Q1", "SK1:6BF+70790T9WJWG.FKY*4GO0 "},
		{"container", "]Q1", cpmB2},
		{"shop", "]Q1", mpmB7},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				payload.Classify(c.id, c.text, issuers)
			}
		})
	}
}
