package main

import (
	"fmt"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// The bounds of what is usual.
const (
	clockOff      = time.Minute        // between the machine's clock and the daemon's: both may be read a second apart
	lineWarn      = 5 * time.Minute    // without the backend: the link is tried again every few seconds
	lineFail      = 12 * time.Hour     // half of the time after which the default policy sells nothing offline
	policyWarn    = 7 * 24 * time.Hour // before its end: a week for head office to send the next
	unresolvedOld = time.Hour          // an unknown is reversed after 45 s; longer waits for the line or for a person
)

func (p *patient) daemon() finding {
	if p.silent != nil {
		return broken("systemctl status sekishod, then journalctl -u sekishod: its last line says why it stopped", "%v", p.silent)
	}
	if p.state.Stopping {
		return look("wait until it has stopped", "it is stopping: nothing more is sold")
	}
	return well("incarnation %s", p.state.Incarnation)
}

func (p *patient) storage() finding {
	if p.state == nil {
		return unasked()
	}
	switch p.state.Storage {
	case "ok":
		return well("the disk takes what it is given")
	case "slow":
		return look("see whether the disk is full, worn out or busy with a backup", "the disk is slow: it has not answered for 2 s")
	}
	return broken("see disk space above; if there is some, the disk may be failing: change the register", "the disk does not take what must be kept: nothing is approved")
}

func (p *patient) clock() finding {
	if p.state == nil {
		return unasked()
	}
	off := p.now().Sub(p.state.Time.Time()).Abs().Round(time.Second)
	switch {
	case p.state.Clock != "authenticated":
		return look("bring the line up: the time comes with it", "the backend was not heard since the boot: no high-resale goods are sold")
	case off > clockOff:
		return look("set the machine's clock (timedatectl); sales do not depend on it, the logs of other programs do", "the machine's clock is %s away from the backend's", off)
	}
	return well("told by the backend, the machine's own is %s away", off)
}

func (p *patient) scanner() finding {
	const absent = "plug the scanner in, and see that the setting %s is its path under /dev/serial/by-id"
	paths := p.cfg.Scanner
	if err := scannerThere(p.cfg.Scanner); err != nil {
		return broken(fmt.Sprintf(absent, "scanner"), "%v", err)
	}
	if second := p.cfg.SecondScanner; second != "" {
		if err := scannerThere(second); err != nil {
			return broken(fmt.Sprintf(absent, "second_scanner"), "%v", err)
		}
		paths += " and " + second
	}
	if p.state == nil {
		return unasked()
	}
	if p.state.Scanner != "connected" {
		return broken("unplug it and plug it in again; see that no other program has it open and that the daemon's user is in the group dialout", "it is there, and the daemon cannot open it")
	}
	return well("%s", paths)
}

func (p *patient) line() finding {
	if p.state == nil {
		return unasked()
	}
	if p.state.Link.Up {
		return well("up")
	}
	link := p.state.Link
	why, remedy := lineReason(link.Reason)
	since := p.state.Time.Time().Sub(link.Since.Time()).Round(time.Second)
	if link.State == terminal.LineBad {
		return look(remedy, "bad for %s (%s): the offline rules decide first", since, why)
	}
	if link.LastContact == 0 {
		return broken(remedy, "down (%s), and the backend was never heard since the boot: no high-resale goods are sold", why)
	}
	silent := p.state.Time.Time().Sub(link.LastContact.Time()).Round(time.Second)
	if silent < lineWarn && (link.Reason == terminal.LineUnreachable || link.Reason == terminal.LineSilent) {
		remedy = "wait a minute; " + remedy // a short break; the other reasons say themselves whether waiting mends them
	}
	return lineDown(silent, why, remedy)
}

// lineReason says in words why the line is not up, and what to do.
func lineReason(why terminal.LineReason) (says, remedy string) {
	switch why {
	case terminal.LineStarting:
		return "not tried yet", "wait a few seconds"
	case terminal.LineUnreachable:
		return "no connection", "see the router, its cable and the internet line, and the setting backend; sekishod tries again by itself"
	case terminal.LineSilent:
		return "connected, and then nothing came", "see whether the internet line is choked; ask head office whether the backend is well"
	case terminal.LineClosed:
		return "the backend ended it, or asked to be called later", "wait: sekishod tries again by itself; if it stays so, ask head office"
	case terminal.LineUntrusted:
		return "the other side's certificate is not the backend's of enrolment, or is past its date", "check the machine's date and the setting backend, then ask head office; enrol again if it says so"
	case terminal.LineRefused:
		return "the backend does not take this register", "ask head office; it may have to be enrolled again: sekisho enrol"
	case terminal.LineProtocol:
		return "the other side does not speak sekisho.v1", "check the setting backend, and that no proxy stands in between; the daemon's log has more"
	case terminal.LineSlow:
		return "answers take too long", "see whether something else fills the internet line"
	case terminal.LineUnstable:
		return "it broke several times in a short time", "see the router and its cable"
	}
	return string(why), "see the router and its line; sekishod tries again by itself"
}

func lineDown(silent time.Duration, why, remedy string) finding {
	if silent >= lineFail {
		return broken(remedy, "down (%s), last heard %s ago: little or nothing is sold offline", why, silent)
	}
	return look(remedy, "down (%s), last heard %s ago", why, silent)
}

func (p *patient) policyInForce() finding {
	if p.state == nil {
		return unasked()
	}
	if p.noRules != nil {
		return broken("see whether sekisho and sekishod are of one release", "%v", p.noRules)
	}
	const remedy = "ask head office for a new policy; it comes by itself while the line is up"
	v := p.state.Policy
	left := v.GoodUntil.Time().Sub(p.state.Time.Time())
	switch {
	case v.State == "missing":
		return broken("bring the line up: the first policy comes with it", "none has come yet: nothing is approved")
	case v.State == "stale" || left <= 0:
		return broken(remedy, "version %d was good until %s: no high-resale goods are sold", v.Version, p.date(v.GoodUntil))
	case left < policyWarn:
		return look(remedy, "version %d is good until %s only", v.Version, p.date(v.GoodUntil))
	}
	return well("version %d, good until %s", v.Version, p.date(v.GoodUntil))
}

// date writes a time of the store's clock.
func (p *patient) date(at terminal.Millis) string {
	zone := storeZone
	if p.rules.policy != nil {
		zone = p.rules.policy.Business.Zone
	}
	return at.Time().In(zone).Format("2006-01-02 15:04")
}

func (p *patient) frozen() finding {
	if p.state == nil {
		return unasked()
	}
	if len(p.state.Frozen) > 0 {
		return look("head office did this and lifts it; take cash meanwhile", "head office stopped: %s", frozen(p.rules.freeze))
	}
	return well("nothing is stopped")
}

// doubts say what each reason of a quarantine means, and what to do besides
// telling head office, who alone end it.
var doubts = map[string]struct{ says, remedy string }{
	register.LedgerOlder:       {"its ledger is older than it was: a copy was put back, or entries were taken away", "leave the data folder as it is; "},
	register.LedgerForked:      {"its ledger is not the one that head office knows", "leave the data folder as it is; "},
	register.CheckpointInvalid: {"it could not show head office that its journal is its own", "leave data folder and keys as they are, and see whether they were copied or exchanged; "},
	register.Cloned:            {"another machine says that it is this register", "find the copy of this register, an image or an old machine, and switch it off; "},
	register.Overspent:         {"more was sold of a cap than it was granted", "leave the data folder as it is; "},
	register.InDoubt:           {"head office holds this register in doubt", ""},
}

func (p *patient) quarantine() finding {
	if p.state == nil {
		return unasked()
	}
	if p.state.Quarantine != "" {
		d, known := doubts[p.state.Quarantine]
		if !known {
			d = doubts[register.InDoubt]
		}
		return broken(d.remedy+"tell head office: once they release it, it goes on by itself with the line up. Payments go on while the line is up", "%s (%s)", d.says, p.state.Quarantine)
	}
	return well("none")
}

func (p *patient) unresolved() finding {
	var oldest terminal.Payment
	count := 0
	err := p.withLedger(p.ctx, func(l ledger) error {
		list, err := l.Unresolved(p.ctx)
		if count = len(list); count > 0 {
			oldest = list[0]
		}
		return err
	})
	if err != nil {
		return broken("see the ledger above", "%v", err)
	}
	if count == 0 {
		return well("none")
	}
	age := p.now().Sub(oldest.Created.Time()).Round(time.Second)
	says := fmt.Sprintf("%d, the oldest for %s", count, age)
	if age >= unresolvedOld {
		return look("sekisho payments --unresolved, then sekisho payments resolve ID; with the line up they settle by themselves", "%s", says)
	}
	return well("%s", says)
}

func (p *patient) outbox() finding {
	if p.state == nil {
		return unasked()
	}
	switch {
	case p.state.Parked > 0:
		return look("sekisho payments --unresolved, then sekisho payments resolve ID sends it again; if it is parked again, tell head office, and sekisho payments set-aside ID when they say so",
			"%d messages that the backend does not take, of %d", p.state.Parked, p.state.Outbox)
	case p.state.Outbox > 0:
		return well("%d messages wait for the line", p.state.Outbox)
	}
	return well("empty")
}
