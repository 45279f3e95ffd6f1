package uplink

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// A message may come slowly, as long as it comes; it does not keep the line up for
// ever.
func TestI8ATrickleEnds(t *testing.T) {
	for name, c := range map[string]struct {
		bytes, each int // sent in all, and at once every second
		comes       bool
	}{
		"a large message over a slow line": {280, 10, true},
		"one without end":                  {1 << 20, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &till{}
			b := &backend{serve: func(k *conn) {
				k.welcome(1)
				text := `{"v":1,"type":"grants","id":"slow","grants":{"grants":[]}}`
				text += strings.Repeat(" ", c.bytes-len(text))
				frame := binary.BigEndian.AppendUint64([]byte{0x81, 127}, uint64(len(text)))
				k.SetPingHandler(func(string) error { return nil }) // no pong fits into a frame
				go k.drain()
				k.NetConn().Write(frame)
				for ; text != ""; text = text[c.each:] {
					if _, err := k.NetConn().Write([]byte(text[:c.each])); err != nil {
						return
					}
					select {
					case <-time.After(time.Second):
					case <-k.b.closed:
						return
					}
				}
				<-k.b.closed
			}}
			line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
				after(messageTime*silence - time.Second)
				if s.reasons() != "" || c.comes != strings.HasSuffix(s.heard(), "got slow") {
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

// Fragments without end, with pongs between them, are one message too.
func TestI8FragmentsWithoutEnd(t *testing.T) {
	s := &till{}
	b := &backend{serve: func(k *conn) {
		k.welcome(1)
		k.NetConn().Write([]byte{0x01, 1, ' '})
		k.NetConn().SetWriteDeadline(time.Time{})
		pings := make(chan string, 100)
		k.SetPingHandler(func(data string) error { pings <- data; return nil })
		go k.drain()
		for {
			for len(pings) > 0 {
				data := <-pings
				k.NetConn().Write(append([]byte{0x8a, byte(len(data))}, data...))
			}
			if _, err := k.NetConn().Write([]byte{0x00, 1, ' '}); err != nil {
				return
			}
			select {
			case <-time.After(time.Second):
			case <-k.b.closed:
				return
			}
		}
	}}
	line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
		after(messageTime*silence - time.Millisecond)
		if s.reasons() != "" {
			t.Fatal(s.reasons())
		}
		after(2 * time.Millisecond)
		if s.reasons() != string(terminal.LineSilent) {
			t.Fatalf("%q", s.reasons())
		}
	})
}

// An extension that nobody offered would let a small frame become a large one.
func TestI8NoCompressionThatWasNotOffered(t *testing.T) {
	address := listen(t, func(c net.Conn) {
		req, err := http.ReadRequest(newReader(c))
		if err != nil {
			return
		}
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n",
			acceptKey(req.Header.Get("Sec-WebSocket-Key")), wire.Subprotocol)
		c.Read(make([]byte, 10_000))
	})
	if got, log := firstReason(t, address); got != terminal.LineProtocol {
		t.Errorf("%q: %s", got, log)
	}
}
