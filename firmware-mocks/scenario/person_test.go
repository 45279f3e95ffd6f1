package scenario

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/firmware-mocks/walletsim"
	"sekisho/terminal"
)

// scriptTime is how long a script waits for anything.
const scriptTime = 20 * time.Second

// person is who stands at a script's till: cashier, customer, technician, and
// whoever has the backend.
type person struct {
	t     *testing.T
	w     *World
	log   *watched // of daemon and backend
	plugs int      // bytes of log when the scanner was last plugged in
	sale  terminal.SaleRef
	heard int // sounds and lights that were told of
	met   int // customers
}

const personKey = "person"

// watched is a log that can be waited for.
type watched struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed when there is more
}

func newWatched() *watched { return &watched{more: make(chan struct{})} }

// Write implements io.Writer.
func (l *watched) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.more)
	l.more = make(chan struct{})
	return l.text.Write(b)
}

// read gives all that was written, and what tells of more.
func (l *watched) read() (string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String(), l.more
}

// waiting is time for one step.
func waiting() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), scriptTime)
}

// scene is what there was when a step failed.
func (p *person) scene() string {
	log, _ := p.log.read()
	text := "log of daemon and backend:\n" + tail(log, 5000)
	if p.w != nil {
		text = fmt.Sprintf("heard since: %q\n%s", p.w.Scanner().Deeds()[p.heard:], text)
	}
	return text
}

// open opens a store. Its backend may take long to answer, so that only what the
// script says ends a wait.
func (p *person) open(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	ctx, cancel := waiting()
	defer cancel()
	rules := DemoRules()
	rules.Answer, rules.GiveUp = scriptTime, 2*scriptTime
	w, err := NewWorld(ctx, Setup{
		Dir: ts.MkAbs("store"), Binary: binary, Listen: "127.0.0.1:0", Fast: true, Log: p.log,
		Rules: rules, Model: args[0], Programs: args[1:],
	})
	if err != nil {
		return err
	}
	p.w = w
	ts.Defer(func() {
		ctx, cancel := waiting()
		defer cancel()
		if err := w.Close(ctx); err != nil {
			p.t.Errorf("the store did not close in good order: %v", err)
		}
	})
	if err := w.Ready(ctx); err != nil {
		return err
	}
	if err := p.unplug(ts, nil); err != nil {
		return err
	}
	p.heard = len(w.Scanner().Deeds())
	return nil
}

// await waits until the page shows what fits.
func (p *person) await(fits func(State) bool) error {
	ctx, cancel := waiting()
	defer cancel()
	_, err := p.w.Till.Await(ctx, fits)
	return err
}

func (p *person) plug(*testscript.TestScript, []string) error {
	log, _ := p.log.read()
	p.plugs = len(log)
	if err := p.w.Scanner().Plug(); err != nil {
		return err
	}
	return p.await(func(s State) bool { return s.Scanner == "connected" })
}

// named waits for the daemon's log, since nobody else is told. The question comes
// last of all that a driver sets.
func (p *person) named(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	ctx, cancel := waiting()
	defer cancel()
	for {
		log, more := p.log.read()
		for line := range strings.Lines(log[p.plugs:]) {
			if strings.Contains(line, "scanner named itself") && strings.Contains(line, args[0]) {
				return nil
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return wrong("the scanner did not say that it is %q", args[0])
		}
	}
}

func (p *person) unplug(*testscript.TestScript, []string) error {
	if err := p.w.Scanner().Unplug(); err != nil {
		return err
	}
	return p.await(func(s State) bool { return s.Scanner == "disconnected" })
}

func (p *person) sell(_ *testscript.TestScript, args []string) error {
	if len(args) != 3 {
		return errUsage
	}
	yen, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return err
	}
	ctx, cancel := waiting()
	defer cancel()
	p.sale = terminal.SaleRef(args[0])
	return p.w.Till.Put(ctx, p.sale, []terminal.Line{{GTIN: terminal.GTIN(args[1]), Name: "goods", Quantity: 1, Price: terminal.Yen(yen)}})
}

func (p *person) show(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	ctx, cancel := waiting()
	defer cancel()
	picture, err := p.picture(ctx, args[0])
	if err != nil {
		return err
	}
	return p.w.Show(ctx, picture)
}

// picture draws what a customer holds before the scanner.
func (p *person) picture(ctx context.Context, what string) (image.Image, error) {
	switch what {
	case "goods":
		return walletsim.EAN(string(lunch.GTIN))
	case "merchant-code": // which stands on the shop's counter
		return walletsim.QR(walletsim.MerchantCode("CORNER SHOP"))
	case "unknown-digits": // as a wallet's, but no wallet showed them
		return walletsim.Code128("9000818812345678")
	case "pass":
		p.met++
		c, err := p.w.NewCustomer(ctx, "customer"+strconv.Itoa(p.met), longAgo, wellOff)
		if err != nil {
			return nil, err
		}
		text, err := c.Phone.Pass()
		if err != nil {
			return nil, err
		}
		return walletsim.QR(text)
	}
	return nil, errUsage
}

func (p *person) verdict(_ *testscript.TestScript, args []string) error {
	if len(args) == 0 || len(args) > 2 {
		return errUsage
	}
	want := Want{State: terminal.State(args[0])}
	if len(args) == 2 {
		want.Reason = terminal.Reason(args[1])
	}
	var last *terminal.Verdict
	err := p.await(func(s State) bool {
		last = s.Verdict
		return s.Verdict != nil && s.Verdict.Sale == p.sale && want.is(*s.Verdict)
	})
	if err != nil {
		return wrong("%v; the last verdict was %+v", err, last)
	}
	return nil
}

func (p *person) notice(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	return p.await(func(s State) bool { return s.Notice != nil && s.Notice.Reason == terminal.Reason(args[0]) })
}

// hear demands the next deeds, all of them and no others between.
func (p *person) hear(_ *testscript.TestScript, args []string) error {
	var want []unit.Deed
	for _, arg := range args {
		want = append(want, unit.Deed(arg))
	}
	if len(want) == 0 {
		if more := p.w.Scanner().Deeds()[p.heard:]; len(more) > 0 {
			return wrong("there was something to hear")
		}
		return nil
	}
	ctx, cancel := waiting()
	defer cancel()
	var got []unit.Deed
	err := p.w.Scanner().Await(ctx, func(all []unit.Deed) bool {
		got = all[p.heard:min(len(all), p.heard+len(want))]
		return len(got) == len(want) || !slices.Equal(got, want[:len(got)])
	})
	if err != nil || !slices.Equal(got, want) {
		return wrong("heard %q, must be %q (%v)", got, want, err)
	}
	p.heard += len(want)
	return nil
}

// handOver gives away the goods of the sale that is paid.
func (p *person) handOver(*testscript.TestScript, []string) error {
	ctx, cancel := waiting()
	defer cancel()
	s, err := p.w.Till.State(ctx)
	if err != nil {
		return err
	}
	if s.Verdict == nil {
		return wrong("there is no verdict on the page")
	}
	return p.w.Till.HandOver(ctx, s.Verdict.Payment)
}

func (p *person) cancel(*testscript.TestScript, []string) error {
	ctx, cancel := waiting()
	defer cancel()
	return p.w.Till.Cancel(ctx, p.sale)
}

func (p *person) backend(_ *testscript.TestScript, args []string) error {
	switch strings.Join(args, " ") {
	case "holds":
		return p.w.Backend().Set(backendsim.Fault{Kind: backendsim.Delay})
	case "answers":
		p.w.Backend().Clear(backendsim.Delay)
		return nil
	case "declines":
		return p.w.Backend().Set(backendsim.Fault{Kind: backendsim.Refuse, Count: 1})
	}
	return errUsage
}

func (p *person) cut(*testscript.TestScript, []string) error {
	ctx, cancel := waiting()
	defer cancel()
	return p.w.CutLine(ctx)
}

func (p *person) crash(*testscript.TestScript, []string) error {
	ctx, cancel := waiting()
	defer cancel()
	p.w.KillDaemon()
	if err := p.w.StartDaemon(ctx); err != nil {
		return err
	}
	return p.w.Ready(ctx)
}
