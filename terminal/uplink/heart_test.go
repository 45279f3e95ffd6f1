package uplink

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Each ping counts once, by its own pong, or as unanswered when the next one goes.
func TestRoundTrips(t *testing.T) {
	var lag atomic.Int64
	s := &till{}
	b := &backend{serve: func(c *conn) {
		c.welcome(1)
		c.SetPingHandler(func(data string) error {
			<-time.After(time.Duration(lag.Load())) // the rest waits behind it, as on a real line
			return c.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		})
		c.drain()
	}}
	line(t, b, s, func(t *testing.T, _ *Link, _ func()) {
		after(10*pingEvery + time.Second)
		if got := s.tripsWere(); len(got) != 10 || got[9] != 0 {
			t.Fatalf("%v", got)
		}
		lag.Store(int64(1500 * time.Millisecond))
		after(10*pingEvery + time.Second)
		if got := s.tripsWere(); len(got) < 9 || got[len(got)-1] != 1500*time.Millisecond {
			t.Fatalf("%v", got)
		}
		lag.Store(int64(3 * time.Second))
		after(10 * pingEvery)
		if got := s.tripsWere(); len(got) < 4 || got[len(got)-1] < pingEvery {
			t.Fatalf("%v", got)
		}
	})
}

func TestHeart(t *testing.T) {
	var h heart
	now := time.Unix(0, 0)
	first, lost := h.beat(now, time.Second)
	if string(first) != "1" || lost != nil {
		t.Fatal(string(first), lost)
	}
	if _, ok := h.pong("7", now); ok {
		t.Error("a pong of no ping")
	}
	if _, ok := h.pong("", now); ok {
		t.Error("a pong with nothing in it")
	}
	second, lost := h.beat(now.Add(499*time.Millisecond), time.Second) // a burst after a full line
	if lost != nil {
		t.Error(lost)
	}
	if took, ok := h.pong(string(first), now.Add(900*time.Millisecond)); !ok || took != 900*time.Millisecond {
		t.Error("an older ping's pong counts for that one", took, ok)
	}
	if _, ok := h.pong(string(first), now.Add(time.Second)); ok {
		t.Error("counted twice")
	}
	_, lost = h.beat(now.Add(1400*time.Millisecond), time.Second) // 901 ms after the second
	if len(lost) != 1 || lost[0] != time.Second {
		t.Error(lost)
	}
	if _, ok := h.pong(string(second), now.Add(2*time.Second)); ok {
		t.Error("a ping that was given up was answered")
	}
	if len(h.sent) != 1 {
		t.Errorf("%d pings are kept", len(h.sent))
	}
}
