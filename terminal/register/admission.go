package register

import (
	"slices"

	"sekisho/terminal"
	"sekisho/terminal/wire"
)

// admission is what waits while the backend wants to see something of the journal
// before it hears anything else: a welcome with a challenge opens no session, the
// checkpoint that answers it does. The outbox and queries go on by themselves then;
// what goes but once is kept here.
type admission struct {
	wanted bool
	held   []wire.Message
}

// heldMost is how much is kept: a customer's payment, and what was wrong with the
// welcome. No more comes up in one round trip.
const heldMost = 20

// hold keeps a message until the proof was taken; false says that it did not leave
// and is not kept, as of a line that is down.
func (a *admission) hold(m wire.Message) bool {
	if m.Type != wire.TypeAuthorise && m.Type != wire.TypeError || len(a.held) >= heldMost {
		return false
	}
	a.held = append(a.held, m)
	return true
}

// holds says whether a payment waits for the proof: its request has not left.
func (a *admission) holds(id terminal.PaymentID) bool {
	return slices.ContainsFunc(a.held, func(m wire.Message) bool {
		return m.Authorise != nil && terminal.PaymentID(m.Authorise.Payment) == id
	})
}

// refused says whether the message that was not taken is the proof that is waited
// for. Nothing is heard in such a session, and the backend may leave it standing.
func (a *admission) refused(message, proof string) bool {
	return a.wanted && message != "" && message == proof
}

// proved lets go what waited for the proof. A payment that was given up meanwhile
// is asked no more.
func (r *Register) proved() {
	if r.session != 0 { // the line may be gone again
		r.latest = r.session
	}
	now := r.cfg.Clock.Boot()
	for _, w := range r.waits {
		w.queryAt = min(w.queryAt, now)
	}
	r.admitted(r.send)
}

// unheard gives up what waited for a proof that this session did not see taken:
// nothing of it left the till.
func (r *Register) unheard() {
	r.admitted(func(wire.Message) bool { return false })
}

// admitted ends the wait: what was held is sent, and a payment that does not leave
// is given up.
func (r *Register) admitted(send func(wire.Message) bool) {
	held := r.admission.held
	r.admission = admission{}
	for _, m := range held {
		if m.Authorise == nil {
			send(m)
			continue
		}
		id := terminal.PaymentID(m.Authorise.Payment)
		if r.unresolved[id].State == terminal.Sent && !send(m) {
			r.giveUp(id, terminal.BackendSilent, nil)
		}
	}
}
