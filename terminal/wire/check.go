package wire

import (
	"encoding/base64"
	"slices"
	"unicode/utf8"
)

func (h *Hello) check() error {
	if !id(h.Register) || !id(h.Store) || longer(h.Software, maxText) || len(h.Counters) > maxItems || longer(h.Quarantine, maxID) {
		return bad("hello: register, store, software or counters are missing or too long")
	}
	if v := h.Versions; v.Policy < 0 || v.Freeze < 0 || v.Denials < 0 || h.Roles < 0 {
		return bad("hello: a version is below zero")
	}
	return counters(h.Counters)
}

func (w *Welcome) check() error {
	if w.Session < 1 || !moment(w.Time) {
		return bad("welcome: session or time is out of range")
	}
	if longer(w.Quarantine, maxID) || longer(w.Released, maxID) {
		return bad("welcome: quarantine or released is too long")
	}
	if w.Checkpoint != nil && !w.Checkpoint.ok() {
		return bad("welcome: checkpoint is no head")
	}
	if w.Challenge != nil && (w.Checkpoint == nil || *w.Challenge < 0 || *w.Challenge >= w.Checkpoint.Size) {
		return bad("welcome: challenge is no leaf of the checkpoint")
	}
	if w.Uploaded < 0 {
		return bad("welcome: uploaded is below zero")
	}
	return grants(w.Grants)
}

func (g *Grants) check() error {
	if len(g.Grants) > 0 && len(g.Counters) > 0 {
		return bad("grants: totals go to the register, counters to the backend, never both")
	}
	if err := grants(g.Grants); err != nil {
		return err
	}
	return counters(g.Counters)
}

func (h Head) ok() bool { return h.Size >= 0 && hex32.MatchString(h.Root) }

func (c *Common) check() error {
	switch {
	case !uuid.MatchString(c.Payment):
		return bad("payment is no UUID of version 7")
	case !day.MatchString(c.BusinessDay) || !day.MatchString(c.Window):
		return bad("business_day or window is no date")
	case c.JournalIndex < 0 || c.NotAfter < 0 || c.NotAfter > maxTime || c.ContactAge < -1:
		return bad("journal_index, not_after or contact_age is out of range")
	case !hex32.MatchString(c.SaleHash):
		return bad("sale_hash is no SHA-256 in hex")
	case c.Clock != ClockAuthenticated && c.Clock != ClockWall:
		return bad("clock is neither authenticated nor wall")
	case c.Currency != Currency:
		return bad("currency is not JPY")
	case c.Versions.Policy < 0 || c.Versions.Freeze < 0 || c.Versions.Denials < 0:
		return bad("a version is below zero")
	}
	return counters(c.Counters)
}

func (a *Authorise) check() error {
	if err := a.Common.check(); err != nil {
		return err
	}
	if a.NotAfter == 0 {
		return bad("authorise: not_after is missing")
	}
	if a.Code == "" || longer(a.Code, maxCode) {
		return bad("authorise: code is missing or too long")
	}
	return charge(a.Amount, a.Kind, a.Issuer, a.Sale, a.Spends)
}

func (a *Advice) check() error {
	if err := a.Common.check(); err != nil {
		return err
	}
	if _, err := base64.StdEncoding.DecodeString(a.Evidence); err != nil || a.Evidence == "" || len(a.Evidence) > 2*maxCode {
		return bad("advice: evidence is missing, too long or no base64")
	}
	if !moment(a.Created) {
		return bad("advice: created is missing or out of range")
	}
	return charge(a.Amount, a.Kind, a.Issuer, a.Sale, a.Spends)
}

// charge checks what authorise and advice share.
func charge(amount int64, kind, issuer string, s Sale, spends []Spend) error {
	switch {
	case amount < 1 || amount > maxYen:
		return bad("amount is not above zero")
	case !id(kind) || longer(issuer, maxID):
		return bad("kind or issuer is missing or too long")
	case s.Ref == "" || longer(s.Ref, maxText) || s.Revision < 1 || !hex32.MatchString(s.Hash):
		return bad("sale: ref, revision or hash is missing")
	case len(s.Lines) > maxItems || len(spends) > maxItems:
		return bad("too many lines or spends")
	}
	for _, l := range s.Lines {
		if !id(l.Category) || !(Amount{l.Yen, l.Units}).ok() {
			return bad("sale: a line has no category or an amount below zero")
		}
	}
	for _, s := range spends {
		if !id(s.Cap) || !day.MatchString(s.Window) || !s.Reserved.ok() || !s.Need.ok() {
			return bad("a spend has no cap, no window or an amount below zero")
		}
	}
	return nil
}

func (q *Query) check() error { return q.Common.check() }

func (r *Reversal) check() error {
	if !id(r.Why) {
		return bad("reversal: why is missing")
	}
	return r.Common.check()
}

func (v *Void) check() error {
	if !uuid.MatchString(v.ID) {
		return bad("void: id is no UUID of version 7")
	}
	return v.Common.check()
}

func (r *Refund) check() error {
	if !uuid.MatchString(r.ID) || r.Amount < 1 || r.Amount > maxYen {
		return bad("refund: id is no UUID of version 7, or amount is not above zero")
	}
	return r.Common.check()
}

func (a *Answer) check() error {
	switch {
	case !uuid.MatchString(a.Payment):
		return bad("answer: payment is no UUID of version 7")
	case a.Outcome == "" || longer(a.Outcome, maxID) || longer(a.Reason, maxID) || longer(a.Approval, maxID) ||
		longer(a.Issuer, maxID) || longer(a.Account, maxID) || longer(a.Key, maxID):
		return bad("answer: outcome is missing, or a field is too long")
	case a.Amount < 0 || !moment(a.Time):
		return bad("answer: amount or time is out of range")
	case a.Limits != nil && (a.Limits.Yen < 0 || a.Limits.Yen > maxYen || a.Limits.Count < 0 || a.Limits.Count > maxYen):
		return bad("answer: a limit is out of range")
	}
	return grants(a.Grants)
}

func (a *Ack) check() error {
	switch a.Of {
	case TypeReversal, TypeAdvice, TypeVoid, TypeRefund:
		if !uuid.MatchString(a.Payment) {
			return bad("ack: payment is no UUID of version 7")
		}
	case TypeCheckpoint, TypeGrants, TypeJournal:
		if a.Payment != "" {
			return bad("ack: a checkpoint, journal or grants are of no payment")
		}
	default:
		return bad("ack: of is nothing that is acknowledged")
	}
	switch {
	case a.Status == "" || longer(a.Status, maxID) || longer(a.Op, maxID) || longer(a.Reason, maxID) || longer(a.Bearer, maxID) || !moment(a.Time):
		return bad("ack: status or time is missing, or a field is too long")
	case a.Size < 0:
		return bad("ack: size is below zero")
	}
	return grants(a.Grants)
}

func (p *Policy) check() error {
	if p.Note == "" && p.Roles == "" {
		return bad("policy: note and roles are missing")
	}
	return nil
}

func (f *Freeze) check() error {
	if f.Note == "" {
		return bad("freeze: note is missing")
	}
	return nil
}

func (d *Denials) check() error {
	if d.From < 0 || d.To < d.From {
		return bad("denials: from and to are no range of versions")
	}
	if d.Part < 1 || d.Part > d.Parts || d.Parts > maxItems {
		return bad("denials: part is not one of parts")
	}
	if len(d.Before) > maxItems {
		return bad("denials: too many issuers")
	}
	for issuer, before := range d.Before {
		if !id(issuer) || before < 0 || before > maxTime {
			return bad("denials: an issuer is missing, or its time is out of range")
		}
	}
	if !records(d.Add, 12) || !records(d.Remove, 8) {
		return bad("denials: add or remove is no base64 of whole records")
	}
	return nil
}

func (e *Entries) check() error {
	if e.From < 0 || len(e.Leaves) == 0 || len(e.Leaves) > maxItems {
		return bad("journal: from is below zero, or no leaves or too many")
	}
	for _, l := range e.Leaves {
		if raw, err := base64.StdEncoding.DecodeString(l); err != nil || len(raw) == 0 {
			return bad("journal: a leaf is empty or no base64")
		}
	}
	return nil
}

func (c *Checkpoint) check() error {
	if c.Note == "" || c.From < 0 || len(c.Proof) > maxProof {
		return bad("checkpoint: note is missing, from is below zero, or the proof is too long")
	}
	if !hashes(c.Proof) {
		return bad("checkpoint: the proof holds what is no SHA-256 in hex")
	}
	if l := c.Leaf; l != nil && (l.Index < 0 || l.Index >= c.From || !hex32.MatchString(l.Hash) || len(l.Proof) > maxProof || !hashes(l.Proof)) {
		return bad("checkpoint: leaf is not below from, or its hash or proof is no SHA-256 in hex")
	}
	return nil
}

// hashes says whether all of a list are SHA-256 in hex.
func hashes(list []string) bool {
	return !slices.ContainsFunc(list, func(h string) bool { return !hex32.MatchString(h) })
}

func (e *Error) check() error {
	if e.Code == "" || longer(e.Code, maxID) || longer(e.Text, maxText) {
		return bad("error: code is missing, or a field is too long")
	}
	return nil
}

func counters(list []Counter) error {
	if len(list) > maxItems {
		return bad("too many counters")
	}
	for _, c := range list {
		if !id(c.Cap) || !day.MatchString(c.Window) || !c.Granted.ok() || !c.Used.ok() || !c.Released.ok() || !c.Returned.ok() {
			return bad("a counter has no cap, no window or an amount below zero")
		}
	}
	return nil
}

func grants(list []Grant) error {
	if len(list) > maxItems {
		return bad("too many grants")
	}
	for _, g := range list {
		if !id(g.Cap) || !day.MatchString(g.Window) || !g.Total.ok() {
			return bad("a grant has no cap, no window or a total below zero")
		}
	}
	return nil
}

// maxProof is above the hashes of any consistency proof: twice the depth of a
// tree of 2^63 leaves.
const maxProof = 128

// records says whether text is base64 of records of a size in bytes.
func records(text string, size int) bool {
	raw, err := base64.StdEncoding.DecodeString(text)
	return err == nil && len(raw)%size == 0
}

func (a Amount) ok() bool { return a.Yen >= 0 && a.Units >= 0 && a.Yen <= maxYen && a.Units <= maxYen }

// moment says whether a time is one that a date on the wire can name.
func moment(millis int64) bool { return millis >= 1 && millis <= maxTime }

func id(s string) bool { return s != "" && !longer(s, maxID) }

// longer says whether a text has more characters than it may; a store's name may
// be of three bytes each.
func longer[T ~string](s T, most int) bool {
	return len(s) > most && utf8.RuneCountInString(string(s)) > most
}
