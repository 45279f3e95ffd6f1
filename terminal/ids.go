package terminal

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Each identifier is a type of its own, so that two cannot be swapped.
type (
	// RegisterID names one till of a store, as head office enrolled it.
	RegisterID string
	// StoreID names a shop.
	StoreID string
	// Incarnation is a register from one boot to the next: 128 random bits in
	// hex. Rights to spend a store's cap belong to it and die with it.
	Incarnation string
	// SaleRef is the POS's own reference of a sale; the register makes one
	// where the cashier scans goods without a POS.
	SaleRef string
	// PaymentID is a UUIDv7 in its canonical form (RFC 9562).
	PaymentID string
	// VoidID names one void; a UUIDv7.
	VoidID string
	// RefundID names one refund; a UUIDv7.
	RefundID string
	// CapID names a cap for ever: it is never used again for another.
	CapID string
	// Category is a kind of goods that caps watch, such as "tobacco".
	Category string
	// GTIN is an article's number, 8 or 13 digits (GS1 General Specifications).
	GTIN string
	// BusinessDay names a window of a day: the date, "2006-01-02", on which
	// it began at the store's cut-over.
	BusinessDay string
	// AccountKey stands for an account without naming it: see NewAccountKey.
	AccountKey string
	// SeenKey stands for a payment code that was presented: an HMAC-SHA-256
	// under the store's key, in hex. The code itself is never kept.
	SeenKey string
)

// NewAccountKey gives the first 8 bytes, in hex, of SHA-256 over issuer, a
// newline and pseudonym. It is the denial id of the fixed points: enough to
// find an account again, not to name it.
func NewAccountKey(issuer, pseudonym string) AccountKey {
	sum := sha256.Sum256([]byte(issuer + "\n" + pseudonym))
	return AccountKey(hex.EncodeToString(sum[:8]))
}

// Business is how a store counts its days.
type Business struct {
	Zone    *time.Location
	CutOver time.Duration // local time of day, in whole minutes; a day begins here
}

// Day gives the business day in which t lies. The day begins at the instant at
// which the store's clocks first read the cut-over, so that an hour that they
// show twice at the end of summer time does not bring a day back that was over.
func (b Business) Day(t time.Time) BusinessDay {
	y, m, d := t.In(b.Zone).Date()
	if t.Before(b.begins(y, m, d)) {
		d--
	}
	return BusinessDay(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
}

// Start gives the instant at which the business day began in which t lies.
func (b Business) Start(t time.Time) time.Time {
	y, m, d := t.In(b.Zone).Date()
	if begun := b.begins(y, m, d); !t.Before(begun) {
		return begun
	}
	return b.begins(y, m, d-1)
}

func (b Business) begins(y int, m time.Month, d int) time.Time {
	return time.Date(y, m, d, int(b.CutOver/time.Hour), int(b.CutOver%time.Hour/time.Minute), 0, 0, b.Zone)
}

// HourStart gives the last instant, not after t, at which the store's clocks read
// a whole hour. Where they are moved by half an hour (Lord Howe Island), that
// hour and the next are one of 90 minutes.
func (b Business) HourStart(t time.Time) time.Time {
	whole := func(t time.Time) time.Time {
		local := t.In(b.Zone)
		return local.Add(-time.Duration(local.Minute())*time.Minute - time.Duration(local.Second())*time.Second - time.Duration(local.Nanosecond()))
	}
	return whole(whole(t)) // the second time for clocks that were moved meanwhile
}

// Millis is a point in time in milliseconds since 1970, UTC: the form in which
// the ledger, the journal and the wire keep time.
type Millis int64

// MillisOf converts t.
func MillisOf(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time converts back, in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// String prints RFC 3339 with milliseconds, for people and logs.
func (m Millis) String() string {
	if m == 0 {
		return strconv.Itoa(0)
	}
	return m.Time().Format("2006-01-02T15:04:05.000Z07:00")
}

// Canonical gives the one form in which numbers are compared, of 8 or 13 digits:
// UPC-A's 12 with a leading zero, and a GTIN-8 that was filled up with zeros as
// 8. Numbers that begin with seven zeros are a company's own and stay (GS1
// prefixes 0000001 to 0000099 are left free for GTIN-8).
func (g GTIN) Canonical() GTIN {
	if len(g) == 12 {
		g = "0" + g
	}
	if len(g) == 13 && g[:5] == "00000" && g[:7] != "0000000" {
		return g[5:]
	}
	return g
}
