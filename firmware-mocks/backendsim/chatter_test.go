package backendsim

import (
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"sekisho/terminal/wire"
)

// I8: what nobody decides is read no faster than maxChatter in a span, and who says
// too much of it waits: its link stays, and all is answered.
func TestI8ChatterIsReadSlowly(t *testing.T) {
	const span = 100 * time.Millisecond
	w := newWorld(t)
	w.hurry = func(d *deadlines) { d.chatter = span }
	w.start()
	t.Cleanup(w.stop)
	other := w.till("r2", "i1")
	for name, say := range map[string]func(*till){
		"pings": func(r *till) { must(t, r.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience))) },
		"pongs": func(r *till) { must(t, r.conn.WriteControl(websocket.PongMessage, nil, time.Now().Add(patience))) },
		"messages of no known type": func(r *till) {
			must(t, r.conn.WriteMessage(websocket.TextMessage, []byte(`{"v":1,"type":"surprise","id":"x"}`)))
			refused(t, r.push(wire.TypeError), wire.CodeType)
		},
	} {
		r := w.till("r1", "i1")
		began := time.Now()
		for range 2*maxChatter + 1 {
			say(r)
		}
		unharmed(t, w, other)
		outcome(t, r.ask(w.query(newID(t))), wire.OutcomeNotSeen, "")
		if took := time.Since(began); took < 2*span {
			t.Errorf("%d %s were read in %v", 2*maxChatter+1, name, took)
		}
	}
}

func TestChatterHasItsSpan(t *testing.T) {
	var c chatter
	for i := range maxChatter {
		if wait := c.wait(noon.Add(time.Duration(i)*time.Millisecond), time.Second); wait != 0 {
			t.Fatalf("number %d waits %v", i, wait)
		}
	}
	if wait := c.wait(noon.Add(400*time.Millisecond), time.Second); wait != 600*time.Millisecond {
		t.Errorf("one more waits %v", wait)
	}
	for range maxChatter - 1 {
		if wait := c.wait(noon.Add(time.Second), time.Second); wait != 0 {
			t.Fatalf("in the next span one waits %v", wait)
		}
	}
	if wait := c.wait(noon.Add(time.Second), time.Second); wait != time.Second {
		t.Errorf("one more in the next span waits %v", wait)
	}
	if wait := c.wait(noon.Add(time.Hour), time.Second); wait != 0 {
		t.Errorf("an hour later one waits %v", wait)
	}
}
