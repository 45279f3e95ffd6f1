package register

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"crypto/hpke"

	"sekisho/terminal"
	"sekisho/terminal/denials"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
)

// Item is an article of the price file.
type Item struct {
	Name  string
	Price terminal.Yen
}

// Config is what a register is made of.
type Config struct {
	Identity policy.Identity
	Roles    *policy.Roles // of enrolment; newer ones come from the backend
	StoreKey []byte        // for keyed hashes of codes seen
	Sealer   hpke.PublicKey
	Items    map[terminal.GTIN]Item // price file; empty where a POS leads
	// DoubleRead is how long after a read the same article, or the same code of the
	// payment at hand, is passed over as read twice; 0 takes every read.
	DoubleRead time.Duration
	Scanners   int // how many the till has; 0 means 1

	Store   Store
	Backend Backend
	Signal  Signal
	Clock   Clock
	Anchors AnchorStore
	Log     *slog.Logger

	Incarnation terminal.Incarnation // at start; a quarantine's end brings another
	Anchor      Anchor               // as the run directory had it; zero after a boot
	Quarantine  string               // what start found wrong with the ledger and is not stored; "" for nothing
	Signer      note.Signer          // of checkpoints; nil sends none
}

// Register owns one till. All of its fields below the line belong to the loop's
// goroutine; everything else reaches them by an event.
type Register struct {
	cfg    Config
	inbox  chan event
	clerk  *clerk
	view   atomic.Pointer[View]
	loaded chan struct{}
	ended  chan struct{}
	beeps  beeps

	// ---- the loop's own ----
	time       timekeeper
	head       journal.Head
	policy     *policy.Policy
	tables     tables         // made of the policy
	floor      int64          // the highest policy version ever in force: none below it is taken
	freeze     *policy.Freeze // nil where nothing was ever frozen
	denials    *denials.Set   // nil before the first set came
	texts      texts
	roles      *policy.Roles // in force
	rolesFloor int64         // likewise for roles
	coming     *delta        // denied accounts of which parts are missing
	deltas     []delta       // complete, to be applied
	applying   bool          // one is
	refetched  time.Duration // when the line was dropped for them, on the boot clock; zero: never
	bodies     int           // of how many the cached set is made
	readMuch   bool          // of them: their memory can be handed back
	quarantine string        // why this register's rights are in doubt; "" where they are not
	owed       owed          // stored as soon as the disk takes it
	sale       *terminal.Sale
	current    *terminal.Payment // the latest attempt to pay the sale
	unresolved map[terminal.PaymentID]terminal.Payment
	waits      map[terminal.PaymentID]*wait
	outbox     *outbox
	acks       []acked // of outbox items, to be settled
	acksSingly int     // how many of them go to the store alone, since it refused them together
	session    int64   // 0: the line is down
	line       line
	latest     int64        // the number of the latest session that was open
	scolded    int          // errors that the backend sent in this session
	scannersUp map[int]bool // those that are there
	notice     *Scan
	hushed     time.Duration // until when the same notice is not told again, on the boot clock
	atWork     *beep         // of the scan whose job is with the clerk; nil for none
	payer      payer
	doubles    doubles
	storage    string
	told       pending       // what POS and page were last told is waiting
	working    bool          // a job is with the clerk
	since      time.Duration // when it went there, on the boot clock
	saved      time.Duration // when the anchor was last saved, on the boot clock
	queue      []event
	answers    []func()             // to those who asked; given with the picture of what was done
	looked     time.Duration        // when onTime was last asked, on the boot clock
	greeted    terminal.Incarnation // named by the latest hello: the backend's totals are its
	renewed    bool                 // since the latest welcome, after a hello that was refused

	admission   admission
	checkpoints checkpoints
	upload      upload
	pruning     pruning
	stopping    bool
	farewell    *farewell
	beside      beside
}

// event is something that happened, to be handled on the loop's goroutine.
type event struct {
	run    func()
	refuse func(*Error) // nil where nobody waits for an answer
	lost   func()       // runs where too much waits already; nil where that does no harm
	own    bool         // the loop's own, of which there are few: never lost
	at     bool         // runs at once, also while a job is with the clerk
}

// How much may wait: POS and page ask one thing at a time, a backend may send
// some hundred answers at once after an outage. Beyond it the POS is told to
// try again, and the backend's messages are lost: the line is dropped, since
// with the next session the backend tells anew what still matters.
const (
	inboxSize = 64
	queueSize = 1000
)

// Storage as the View tells it.
const (
	storageOK     = "ok"
	storageSlow   = "slow"
	storageFailed = "failed"
)

// slowDisk is how long the disk may take before the page says so.
const slowDisk = 2 * time.Second

// New makes a register; Run starts it.
func New(cfg Config) *Register {
	r := &Register{
		cfg: cfg, inbox: make(chan event, inboxSize), loaded: make(chan struct{}), ended: make(chan struct{}),
		clerk:      newClerk(cfg.Store, cfg.Anchors, cfg.Log),
		time:       newTimekeeper(cfg.Clock),
		unresolved: map[terminal.PaymentID]terminal.Payment{},
		waits:      map[terminal.PaymentID]*wait{},
		outbox:     newOutbox(nil),
		scannersUp: map[int]bool{},
		storage:    storageOK,
		greeted:    cfg.Incarnation,
		told:       pending{storage: storageOK},
		doubles:    doubles{window: cfg.DoubleRead},
	}
	r.time.restore(cfg.Anchor)
	r.line = line{end: terminal.LineStarting, since: cfg.Clock.Boot(), silence: policy.DefaultSilence}
	r.publish()
	return r
}

// Run loads what the store holds and keeps the till until ctx ends. It returns
// nil then, or an error where the ledger cannot be read or written at start.
func (r *Register) Run(ctx context.Context) error {
	r.beside.ctx = ctx
	snapshot, err := r.cfg.Store.Load(ctx)
	if err != nil {
		close(r.ended)
		r.beeps.end()
		return err
	}
	// What runs for the register ends with it, in this order: first the loop,
	// then the clerk, which may be in the middle of a transaction.
	clerkDone := make(chan struct{})
	clerkCtx, stopClerk := context.WithCancel(context.WithoutCancel(ctx))
	go func() { defer close(clerkDone); r.clerk.run(clerkCtx) }()
	defer func() { stopClerk(); <-clerkDone }()
	defer r.beside.all.Wait()
	defer r.beeps.end()
	defer close(r.ended)

	r.restore(snapshot)
	r.publish()
	close(r.loaded)
	r.loop(ctx)
	return nil
}

// Loaded is closed once the View shows what the store holds. Nobody should look
// before: an approval that waits for its goods is not there yet.
func (r *Register) Loaded() <-chan struct{} { return r.loaded }

func (r *Register) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return // whoever still waits sees r.ended
		case e := <-r.inbox:
			r.accept(e)
		case <-r.clerk.failed:
			r.diskFailed()
		case done := <-r.clerk.done:
			r.finish(done)
		case <-timer.C:
		}
		if !r.working && r.cfg.Clock.Boot()-r.looked >= looksEvery {
			r.onTime() // also while somebody asks without a pause
		}
		for !r.working && len(r.queue) > 0 {
			next := r.queue[0]
			r.queue = r.queue[1:]
			next.run()
		}
		if !r.working {
			r.onTime()
		}
		r.watchDisk()
		r.publish()
		r.answer()
		r.tellPending()
		r.beepVerdict()
		timer.Reset(r.untilNext())
	}
}

// answer gives the answers that are ready.
func (r *Register) answer() {
	for _, give := range r.answers {
		give()
	}
	clear(r.answers)
	r.answers = r.answers[:0]
}

// looksEvery is how long what is due may wait for those who ask.
const looksEvery = time.Second

// accept runs an event, or keeps it until the clerk is back. Who waits for an
// answer is not kept waiting for a disk that has just failed; the backend's
// messages wait.
func (r *Register) accept(e event) {
	switch {
	case e.at || !r.working && len(r.queue) == 0:
		e.run()
	case !e.own && len(r.queue) >= queueSize || e.refuse != nil && r.storage == storageFailed:
		if e.refuse != nil {
			e.refuse(r.troubled())
		}
		if e.lost != nil {
			e.lost()
		}
	default:
		r.queue = append(r.queue, e)
	}
}

// diskFailed says so while the clerk tries on: whoever waits for an answer is
// told now.
func (r *Register) diskFailed() {
	if !r.working {
		return // it came back in the same moment
	}
	r.storage = storageFailed
	r.letUnitsGo()
	r.queue = slices.DeleteFunc(r.queue, func(e event) bool {
		if e.refuse != nil {
			e.refuse(r.troubled())
		}
		return e.refuse != nil
	})
}

func (r *Register) troubled() *Error {
	if r.storage == storageFailed {
		return &Error{Code: CodeStorage, Text: "the till cannot keep its records now; take cash and tell the manager"}
	}
	return &Error{Code: CodeBusy, Text: "the till is still at work on the last step; try again in a moment"}
}

// decide hands a transaction to the clerk. then runs on the loop's goroutine
// after it; until then events wait in the queue.
func (r *Register) decide(s Scope, fn func(Usage) (Changes, error), then func(error)) {
	if r.afterJob(func() { r.decide(s, fn, then) }) {
		return
	}
	r.working, r.since = true, r.cfg.Clock.Boot()
	mark := r.time.remember()
	made := &made{}
	r.clerk.jobs <- job{scope: s, decide: made.by(withMark(r.withFound(fn), mark)), made: made, mark: mark, anchor: r.anchor(), then: then}
}

// afterJob keeps what is to go to the clerk until it is back, before all that
// waits; false where it is free. Only what follows a job after which the ledger
// had to be opened again meets one: that the start is journalled comes first.
func (r *Register) afterJob(run func()) bool {
	if r.working {
		r.first(run)
	}
	return r.working
}

// first lets something run before all that waits.
func (r *Register) first(run func()) {
	r.queue = append([]event{{run: run}}, r.queue...)
}

// anchor is what the run directory is to hold now.
func (r *Register) anchor() Anchor {
	a := r.time.anchor()
	a.Incarnation, a.Head = r.cfg.Incarnation, r.head
	return a
}

// saveEvery is how often the anchor is saved while nothing is sold, so that a
// killed process does not forget that the line was up.
const saveEvery = time.Minute

// saveAnchor lets the clerk save the anchor alone.
func (r *Register) saveAnchor() {
	r.working, r.since = true, r.cfg.Clock.Boot()
	r.saved = r.since
	r.clerk.jobs <- job{anchor: r.anchor(), then: func(error) {}}
}

// finish takes a transaction's end back into the loop.
func (r *Register) finish(done result) {
	r.working = false
	switch {
	case done.err == nil:
		r.head, r.storage, r.saved = done.receipt.Head, storageOK, r.since
		r.outbox.add(done.receipt.Outbox)
		r.cfg.Quarantine = ""
		if done.job.mark != nil {
			r.time.mark = *done.job.mark
		}
	case errors.Is(done.err, ErrNotStored), errors.Is(done.err, ErrInDoubt):
		if r.storage != storageFailed { // the first of many
			r.cfg.Log.Error("the ledger did not take a change", "error", done.err)
		}
		r.storage = storageFailed
		r.tryDiskLater()
	case r.storage == storageSlow:
		r.storage = storageOK // it answered after all, with nothing to store
	}
	if done.reloaded != nil {
		r.storage = storageOK
		r.reopened(done.job.made, *done.reloaded)
	}
	scan := r.atWork
	r.atWork = nil
	if r.storage == storageFailed {
		r.letUnitsGo()
	}
	done.job.then(done.err)
	r.doneWith(scan)
	r.doubles.follow(r.sale)
}

// watchDisk says so when the disk has not answered for slowDisk.
func (r *Register) watchDisk() {
	if r.working && r.storage == storageOK && r.cfg.Clock.Boot()-r.since >= slowDisk {
		r.storage = storageSlow
		r.cfg.Log.Warn("the disk has not answered for two seconds")
	}
}

// post brings an event to the loop; false after the register has ended.
func (r *Register) post(ctx context.Context, e event) bool {
	select {
	case r.inbox <- e:
		return true
	case <-r.ended:
		return false
	case <-ctx.Done():
		return false
	}
}

// newID makes a UUIDv7 (RFC 9562). It fails only where the machine has no
// randomness left, and then nothing safe can be done at all.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

func (r *Register) now() terminal.Millis { return terminal.MillisOf(r.time.now()) }
