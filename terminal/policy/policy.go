package policy

import (
	"crypto/ed25519"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
)

// Policy is the rules in force. Its fields are read only.
type Policy struct {
	Version   int64
	Realm     string // chain and environment, such as "sakura/production"
	GoodUntil time.Time

	Classes  []string // of stores that it is for
	Business terminal.Business
	Times    Times
	Pass     PassRules
	Device   DeviceRules
	Offline  OfflineRules
	Reserve  Reserve

	HighResale map[terminal.Category]bool
	Caps       []terminal.Cap
	Watch      map[terminal.GTIN]Watched // by canonical number
	Makers     []Maker                   // what an article that is not on the watch list counts as
	Goods      GoodsRules
	Wallets    []Wallet
	Issuers    []PassIssuer

	capClasses map[terminal.CapID][]string // of caps that are not for all classes
}

// Times are what the till waits for the backend.
type Times struct {
	Answer time.Duration // without an answer for so long a payment is unknown
	Query  time.Duration // an unknown is asked about every so often
	Give   time.Duration // after so long an unknown is given up and reversed

	Silence time.Duration // a line from which nothing came for so long is down; a third of it goes by between two pings
	Redial  time.Duration // first bound of the wait before a dial, which doubles to a minute
}

// The pace of the line where a policy says nothing, and before there is one. A
// store's line answers in some 100 ms, and its cashier waits 5 s for an answer: a
// silent one is known to be down before the next customer. Stores that were cut
// off together come back over three seconds and more.
const (
	DefaultSilence = 6 * time.Second
	DefaultRedial  = 3 * time.Second
)

// PassRules say how long a pass can be used without the line.
type PassRules struct {
	Life      time.Duration // from its issue on the phone
	Tolerance time.Duration // by which clocks of phone and till may differ
}

// DeviceRules are for phones that were bound to their account a short time ago.
type DeviceRules struct {
	NewFor         time.Duration // a device is new for so long after it was bound
	NewUnitsOnline int64         // units of high-resale goods a sale, with the line up; none without
}

// OfflineRules bound what may be approved without the line.
type OfflineRules struct {
	Floor        terminal.Yen // one payment
	AccountYen   terminal.Yen // one account, rolling 24 h at this register
	AccountCount int64        // likewise, payments
	FullFor      time.Duration
	NothingAfter time.Duration // ceilings shrink from FullFor on, to nothing here
	DeclineBars  time.Duration // an account declined by the backend is barred offline for so long
	BootYen      terminal.Yen  // ordinary goods sold after a boot, all accounts together, before the backend was heard
}

// Maker is a maker of watched goods, by the prefix of its article numbers: a new
// article of it counts as the category until it is on the watch list.
type Maker struct {
	Prefix   string // digits that a 13-digit article number begins with
	Category terminal.Category
	Units    int64
}

// GoodsRules say what becomes of a sale of which the POS tells only the total.
type GoodsRules struct {
	Unitemised terminal.Category // counts as this category, a unit each; "" with Refuse false: as ordinary goods
	Refuse     bool              // it is not sold: the goods must be itemised
}

// Role is who may sign: at least Threshold of the keys, counted by key and not
// by name.
type Role struct {
	Threshold int
	Keys      []note.Verifier
}

// Roles says who signs what. It is signed by the root key.
type Roles struct {
	Version int64
	Realm   string
	Root    note.Verifier // signs the next roles: the one before, or its successor
	Policy  Role
	Freeze  Role

	public map[note.Verifier]string // the key itself, which a verifier does not tell: one may have two names
	signer note.Verifier            // the root that signed these
	notes  []string                 // that lead here from the pinned root; these are the last
}

// Freeze stops goods or issuers at once. Its fields are read only.
type Freeze struct {
	Version    int64
	Realm      string
	All        bool
	Categories map[terminal.Category]bool
	Issuers    map[string]bool
	Lifts      bool // signed by the policy role: it may lift what an older one stopped
}

// Reserve is how much of each store cap the backend lets a register hold
// without asking, in percent of the cap.
type Reserve struct {
	RegisterPercent int64
	StorePercent    int64
}

// Watched says what an article on the watch list counts as.
type Watched struct {
	Category terminal.Category
	Units    int64 // in one article: a carton counts its packs
}

// Wallet tells a wallet's digits by prefix and length.
type Wallet struct {
	ID        string
	Name      string
	Prefix    string
	MinLength int
	MaxLength int
}

// PassIssuer is an issuer of credentials that the till trusts.
type PassIssuer struct {
	Name  string
	KeyID string
	Key   ed25519.PublicKey
}

// For gives the policy as it is for a class of stores, without the caps that are
// for others. The error is an *Error.
func (p *Policy) For(class string) (*Policy, error) {
	if !slices.Contains(p.Classes, class) {
		return nil, &Error{Code: CodeRealm, Text: fmt.Sprintf("the policy is for stores of the classes %s, not for %q", strings.Join(p.Classes, ", "), class)}
	}
	mine := *p
	mine.Caps, mine.capClasses = nil, nil
	for _, c := range p.Caps {
		if classes := p.capClasses[c.ID]; classes == nil || slices.Contains(classes, class) {
			mine.Caps = append(mine.Caps, c)
		}
	}
	return &mine, nil
}

// Knows says whether the policy names a category.
func (p *Policy) Knows(c terminal.Category) bool { _, ok := p.HighResale[c]; return ok }

// Categories lists the categories' ids, for people.
func (p *Policy) Categories() string {
	var ids []string
	for c := range p.HighResale {
		ids = append(ids, string(c))
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}

// Cap gives the cap of an id.
func (p *Policy) Cap(id terminal.CapID) (terminal.Cap, bool) {
	for _, c := range p.Caps {
		if c.ID == id {
			return c, true
		}
	}
	return terminal.Cap{}, false
}

// Watches gives what an article counts as: the stricter of the watch list, or
// for an article that is not on it of its maker, and the POS's own word. A
// category that the policy does not know is no category. Where both name one,
// high-resale goes before ordinary and the list before the POS; units are the
// larger of the two.
func (p *Policy) Watches(l terminal.Line) terminal.Line {
	w, listed := p.Watch[l.GTIN.Canonical()]
	if !listed {
		if w, listed = p.maker(l.GTIN); !listed {
			return l
		}
	}
	if !p.HighResale[l.Category] || p.HighResale[w.Category] {
		l.Category = w.Category
	}
	l.Units = max(l.Units, w.Units)
	return l
}

// maker finds what a maker's articles count as by the longest prefix of the
// number, filled up with zeros to 13 digits.
func (p *Policy) maker(gtin terminal.GTIN) (Watched, bool) {
	const digits = 13
	number := string(gtin.Canonical())
	if !gtin.Canonical().Valid() {
		return Watched{}, false
	}
	if len(number) < digits {
		number = strings.Repeat("0", digits-len(number)) + number
	}
	var found Maker
	for _, m := range p.Makers {
		if strings.HasPrefix(number, m.Prefix) && len(m.Prefix) > len(found.Prefix) {
			found = m
		}
	}
	return Watched{Category: found.Category, Units: found.Units}, found.Prefix != ""
}

// Ageing gives the share of the offline ceilings, in thousandths, that is left
// when the backend was last heard age ago: all for FullFor, then in a straight
// line to nothing at NothingAfter.
func (o OfflineRules) Ageing(age time.Duration) int64 {
	switch {
	case age <= o.FullFor:
		return 1000
	case age >= o.NothingAfter:
		return 0
	}
	// The product has 128 bits: 106 days in nanoseconds times 1000 has over 63.
	high, low := bits.Mul64(uint64(o.NothingAfter-age), 1000)
	share, _ := bits.Div64(high, low, uint64(o.NothingAfter-o.FullFor))
	return int64(share)
}
