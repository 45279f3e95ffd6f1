package walletsim

import (
	"bytes"
	"errors"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// drawn is a text and how it is drawn.
type drawn struct {
	name, text string
	draw       func(string) (image.Image, error)
}

// everyDrawing is one or more codes of each kind that zbar reads; DataMatrix is
// not among those.
func everyDrawing(t *testing.T) []drawn {
	t.Helper()
	phone, _ := demoPhone(t, 1)
	cpm := CPM{Templates: []Template{{AID: []byte{0xa0, 0, 0, 0, 1}, URL: strings.Repeat("u", 150)}, {AID: []byte{0xa0, 0, 0, 0, 2}, URL: strings.Repeat("v", 250)}}}
	shop := MPM{{ID: "01", Value: Static}, {ID: "64", Fields: []Field{{ID: "00", Value: "JA"}, {ID: "01", Value: "本舗食堂"}}}}
	elements := ElementString(Element{"01", "09506000134352"}, Element{"10", "ABC123"}, Element{"21", "a b"}, Element{"17", "270630"})
	upper, lower, err := Book("978400416004", "0241", 820)
	if err != nil {
		t.Fatal(err)
	}
	all := []drawn{
		{"pass", text(t)(phone.Pass()), QR},
		{"EMV", text(t)(phone.EMV()), QR},
		{"EMV of more than 512 characters", text(t)(cpm.Text()), QR},
		{"shop's code", MerchantCode("DEMO STORE"), QR},
		{"shop's code in Japanese", text(t)(shop.Text()), QR},
		{"link", Link{Path: []Element{{"01", "09506000134352"}}}.Text(), QR},
		{"elements", elements, GS1128},
		{"bill", text(t)(Bill{Company: "912345", Due: "270430", Yen: 54_000}.Text()), GS1128},
		{"EAN-13", "4902777130835", EAN},
		{"EAN-8", "49400762", EAN},
		{"book's upper row", upper, EAN},
		{"book's lower row", lower, EAN},
		{"in store", text(t)(InStore("20", "12345", 298)), EAN},
	}
	for _, s := range Services() {
		all = append(all, drawn{s.Name, phone.Digits(s), Code128}, drawn{s.Name + " as QR", phone.Digits(s), QR})
	}
	return all
}

// zbarimg reads pictures in one run and gives their bytes one behind the other.
// It is a program of its own (Debian: zbar-tools) and shares no code with those
// who drew them, nor with scannersim's decoder.
func zbarimg(t *testing.T, files ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "zbarimg", append([]string{"--quiet", "--nodbus", "--raw", "-Sbinary"}, files...)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal("zbarimg is missing: run make tools, or install the Debian package zbar-tools")
	}
	if err != nil {
		t.Fatalf("zbarimg: %v\n%s", err, stderr.Bytes())
	}
	return string(out)
}

func TestAnIndependentReaderReadsEveryDrawing(t *testing.T) {
	folder := t.TempDir()
	codes := everyDrawing(t)
	var files []string
	want := ""
	for _, c := range codes {
		picture, err := c.draw(c.text)
		if err != nil {
			t.Fatal(c.name, err)
		}
		file, err := PNG(picture)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, c.name+".png")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		files, want = append(files, path), want+c.text
	}
	if zbarimg(t, files...) == want {
		return
	}
	t.Error("what was read in one run is not what was drawn")
	for i, c := range codes { // which of them was it
		if got := zbarimg(t, files[i]); got != c.text {
			t.Errorf("%s: read %q, drawn %q", c.name, got, c.text)
		}
	}
}
