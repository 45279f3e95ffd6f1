package emv_test

import (
	"encoding/base64"
	"testing"

	"sekisho/scanner/payload/emv"
)

func BenchmarkDecode(b *testing.B) {
	dst := make([]byte, 0, 4096)
	for b.Loop() {
		if _, err := emv.Decode(dst, b2); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBareBase64 is what BenchmarkDecode is held against.
func BenchmarkBareBase64(b *testing.B) {
	dst, text := make([]byte, 4096), []byte(b2)
	for b.Loop() {
		if _, err := base64.StdEncoding.Decode(dst, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeMerchant(b *testing.B) {
	for b.Loop() {
		if _, err := emv.DecodeMerchant(b7); err != nil {
			b.Fatal(err)
		}
	}
}
