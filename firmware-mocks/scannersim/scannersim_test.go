package scannersim_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/boombuler/barcode/code128"
	"github.com/boombuler/barcode/qr"
	"go.uber.org/goleak"

	"sekisho/firmware-mocks/scannersim"
	"sekisho/firmware-mocks/walletsim/wear"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for bytes that must come.
const patience = 20 * time.Second

// passLike is a text of the length and alphabet of a pass: 460 characters,
// spaces among them.
var passLike = "SK1:" + strings.Repeat("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", 11)[:456]

// open gives a scanner that is closed when the test ends.
func open(t *testing.T, opts scannersim.Options) (*scannersim.Scanner, string) {
	t.Helper()
	link := filepath.Join(t.TempDir(), "usb-scanner-if00")
	s, err := scannersim.Open(link, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, link
}

// till opens the device as it finds it: whether the line is raw is the
// simulator's affair.
func till(t *testing.T, link string) *os.File {
	t.Helper()
	f, err := os.OpenFile(link, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	waits(t, f)
	return f
}

// waits gives the next bytes their time. What comes before them, such as reading
// a picture, may take as long on a slow machine.
func waits(t *testing.T, f *os.File) {
	t.Helper()
	if err := f.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
}

// want reads as many bytes as text has and compares.
func want(t *testing.T, f *os.File, text string) {
	t.Helper()
	waits(t, f)
	got := make([]byte, len(text))
	n, err := io.ReadFull(f, got)
	if err != nil || string(got[:n]) != text {
		t.Fatalf("the line said %q (%v), want %q", got[:n], err, text)
	}
}

// show shows a picture as a PNG.
func show(t *testing.T, s *scannersim.Scanner, picture image.Image) {
	t.Helper()
	read, err := scannersim.ReadPNG(pngFile(t, picture))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Show(t.Context(), read); err != nil {
		t.Fatal(err)
	}
}

// The identifiers are those of the table in ISO/IEC 15424, the terminators
// those of scanners' manuals: neither comes from the code.
func TestPicturesArriveByteForByte(t *testing.T) {
	utf8 := "円 \\ ¥ \x00\x01\xFF"
	codes := []struct {
		name, identifier, data string
		picture                image.Image
	}{
		{"pass", "]Q1", passLike, drawQR(t, passLike, qr.AlphaNumeric)},
		{"QR of bytes", "]Q1", utf8, drawQR(t, utf8, qr.Unicode)},
		{"QR of digits", "]Q1", "0012345678901234567890", drawQR(t, "0012345678901234567890", qr.Numeric)},
		{"QR, photographed", "]Q1", "PHOTO", photographed(drawQR(t, "PHOTO", qr.AlphaNumeric))},
		{"QR, in a shadow", "]Q1", passLike, shaded(drawQR(t, passLike, qr.AlphaNumeric))},
		// Found by trying random texts: the decoder misses this one when it is
		// not told that the picture is clean.
		{"QR, hard", "]Q1", "LLX24$EP0SVIJZ9*", drawQR(t, "LLX24$EP0SVIJZ9*", qr.AlphaNumeric)},
		{"JAN-13", "]E0", "4902777130835", drawEAN(t, "4902777130835")},
		{"UPC-A", "]E0", "0036000291452", drawEAN(t, "0036000291452")},
		{"JAN-8", "]E4", "49400762", drawEAN(t, "49400762")},
		{"wallet's digits", "]C0", "900081881234567890123456", drawCode128(t, "900081881234567890123456")},
		{"Code 128 of text", "]C0", "a B\r\n%", drawCode128(t, "a B\r\n%")},
		// Code 128's check character is a value of 0 to 102, some of which mean a
		// function elsewhere in the symbol: 102 is FNC1, 97 FNC2, 100 and 101
		// change the code set. These have them (sum of place and value, modulo 103).
		{"check of 97", "]C0", "900081818812345678000018", drawCode128(t, "900081818812345678000018")},
		{"check of 100", "]C0", "900081818812345678000044", drawCode128(t, "900081818812345678000044")},
		{"check of 101", "]C0", "900081818812345678000087", drawCode128(t, "900081818812345678000087")},
		{"check of 102", "]C0", "900081818812345678000027", drawCode128(t, "900081818812345678000027")},
		{"GS1-128, check of 102", "]C1", "91120059", drawCode128(t, string(code128.FNC1)+"91120059")},
		{"bill, GS1-128", "]C1", "9112\x1D34", drawCode128(t, string(code128.FNC1)+"9112"+string(code128.FNC1)+"34")},
		{"DataMatrix", "]d1", "SEKISHO 2026", drawDataMatrix(t, "SEKISHO 2026")},
	}
	for _, end := range []struct {
		name          string
		terminator    scannersim.Terminator
		before, after string
	}{
		{"CR", scannersim.CR, "", "\r"},
		{"LF", scannersim.LF, "", "\n"},
		{"CRLF", scannersim.CRLF, "", "\r\n"},
		{"STX ETX", scannersim.STXETX, "\x02", "\x03"},
	} {
		for _, identified := range []bool{false, true} {
			s, link := open(t, scannersim.Options{Terminator: end.terminator, Identifier: identified, Unpaced: true})
			f := till(t, link)
			for _, c := range codes {
				expected := end.before + c.data + end.after
				if identified {
					expected = end.before + c.identifier + c.data + end.after
				}
				t.Log(end.name, c.name)
				show(t, s, c.picture)
				want(t, f, expected)
			}
		}
	}
}

func TestAFactoryNewScannerPacesItsBytes(t *testing.T) {
	s, link := open(t, scannersim.Options{})
	f := till(t, link)
	start := time.Now()
	show(t, s, drawQR(t, passLike, qr.AlphaNumeric))
	// 10 bits a byte at 9600 a second; the last byte begins after all others.
	if least, took := time.Duration(len(passLike))*10*time.Second/9600, time.Since(start); took < least {
		t.Errorf("%d bytes took %v, less than %v", len(passLike)+1, took, least)
	}
	want(t, f, passLike+"\r")
}

func TestAPictureWithoutACodePutsNothingOnTheLine(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s, link := open(t, scannersim.Options{Unpaced: true})
	f := till(t, link)
	for name, picture := range map[string]image.Image{
		"none":            nil,
		"empty":           image.NewGray(image.Rect(0, 0, 0, 0)),
		"one pixel":       blank(1, 1),
		"one column":      blank(1, 500),
		"white":           blank(300, 300),
		"noise":           noise(seed, 200),
		"half a QR code":  covered(drawQR(t, passLike, qr.AlphaNumeric)),
		"wrong digit":     wrongDigit(t),
		"bars of a wall":  stripes(300),
		"half an EAN":     drawEAN(t, "4902777130835").SubImage(image.Rect(0, 0, 150, 100)),
		"QR code too big": drawQR(t, passLike, qr.AlphaNumeric).SubImage(image.Rect(60, 60, 160, 160)),
	} {
		if err := s.Show(t.Context(), picture); !errors.Is(err, scannersim.ErrUnreadable) {
			t.Errorf("%s: %v, want ErrUnreadable", name, err)
		}
	}
	good := pngFile(t, drawEAN(t, "49400762"))
	for name, file := range map[string][]byte{
		"no file":       nil,
		"no picture":    []byte("4902777130835\r"),
		"half a file":   good[:len(good)/2],
		"huge by claim": claiming(good, 1<<20),
	} {
		if _, err := scannersim.ReadPNG(file); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	show(t, s, drawEAN(t, "49400762"))
	want(t, f, "49400762\r")
}

// noise is what no scanner should find a code in.
func noise(seed uint64, side int) image.Image {
	random := rand.New(rand.NewPCG(seed, 0))
	out := blank(side, side)
	for i := range out.Pix {
		out.Pix[i] = byte(random.UintN(256))
	}
	return out
}

// covered hides the middle of a code, half of its area, with a thumb.
func covered(picture *image.Gray) image.Image {
	b := picture.Bounds()
	for y := b.Dy() / 6; y < b.Dy()*5/6; y++ {
		for x := b.Dx() / 6; x < b.Dx()*5/6; x++ {
			picture.SetGray(x, y, color.Gray{Y: 128})
		}
	}
	return picture
}

// stripes are black and white columns of one width.
func stripes(side int) image.Image {
	out := blank(side, side)
	for y := range side {
		for x := range side {
			if x/module%2 == 0 {
				out.SetGray(x, y, color.Gray{})
			}
		}
	}
	return out
}

// wrongDigit is JAN-13 4902777130835 whose last digit is printed as a 6. Its
// pattern (GS1 General Specifications, number set C: 5 is 1001110, 6 is
// 1010000) stands in modules 85 to 91 of 95.
func wrongDigit(t *testing.T) image.Image {
	picture := drawEAN(t, "4902777130835")
	for i, bar := range "1010000" {
		for x := quiet + (85+i)*module; x < quiet+(86+i)*module; x++ {
			for y := quiet; y < quiet+barHeight; y++ {
				picture.SetGray(x, y, color.Gray{Y: 255 * byte('1'-bar)})
			}
		}
	}
	return picture
}

// claiming is a PNG whose header says that it is this many pixels wide and high.
// The header's type and its 13 bytes of data begin at byte 12, and their
// checksum follows (PNG, sections 5.3 and 11.2.2).
func claiming(file []byte, side uint32) []byte {
	out := bytes.Clone(file)
	binary.BigEndian.PutUint32(out[16:], side)
	binary.BigEndian.PutUint32(out[20:], side)
	binary.BigEndian.PutUint32(out[29:], crc32.ChecksumIEEE(out[12:29]))
	return out
}

func TestWhatTheTillWritesIsThrownAway(t *testing.T) {
	s, link := open(t, scannersim.Options{Unpaced: true})
	f := till(t, link)
	if _, err := f.Write(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	show(t, s, drawEAN(t, "49400762"))
	want(t, f, "49400762\r")
}

func TestAnUnplugFallsIntoTheMiddleOfACode(t *testing.T) {
	s, link := open(t, scannersim.Options{})
	f := till(t, link)
	picture := drawQR(t, passLike, qr.AlphaNumeric)
	shown := make(chan error, 1)
	go func() { shown <- s.Show(context.Background(), picture) }()
	want(t, f, passLike[:20])
	if err := s.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := <-shown; !errors.Is(err, scannersim.ErrUnplugged) {
		t.Errorf("Show: %v, want ErrUnplugged", err)
	}
	rest, err := io.ReadAll(f)
	if len(rest) >= len(passLike)-20 {
		t.Error("the whole code came in spite of the unplug")
	}
	if err != nil && !errors.Is(err, syscall.EIO) {
		t.Errorf("the till reads %v, want EIO or the end", err)
	}
	if _, err := os.Lstat(link); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link is still there: %v", err)
	}
	if err := s.Show(t.Context(), picture); !errors.Is(err, scannersim.ErrUnplugged) {
		t.Errorf("Show without a cable: %v, want ErrUnplugged", err)
	}

	if err := s.Plug(); err != nil {
		t.Fatal(err)
	}
	again := till(t, link)
	show(t, s, picture)
	want(t, again, passLike+"\r")
}

func TestPluggingTwiceChangesNothing(t *testing.T) {
	s, link := open(t, scannersim.Options{Unpaced: true})
	f := till(t, link)
	if err := s.Plug(); err != nil {
		t.Fatal(err)
	}
	show(t, s, drawEAN(t, "49400762"))
	want(t, f, "49400762\r")
	for range 2 {
		if err := s.Unplug(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFramesOfSeveralHandsAreNotMixed(t *testing.T) {
	s, link := open(t, scannersim.Options{})
	f := till(t, link)
	const hands = 4
	picture := drawEAN(t, "4902777130835")
	var group sync.WaitGroup
	for range hands {
		group.Go(func() {
			if err := s.Show(context.Background(), picture); err != nil {
				t.Error(err)
			}
		})
	}
	want(t, f, strings.Repeat("4902777130835\r", hands))
	group.Wait()
}

func TestShowEndsWithItsContext(t *testing.T) {
	s, link := open(t, scannersim.Options{})
	f := till(t, link)
	picture := drawQR(t, passLike, qr.AlphaNumeric)
	ctx, cancel := context.WithCancel(t.Context())
	shown := make(chan error, 1)
	go func() { shown <- s.Show(ctx, picture) }()
	want(t, f, passLike[:5])
	waiting := make(chan error, 1)
	go func() { waiting <- s.Show(ctx, picture) }()
	cancel()
	for _, ended := range []chan error{shown, waiting} {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Show: %v, want Canceled", err)
		}
	}
}

func TestALinkIsTakenOverOnlyFromASimulator(t *testing.T) {
	folder := t.TempDir()
	stale := filepath.Join(folder, "stale")
	if err := os.Symlink("/dev/pts/no-such", stale); err != nil {
		t.Fatal(err)
	}
	s, err := scannersim.Open(stale, scannersim.Options{Unpaced: true})
	if err != nil {
		t.Fatal(err)
	}
	f := till(t, stale)
	show(t, s, drawEAN(t, "49400762"))
	want(t, f, "49400762\r")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Plug(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Plug after Close: %v, want ErrClosed", err)
	}

	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := scannersim.Open(file, scannersim.Options{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("Open on a file: %v, want ErrExist", err)
	}
	if left, err := os.ReadFile(file); err != nil || string(left) != "precious" {
		t.Errorf("the file holds %q, %v", left, err)
	}
	if _, err := scannersim.Open(filepath.Join(folder, "none", "link"), scannersim.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open in no folder: %v, want ErrNotExist", err)
	}
	if _, err := scannersim.Open(filepath.Join(folder, "odd"), scannersim.Options{Terminator: 9}); err == nil {
		t.Error("Open took a terminator that is none")
	}
}

func TestARuinedCodePutsNothingOnTheLine(t *testing.T) {
	s, link := open(t, scannersim.Options{Unpaced: true})
	f := till(t, link)
	for _, name := range []string{"blur", "contrast", "glare"} {
		w, ok := wear.Named(name)
		if !ok {
			t.Fatal(name)
		}
		for _, clean := range []image.Image{drawEAN(t, "4902777130835"), drawCode128(t, "900081818812345678901234"), drawQR(t, "RUINED", qr.AlphaNumeric)} {
			if err := s.Show(t.Context(), w.Apply(clean, wear.Ruin, 1)); !errors.Is(err, scannersim.ErrUnreadable) {
				t.Errorf("%s: %v, want ErrUnreadable", name, err)
			}
		}
	}
	show(t, s, drawEAN(t, "49400762"))
	want(t, f, "49400762\r")
}
