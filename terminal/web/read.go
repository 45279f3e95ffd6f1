package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"sekisho/terminal/register"
)

// The leaves of one answer of GET /v1/journal.
const (
	defaultLeaves = 100
	maxLeaves     = 1000 // about half a megabyte
)

// state is GET /v1/state.
func (s *Server) state(w http.ResponseWriter, _ *http.Request) {
	s.answer(w, plain(s.desk.View()))
}

// plain makes a view without lines read [] instead of null.
func plain(v register.View) register.View {
	if v.Sale != nil {
		sale := withLines(*v.Sale)
		v.Sale = &sale
	}
	return v
}

// caps is GET /v1/caps.
func (s *Server) caps(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	held, err := s.desk.Caps(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.answer(w, struct {
		Caps []register.Holding `json:"caps"`
	}{append([]register.Holding{}, held...)})
}

// leaf is one journal entry as GET /v1/journal shows it: its bytes unchanged,
// so that they can be hashed, and never its private part.
type leaf struct {
	Seq  int64           `json:"seq"`
	Size int64           `json:"size"` // of the journal with this entry as its last
	Leaf json.RawMessage `json:"leaf"`
}

// leaves is one answer of GET /v1/journal.
type leaves struct {
	Entries []leaf `json:"entries"`
	Next    int64  `json:"next"` // where to go on reading; with no entries: what was asked for
}

// journal is GET /v1/journal?from=&limit=.
func (s *Server) journal(w http.ResponseWriter, r *http.Request) {
	from, limit, err := readRange(r.URL.Query())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	found, err := s.reader.Entries(ctx, from, limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	out := leaves{Entries: make([]leaf, len(found)), Next: from}
	for i, l := range found {
		out.Entries[i] = leaf{Seq: l.Seq, Size: l.Seq + 1, Leaf: l.Bytes}
		out.Next = l.Seq + 1
	}
	s.answer(w, out)
}

func readRange(q url.Values) (from int64, limit int, err error) {
	for name := range q {
		if name != "from" && name != "limit" {
			return 0, 0, invalid(quoted(name) + " is not known here: from and limit are")
		}
	}
	if text := q.Get("from"); text != "" {
		if from, err = strconv.ParseInt(text, 10, 64); err != nil || from < 0 {
			return 0, 0, invalid("from must be a whole number, 0 or more")
		}
	}
	limit = defaultLeaves
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLeaves {
			return 0, 0, invalid(fmt.Sprintf("limit must be a whole number from 1 to %d", maxLeaves))
		}
	}
	return from, limit, nil
}
