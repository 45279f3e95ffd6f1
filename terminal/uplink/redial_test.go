package uplink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sekisho/terminal/wire"
)

// Before the first session and between two nothing is taken; each session is
// told in its turn.
func TestReconnects(t *testing.T) {
	s := &till{}
	sessions := int64(0)
	b := &backend{serve: func(c *conn) {
		sessions++
		c.welcome(sessions)
		c.SetReadDeadline(time.Now().Add(silence))
		c.drain()
	}}
	line(t, b, s, func(t *testing.T, l *Link, _ func()) {
		after(time.Hour)
		words := strings.Split(s.heard(), ", ")
		if len(words) < 2*120 { // six seconds up, at most 24 down
			t.Fatalf("%d sessions in an hour", len(words)/2)
		}
		for i, w := range words {
			if want := fmt.Sprintf("up %d", i/2+1); i%2 == 0 && w != want || i%2 == 1 && w != "down" {
				t.Fatalf("word %d is %q", i, w)
			}
		}
	})
}

// While nobody answers the dials come ever more rarely, at most a minute apart.
func TestBacksOff(t *testing.T) {
	b := &backend{}
	line(t, b, &till{}, func(t *testing.T, _ *Link, _ func()) {
		after(4 * time.Hour)
		dials := b.dialled()
		// Half a minute in the mean: 480 in 4 hours, and a handful at first.
		if len(dials) < 300 || len(dials) > 800 {
			t.Fatalf("%d dials in four hours", len(dials))
		}
		for i := 1; i < len(dials); i++ {
			if gap := dials[i].Sub(dials[i-1]); gap > longest {
				t.Fatalf("%v between two dials", gap)
			}
		}
	})
}

// Full jitter: any wait from nothing up to a bound that doubles to a minute.
func TestDelay(t *testing.T) {
	for failures, bound := range []time.Duration{
		3 * time.Second, 6 * time.Second, 12 * time.Second, 24 * time.Second, 48 * time.Second, time.Minute, time.Minute,
	} {
		if got := Delay(firstDelay, failures, 0); got != 0 {
			t.Errorf("after %d failures at least %v", failures, got)
		}
		if got := Delay(firstDelay, failures, 0.5); got != bound/2 {
			t.Errorf("after %d failures half is %v, want %v", failures, got, bound/2)
		}
		if got := Delay(firstDelay, failures, 1); got != bound {
			t.Errorf("after %d failures at most %v, want %v", failures, got, bound)
		}
	}
	if got := Delay(firstDelay, 1<<40, 1); got != time.Minute {
		t.Errorf("after very many failures %v", got)
	}
	// A development's pace stays one, and nobody waits more than a policy's first
	// bound where that is the longest.
	for first, most := range map[time.Duration]time.Duration{100 * time.Millisecond: 2 * time.Second, time.Minute: time.Minute} {
		if got := Delay(first, 30, 1); got != most {
			t.Errorf("with a first bound of %v at most %v, want %v", first, got, most)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, c := range map[string]struct{ plain, insecure bool }{
		"wss://pay.example/v1":   {true, true},
		"wss://127.0.0.1:9/":     {true, true},
		"ws://127.0.0.1:9/":      {false, true},
		"ws://[::1]:9/":          {false, true},
		"ws://127.9.9.9/":        {false, true},
		"ws://localhost:9/":      {false, false}, // a name may lead anywhere
		"ws://192.168.0.9/":      {false, false},
		"ws://0.0.0.0/":          {false, false},
		"ws://127.0.0.1.example": {false, false},
		"http://127.0.0.1/":      {false, false},
		"127.0.0.1:9":            {false, false},
		"wss://":                 {false, false},
		"":                       {false, false},
		"ws://%zz":               {false, false},
	} {
		for insecure, want := range map[bool]bool{false: c.plain, true: c.insecure} {
			if _, err := New(Config{URL: address, Insecure: insecure}); (err == nil) != want || err != nil && !errors.Is(err, ErrURL) {
				t.Errorf("%q, insecure %v: %v, want taken %v", address, insecure, err, want)
			}
		}
	}
}

// Once over a real socket: what net.Pipe does not have, such as buffers, is in
// nobody's way.
func TestRealSocket(t *testing.T) {
	got := make(chan wire.Message, 1)
	b := &backend{t: t, protocols: []string{wire.Subprotocol}, serve: func(c *conn) {
		c.welcome(1)
		got <- c.read()
		c.drain()
	}}
	server := httptest.NewServer(b)
	defer server.Close()
	l, err := New(Config{URL: "ws" + strings.TrimPrefix(server.URL, "http"), Insecure: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s := &till{onUp: func() {
		if !l.Send(query("q1")) {
			t.Error("refused")
		}
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, s) }()
	select {
	case m := <-got:
		if m.ID != "q1" {
			t.Errorf("%s", m)
		}
	case <-ctx.Done():
		t.Error("no message came")
	}
	cancel()
	if err := <-ended; err != nil || s.heard() != "up 1, down" {
		t.Errorf("%v: %s", err, s.heard())
	}
}

// Redial ends the session, and another begins with a hello of its own.
func TestRedialBeginsAnotherSession(t *testing.T) {
	sessions := int64(0)
	b := &backend{serve: func(c *conn) { sessions++; c.welcome(sessions); c.drain() }}
	s := &till{}
	line(t, b, s, func(t *testing.T, l *Link, _ func()) {
		after(time.Second)
		l.Redial()
		after(firstDelay + time.Second)
		if got := s.heard(); got != "up 1, down, up 2" {
			t.Fatal(got)
		}
	})
}

func TestRedialWithoutASessionDoesNothing(t *testing.T) {
	l, err := New(Config{URL: "wss://pay.example/v1"})
	if err != nil {
		t.Fatal(err)
	}
	l.Redial()
}
