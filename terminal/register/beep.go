package register

import (
	"sync"

	"sekisho/scanner/framing"
	"sekisho/terminal"
)

// beep is the answer that a scan's unit waits for. Whoever has one in hand says
// it or hands it on, in this order: the scanner's goroutine, the event, the job
// with the clerk, the payment that is being decided. Who lets go of it without a
// word has said Bad, so that no path can leave the customer with a unit that
// neither beeps nor reads (I8).
type beep struct {
	all   *beeps
	reply func(framing.Answer)
}

// beeps are those of all scans that have not been answered.
type beeps struct {
	mu    sync.Mutex
	open  map[*beep]bool
	ended bool
}

// due begins a scan's beep. After the register's end it has been said.
func (b *beeps) due(reply func(framing.Answer)) *beep {
	if reply == nil {
		reply = func(framing.Answer) {}
	}
	scan := &beep{all: b, reply: reply}
	b.mu.Lock()
	if !b.ended {
		if b.open == nil {
			b.open = map[*beep]bool{}
		}
		b.open[scan] = true
	}
	ended := b.ended
	b.mu.Unlock()
	if ended {
		reply(framing.Bad)
	}
	return scan
}

// end gives up all that is open, and what will be due.
func (b *beeps) end() {
	b.mu.Lock()
	b.ended = true
	left := b.open
	b.open = nil
	b.mu.Unlock()
	for scan := range left {
		scan.reply(framing.Bad)
	}
}

// wait tells the unit that a payment is being decided: an answer is still due.
func (s *beep) wait() { s.reply(framing.Wait) }

// say answers, also what was answered before: a payment's later verdict.
func (s *beep) say(a framing.Answer) {
	s.close()
	s.reply(a)
}

// giveUp answers Bad where nothing was answered.
func (s *beep) giveUp() {
	if s.close() {
		s.reply(framing.Bad)
	}
}

// close notes that the scan is answered; false where it was already.
func (s *beep) close() bool {
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	open := s.all.open[s]
	delete(s.all.open, s)
	return open
}

// payer is the unit that hears what becomes of the payment whose code it read.
type payer struct {
	beep *beep // nil where nobody hears: no payment, or one from before a restart
	id   terminal.PaymentID
	told terminal.Outcome // "" while the unit waits
}

// carryOut runs a scan and keeps its beep as long as a job of it is with the
// clerk.
func (r *Register) carryOut(scan *beep, run func()) {
	run()
	if r.working {
		r.atWork = scan
		return
	}
	scan.giveUp()
}

// doneWith lets go of the beep whose job the clerk has done, unless the payment
// has it now.
func (r *Register) doneWith(scan *beep) {
	if scan != nil && scan != r.payer.beep {
		scan.giveUp()
	}
}

// beepVerdict lets the unit say what the page shows. It goes by the picture alone,
// in which nothing stands before it is durable (I2), so that every way to a
// verdict has its beep.
func (r *Register) beepVerdict() {
	if r.payer.beep == nil {
		return
	}
	v := r.view.Load().Verdict
	switch {
	case v == nil || v.Payment != r.payer.id: // it left the screen
		r.payer.beep.giveUp()
		r.payer = payer{}
	case v.State == terminal.Sent, v.Outcome == r.payer.told:
	default:
		r.payer.told = v.Outcome
		r.payer.beep.say(answerTo(v.Outcome))
	}
}

// letUnitsGo answers those who wait for a disk that fails now: it may be long
// until it works again. A verdict is said once there is one.
func (r *Register) letUnitsGo() {
	if r.atWork != nil {
		r.atWork.giveUp()
	}
	if p := &r.payer; p.beep != nil && p.told == "" {
		p.told = terminal.OutcomeUnknown
		p.beep.giveUp()
	}
}

// answerTo is how an outcome sounds.
func answerTo(o terminal.Outcome) framing.Answer {
	if o == terminal.OutcomeApproved {
		return framing.Good
	}
	return framing.Bad
}
