package framing_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/scanner/aim"
	"sekisho/scanner/framing"
)

// recorder notes what a driver calls out, in order, as readable lines.
type recorder struct {
	raw    framing.Raw
	now    time.Duration
	out    framing.Out
	frames []framing.Frame
	drops  []framing.Dropped
	heard  []string
}

func (r *recorder) feed(p []byte) {
	r.raw.Feed(r.now, p, &r.out)
	r.note()
}

// quiet lets as much silence pass as no frame has inside it.
func (r *recorder) quiet() {
	r.now += 300 * time.Millisecond
	r.raw.Tick(r.now, &r.out)
	r.note()
}

func (r *recorder) note() {
	for _, g := range r.out.Got {
		switch g.Kind {
		case framing.GotFrame:
			r.frames = append(r.frames, g.Frame)
			r.heard = append(r.heard, fmt.Sprintf("%s%s", g.Frame.Symbology, g.Frame.Text))
		case framing.GotDrop:
			r.drops = append(r.drops, g.Dropped)
			r.heard = append(r.heard, fmt.Sprintf("<%s %d>", g.Dropped.Reason, g.Dropped.Bytes))
		}
	}
	r.out.Reset()
}

var (
	longest = strings.Repeat("7", framing.MaxFrame)
	// pass has the length of a real one and a space at either end.
	pass = " " + strings.Repeat("SK1:AB C%*+-./", 33) + " "
)

func TestRaw(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       []string
	}{
		{"CR", "4902777130835\r49400762\r", []string{"4902777130835", "49400762"}},
		{"LF", "4902777130835\n49400762\n", []string{"4902777130835", "49400762"}},
		{"CRLF", "4902777130835\r\n49400762\r\n", []string{"4902777130835", "49400762"}},
		{"STX ETX", "\x024902777130835\x03\x0249400762\x03", []string{"4902777130835", "49400762"}},
		{"STX ETX CRLF", "\x024902777130835\x03\r\n\x0249400762\x03\r\n", []string{"4902777130835", "49400762"}},
		{"terminators mixed", "1\r2\n\x023\x034\r\n5\n", []string{"1", "2", "3", "4", "5"}},
		{"identifier, CR", "]E04902777130835\r", []string{"]E04902777130835"}},
		{"identifier, STX ETX", "\x02]Q1SK1:A\x03", []string{"]Q1SK1:A"}},
		{"identifier and no data", "]E0\r", []string{"<garbled 3>"}},
		{"spaces stay", " A B \r\x02 C \x03", []string{" A B ", " C "}},
		{"a pass whole", pass + "\r", []string{pass}},
		{"GS stays", "01\x1d10AB\r", []string{"01\x1d10AB"}},
		{"UTF-8", "000201東京\r", []string{"000201東京"}},
		{"empty frames", "\r\n\r\n\x02\x03\x03\n", nil},
		{"no terminator", "4902777130835", nil},
		{"the longest", longest + "\r", []string{longest}},
		{"the longest framed", "\x02" + longest + "\x03", []string{longest}},
		{"one too long", longest + "7\r1\r", []string{"<oversized 4097>", "1"}},
		{"far too long is told once", longest + longest + longest + "\r1\r", []string{"<oversized 4097>", "1"}},
		{"one too long, framed", "\x02" + longest + "7\r77\x031\r", []string{"<oversized 4097>", "1"}},
		{"wrong baud rate", "\xf8\x80\xe6\x00\xf8\r1\r", []string{"<garbled 4>", "1"}},
		{"NUL is told at once, and once", "12\x0034\x0056\r1\r", []string{"<garbled 3>", "1"}},
		{"DEL, ESC, TAB", "1\x7f\r2\x1b\r3\t\r4\r", []string{"<garbled 2>", "<garbled 2>", "<garbled 2>", "4"}},
		{"one bit flipped to the high", "49027\xb7130835\r1\r", []string{"<garbled 12>", "1"}},
		{"UTF-8 cut", "\xe6\x9d\r1\r", []string{"<garbled 2>", "1"}},
		{"ETX that nothing began", "123\x031\r", []string{"<garbled 3>", "1"}},
		{"CR inside STX ETX is no end", "\x0212\r34\x031\r", []string{"<garbled 3>", "1"}},
		{"CR right behind STX", "\x02\r34\x031\r", []string{"<garbled 1>", "1"}},
		{"ETX lost", "\x0212\x0234\x03", []string{"<unterminated 2>", "34"}},
		{"CR lost before STX", "12\x0234\x03", []string{"<unterminated 2>", "34"}},
		{"STX ends a bad frame", "1\x002\x0234\x03", []string{"<garbled 2>", "34"}},
		{"STX ends a bad framed frame", "\x021\x002\x0234\x03", []string{"<garbled 2>", "34"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 64, len(c.line)} {
				var r recorder
				for rest := []byte(c.line); len(rest) > 0; {
					n := min(size, len(rest))
					r.feed(rest[:n])
					rest = rest[n:]
				}
				if !reflect.DeepEqual(r.heard, c.want) {
					t.Errorf("in pieces of %d: heard %.200q, want %.200q", size, r.heard, c.want)
				}
			}
		})
	}
}

func TestQuietNeverCutsOrJoins(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []string // bytes; an empty step is silence
		want  []string
	}{
		{"between frames", []string{"1\r", "", "2\r"}, []string{"1", "2"}},
		{"CR, silence, LF", []string{"1\r", "", "\n2\r\n"}, []string{"1", "2"}},
		{"a terminator lost", []string{"49400762", "", "49400762\r", "3\r"}, []string{"<unterminated 8>", "<unterminated 8>", "3"}},
		{"a stall inside a frame", []string{"4902777", "", "130835\r3\r"}, []string{"<unterminated 7>", "<unterminated 6>", "3"}},
		{"a stall before the terminator", []string{"49400762", "", "\r3\r"}, []string{"<unterminated 8>", "3"}},
		{"no terminators at all: each scan is answered", []string{"1", "", "", "22", "", "333", ""},
			[]string{"<unterminated 1>", "<unterminated 2>", "<unterminated 3>"}},
		{"a stall inside STX ETX", []string{"\x0212", "", "34\x035\r"}, []string{"<unterminated 2>", "<unterminated 2>", "5"}},
		{"STX is a sure beginning", []string{"12", "", "\x0234\x03"}, []string{"<unterminated 2>", "34"}},
		{"bytes of doubt before STX", []string{"12", "", "3\x0245\x03"}, []string{"<unterminated 2>", "<unterminated 1>", "45"}},
		{"a stray STX does not deafen a CR scanner", []string{"\x02", "", "1\r", "2\r"}, []string{"<unterminated 1>", "2"}},
		{"a stray STX and CR do not cost the next", []string{"\x021\r", "", "2\r", "3\r"}, []string{"<garbled 2>", "2", "3"}},
		{"nor do more lines", []string{"\x021\r2\n", "", "3\r"}, []string{"<garbled 2>", "3"}},
		{"a stray STX and a line that stalls do", []string{"\x021\r2", "", "3\r", "4\r"}, []string{"<garbled 2>", "<unterminated 1>", "4"}},
		{"a bad frame is told once", []string{"1\x002", "", "\r3\r"}, []string{"<garbled 2>", "3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r recorder
			for _, step := range c.steps {
				if step == "" {
					r.quiet()
				}
				r.feed([]byte(step))
			}
			if !reflect.DeepEqual(r.heard, c.want) {
				t.Errorf("heard %q, want %q", r.heard, c.want)
			}
		})
	}
}

func TestStartForgetsWhatHadBegun(t *testing.T) {
	for _, begun := range []string{"4902777", "\x024902", "12\x00", "\x0212\r", longest + "7"} {
		var r recorder
		r.feed([]byte(begun))
		r.heard = nil
		r.raw.Start(r.now, &r.out)
		r.feed([]byte("130835\r"))
		if want := []string{"130835"}; !reflect.DeepEqual(r.heard, want) {
			t.Errorf("after %.20q: heard %.60q, want %q", begun, r.heard, want)
		}
	}
}

// Scans are sent one after the other; some lose their terminator on the way,
// and before each next one the line is quiet. What comes out is some of what
// was sent, in its order, whole.
func TestLostTerminatorsNeverCutOrJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringMatching(`[0-9A-Z $%*+./:-]{1,20}`), 1, 12).Draw(t, "texts")
		var r recorder
		sent, lastLost, want := 0, false, []string(nil)
		for _, text := range texts {
			lost := rapid.Bool().Draw(t, "lost")
			cutAt := rapid.IntRange(0, len(text)).Draw(t, "piece")
			r.feed([]byte(text[:cutAt]))
			r.feed([]byte(text[cutAt:]))
			if !lost {
				r.feed([]byte("\r"))
			}
			if !lost && !lastLost {
				want = append(want, text)
			}
			// After a loss the line is in doubt until the next terminator.
			lastLost = lost
			sent++
			r.quiet()
		}
		var got []string
		for _, f := range r.frames {
			got = append(got, f.Text)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("frames %q, want %q", got, want)
		}
		if len(r.frames)+len(r.drops) != sent {
			t.Fatalf("%d scans, %d frames and %d reports: one went unanswered", sent, len(r.frames), len(r.drops))
		}
	})
}

func TestI7NothingPrintsAFrame(t *testing.T) {
	frame := framing.Frame{Symbology: aim.QR, Text: "9000818188123456"}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "frame", frame, "held", struct{ F framing.Frame }{frame})
	asJSON, err := json.Marshal(frame)
	if err != nil {
		t.Fatal(err)
	}
	printed := log.String() + string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		printed += fmt.Sprintf(verb, frame) + fmt.Sprintf(verb, struct{ F framing.Frame }{frame})
	}
	if strings.Contains(printed, "12345") || strings.Contains(printed, fmt.Sprintf("%x", "12345")) {
		t.Errorf("printed: %s", printed)
	}
	if want := "frame QR code 16 bytes"; frame.String() != want {
		t.Errorf("String() = %q, want %q", frame, want)
	}
}

func TestFeedAllocatesOnceAFrame(t *testing.T) {
	var raw framing.Raw
	line := []byte("]E04902777130835\r")
	var out framing.Out
	raw.Feed(0, line, &out)
	if n := testing.AllocsPerRun(100, func() { out.Reset(); raw.Feed(0, line, &out) }); n > 1 {
		t.Errorf("%v allocations a frame", n)
	}
}

func TestSeedsAreThere(t *testing.T) {
	seeds, err := os.ReadDir("testdata/fuzz/FuzzRaw")
	if err != nil || len(seeds) == 0 {
		t.Fatalf("no seeds for FuzzRaw: %v", err)
	}
}
