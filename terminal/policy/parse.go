package policy

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
)

// Code says for machines why a policy was not taken.
type Code string

// The codes of an *Error.
const (
	CodeSignature Code = "policy.signature" // no signature by the pinned key
	CodeRealm     Code = "policy.realm"     // for another chain or environment
	CodeText      Code = "policy.text"      // the text does not parse
	CodeRule      Code = "policy.rule"      // a rule is out of range or makes no sense
)

// Error says why a policy was not taken, and where.
type Error struct {
	Code  Code
	Text  string
	Cause error
}

// Error gives the sentence.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Text + ": " + e.Cause.Error()
	}
	return e.Text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// file is the TOML text.
type file struct {
	Version   int64   `toml:"version"`
	Realm     string  `toml:"realm"`
	GoodUntil instant `toml:"good_until"`
	Business  struct {
		Zone    string `toml:"zone"`
		CutOver string `toml:"cut_over"`
	} `toml:"business"`
	Times struct {
		Answer duration `toml:"answer"`
		Query  duration `toml:"query"`
		Give   duration `toml:"give_up"`
	} `toml:"times"`
	Pass struct {
		Life      duration `toml:"life"`
		Tolerance duration `toml:"tolerance"`
	} `toml:"pass"`
	Device struct {
		NewFor         duration `toml:"new_for"`
		NewUnitsOnline int64    `toml:"new_units_online"`
	} `toml:"device"`
	Offline struct {
		Floor        int64    `toml:"floor"`
		AccountYen   int64    `toml:"account_yen"`
		AccountCount int64    `toml:"account_count"`
		FullFor      duration `toml:"full_for"`
		NothingAfter duration `toml:"nothing_after"`
		DeclineBars  duration `toml:"decline_bars"`
	} `toml:"offline"`
	Reserve struct {
		Register int64 `toml:"register_percent"`
		Store    int64 `toml:"store_percent"`
	} `toml:"reserve"`
	Categories []struct {
		ID         string `toml:"id"`
		HighResale bool   `toml:"high_resale"`
	} `toml:"category"`
	Caps []struct {
		ID          string `toml:"id"`
		Scope       string `toml:"scope"`
		Window      string `toml:"window"`
		Category    string `toml:"category"`
		Yen         *int64 `toml:"yen"`
		Units       *int64 `toml:"units"`
		OfflineOnly bool   `toml:"offline_only"`
	} `toml:"cap"`
	Watch []struct {
		GTIN     string `toml:"gtin"`
		Category string `toml:"category"`
		Units    int64  `toml:"units"`
	} `toml:"watch"`
	Wallets []struct {
		ID        string `toml:"id"`
		Name      string `toml:"name"`
		Prefix    string `toml:"prefix"`
		MinLength int    `toml:"min_length"`
		MaxLength int    `toml:"max_length"`
	} `toml:"wallet"`
	Issuers []struct {
		Name  string `toml:"name"`
		KeyID string `toml:"key_id"`
		Key   string `toml:"key"` // Ed25519 public key, base64
	} `toml:"pass_issuer"`
}

type duration time.Duration

// UnmarshalText reads Go's form, such as "45s" or "72h".
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

type instant time.Time

// UnmarshalTOML refuses a time without an offset, which the decoder would read in
// the machine's own zone: it would be another moment on each register.
func (i *instant) UnmarshalTOML(value any) error {
	t, ok := value.(time.Time)
	if !ok || strings.HasSuffix(t.Location().String(), "-local") {
		return errors.New("must be a time with its offset, such as 2030-01-01T00:00:00Z")
	}
	*i = instant(t)
	return nil
}

// Open verifies a note and reads its text. The error is an *Error.
func Open(text string, verifier note.Verifier, realm string) (*Policy, error) {
	n, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return nil, &Error{Code: CodeSignature, Text: "the policy is not signed by the key that this register was enrolled with", Cause: err}
	}
	p, err := Parse(n.Text)
	if err != nil {
		return nil, err
	}
	if p.Realm != realm {
		return nil, &Error{Code: CodeRealm, Text: fmt.Sprintf("the policy is for %q, this register belongs to %q", p.Realm, realm)}
	}
	return p, nil
}

// Sign makes the note that Open takes, after reading the text itself, so that
// nothing is signed that no register would take. A text with a tab or carriage
// return would sign and then not open: it is refused.
func Sign(text string, signer note.Signer) (string, error) {
	if strings.ContainsAny(text, "\t\r") {
		return "", &Error{Code: CodeText, Text: "a policy's text holds no tab and no carriage return: a note with them would not open"}
	}
	if len(text) > maxNote {
		return "", &Error{Code: CodeText, Text: fmt.Sprintf("the policy has more than %d bytes: no message could bring it", maxNote)}
	}
	if _, err := Parse(text); err != nil {
		return "", err
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return "", &Error{Code: CodeText, Text: "the policy cannot be signed", Cause: err}
	}
	return string(signed), nil
}

// Parse reads a policy's text. The error is an *Error.
func Parse(text string) (*Policy, error) {
	var f file
	meta, err := toml.Decode(text, &f)
	if err != nil {
		return nil, &Error{Code: CodeText, Text: "the policy's text is no TOML of this shape", Cause: err}
	}
	if unknown := unknownKey(meta); unknown != "" {
		return nil, &Error{Code: CodeText, Text: fmt.Sprintf("the policy has a key that this release does not know: %s", unknown)}
	}
	p, err := f.policy()
	if err != nil {
		return nil, &Error{Code: CodeRule, Text: "the policy makes no sense", Cause: err}
	}
	return p, nil
}

// unknownKey gives the first key that has no field, or "". The decoder takes
// "Floor" for "floor", and of both the one that it happens to meet last: a key in
// any other spelling is unknown too.
func unknownKey(meta toml.MetaData) string {
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return unknown[0].String()
	}
	for _, key := range meta.Keys() {
		if key.String() != strings.ToLower(key.String()) {
			return key.String()
		}
	}
	return ""
}

func (f *file) policy() (*Policy, error) {
	zone, err := time.LoadLocation(f.Business.Zone)
	if err != nil || f.Business.Zone == "" || f.Business.Zone == "Local" { // the machine's own is no rule
		return nil, fmt.Errorf("business.zone %q is no time zone", f.Business.Zone)
	}
	cut, err := time.Parse("15:04", f.Business.CutOver)
	if err != nil {
		return nil, fmt.Errorf("business.cut_over %q is no time of day like 05:00", f.Business.CutOver)
	}
	p := &Policy{
		Version: f.Version, Realm: f.Realm, GoodUntil: time.Time(f.GoodUntil),
		Business: terminal.Business{Zone: zone, CutOver: time.Duration(cut.Hour())*time.Hour + time.Duration(cut.Minute())*time.Minute},
		Times:    Times{Answer: time.Duration(f.Times.Answer), Query: time.Duration(f.Times.Query), Give: time.Duration(f.Times.Give)},
		Pass:     PassRules{Life: time.Duration(f.Pass.Life), Tolerance: time.Duration(f.Pass.Tolerance)},
		Device:   DeviceRules{NewFor: time.Duration(f.Device.NewFor), NewUnitsOnline: f.Device.NewUnitsOnline},
		Offline: OfflineRules{
			Floor: terminal.Yen(f.Offline.Floor), AccountYen: terminal.Yen(f.Offline.AccountYen), AccountCount: f.Offline.AccountCount,
			FullFor: time.Duration(f.Offline.FullFor), NothingAfter: time.Duration(f.Offline.NothingAfter), DeclineBars: time.Duration(f.Offline.DeclineBars),
		},
		Reserve: Reserve{RegisterPercent: f.Reserve.Register, StorePercent: f.Reserve.Store},
	}
	return p, errors.Join(f.numbers(), f.categories(p), f.caps(p), f.watch(p), f.wallets(p), f.issuers(p))
}

// maxNumber is the largest number that a policy may hold: far above any ceiling,
// exact in every JSON reader (2^53), and small enough that a thousand times it,
// as the rules on age need, does not overflow.
const maxNumber = 1_000_000_000_000_000

// numbers checks what stands alone.
func (f *file) numbers() error {
	var errs []error
	need := func(ok bool, text string) {
		if !ok {
			errs = append(errs, errors.New(text))
		}
	}
	need(f.Version >= 1 && f.Version <= maxNumber, fmt.Sprintf("version must be from 1 to %d", int64(maxNumber)))
	need(f.Realm != "", "realm is missing: chain and environment, such as \"sakura/production\"")
	need(!time.Time(f.GoodUntil).IsZero(), "good_until is missing")
	need(f.Times.Answer > 0 && f.Times.Query > 0 && f.Times.Give >= f.Times.Answer, "times: answer and query must be above zero, give_up not below answer")
	need(f.Pass.Life > 0 && f.Pass.Tolerance >= 0, "pass: life must be above zero, tolerance not below")
	need(f.Device.NewFor >= 0 && f.Device.NewUnitsOnline >= 0, "device: nothing may be below zero")
	need(f.Offline.Floor >= 0 && f.Offline.AccountYen >= 0 && f.Offline.AccountCount >= 0 && f.Offline.DeclineBars >= 0, "offline: nothing may be below zero")
	need(f.Offline.Floor <= maxNumber && f.Offline.AccountYen <= maxNumber && f.Offline.AccountCount <= maxNumber, fmt.Sprintf("offline: nothing may be above %d", int64(maxNumber)))
	need(f.Offline.FullFor >= 0 && f.Offline.NothingAfter > f.Offline.FullFor, "offline: nothing_after must be above full_for")
	need(f.Reserve.Register >= 0 && f.Reserve.Register <= f.Reserve.Store && f.Reserve.Store <= 100, "reserve: 0 <= register_percent <= store_percent <= 100")
	return errors.Join(errs...)
}

// maxName and maxCaps keep every id and list of a policy within what the wire
// takes in a message (100 characters, 1,000 items), so that no policy comes into
// force under which the till cannot speak.
const (
	maxName = 64  // printable ASCII characters of an id
	maxCaps = 200 // caps, and as many categories
)

// maxNote is the most bytes of a signed policy: a welcome that brings it must fit
// into one message of 1 MiB, in which a character may take two.
const maxNote = 400 << 10

func name(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func (f *file) categories(p *Policy) error {
	if len(f.Categories) > maxCaps {
		return fmt.Errorf("more than %d categories", maxCaps)
	}
	p.HighResale = map[terminal.Category]bool{}
	for i, c := range f.Categories {
		if _, twice := p.HighResale[terminal.Category(c.ID)]; twice || !name(c.ID) {
			return fmt.Errorf("category %d: the id is missing, longer than %d characters or there twice", i+1, maxName)
		}
		p.HighResale[terminal.Category(c.ID)] = c.HighResale
	}
	return nil
}

// legal lists which windows a scope may have.
var legal = map[terminal.Scope]terminal.Window{
	terminal.ScopeStore:    terminal.PerDay,
	terminal.ScopeRegister: terminal.PerSale,
}

func (f *file) caps(p *Policy) error {
	if len(f.Caps) > maxCaps {
		return fmt.Errorf("more than %d caps", maxCaps)
	}
	ids := map[string]bool{}
	for i, c := range f.Caps {
		t := terminal.Cap{
			ID: terminal.CapID(c.ID), Scope: terminal.Scope(c.Scope), Window: terminal.Window(c.Window),
			Category: terminal.Category(c.Category), OfflineOnly: c.OfflineOnly,
			Limit: terminal.Amount{Yen: ceiling(c.Yen), Units: ceiling(c.Units)},
		}
		window, known := legal[t.Scope]
		switch {
		case !name(c.ID) || ids[c.ID]:
			return fmt.Errorf("cap %d: the id is missing, longer than %d characters or there twice", i+1, maxName)
		case !known || window != t.Window:
			return fmt.Errorf("cap %q: scope %q does not go with window %q: a store's cap counts per day, a register's per sale", c.ID, c.Scope, c.Window)
		case c.Yen == nil && c.Units == nil:
			return fmt.Errorf("cap %q: neither yen nor units", c.ID)
		case t.Limit.Negative():
			return fmt.Errorf("cap %q: a limit is below zero", c.ID)
		case above(c.Yen) || above(c.Units):
			return fmt.Errorf("cap %q: a limit is above %d; leave out what is not limited", c.ID, int64(maxNumber))
		case t.OfflineOnly && t.Scope != terminal.ScopeStore:
			return fmt.Errorf("cap %q: only a store's cap can be offline_only", c.ID)
		case t.Category != "" && !p.Knows(t.Category):
			return fmt.Errorf("cap %q: category %q is not in the list of categories", c.ID, c.Category)
		}
		ids[c.ID] = true
		p.Caps = append(p.Caps, t)
	}
	return nil
}

func ceiling(v *int64) int64 {
	if v == nil {
		return terminal.Unlimited
	}
	return *v
}

func above(v *int64) bool { return v != nil && *v > maxNumber }

func (f *file) watch(p *Policy) error {
	p.Watch = make(map[terminal.GTIN]Watched, len(f.Watch))
	for i, w := range f.Watch {
		gtin := terminal.GTIN(w.GTIN).Canonical() // as lines carry it
		switch _, twice := p.Watch[gtin]; {
		case !gtin.Valid():
			return fmt.Errorf("watch %d: %q is no article number", i+1, w.GTIN)
		case twice:
			return fmt.Errorf("watch %d: %q is there twice", i+1, w.GTIN)
		case !p.Knows(terminal.Category(w.Category)):
			return fmt.Errorf("watch %d: category %q is not in the list of categories", i+1, w.Category)
		case w.Units < 1 || w.Units > terminal.MaxQuantity:
			return fmt.Errorf("watch %d: units must be from 1 to %d", i+1, terminal.MaxQuantity)
		}
		p.Watch[gtin] = Watched{Category: terminal.Category(w.Category), Units: w.Units}
	}
	return nil
}

func (f *file) wallets(p *Policy) error {
	for i, w := range f.Wallets {
		if !name(w.ID) || w.Prefix == "" || strings.Trim(w.Prefix, "0123456789") != "" || w.MinLength < len(w.Prefix) || w.MaxLength < w.MinLength {
			return fmt.Errorf("wallet %d: it needs an id, a prefix of digits, and lengths that fit", i+1)
		}
		p.Wallets = append(p.Wallets, Wallet(w))
	}
	return nil
}

func (f *file) issuers(p *Policy) error {
	ids := map[string]bool{}
	for i, s := range f.Issuers {
		key, err := base64.StdEncoding.DecodeString(s.Key)
		if err != nil || len(key) != ed25519.PublicKeySize || !name(s.Name) || !name(s.KeyID) || ids[s.KeyID] {
			return fmt.Errorf("pass_issuer %d: it needs a name, a key_id of its own, and an Ed25519 public key in base64", i+1)
		}
		ids[s.KeyID] = true
		p.Issuers = append(p.Issuers, PassIssuer{Name: s.Name, KeyID: s.KeyID, Key: key})
	}
	return nil
}
