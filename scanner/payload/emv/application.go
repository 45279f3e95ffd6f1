package emv

import "iter"

// Tags of what an application has to say (EMVCo CPM; EMV Book 3).
const (
	AID           Tag = 0x4F   // 5 to 16 bytes, every usable template has one
	Label         Tag = 0x50   // 1 to 16 characters
	Track2Data    Tag = 0x57   // up to 19 bytes
	PAN           Tag = 0x5A   // up to 10 bytes
	Cardholder    Tag = 0x5F20 // 2 to 26 characters
	Languages     Tag = 0x5F2D // 2 to 8 characters, two letters each
	IssuerURL     Tag = 0x5F50
	Version       Tag = 0x9F08 // 2 bytes
	Requestor     Tag = 0x9F19 // token requestor, 6 digits
	AccountRef    Tag = 0x9F24 // payment account reference, 29 characters
	LastFourOfPAN Tag = 0x9F25 // 2 bytes
)

// Application is one way to pay: a template and the data common to all.
type Application struct {
	c   *Container
	own span
}

// Applications gives the templates that can be used, the one that the customer
// prefers first. A template without a well-formed AID is passed over, as EMVCo
// asks; in JPQR all of them are given.
func (c *Container) Applications() iter.Seq[Application] {
	return func(yield func(Application) bool) {
		for a, next, ok := c.application(0); ok; a, next, ok = c.application(next) {
			if !yield(a) {
				return
			}
		}
	}
}

// application finds the first usable template at or behind a byte, and says
// where the next object begins.
func (c *Container) application(at int) (a Application, next int, ok bool) {
	for next = at; next < len(c.body); {
		var tag Tag
		var value int
		if tag, value, next, _ = headAt(c.body, next); tag != ApplicationTemplate {
			continue
		}
		a = Application{c, span{value, next}}
		aid, _ := c.find(a.own, AID)
		if c.Format == JPQR1 || len(aid.Value) >= minAID && len(aid.Value) <= maxAID {
			return a, next, true
		}
	}
	return Application{}, next, false
}

// Find gives the object with a tag, from the template or the common data.
func (a Application) Find(tag Tag) (Object, bool) {
	if o, ok := a.c.find(a.own, tag); ok {
		return o, true
	}
	return a.c.find(a.c.common, tag)
}

// Objects gives the template's objects and then the common ones.
func (a Application) Objects() iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for _, s := range []span{a.own, a.c.common} {
			for o := range a.c.all(s) {
				if !yield(o) {
					return
				}
			}
		}
	}
}

// LastFour gives the last four digits of the card that pays: from the object
// made for that, else from the card number; in a JPQR container the last four
// characters of the payment's id. It is empty when there is none that may be
// shown.
func (c *Container) LastFour() string {
	a, _, ok := c.application(0)
	if !ok {
		return ""
	}
	return a.lastFour()
}

func (a Application) lastFour() string {
	if a.c.Format == JPQR1 {
		o, _ := a.Find(Track2Data)
		return lastCharacters(o.Value)
	}
	if o, ok := a.Find(LastFourOfPAN); ok {
		return fourDigits(o.Value)
	}
	for _, tag := range []Tag{PAN, Track2Data} {
		o, _ := a.Find(tag)
		if card, ok := CardOf(o); ok {
			return card.LastFour
		}
	}
	return ""
}
