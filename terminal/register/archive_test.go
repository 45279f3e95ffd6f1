package register_test

import (
	"encoding/base64"
	"time"

	"sekisho/terminal/wire"
)

// archive is what a backend does with leaves: it keeps those that go on from
// what it has.
type archive struct {
	keeper
	leaves []string
}

// takes acknowledges the latest checkpoint; those before it, if any, were lost.
func (a *archive) takes() {
	a.w.t.Helper()
	if sent := a.w.line.take(wire.TypeCheckpoint); len(sent) > 0 {
		a.keeps(sent[len(sent)-1])
	}
}

// took gives the message with leaves that is on its way, and keeps them; the
// acknowledgement is up to the test. It wants one message at most.
func (a *archive) took() (m wire.Message, came bool) {
	a.w.t.Helper()
	sent := a.w.line.take(wire.TypeJournal)
	if len(sent) == 0 {
		return m, false
	}
	if len(sent) > 1 {
		a.w.t.Fatalf("%d messages on their way at once", len(sent))
	}
	a.keepsLeaves(sent[0])
	return sent[0], true
}

// keepsLeaves keeps those of a message.
func (a *archive) keepsLeaves(m wire.Message) {
	a.w.t.Helper()
	e := m.Entries
	if e.From > int64(len(a.leaves)) || e.From+int64(len(e.Leaves)) > a.kept.Size {
		a.w.t.Fatalf("%d leaves from %d on; it has %d, the checkpoint %d", len(e.Leaves), e.From, len(a.leaves), a.kept.Size)
	}
	for i, text := range e.Leaves {
		raw, err := base64.StdEncoding.DecodeString(text)
		a.w.must(err)
		switch at := e.From + int64(i); {
		case at == int64(len(a.leaves)):
			a.leaves = append(a.leaves, string(raw))
		case a.leaves[at] != string(raw):
			a.w.t.Fatalf("leaf %d came as another one", at)
		}
	}
}

func (a *archive) acks(m wire.Message, change ...func(*wire.Ack)) {
	a.w.t.Helper()
	ack := &wire.Ack{Of: wire.TypeJournal, Status: wire.StatusAccepted, Size: int64(len(a.leaves)), Time: time.Now().UnixMilli()}
	for _, c := range change {
		c(ack)
	}
	a.w.receive(wire.Message{Type: wire.TypeAck, Re: m.ID, Ack: ack})
}

// all takes and acknowledges until nothing more comes.
func (a *archive) all() {
	a.w.t.Helper()
	for a.takes(); ; {
		m, came := a.took()
		if !came {
			return
		}
		a.acks(m)
	}
}

// welcomes opens a session by what the backend has.
func (a *archive) welcomes(change ...func(*wire.Welcome)) {
	a.w.t.Helper()
	a.w.down()
	a.w.line.take(wire.TypeCheckpoint)
	a.w.line.take(wire.TypeJournal)
	a.w.welcomed(func(m *wire.Welcome) {
		m.Checkpoint, m.Uploaded = headOnWire(a.kept), int64(len(a.leaves))
		for _, c := range change {
			c(m)
		}
	})
}

// opens begins a session and takes all that comes.
func (a *archive) opens(change ...func(*wire.Welcome)) {
	a.w.t.Helper()
	a.welcomes(change...)
	a.all()
}

// wantWhole says that the backend has every leaf of its checkpoint, as they are
// in the ledger.
func (a *archive) wantWhole() {
	a.w.t.Helper()
	if int64(len(a.leaves)) != a.kept.Size {
		a.w.t.Fatalf("%d leaves of a checkpoint of %d", len(a.leaves), a.kept.Size)
	}
	list, err := a.w.disk.Entries(a.w.t.Context(), 0, len(a.leaves))
	a.w.must(err)
	for i, l := range list {
		if string(l.Bytes) != a.leaves[i] {
			a.w.t.Fatalf("leaf %d is another one", i)
		}
	}
}
