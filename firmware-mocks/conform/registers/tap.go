package registers

import (
	"net/http"
	"sync"

	"sekisho/terminal/wire"
)

// tap stands between register and kit, for the kit's own tests: what it does with
// what passes makes of a register that keeps the rules one that does not. The zero
// tap changes nothing.
type tap struct {
	up      func(*link, wire.Message) []wire.Message                 // what comes in place of a message
	down    func(l *link, kind int, data []byte) (int, []byte, bool) // and of the backend's bytes
	dial    func(*dial)
	ping    func(*link) bool    // whether the kit sees a ping
	upgrade http.Header         // in place of a rule's own
	noPongs bool                // the kit sees no pong
	pongs   bool                // pings are answered, whatever the rule says
	request func(*http.Request) // what came to be enrolled
	renewal func(*asked)
	deaf    bool // the kit's wrong acts do not happen; see play.act

	mu    *sync.Mutex
	count map[string]int
	words map[string]wire.Message
}

func (t *tap) onUp(l *link, m wire.Message) []wire.Message {
	if t.up == nil {
		return []wire.Message{m}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.up(l, m)
}

func (t *tap) onDown(l *link, kind int, data []byte) (int, []byte, bool) {
	if t.down == nil {
		return kind, data, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.down(l, kind, data)
}

func (t *tap) onDial(d *dial) {
	if t.dial != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.dial(d)
	}
}

func (t *tap) onPing(l *link) bool { return t.ping == nil || t.ping(l) }

func (t *tap) onUpgrade(h http.Header) http.Header {
	if t.upgrade != nil {
		return t.upgrade
	}
	return h
}

func (t *tap) onRequest(r *http.Request) {
	if t.request != nil {
		t.request(r)
	}
}

func (t *tap) onRenewal(a *asked) {
	if t.renewal != nil {
		t.renewal(a)
	}
}
