package backendsim

import (
	"cmp"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"sekisho/terminal"
)

// maxLeaves is the most leaves of one answer.
const maxLeaves = 1000

// maxAdmin is the most bytes of one request to /admin/.
const maxAdmin = 1 << 16

// person is the body of requests about an account.
type person struct {
	Issuer  string `json:"issuer"`
	Account string `json:"account"` // the pseudonym
	Balance int64  `json:"balance"` // yen
	Code    string `json:"code"`    // a wallet's digits
	Yen     int64  `json:"yen"`     // offline at one register in 24 hours
	Count   int64  `json:"count"`   // likewise
}

// machine is the body of requests about a register.
type machine struct {
	Store    terminal.StoreID    `json:"store"`
	Register terminal.RegisterID `json:"register"`
	Key      string              `json:"vkey"`
	Why      string              `json:"why"`
	Class    string              `json:"class"`
}

// force is the body of a switch of CAs.
type force struct {
	Force bool `json:"force"`
}

// moment is the body of requests about an issuer's credentials.
type moment struct {
	Issuer string          `json:"issuer"`
	Before terminal.Millis `json:"before"`
}

// admin mounts the switches. They have no lock but that they answer this
// machine's programs only: this backend is for tests.
func (b *Backend) admin() {
	b.mux.HandleFunc("GET /admin/payments", local(show(b.Ledger().Payments)))
	b.mux.HandleFunc("GET /admin/caps", local(show(b.Ledger().Caps)))
	b.mux.HandleFunc("GET /admin/events", local(show(b.Ledger().Events)))
	b.mux.HandleFunc("GET /admin/charges", local(func(w http.ResponseWriter, r *http.Request) {
		show(func(ctx context.Context) ([]Movement, error) {
			return b.Ledger().Charges(ctx, r.URL.Query().Get("payment"))
		})(w, r)
	}))
	b.mux.HandleFunc("GET /admin/faults", local(show(func(context.Context) ([]Fault, error) { return b.faults.list(), nil })))
	b.mux.HandleFunc("POST /admin/faults", local(take(func(_ context.Context, s Script) error { return b.Set(s...) })))
	b.mux.HandleFunc("DELETE /admin/faults", local(func(w http.ResponseWriter, r *http.Request) {
		b.Clear(FaultKind(r.URL.Query().Get("kind")))
		w.WriteHeader(http.StatusNoContent)
	}))
	b.mux.HandleFunc("POST /admin/accounts", local(take(func(ctx context.Context, p person) error {
		return b.SetAccount(ctx, p.Issuer, p.Account, p.Balance)
	})))
	b.mux.HandleFunc("POST /admin/accounts/stop", local(take(func(ctx context.Context, p person) error {
		return b.StopAccount(ctx, p.Issuer, p.Account)
	})))
	b.mux.HandleFunc("POST /admin/digits", local(take(func(ctx context.Context, p person) error {
		return b.RegisterDigits(ctx, p.Code, p.Issuer, p.Account)
	})))
	b.mux.HandleFunc("GET /admin/accounts", local(show(b.Ledger().Accounts)))
	b.mux.HandleFunc("GET /admin/parked", local(show(b.Ledger().Parked)))
	b.mux.HandleFunc("GET /admin/problems", local(show(b.Ledger().Problems)))
	b.mux.HandleFunc("GET /admin/ages", local(show(b.Ledger().Ages)))
	b.mux.HandleFunc("/admin/", local(func(w http.ResponseWriter, _ *http.Request) {
		wrong(w, http.StatusNotFound, "there is no such thing here; docs/backend-mock.md lists what there is")
	}))
	b.office()
	b.trust()
	b.publish()
}

// office mounts what head office does.
func (b *Backend) office() {
	b.mux.HandleFunc("GET /admin/registers", local(show(b.Standings)))
	b.mux.HandleFunc("GET /admin/checkpoints", local(func(w http.ResponseWriter, r *http.Request) {
		show(func(ctx context.Context) ([]Checkpoint, error) {
			return b.Ledger().Checkpoints(ctx, r.URL.Query().Get("register"))
		})(w, r)
	}))
	b.mux.HandleFunc("GET /admin/journals", local(show(b.Ledger().Uploads)))
	b.mux.HandleFunc("GET /admin/journals/leaves", local(func(w http.ResponseWriter, r *http.Request) {
		from, err := strconv.ParseInt(cmp.Or(r.URL.Query().Get("from"), "0"), 10, 64)
		if err != nil || from < 0 {
			wrong(w, http.StatusBadRequest, "from is no index of a leaf")
			return
		}
		leaves, err := b.Ledger().Journal(r.Context(), r.URL.Query().Get("register"), from, maxLeaves)
		if err != nil {
			wrong(w, http.StatusBadRequest, err.Error())
			return
		}
		show(func(context.Context) ([]Leaf, error) { return leaves, nil })(w, r)
	}))
	b.mux.HandleFunc("POST /admin/journals/verify", local(give(func(ctx context.Context, m machine) (Uploaded, error) {
		return b.Ledger().Verify(ctx, string(m.Register))
	})))
	b.mux.HandleFunc("GET /admin/denials", local(show(b.Ledger().Denials)))
	b.mux.HandleFunc("POST /admin/denials", local(take(func(ctx context.Context, p person) error {
		return b.Deny(ctx, Denial{Account: terminal.NewAccountKey(p.Issuer, p.Account), Until: b.now().Add(credentialLife)})
	})))
	b.mux.HandleFunc("POST /admin/denials/allow", local(take(func(ctx context.Context, p person) error {
		return b.Allow(ctx, terminal.NewAccountKey(p.Issuer, p.Account))
	})))
	b.mux.HandleFunc("GET /admin/notes", local(show(b.Ledger().Notes)))
	b.mux.HandleFunc("POST /admin/accounts/limits", local(take(func(ctx context.Context, p person) error {
		return b.SetLimits(ctx, p.Issuer, p.Account, p.Yen, p.Count)
	})))
	b.mux.HandleFunc("POST /admin/issuers/void", local(take(func(ctx context.Context, m moment) error {
		return b.VoidBefore(ctx, m.Issuer, time.UnixMilli(int64(m.Before)))
	})))
	b.mux.HandleFunc("POST /admin/registers/enrol", local(take(func(ctx context.Context, m machine) error {
		return b.Enrol(ctx, m.Store, m.Register, m.Key)
	})))
	b.mux.HandleFunc("POST /admin/registers/quarantine", local(take(func(ctx context.Context, m machine) error {
		return b.Quarantine(ctx, m.Register, m.Why)
	})))
	b.mux.HandleFunc("POST /admin/registers/release", local(take(func(ctx context.Context, m machine) error {
		return b.Release(ctx, m.Register)
	})))
}

// trust mounts what decides who may speak.
func (b *Backend) trust() {
	b.mux.HandleFunc("GET /admin/ca", local(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(b.CA()) // the caller has gone: nobody to tell
	}))
	b.mux.HandleFunc("POST /admin/ca/add", local(take(func(ctx context.Context, _ struct{}) error { return b.AddCA(ctx) })))
	b.mux.HandleFunc("POST /admin/ca/switch", local(take(func(ctx context.Context, f force) error { return b.SwitchCA(ctx, f.Force) })))
	b.mux.HandleFunc("POST /admin/ca/drop", local(take(func(ctx context.Context, _ struct{}) error { return b.DropCA(ctx) })))
	b.mux.HandleFunc("GET /admin/codes", local(show(b.Ledger().Codes)))
	b.mux.HandleFunc("POST /admin/codes", local(give(func(ctx context.Context, m machine) (map[string]string, error) {
		code, err := b.Code(ctx, m.Store, m.Register, m.Class)
		return map[string]string{"code": code.Text()}, err
	})))
	b.mux.HandleFunc("POST /admin/registers/revoke", local(take(func(ctx context.Context, m machine) error {
		return b.Revoke(ctx, m.Register)
	})))
}

// local lets only callers on this machine through, and no page of a browser there:
// one of another site, or of a name that was made to point here.
func local(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !loopback(r) || !ourName(r.Host) || r.Header.Get("Origin") != "" {
			wrong(w, http.StatusForbidden, "the operator's side answers this machine's programs only, at its loopback address")
			return
		}
		next(w, r)
	}
}

// ourName says whether a Host is this machine's own.
func ourName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// loopback says whether a request came from this machine.
func loopback(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

// show answers with JSON.
func show[T any](read func(context.Context) ([]T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		all, err := read(r.Context())
		if err != nil {
			wrong(w, http.StatusInternalServerError, "the ledger cannot be read now")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(all) // the caller has gone: nobody to tell
	}
}

// wrong answers with a problem (RFC 9457).
func wrong(w http.ResponseWriter, status int, detail string) {
	(&refusal{status: status, code: "admin", detail: detail}).write(w)
}

// take reads JSON and does what it says.
func take[T any](do func(context.Context, T) error) http.HandlerFunc {
	return give(func(ctx context.Context, body T) (any, error) { return nil, do(ctx, body) })
}

// give reads JSON, does what it says, and answers with what came of it.
func give[T, A any](do func(context.Context, T) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body T
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAdmin))
		d.DisallowUnknownFields()
		if err := d.Decode(&body); err != nil {
			wrong(w, http.StatusBadRequest, "the body is no JSON of this shape")
			return
		}
		answer, err := do(r.Context(), body)
		if err != nil {
			wrong(w, http.StatusBadRequest, err.Error())
			return
		}
		if any(answer) == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the caller has gone: nobody to tell
	}
}
