package registers

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/wire"
)

var journalRules = []rule{
	{"checkpoint.first", "Where the backend keeps none a checkpoint comes after the welcome, signed by the key of enrolment, from size 0.", points, checkpointFirst},
	{"checkpoint.extends", "The next one proves that the journal extends the one that the welcome named.", points, checkpointExtends},
	{"checkpoint.stop", "At a clean stop a checkpoint comes, over what was written since.", points, checkpointStop},
	{"checkpoint.nothing", "Without a change since the one that is kept none comes.", points, checkpointNothing},
	{"challenge.met", "A challenge is answered with the next checkpoint: the leaf's hash and its audit path in the tree of that size.", theWho, challengeMet},
	{"challenge.first", "Until the proof is acknowledged nothing else goes up; a customer's payment goes right after it.", theWho, challengeFirst},
	{"upload.order", "Leaves come in order from the first, one message at a time, and their tree has the checkpoint's root.", theUpload, uploadOrder},
	{"upload.from", "The upload goes on from what the welcome says.", theUpload, uploadFrom},
	{"upload.size", "The upload goes on from what the acknowledgement says.", theUpload, uploadSize},
	{"upload.checkpoint", "No leaf comes beyond the last checkpoint that is kept.", theUpload, uploadCheckpoint},
	{"upload.refused", "After an error nothing more is uploaded in that session.", theUpload, uploadRefused},
}

// verifier is of the register's checkpoints.
func (p *play) verifier() note.Verifier {
	var v note.Verifier
	var err error
	if p.secured() {
		v, err = journal.NewVerifier(origin(), p.who.key)
	} else {
		var text []byte
		if text, err = os.ReadFile(filepath.Join(p.dir, "operator", registerID+".vkey")); err == nil {
			v, err = note.NewVerifier(strings.TrimSpace(string(text)))
		}
	}
	if err != nil {
		p.fail("the kit has no key of the register: %w", err)
	}
	return v
}

// opened wants a checkpoint to be signed by the register, and gives its head.
func (p *play) opened(c *wire.Checkpoint) journal.Head {
	if p.over() {
		return journal.Head{}
	}
	head, err := journal.OpenCheckpoint(c.Note, origin(), p.verifier())
	p.want(err == nil, "the checkpoint is not signed by the register's key, or is of another journal: %v", err)
	return head
}

// point waits for a checkpoint, which the rule answers.
func (l *link) point() received { return l.want(wire.TypeCheckpoint) }

// joins takes the next dial and welcomes it; messages of the types the rule answers.
func (p *play) joins(change func(*wire.Hello, *wire.Welcome), types ...wire.Type) *link {
	l := p.link()
	l.byHand(types...)
	l.greet(change)
	return l
}

func checkpointFirst(p *play) {
	p.start()
	m := p.joins(nil, wire.TypeCheckpoint).point()
	head := p.opened(m.Checkpoint)
	p.want(head.Size > 0 && head.Size <= m.Journal.Size, "the checkpoint has %d entries, the journal %d", head.Size, m.Journal.Size)
	p.want(m.Checkpoint.From == 0 && len(m.Checkpoint.Proof) == 0, "the first checkpoint proves something from size %d", m.Checkpoint.From)
	p.want(head.Size != m.Journal.Size || head.Hex() == m.Journal.Root, "the checkpoint's root is another than the envelope's")
}

func checkpointExtends(p *play) {
	l := p.begin()
	p.known(l)
	l.works()
	l.close(1000)
	next := p.joins(nil, wire.TypeCheckpoint)
	m := next.point()
	p.extends(m.Checkpoint)
}

// known waits until the backend keeps a checkpoint and all leaves of it, and gives
// its size.
func (p *play) known(l *link) int64 {
	l.works()
	p.untilKept()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		return 0
	}
	return p.kept.Size
}

// extends wants a checkpoint to prove that it extends the one that is kept.
func (p *play) extends(c *wire.Checkpoint) {
	head := p.opened(c)
	if p.over() {
		return
	}
	p.mu.Lock()
	kept := *p.kept
	p.mu.Unlock()
	p.want(c.From == kept.Size, "the proof is from size %d, the checkpoint that is kept has %d", c.From, kept.Size)
	p.want(head.Size > kept.Size, "the checkpoint of size %d follows one of size %d", head.Size, kept.Size)
	if !p.over() {
		err := tlog.CheckTree(tlog.TreeProof(hashes(c.Proof)), head.Size, head.Root, kept.Size, hash(kept.Root))
		p.want(err == nil, "the proof does not hold: %v", err)
	}
}

func hashes(list []string) []tlog.Hash {
	var out []tlog.Hash
	for _, h := range list {
		out = append(out, hash(h))
	}
	return out
}

func hash(text string) (h tlog.Hash) {
	raw, err := hex.DecodeString(text)
	if err == nil {
		copy(h[:], raw)
	}
	return h
}

func checkpointStop(p *play) {
	l := p.begin()
	p.known(l)
	l.works()
	l.byHand(wire.TypeCheckpoint)
	if p.over() {
		return
	}
	p.stopping()
	m := l.point()
	p.extends(m.Checkpoint)
	l.write(wire.Message{Type: wire.TypeAck, Re: m.ID, Ack: &wire.Ack{Of: wire.TypeCheckpoint, Status: wire.StatusAccepted, Time: now()}})
	l.ends(p.k.cfg.Patience)
}

func checkpointNothing(p *play) {
	l := p.begin()
	p.known(l)
	l.close(1000)
	same := p.link()
	hello := same.first(wire.TypeHello)
	if p.over() {
		return
	}
	p.mu.Lock()
	p.kept = hello.Journal // it is kept up to the last entry
	p.leaves = make([][]byte, hello.Journal.Size)
	p.mu.Unlock()
	same.welcome(hello.Message, nil)
	p.ready()
	same.noteTold(same.push(p.note(p.rules) + "no signature\n")) // it has had its time to say more
	p.none(same, wire.TypeCheckpoint)
}

func challengeMet(p *play) {
	l := p.begin()
	p.known(l)
	p.restart(true)
	index := int64(1)
	next := p.joins(func(_ *wire.Hello, w *wire.Welcome) { w.Challenge = &index }, wire.TypeCheckpoint)
	m := next.point()
	p.extends(m.Checkpoint)
	leaf := m.Checkpoint.Leaf
	p.want(leaf != nil, "the checkpoint carries no leaf")
	if p.over() {
		return
	}
	p.want(leaf.Index == index, "the leaf is %d, not %d", leaf.Index, index)
	p.mu.Lock()
	defer p.mu.Unlock()
	err := tlog.CheckRecord(hashes(leaf.Proof), p.kept.Size, hash(p.kept.Root), index, hash(leaf.Hash))
	right := hash(leaf.Hash) == tlog.RecordHash(p.leaves[index])
	if err != nil || !right {
		p.err = errLeaf
	}
}

func challengeFirst(p *play) {
	l := p.begin()
	p.known(l)
	p.restart(true)
	next := p.joins(func(_ *wire.Hello, w *wire.Welcome) { w.Challenge = new(int64) }, wire.TypeCheckpoint)
	m := next.point()
	p.ready()
	p.sell(lunch)
	p.till(func(s scenario.State) bool { return s.Sale != nil && s.Sale.State == terminal.SalePaying }, "a payment that is being decided")
	for _, other := range next.all() {
		p.want(other.Type == wire.TypeHello || other.Type == wire.TypeCheckpoint, "%s came before the proof was acknowledged", other.Type)
		if other.Type == wire.TypeCheckpoint {
			m = other // it may have gone again meanwhile
		}
	}
	next.accept(m)
	a := next.want(wire.TypeAuthorise)
	if p.over() {
		return
	}
	next.approve(a, a.Authorise)
	p.becomes(a.Authorise.Payment, terminal.Approved)
}

// takeLeaves takes what comes by hand until the kept checkpoint is whole.
func (l *link) takeLeaves() {
	p := l.p
	for !p.over() {
		p.mu.Lock()
		have, size := int64(len(p.leaves)), p.kept.Size
		p.mu.Unlock()
		if have >= size {
			return
		}
		m := l.want(wire.TypeJournal)
		if p.over() {
			return
		}
		p.want(m.Entries.From == have, "leaves come from %d on: the backend has %d", m.Entries.From, have)
		p.want(m.Entries.From+int64(len(m.Entries.Leaves)) <= size, "leaves come beyond the checkpoint of size %d", size)
		l.took(m, p.stored(m.Entries))
	}
}

// took acknowledges leaves.
func (l *link) took(m received, size int64) {
	l.write(wire.Message{Type: wire.TypeAck, Re: m.ID, Ack: &wire.Ack{Of: wire.TypeJournal, Status: wire.StatusAccepted, Size: size, Time: now()}})
}

// untilKept waits until the backend keeps a checkpoint, and all leaves of it.
func (p *play) untilKept() {
	for over := time.After(p.k.cfg.Patience); !p.over(); {
		p.mu.Lock()
		whole := p.kept != nil && int64(len(p.leaves)) >= p.kept.Size
		p.mu.Unlock()
		if whole {
			return
		}
		select {
		case <-p.news:
		case <-p.ctx.Done():
			p.fail("the rule took longer than %v", ruleTime)
		case <-over:
			p.fail("no checkpoint came, or not all of its leaves")
		}
	}
}

func uploadOrder(p *play) {
	p.start()
	l := p.joins(nil, wire.TypeJournal)
	m := l.want(wire.TypeJournal)
	p.want(m.Entries.From == 0, "the first leaves are from %d on", m.Entries.From)
	p.want(l.counted(wire.TypeJournal) == 1, "leaves came before the last were acknowledged")
	l.took(m, p.stored(m.Entries))
	l.takeLeaves()
	if p.over() {
		return
	}
	p.mu.Lock()
	got, want := p.replay.Head(), *p.kept
	p.mu.Unlock()
	p.want(got.Hex() == want.Root, "the tree of the leaves has another root than the checkpoint")
}

func uploadFrom(p *play) {
	l := p.begin()
	p.known(l)
	l.works()
	l.close(1000)
	next := p.joins(nil, wire.TypeJournal)
	m := next.want(wire.TypeJournal)
	p.mu.Lock()
	have := int64(len(p.leaves))
	p.mu.Unlock()
	p.want(m.Entries.From == have, "leaves come from %d on, the welcome named %d", m.Entries.From, have)
}

func uploadSize(p *play) {
	p.start()
	l := p.joins(nil, wire.TypeJournal)
	m := l.want(wire.TypeJournal)
	p.want(len(m.Entries.Leaves) > 1, "one leaf came alone")
	l.took(m, 1)
	again := l.want(wire.TypeJournal)
	p.want(again.Entries.From == 1, "leaves come from %d on, the acknowledgement said 1", again.Entries.From)
}

func uploadCheckpoint(p *play) {
	p.start()
	l := p.joins(nil, wire.TypeJournal, wire.TypeCheckpoint)
	c := l.point()
	p.keep(c.Checkpoint)
	p.ready()
	l.works()
	p.want(l.counted(wire.TypeJournal) == 0, "leaves came before a checkpoint was kept")
	l.write(wire.Message{Type: wire.TypeAck, Re: c.ID, Ack: &wire.Ack{Of: wire.TypeCheckpoint, Status: wire.StatusAccepted, Time: now()}})
	l.takeLeaves()
}

func uploadRefused(p *play) {
	p.start()
	l := p.joins(nil, wire.TypeJournal)
	m := l.want(wire.TypeJournal)
	l.write(wire.Message{Type: wire.TypeError, Re: m.ID, Error: &wire.Error{Code: wire.CodeType, Text: "the kit takes no journal"}})
	p.ready()
	l.works()
	l.works()
	p.want(l.counted(wire.TypeJournal) == 1, "leaves came after an error of type")
}
