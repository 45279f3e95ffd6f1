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

// edit is what a change says of one id.
type edit struct {
	id    uint64
	until uint32
	turn  uint32 // of two edits of one id the one with the higher turn counts
	in    bool
}

// Apply gives the set after a change; what is removed and added at once is in,
// and of two records of one id the last counts.
func (s *Set) Apply(c Change) (*Set, error) {
	if len(c.Add)%recordSize != 0 || len(c.Remove)%idSize != 0 {
		return nil, ErrForm
	}
	out := s.merge(edits(c))
	out.before = maps.Clone(s.before)
	if out.before == nil && len(c.Before) > 0 {
		out.before = map[string]terminal.Millis{}
	}
	for issuer, at := range c.Before {
		out.before[issuer] = max(out.before[issuer], at)
	}
	return out, nil
}

// edits gives a change's edits by id, one for each.
func edits(c Change) []edit {
	all := make([]edit, 0, len(c.Remove)/idSize+len(c.Add)/recordSize)
	for b := c.Remove; len(b) > 0; b = b[idSize:] {
		all = append(all, edit{id: binary.BigEndian.Uint64(b)})
	}
	for b := c.Add; len(b) > 0; b = b[recordSize:] {
		all = append(all, edit{binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[idSize:]), uint32(len(all)), true})
	}
	slices.SortFunc(all, func(a, b edit) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(b.turn, a.turn)) // the one that counts first
	})
	return slices.CompactFunc(all, func(a, b edit) bool { return a.id == b.id })
}

// merge copies what lies between the edits in runs: a delta is small, and the
// set is large. It counts first, so that no more is allocated than is filled.
func (s *Set) merge(edits []edit) *Set {
	size := len(s.ids)
	for _, e := range edits {
		_, found := slices.BinarySearch(s.ids, e.id)
		switch {
		case e.in && !found:
			size++
		case !e.in && found:
			size--
		}
	}
	out := &Set{ids: make([]uint64, 0, size), until: make([]uint32, 0, size)}
	next := 0
	for _, e := range edits {
		run, found := slices.BinarySearch(s.ids[next:], e.id)
		out.ids, out.until = append(out.ids, s.ids[next:next+run]...), append(out.until, s.until[next:next+run]...)
		next += run
		if found {
			next++
		}
		if e.in {
			out.ids, out.until = append(out.ids, e.id), append(out.until, e.until)
		}
	}
	out.ids, out.until = append(out.ids, s.ids[next:]...), append(out.until, s.until[next:]...)
	return out
}

// Has says whether an account is denied at a time.
func (s *Set) Has(account terminal.AccountKey, now time.Time) bool {
	if len(account) != hex.EncodedLen(idSize) {
		return false
	}
	var raw [idSize]byte
	if _, err := hex.Decode(raw[:], []byte(account)); err != nil {
		return false
	}
	i, found := slices.BinarySearch(s.ids, binary.BigEndian.Uint64(raw[:]))
	return found && now.Unix()/60 <= int64(s.until[i])
}

// Void says whether a credential is void because of when it was issued.
func (s *Set) Void(issuer string, issued time.Time) bool {
	at, told := s.before[issuer]
	return told && terminal.MillisOf(issued) < at
}

// Whole gives the change that makes this set of nothing.
func (s *Set) Whole() Change {
	c := Change{Add: make([]byte, 0, len(s.ids)*recordSize), Before: maps.Clone(s.before)}
	for i, id := range s.ids {
		c.Add = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(c.Add, id), s.until[i])
	}
	return c
}

// Len is how many accounts are in the set.
func (s *Set) Len() int { return len(s.ids) }
