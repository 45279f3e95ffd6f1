package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/scanner/aim"
	"sekisho/scanner/framing"
	"sekisho/scanner/payload"
)

const (
	scanRounds  = 500
	scansEach   = 50              // in one round, so that the clock's own time does not count
	passLength  = 508             // characters of the worked example in docs/pass.md
	unitPlugged = 5 * time.Second // time on the line for a unit to be set up, and for a scan to be through
	lineSilence = 100 * time.Millisecond
)

// EMVCo's own examples: QRCPS Consumer-Presented Mode 1.1, B.2, and
// Merchant-Presented Mode 1.1, B.7.
const (
	exampleCPM = "hQVDUFYwMWETTwegAAAAVVVVUAhQcm9kdWN0MWETTwegAAAAZmZmUAhQcm9kdWN0MmJJWggSNFZ4kBI0WF8gDkNBUkRIT0xERVIvRU1WXy0IcnVlc2RlZW5kIZ8QBwYBCgMAAACfJghYT9OF+iNLzJ82AgABnzcEbVjvEw=="
	exampleMPM = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT6007BEIJING" +
		"64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A"
)

// shown is a code before a scanner's eye, and what it is.
type shown struct {
	name   string
	symbol unit.Symbol
	kind   payload.Kind
}

// passShown is a pass as far as a scan is asked what it is: nothing in it is
// verified.
var passShown = shown{"pass", unit.Symbol{Identifier: string(aim.QR), Data: ("SK1:" + strings.Repeat(rand.Text(), passLength))[:passLength]}, payload.Pass}

// formats are the codes that pass a till.
var formats = []shown{
	{"goods", unit.Symbol{Identifier: string(aim.EAN13), Data: "4902777130835"}, payload.Goods},
	{"digits", unit.Symbol{Identifier: string(aim.Code128), Data: "900081818812345678901234"}, payload.WalletDigits},
	passShown,
	{"cpm", unit.Symbol{Identifier: string(aim.QR), Data: exampleCPM}, payload.EMVContainer},
	{"mpm", unit.Symbol{Identifier: string(aim.QR), Data: exampleMPM}, payload.MerchantCode},
	{"elements", unit.Symbol{Identifier: string(aim.GS1DataMatrix), Data: "010490277713083510AB\x1D17270630"}, payload.Goods},
	{"link", unit.Symbol{Identifier: string(aim.QR), Data: "https://example.jp/01/04902777130835?17=270630"}, payload.Goods},
}

// scanFigure is what one scan takes from its bytes to its meaning. Nothing is
// promised of it.
type scanFigure struct {
	name   string
	value  time.Duration // of scansEach scans
	limit  time.Duration // of as many copies of the same bytes, each into new memory
	allocs float64       // of one scan; the copy has one
}

// String is the figure's line, in nanoseconds.
func (f scanFigure) String() string {
	return fmt.Sprintf("bench: %s %.1f ns limit=copy:%.1f ratio=%.2f allocs=%.0f",
		f.name, each(f.value), each(f.limit), float64(f.value)/float64(f.limit), f.allocs)
}

// each is one scan's part of a round.
func each(d time.Duration) float64 { return float64(d) / scansEach }

// scanFigures measures framing and payload together: every format from a raw unit,
// and a pass from a unit of each other family.
func scanFigures() (fmt.Stringer, error) {
	var out figures
	add := func(family framing.Family, code shown) error {
		f, err := oneScan(family, code)
		out = append(out, f)
		return err
	}
	for _, code := range formats {
		if err := add(framing.FamilyRaw, code); err != nil {
			return nil, err
		}
	}
	for _, family := range framing.Families()[1:] {
		if err := add(family, passShown); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// oneScan measures one code from a unit of one family.
func oneScan(family framing.Family, code shown) (scanFigure, error) {
	name := fmt.Sprintf("scan-%s-%s", family, code.name)
	line, err := record(family, code)
	if err != nil {
		return scanFigure{}, fmt.Errorf("%s: %w", name, err)
	}
	var copied string
	value, limit, err := inTurn(scanRounds,
		func(int) error { return times(scansEach, line.scan) },
		func(int) error { return times(scansEach, func() error { copied = string(line.came); return nil }) },
	)
	if err != nil || copied == "" {
		return scanFigure{}, fmt.Errorf("%s: %w", name, err)
	}
	allocs := testing.AllocsPerRun(scansEach, func() { err = errors.Join(err, line.scan()) })
	return scanFigure{name, value, limit, allocs}, err
}

// times does the same several times.
func times(n int, do func() error) error {
	for range n {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// tape is the till's end of a unit's line, with what the unit said when it was
// shown a code, so that it can be heard again.
type tape struct {
	driver  framing.Driver
	issuers []payload.Issuer
	kind    payload.Kind
	now     time.Duration
	out     framing.Out
	came    []byte
	frames  int
}

// record has a unit of a family, set up by its driver, read a code.
func record(family framing.Family, code shown) (*tape, error) {
	u, err := workingUnit(family)
	if err != nil {
		return nil, err
	}
	t := &tape{driver: framing.New(family), issuers: issuerTable(), kind: code.kind}
	line := unit.NewLine(u, t, nil)
	line.Run(unitPlugged)
	t.came, t.frames = nil, 0
	line.Show(code.symbol)
	line.Run(unitPlugged)
	if t.frames != 1 {
		return nil, fmt.Errorf("%d frames came of one code", t.frames)
	}
	t.now = line.Now()
	return t, nil
}

// workingUnit is a unit of a family as a store has it: a Zebra that sends long
// codes in segments, a Denso whose blocks have a check character.
func workingUnit(family framing.Family) (unit.Unit, error) {
	if family == framing.FamilyZebraSSI {
		return unit.NewZebra(unit.ZebraSettings{Newer: true}), nil
	}
	u, err := unit.New(string(family))
	if denso, ok := u.(*unit.Denso); ok {
		denso.Program("stx")
		denso.Program("bcc")
	}
	return u, err
}

// issuerTable knows the wallets that the mocks know.
func issuerTable() (table []payload.Issuer) {
	for _, s := range walletsim.Services() {
		table = append(table, payload.Issuer{ID: s.Name, Name: s.Name, Prefix: s.Prefix, MinLength: s.Length, MaxLength: s.Length})
	}
	return table
}

// Plugged implements unit.Till.
func (t *tape) Plugged(now time.Duration) []byte {
	t.driver.Start(now, &t.out)
	return t.said()
}

// Hear implements unit.Till.
func (t *tape) Hear(now time.Duration, p []byte) []byte {
	t.came = append(t.came, p...)
	t.driver.Feed(now, p, &t.out)
	return t.said()
}

// Quiet implements unit.Till.
func (t *tape) Quiet(now time.Duration) []byte {
	t.driver.Tick(now, &t.out)
	return t.said()
}

// Unplugged implements unit.Till.
func (t *tape) Unplugged(time.Duration) {}

// said takes what the driver has to say, and counts frames.
func (t *tape) said() []byte {
	for _, g := range t.out.Got {
		if g.Kind == framing.GotFrame {
			t.frames++
		}
	}
	say := append([]byte(nil), t.out.Send...)
	t.out.Reset()
	return say
}

// scan hears the code again, a second later, and asks what it is. Some drivers
// want silence behind it.
func (t *tape) scan() error {
	t.now += time.Second
	t.out.Reset()
	t.driver.Feed(t.now, t.came, &t.out)
	if len(t.out.Got) == 0 {
		t.now += lineSilence
		t.driver.Tick(t.now, &t.out)
	}
	if len(t.out.Got) != 1 {
		return errors.New("the code heard again is not one frame")
	}
	frame := t.out.Got[0].Frame
	if code := payload.Classify(frame.Symbology, frame.Text, t.issuers); code.Kind != t.kind {
		return fmt.Errorf("the code is a %v", code)
	}
	return nil
}
