package main

import (
	"strings"
	"testing"

	"sekisho/scanner/framing"
)

// One line end behind a code is the terminal's; all else may be the code's.
func TestCodeTextFromStandardInput(t *testing.T) {
	for in, want := range map[string]string{
		"code": "code", "code\n": "code", "code\r\n": "code", "code\n\n": "code\n", "code\r\r\n": "code\r",
		"code\r": "code\r", " code \n": " code ",
	} {
		if got, err := codeText(nil, strings.NewReader(in)); got != want || err != nil {
			t.Errorf("%q became %q, %v", in, got, err)
		}
	}
	for _, none := range []string{"", "\n", "\r\n"} {
		if got, err := codeText(nil, strings.NewReader(none)); err == nil {
			t.Errorf("%q became %q, want an error: there is no code", none, got)
		}
	}
	longest := strings.Repeat("7", framing.MaxFrame)
	if got, err := codeText(nil, strings.NewReader(longest+"\n")); got != longest || err != nil {
		t.Errorf("the longest frame: %d bytes, %v", len(got), err)
	}
	for _, long := range []string{longest + "7", strings.Repeat(longest, 3)} {
		if _, err := codeText(nil, strings.NewReader(long)); err == nil || strings.Contains(err.Error(), "77") {
			t.Errorf("%d bytes: %v", len(long), err)
		}
	}
	if got, err := codeText([]string{"code\n"}, nil); got != "code\n" || err != nil {
		t.Errorf("an argument became %q, %v", got, err)
	}
}
