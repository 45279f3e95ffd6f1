package framing

import "time"

// doubt is what came damaged and may yet come again.
type doubt struct {
	why Reason
	n   int           // bytes
	at  time.Duration // when the last of them came
}

// doubtPatience is how long a damaged packet may take to come again: the unit
// sends it once more when it has waited 2 s for an ACK.
const doubtPatience = 2500 * time.Millisecond

// doubtGap is how long damage must be past for new damage to be another's: a unit
// that heard the NAK sends again at once.
const doubtGap = time.Second

// add takes note of a byte that belongs to no packet.
func (d *doubt) add(now time.Duration, why Reason, out *Out) {
	if now-d.at >= doubtGap {
		d.report(out)
	}
	if d.n == 0 {
		d.why = why
	}
	d.n++
	d.at = now
}

// report tells of what came damaged, and forgets it.
func (d *doubt) report(out *Out) {
	if d.n > 0 {
		out.drop(d.why, d.n)
	}
	*d = doubt{}
}
