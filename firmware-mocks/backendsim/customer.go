package backendsim

import (
	"context"
	"errors"
	"time"

	"sekisho/terminal"
)

// SetAccount makes an account or sets what is on it, in yen.
func (b *Backend) SetAccount(ctx context.Context, issuer, account string, balance int64) error {
	return b.account(ctx, issuer, account, func(t *tx, key terminal.AccountKey) error {
		return t.exec("UPDATE account SET balance = ? WHERE key = ?", balance, key)
	})
}

// credentialLife is how long a credential may hold that was issued just now and
// that this backend has not seen: a month, where a day is usual (docs/pass.md).
const credentialLife = 31 * 24 * time.Hour

// StopAccount stops an account from now on: nothing is charged to it that was
// paid after this moment, with the line or without. Registers are told at once
// to deny it, until its last credential ends.
func (b *Backend) StopAccount(ctx context.Context, issuer, account string) error {
	now := b.now()
	err := b.account(ctx, issuer, account, func(t *tx, key terminal.AccountKey) error {
		if err := t.exec("UPDATE account SET stopped_at = ? WHERE key = ?", now.UnixMilli(), key); err != nil {
			return err
		}
		var ends int64
		if err := t.row("SELECT ends FROM account WHERE key = ?", key).Scan(&ends); err != nil {
			return err
		}
		until := time.UnixMilli(max(ends, now.Add(credentialLife).UnixMilli()))
		return t.deny(now, []Denial{{Account: key, Until: until}})
	})
	b.tellAll()
	return err
}

// SetLimits says what registers are told of an account with each answer: how
// much it may pay offline at one register in any 24 hours.
func (b *Backend) SetLimits(ctx context.Context, issuer, account string, yen, count int64) error {
	if yen < 0 || count < 0 {
		return errors.New("backendsim: limits are not below zero")
	}
	return b.account(ctx, issuer, account, func(t *tx, key terminal.AccountKey) error {
		return t.exec("UPDATE account SET limit_yen = ?, limit_count = ? WHERE key = ?", yen, count, key)
	})
}

// RegisterDigits says that a wallet shows these digits for an account: they pay
// one payment, within five minutes from now.
func (b *Backend) RegisterDigits(ctx context.Context, code, issuer, account string) error {
	return b.account(ctx, issuer, account, func(t *tx, key terminal.AccountKey) error {
		return t.exec("INSERT OR REPLACE INTO wallet_code (hash, account, made) VALUES (?, ?, ?)",
			b.ledger.hash("digits", []byte(code)), key, b.now().UnixMilli())
	})
}

// account makes the account where there is none, then changes it.
func (b *Backend) account(ctx context.Context, issuer, account string, do func(*tx, terminal.AccountKey) error) error {
	p := payer{issuer: issuer, masked: masked(account), account: terminal.NewAccountKey(issuer, account)}
	return b.ledger.change(ctx, func(t *tx) error {
		if _, err := t.account(p); err != nil {
			return err
		}
		return do(t, p.account)
	})
}

// masked shows the last four characters of an account, and none of a name so
// short that they would nearly be it.
func masked(account string) string {
	if len(account) < 8 {
		return "…"
	}
	return "…" + account[len(account)-4:]
}
