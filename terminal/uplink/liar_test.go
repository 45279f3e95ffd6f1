package uplink

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }

// acceptKey is RFC 6455, section 4.2.2.
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// What is well formed and does not belong on this line, or not in this direction,
// is answered with an error, reaches no till, and the line stays.
func TestALiesOfTheBackendAreRefused(t *testing.T) {
	hello := wire.Message{
		Type: wire.TypeHello, ID: "x", Incarnation: "i", Journal: &wire.Head{Root: strings.Repeat("0", 64)},
		Hello: &wire.Hello{Register: "r1", Store: "s1"},
	}
	upward := query("x")
	upward.Session = 1
	for name, c := range map[string]struct {
		m    wire.Message
		want wire.ErrorCode
	}{
		"another welcome":      {wire.Message{Type: wire.TypeWelcome, ID: "x", Re: "h1", Session: 2, Welcome: &wire.Welcome{Session: 2, Time: 1}}, wire.CodeRefused},
		"the same welcome":     {wire.Message{Type: wire.TypeWelcome, ID: "x", Re: "h1", Session: 1, Welcome: &wire.Welcome{Session: 1, Time: 1}}, wire.CodeRefused},
		"a hello":              {hello, wire.CodeType},
		"a query":              {upward, wire.CodeType},
		"an older session":     {wire.Message{Type: wire.TypeGrants, ID: "x", Session: 4, Grants: &wire.Grants{}}, wire.CodeSession},
		"counters of somebody": {wire.Message{Type: wire.TypeGrants, ID: "x", Session: 5, Incarnation: "i", Journal: hello.Journal, Grants: &wire.Grants{Counters: []wire.Counter{{Cap: "c", Window: "2026-01-01"}}}}, wire.CodeType},
	} {
		t.Run(name, func(t *testing.T) {
			s, got := &till{}, make(chan wire.Message, 1)
			b := &backend{serve: func(k *conn) {
				k.welcome(5)
				k.write(c.m)
				k.write(wire.Message{Type: wire.TypeGrants, ID: "next", Session: 5, Grants: &wire.Grants{}})
				got <- k.read()
				k.drain()
			}}
			line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
				if s.heard() != "up 5, got next" {
					t.Fatal(s.heard())
				}
				if m := <-got; m.Type != wire.TypeError || m.Re != "x" || m.Error.Code != c.want {
					t.Fatalf("answered by %s %+v", m, m.Error)
				}
			})
		})
	}
}

// I8: a backend that holds our hello for a later session than we do, as where it
// reached it twice, would refuse all of ours and we all of its messages. The link
// says hello anew.
func TestI8ALaterSessionOfTheBackendsBeginsAnew(t *testing.T) {
	for name, m := range map[string]wire.Message{
		"a message":       {Type: wire.TypeGrants, ID: "x", Session: 6, Grants: &wire.Grants{}},
		"a second answer": {Type: wire.TypeWelcome, ID: "x", Re: "h1", Session: 6, Welcome: &wire.Welcome{Session: 6, Time: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &till{}
			var hellos atomic.Int64
			b := &backend{serve: func(k *conn) {
				if n := hellos.Add(1); n == 1 {
					k.welcome(5)
					k.write(m)
				} else {
					k.welcome(5 + n)
				}
				k.drain()
			}}
			line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
				after(silence)
				if got := s.heard(); !strings.HasPrefix(got, "up 5, down, up 7") {
					t.Fatal(got)
				}
			})
		})
	}
}

// Ten messages that cannot be read are borne, the next ends the line. A type that
// is not known is borne for ever: a newer backend may speak it. Of neither is the
// log flooded.
func TestI8FloodsOfWhatCannotBeTaken(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		times int
		ends  bool
	}{
		"ten of no shape":      {`{`, 10, false},
		"eleven of no shape":   {`{`, 11, true},
		"eleven of no version": {`{"v":9,"type":"grants","id":"x"}`, 11, true},
		"eleven of no body":    {`{"v":1,"type":"ack","id":"x"}`, 11, true},
		"errors that are none": {`{"v":1,"type":"error","id":"x"}`, 11, true},
		"a thousand of tea":    {`{"v":1,"type":"tea","id":"x"}`, 1000, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &till{}
			var log bytes.Buffer
			b := &backend{log: slog.New(slog.NewTextHandler(&log, nil)), serve: func(k *conn) {
				k.welcome(1)
				<-k.b.release
				go k.drain()
				for range c.times {
					k.WriteMessage(websocket.TextMessage, []byte(c.text))
				}
				<-k.b.closed
			}}
			line(t, b, s, func(t *testing.T, l *Link, _ func()) {
				close(b.release)
				after(time.Microsecond) // before another session
				if want := map[bool]string{true: string(terminal.LineProtocol)}[c.ends]; strings.Split(s.reasons(), ",")[0] != want {
					t.Fatalf("%q", s.reasons())
				}
			})
			if n := strings.Count(log.String(), "cannot be taken"); n > maxOdd {
				t.Errorf("%d lines in the log", n)
			}
		})
	}
}

// An error is never answered with an error, however many come.
func TestI8ErrorsAreNotAnswered(t *testing.T) {
	s, got := &till{}, make(chan wire.Message, 1)
	b := &backend{serve: func(k *conn) {
		k.welcome(2)
		for i := range 500 { // every other one under the number of another session
			k.write(wire.Message{Type: wire.TypeError, ID: fmt.Sprint("e", i), Re: "q", Session: int64(i%2 + 1), Error: &wire.Error{Code: "tea"}})
		}
		if m := k.read(); m.ID != "" {
			got <- m
		}
	}}
	line(t, b, s, func(t *testing.T, _ *Link, stop func()) {
		after(time.Second)
		stop()
		if len(got) > 0 || !strings.Contains(s.heard(), "got e499") {
			t.Error("an error was answered")
		}
	})
}

// I8: a welcome that brings a large policy over a narrow line is waited for, as any
// message is, or the register would never hear it; one without end is not.
func TestI8AWelcomeMayComeSlowly(t *testing.T) {
	for name, c := range map[string]struct {
		bytes int // ten of them each second
		comes bool
	}{
		"over a narrow line": {280, true},
		"without end":        {1 << 20, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &till{}
			b := &backend{serve: func(k *conn) {
				text := `{"v":1,"type":"welcome","id":"w1","re":"` + k.read().ID + `","welcome":{"session":1,"time":1}}`
				text += strings.Repeat(" ", c.bytes-len(text))
				k.NetConn().Write(binary.BigEndian.AppendUint64([]byte{0x81, 127}, uint64(len(text))))
				for ; text != ""; text = text[10:] {
					if _, err := k.NetConn().Write([]byte(text[:10])); err != nil {
						return
					}
					select {
					case <-time.After(time.Second):
					case <-k.b.closed:
						return
					}
				}
				k.drain()
			}}
			line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
				after(messageTime*silence - time.Second)
				if s.reasons() != "" || c.comes != (s.heard() == "up 1") {
					t.Fatalf("%s: %s", s.heard(), s.reasons())
				}
				after(1100 * time.Millisecond)
				if !c.comes && s.reasons() != string(terminal.LineSilent) {
					t.Fatalf("%s: %q", s.heard(), s.reasons())
				}
			})
		})
	}
}

// I8: of an answer to the dial that does not end no more is read than one may have.
func TestI8AnAnswerToTheDialWithoutEnd(t *testing.T) {
	s := &till{}
	b := &backend{serve: func(*conn) {}, answer: func(w http.ResponseWriter) {
		w.Header().Set("X", strings.Repeat("x", 2*greetingMost))
		w.WriteHeader(http.StatusForbidden)
	}}
	line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
		if s.reasons() != string(terminal.LineProtocol) {
			t.Fatalf("%s: %q", s.heard(), s.reasons())
		}
	})
}
