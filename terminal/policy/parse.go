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
	CodeSignature Code = "policy.signature" // not signed by the keys that it needs
	CodeRealm     Code = "policy.realm"     // for another chain, environment or class of stores
	CodeVersion   Code = "policy.version"   // not newer than the one before
	CodeLift      Code = "policy.lift"      // a freeze that lifts needs the policy role
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

// Sign makes the note that Roles.OpenPolicy takes, after reading the text
// itself, so that nothing is signed that no register would take. A text with a
// tab or carriage return would sign and then not open: it is refused.
func Sign(text string, signers ...note.Signer) (string, error) {
	if err := plain("a policy's text", text, maxNote); err != nil {
		return "", err
	}
	if _, err := Parse(text); err != nil {
		return "", err
	}
	return sign("the policy", text, signers)
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
// "Floor" for "floor", and "unitſ" for "units", and of both the one that it
// happens to meet last: a key in any other spelling is unknown too.
func unknownKey(meta toml.MetaData) string {
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return unknown[0].String()
	}
	for _, key := range meta.Keys() {
		for _, part := range key {
			if strings.Trim(part, "abcdefghijklmnopqrstuvwxyz_") != "" {
				return key.String()
			}
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
		Times:    Times{Answer: time.Duration(f.Times.Answer), Query: time.Duration(f.Times.Query), Give: time.Duration(f.Times.Give), Silence: or(f.Times.Silence, DefaultSilence), Redial: or(f.Times.Redial, DefaultRedial)},
		Pass:     PassRules{Life: time.Duration(f.Pass.Life), Tolerance: time.Duration(f.Pass.Tolerance)},
		Device:   DeviceRules{NewFor: time.Duration(f.Device.NewFor), NewUnitsOnline: f.Device.NewUnitsOnline},
		Offline: OfflineRules{
			Floor: terminal.Yen(f.Offline.Floor), AccountYen: terminal.Yen(f.Offline.AccountYen), AccountCount: f.Offline.AccountCount,
			FullFor: time.Duration(f.Offline.FullFor), NothingAfter: time.Duration(f.Offline.NothingAfter), DeclineBars: time.Duration(f.Offline.DeclineBars),
			BootYen: terminal.Yen(f.Offline.BootYen),
		},
		Reserve: Reserve{RegisterPercent: f.Reserve.Register, StorePercent: f.Reserve.Store},
	}
	return p, errors.Join(f.numbers(), f.classes(p), f.categories(p), f.caps(p), f.watch(p), f.makers(p), f.unitemised(p), f.wallets(p), f.issuers(p))
}

// The bounds of the line's pace. A test may want a storm of cuts to be over in
// minutes; three pings must still fit a silence on a busy machine. A line that is
// silent for longer than a minute, or not tried for so long, is gone for every
// customer in between.
const (
	minSilence = 300 * time.Millisecond
	minRedial  = 50 * time.Millisecond
	maxPace    = time.Minute
)

// or gives a duration that may be missing.
func or(d *duration, missing time.Duration) time.Duration {
	if d == nil {
		return missing
	}
	return time.Duration(*d)
}

// between says whether a duration is missing or from least to most.
func between(d *duration, least, most time.Duration) bool {
	return d == nil || time.Duration(*d) >= least && time.Duration(*d) <= most
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
	need(between(f.Times.Silence, minSilence, maxPace), fmt.Sprintf("times: silence must be from %v to %v", minSilence, maxPace))
	need(between(f.Times.Redial, minRedial, maxPace), fmt.Sprintf("times: redial must be from %v to %v", minRedial, maxPace))
	need(f.Pass.Life > 0 && f.Pass.Tolerance >= 0, "pass: life must be above zero, tolerance not below")
	need(f.Device.NewFor >= 0 && f.Device.NewUnitsOnline >= 0, "device: nothing may be below zero")
	need(f.Offline.Floor >= 0 && f.Offline.AccountYen >= 0 && f.Offline.AccountCount >= 0 && f.Offline.DeclineBars >= 0 && f.Offline.BootYen >= 0, "offline: nothing may be below zero")
	need(f.Offline.Floor <= maxNumber && f.Offline.AccountYen <= maxNumber && f.Offline.AccountCount <= maxNumber && f.Offline.BootYen <= maxNumber, fmt.Sprintf("offline: nothing may be above %d", int64(maxNumber)))
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

func name(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func (f *file) classes(p *Policy) error {
	if classes, ok := nameSet[string](f.Classes); !ok || len(classes) == 0 {
		return fmt.Errorf("classes: which classes of stores the policy is for, at least one, none twice, each of at most %d characters", maxName)
	}
	p.Classes = f.Classes
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
