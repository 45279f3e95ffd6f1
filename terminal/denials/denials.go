// Package denials is the set of accounts that must get nothing without the line:
// the owner or the issuer stopped them, and the backend pushed it here before the
// line went down.
//
// A Set never changes; Apply gives another. Looking up touches no disk and takes
// no lock. An entry is a denial id (terminal.AccountKey: the first 8 bytes of a
// SHA-256 over issuer and pseudonym) and the minute in which the account's last
// credential ends: after it the pass is refused as expired anyway, and the entry
// may be dropped. Besides, credentials of an issuer that were issued before a
// time can be void all together.
package denials

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"sekisho/terminal"
)

// Sizes in bytes of what Add and Remove hold.
const (
	recordSize = 12 // denial id (8), minute since 1970 (4), big-endian
	idSize     = 8
)

// Change is a delta to a set, or a whole new one: what the wire's denials message
// brings, with its base64 taken off. It is also, as JSON, the form in which the
// cache keeps it.
type Change struct {
	Add    []byte                     `json:"add,omitempty"`
	Remove []byte                     `json:"remove,omitempty"`
	Before map[string]terminal.Millis `json:"issued_before,omitempty"`
}

// ErrForm says that bytes are no change.
var ErrForm = errors.New("these denials have a record that is cut short")

// Body gives the form in which the cache keeps a change.
func (c Change) Body() ([]byte, error) { return json.Marshal(c) }

// ParseBody reads what Body made.
func ParseBody(body []byte) (Change, error) {
	var c Change
	err := json.Unmarshal(body, &c)
	return c, err
}

// Set is the denied accounts. The zero Set denies nobody.
type Set struct {
	ids    []uint64 // sorted
	until  []uint32 // beside them: minutes since 1970
	before map[string]terminal.Millis
}

type record struct {
	id    uint64
	until uint32
}

// Apply gives the set after a change; what is removed and added at once is in.
func (s *Set) Apply(c Change) (*Set, error) {
	if len(c.Add)%recordSize != 0 || len(c.Remove)%idSize != 0 {
		return nil, ErrForm
	}
	added := make([]record, 0, len(c.Add)/recordSize)
	for b := c.Add; len(b) > 0; b = b[recordSize:] {
		added = append(added, record{binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[idSize:])})
	}
	slices.SortStableFunc(added, func(a, b record) int { return cmp.Compare(a.id, b.id) })
	removed := make(map[uint64]bool, len(c.Remove)/idSize)
	for b := c.Remove; len(b) > 0; b = b[idSize:] {
		removed[binary.BigEndian.Uint64(b)] = true
	}
	out := merge(s, added, removed)
	out.before = maps.Clone(s.before)
	if out.before == nil && len(c.Before) > 0 {
		out.before = map[string]terminal.Millis{}
	}
	for issuer, at := range c.Before {
		out.before[issuer] = max(out.before[issuer], at)
	}
	return out, nil
}

// merge goes through both sorted lists once. Of two added records of one id the
// last counts.
func merge(s *Set, added []record, removed map[uint64]bool) *Set {
	out := &Set{ids: make([]uint64, 0, len(s.ids)+len(added)), until: make([]uint32, 0, len(s.ids)+len(added))}
	put := func(r record) {
		if n := len(out.ids); n > 0 && out.ids[n-1] == r.id {
			out.until[n-1] = r.until
			return
		}
		out.ids, out.until = append(out.ids, r.id), append(out.until, r.until)
	}
	next := 0
	for i, id := range s.ids {
		for ; next < len(added) && added[next].id < id; next++ {
			put(added[next])
		}
		if !removed[id] {
			put(record{id, s.until[i]})
		}
	}
	for ; next < len(added); next++ {
		put(added[next])
	}
	return out
}

// Has says whether an account is denied at a time.
func (s *Set) Has(account terminal.AccountKey, now time.Time) bool {
	raw, err := hex.DecodeString(string(account))
	if err != nil || len(raw) != idSize {
		return false
	}
	i, found := slices.BinarySearch(s.ids, binary.BigEndian.Uint64(raw))
	return found && now.Unix()/60 <= int64(s.until[i])
}

// Void says whether a credential is void because of when it was issued.
func (s *Set) Void(issuer string, issued time.Time) bool {
	return terminal.MillisOf(issued) < s.before[issuer]
}

// Len is how many accounts are in the set.
func (s *Set) Len() int { return len(s.ids) }
