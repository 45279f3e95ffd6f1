package backendsim

import (
	"encoding/binary"
	"strings"
	"time"

	"sekisho/terminal/wire"
)

// nobodys is the id of a payment and of a message that no register made.
const nobodys = "01900000-0000-7000-8000-000000000000"

// lies are what is done to an answer that is about to leave, in this order.
var lies = []struct {
	kind FaultKind
	tell func(*wire.Message)
}{
	{Withhold, func(m *wire.Message) { m.Answer = withAnswer(m, func(a *wire.Answer) { a.Grants = nil }) }},
	{Misprice, func(m *wire.Message) { m.Answer = withAnswer(m, func(a *wire.Answer) { a.Amount++ }) }},
	{OtherPayment, func(m *wire.Message) {
		m.Answer = withAnswer(m, func(a *wire.Answer) { a.Payment = nobodys })
		m.Ack = withAck(m, func(a *wire.Ack) { a.Payment = nobodys })
	}},
	{OddWord, func(m *wire.Message) {
		m.Answer = withAnswer(m, func(a *wire.Answer) { a.Outcome = "perhaps" })
		m.Ack = withAck(m, func(a *wire.Ack) { a.Status = "perhaps" })
	}},
	{OldSession, func(m *wire.Message) { m.Session-- }},
}

func withAnswer(m *wire.Message, change func(*wire.Answer)) *wire.Answer {
	if m.Answer == nil {
		return nil
	}
	a := *m.Answer
	change(&a)
	return &a
}

func withAck(m *wire.Message, change func(*wire.Ack)) *wire.Ack {
	if m.Ack == nil {
		return nil
	}
	a := *m.Ack
	change(&a)
	return &a
}

// reply sends the answer to a message of a type, as the faults will have it.
func (l *link) reply(to wire.Type, m wire.Message) {
	take := func(k FaultKind) (Fault, bool) { return l.b.faults.take(k, to) }
	if _, odd := take(OddType); odd {
		l.queue(frame{data: []byte(`{"v":1,"type":"surprise","id":"b-surprise","surprise":{}}`)})
	}
	m = l.called(m)
	for _, lie := range lies {
		if _, told := take(lie.kind); told {
			lie.tell(&m)
		}
	}
	if _, stray := take(Stray); stray {
		l.put(astray(m))
	}
	if _, huge := take(Huge); huge {
		l.queue(frame{pad: hugeFrame})
		return
	}
	if f, late := take(Reorder); late {
		l.keepBack(f, m)
		return
	}
	l.put(m)
	l.letGo()
}

// keepBack sends an answer once another has passed it, or when its time has come.
func (l *link) keepBack(f Fault, m wire.Message) {
	l.mu.Lock()
	l.kept = append(l.kept, m)
	l.mu.Unlock()
	l.work.Go(func() {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-l.ctx.Done():
		case <-timer.C:
			l.letGo()
		}
	})
}

// letGo sends what was kept back.
func (l *link) letGo() {
	l.mu.Lock()
	kept := l.kept
	l.kept = nil
	l.mu.Unlock()
	for _, m := range kept {
		l.put(m)
	}
}

// astray is a copy of an answer, for a message that nobody sent.
func astray(m wire.Message) wire.Message {
	m.Re = nobodys
	m.Answer = withAnswer(&m, func(a *wire.Answer) { a.Payment = nobodys })
	m.Ack = withAck(&m, func(a *wire.Ack) { a.Payment = nobodys })
	return m
}

// pushes sends what a lying backend says after its answer to a message of a type.
func (l *link) pushes(after wire.Type) {
	if f, now := l.b.faults.take(PushPolicy, after); now {
		if f.Note == "" {
			f.Note = forged(l.b.inForce().note)
		}
		l.send(wire.Message{Type: wire.TypePolicy, Policy: &wire.Policy{Note: f.Note}})
	}
	if f, now := l.b.faults.take(PushFreeze, after); now {
		if f.Note == "" {
			f.Note = forged(l.b.inForce().note)
		}
		l.send(wire.Message{Type: wire.TypeFreeze, Freeze: &wire.Freeze{Note: f.Note}})
	}
}

// forged is a note whose text is another than the one that was signed.
func forged(note string) string {
	return strings.Replace(note, "version = ", "version = 9", 1)
}

// hugeFrame is the size of Huge's frame in bytes.
const hugeFrame = 100 << 20

// pour writes the bytes of one text frame of a size, white space all of it, past
// the websocket's own writer, which would need them all at once.
func (l *link) pour(size int64) error {
	header := binary.BigEndian.AppendUint64([]byte{0x81, 127}, uint64(size))
	if _, err := l.line.Write(header); err != nil {
		return err
	}
	for chunk := []byte(strings.Repeat(" ", 1<<16)); size > 0; {
		n, err := l.line.Write(chunk[:min(size, int64(len(chunk)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}
