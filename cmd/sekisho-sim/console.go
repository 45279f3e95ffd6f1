package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"sekisho/firmware-mocks/scannersim"
	"sekisho/firmware-mocks/scannersim/unit"
	"sekisho/firmware-mocks/walletsim"
)

// awaitTime is how long await waits where it is not told.
const awaitTime = 10 * time.Second

// errQuit ends the console as the user wished.
var errQuit = errors.New("quit")

// console is a scanner that is told by lines of text what it is shown.
type console struct {
	unit         unit.Unit
	link         string
	seed         uint64
	out, answers io.Writer                     // deeds; what became of commands
	worn         func(image.Image) image.Image // what happens to pictures before they are shown, nil for nothing

	scanner *scannersim.Scanner
	awaited int           // deeds that await has passed
	unwatch func()        // ends the printing of deeds
	watched chan struct{} // closed when all deeds are printed
}

// task does an order with what stood behind it, and gives the line to answer.
type task func(c *console, ctx context.Context, argument string) (answer string, err error)

// order is one command of the console.
type order struct {
	name, argument, does string
	run                  task
}

// orders are all there are, as help lists them.
func orders() []order {
	return []order{
		{"show", "FILE", "hold a picture (PNG) before the scanner", (*console).show},
		{"qr", "TEXT", "hold a QR code before it", drawn(walletsim.QR)},
		{"code128", "TEXT", "hold a Code 128 before it", drawn(walletsim.Code128)},
		{"ean", "DIGITS", "hold an EAN-13 or EAN-8 before it, its check digit may be left out", drawn(walletsim.EAN)},
		{"wear", "[HOW]", "spoil what is shown from now on, or nothing; wear crack 2 7: twice as bad as in life, seed 7; there are " + wears(), (*console).spoil},
		{"unplug", "", "pull its cable", plain((*scannersim.Scanner).Unplug)},
		{"plug", "", "put the cable back; the unit has lost its power meanwhile", plain((*scannersim.Scanner).Plug)},
		{"faults", "[LIST]", "let these go wrong from now on, or nothing; this pulls the cable and puts it back", (*console).strike},
		{"await", "DEED", "wait 10 s for a sound or light, such as beep good, or end with an error; await 30s beep bad waits longer", (*console).await},
		{"help", "", "list the commands", (*console).help},
		{"quit", "", "end", (*console).quit},
	}
}

// drawn shows what draw makes of a text.
func drawn(draw func(string) (image.Image, error)) task {
	return func(c *console, ctx context.Context, text string) (string, error) {
		picture, err := draw(text)
		if err != nil {
			return "", err
		}
		return c.hold(ctx, picture)
	}
}

// hold holds a picture before the scanner, worn if that was asked for.
func (c *console) hold(ctx context.Context, picture image.Image) (string, error) {
	if c.worn != nil {
		picture = c.worn(picture)
	}
	return "read", c.scanner.Show(ctx, picture)
}

// plain does what needs neither time nor text.
func plain(do func(*scannersim.Scanner) error) task {
	return func(c *console, _ context.Context, _ string) (string, error) { return "ok", do(c.scanner) }
}

// open plugs the scanner in, with faults, and prints its deeds.
func (c *console) open(faults *unit.Faults) (err error) {
	c.scanner, err = scannersim.Open(c.link, scannersim.Options{Unit: c.unit, Faults: faults})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.awaited, c.unwatch, c.watched = 0, cancel, make(chan struct{})
	go watch(ctx, c.scanner, c.out, c.watched)
	return nil
}

// watch prints deeds as they come, and the last of them when ctx has ended.
func watch(ctx context.Context, s *scannersim.Scanner, out io.Writer, done chan<- struct{}) {
	defer close(done)
	printed := 0
	for {
		err := s.Await(ctx, func(deeds []unit.Deed) bool { return len(deeds) > printed })
		deeds := s.Deeds()
		for _, deed := range deeds[printed:] {
			fmt.Fprintln(out, deed)
		}
		printed = len(deeds)
		if err != nil {
			return
		}
	}
}

// close pulls the cable for good and prints what is left to print.
func (c *console) close() error {
	err := c.scanner.Close()
	c.unwatch()
	<-c.watched
	return err
}

// run obeys lines until they end, or ctx does.
func (c *console) run(ctx context.Context, in io.Reader) error {
	lines := readLines(ctx, in)
	for {
		select {
		case <-ctx.Done():
			return c.close()
		case line, more := <-lines:
			err := line.err
			if more && err == nil {
				err = c.obey(ctx, line.text)
			}
			if !more || errors.Is(err, errQuit) {
				return c.close()
			}
			if err != nil {
				return errors.Join(err, c.close())
			}
		}
	}
}

// line is one of the input, or why there are no more.
type line struct {
	text string
	err  error
}

// readLines gives the lines of in and closes at its end. A reader cannot be
// interrupted: this outlives ctx until in gives a line.
func readLines(ctx context.Context, in io.Reader) <-chan line {
	lines := make(chan line)
	send := func(l line) bool {
		select {
		case lines <- l:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		for scanner.Scan() {
			if !send(line{text: scanner.Text()}) {
				return
			}
		}
		if err := scanner.Err(); err != nil {
			send(line{err: err})
		}
	}()
	return lines
}

// obey does what a line says. What goes wrong with it is told, and is an error
// only where the console is to end.
func (c *console) obey(ctx context.Context, text string) error {
	name, argument, _ := strings.Cut(strings.TrimLeft(text, " \t"), " ")
	if name == "" {
		return nil
	}
	for _, o := range orders() {
		if o.name != name {
			continue
		}
		if err := o.check(argument); err != nil {
			return c.tell("", err)
		}
		return c.tell(o.run(c, ctx, argument))
	}
	return c.tell("", fmt.Errorf("no command is called %q: type help", name))
}

// check refuses an argument where there is to be none, and its lack.
func (o order) check(argument string) error {
	switch {
	case o.argument == "" && argument != "":
		return fmt.Errorf("%s takes nothing behind it", o.name)
	case o.argument != "" && o.argument[0] != '[' && argument == "":
		return fmt.Errorf("%s wants %s behind it", o.name, o.argument)
	}
	return nil
}

// tell answers an order, and gives back what ends the console. No code that was
// shown is in it.
func (c *console) tell(answer string, err error) error {
	switch {
	case errors.Is(err, errQuit), errors.Is(err, errNotNoticed), errors.Is(err, errNoDeed):
		return err
	case errors.Is(err, scannersim.ErrBlind):
		answer = "not read: the unit is disabled, waits for the till, or has just read this"
	case errors.Is(err, scannersim.ErrUnreadable):
		answer = "not read: there is no code in the picture that a scanner can make out"
	case errors.Is(err, scannersim.ErrUnplugged):
		answer = "not read, or not to its end: the cable is out; type plug"
	case err != nil:
		answer = err.Error()
	}
	fmt.Fprintln(c.answers, answer)
	return nil
}

// show holds a file before the scanner.
func (c *console) show(ctx context.Context, path string) (string, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	picture, err := scannersim.ReadPNG(file)
	if err != nil {
		return "", err
	}
	return c.hold(ctx, picture)
}

// strike replaces the faults, for which the cable must be out.
func (c *console) strike(_ context.Context, list string) (string, error) {
	faults, err := unit.ParseFaults(list, c.seed)
	if err != nil {
		return "", err
	}
	if err := c.close(); err != nil {
		return "", err
	}
	return "ok", c.open(faults)
}

// errNotNoticed ends the console: what a script waits for did not happen.
var errNotNoticed = errors.New("it was not noticed")

// errNoDeed ends it too: a script with a slip in it has tested nothing.
var errNoDeed = errors.New("no unit does this")

// await waits for a deed that no await has passed yet.
func (c *console) await(ctx context.Context, text string) (string, error) {
	name, wait := awaited(text)
	if all := unit.AllDeeds(); !slices.Contains(all, name) {
		return "", fmt.Errorf("await %s: %w: it does %s", name, errNoDeed, quoted(all))
	}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := c.scanner.Await(limited, func(deeds []unit.Deed) bool {
		return slices.Contains(deeds[c.awaited:], name)
	})
	switch {
	case ctx.Err() != nil:
		return "interrupted", nil
	case err != nil:
		return "", fmt.Errorf("await %s: %w within %v", name, errNotNoticed, wait)
	}
	c.awaited += 1 + slices.Index(c.scanner.Deeds()[c.awaited:], name)
	return "ok", nil
}

// quoted lists deeds, some of which are two words.
func quoted(deeds []unit.Deed) string {
	list := make([]string, len(deeds))
	for i, deed := range deeds {
		list[i] = fmt.Sprintf("%q", string(deed))
	}
	return strings.Join(list, ", ")
}

// awaited parts the deed from how long to wait for it.
func awaited(text string) (unit.Deed, time.Duration) {
	first, rest, _ := strings.Cut(text, " ")
	if wait, err := time.ParseDuration(first); err == nil && wait > 0 {
		return unit.Deed(rest), wait
	}
	return unit.Deed(text), awaitTime
}

// help lists the commands.
func (c *console) help(context.Context, string) (string, error) {
	var list []string
	for _, o := range orders() {
		list = append(list, fmt.Sprintf("  %-14s %s", strings.TrimSpace(o.name+" "+o.argument), o.does))
	}
	return strings.Join(list, "\n"), nil
}

// quit ends the console.
func (c *console) quit(context.Context, string) (string, error) { return "", errQuit }
