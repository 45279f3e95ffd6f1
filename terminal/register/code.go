package register

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"sekisho/scanner/payload"
	"sekisho/terminal"
	"sekisho/terminal/pass"
	"sekisho/terminal/policy"
)

// presented is what the customer showed, as far as it can be told without the
// backend. raw lives in memory only and goes nowhere but into the authorise, or
// sealed into the advice.
type presented struct {
	kind    terminal.CodeKind
	issuer  string
	masked  string
	account terminal.AccountKey
	seen    terminal.SeenKey
	pass    *pass.Pass      // nil for every other kind
	reason  terminal.Reason // why it cannot pay at all; "" where it can
	raw     string
}

// tables are a policy's lists in the forms that scanner and pass want, made once
// for a policy and not for each code.
type tables struct {
	of      *policy.Policy
	wallets []payload.Issuer
	trust   pass.Trust
}

// codes gives the tables of the policy in force.
func (r *Register) codes() tables {
	if p := r.policy; p != nil && r.tables.of != p {
		r.tables = tables{of: p, wallets: wallets(p), trust: trust(p)}
	}
	return r.tables
}

// present reads a scanned code.
func present(c payload.Code, trust pass.Trust, storeKey []byte) presented {
	out := presented{kind: terminal.CodeOther, masked: c.Masked(), raw: c.Reveal()}
	switch c.Kind {
	case payload.Pass:
		return presentPass(out, trust, storeKey)
	case payload.WalletDigits:
		out.kind, out.issuer = terminal.CodeDigits, c.Issuer
	case payload.EMVContainer:
		out.kind = terminal.CodeEMV
	}
	out.seen = seenKey(storeKey, "text", []byte(out.raw))
	return out
}

// presentPass verifies both signatures; whether the pass is fresh is a rule.
func presentPass(out presented, trust pass.Trust, storeKey []byte) presented {
	out.kind, out.masked = terminal.CodePass, ""
	verified, err := pass.Verify(out.raw, trust)
	if err != nil {
		out.reason = passReason(err)
		out.seen = seenKey(storeKey, "text", []byte(out.raw))
		return out
	}
	out.pass, out.issuer = verified, verified.Issuer
	out.masked = masked(verified.Account)
	out.account = terminal.NewAccountKey(verified.Issuer, verified.Account)
	out.seen = seenKey(storeKey, "pass", verified.Identity())
	return out
}

// trust is the policy's list of issuers in the form that pass wants.
func trust(p *policy.Policy) pass.Trust {
	t := pass.Trust{Audience: p.Realm, Keys: make(map[string]pass.IssuerKey, len(p.Issuers))}
	for _, i := range p.Issuers {
		t.Keys[i.KeyID] = pass.IssuerKey{Issuer: i.Name, Key: i.Key}
	}
	return t
}

func passReason(err error) terminal.Reason {
	var e *pass.Error
	if errors.As(err, &e) {
		switch e.Code {
		case pass.Expired, pass.CredentialExpired, pass.FromFuture:
			return terminal.CodeExpired
		}
	}
	return terminal.CodeForged
}

// seenKey names a code without keeping it. A pass is named by issuer and pass
// id, because another encoding of the same pass verifies too.
func seenKey(storeKey []byte, kind string, what []byte) terminal.SeenKey {
	mac := hmac.New(sha256.New, storeKey)
	mac.Write([]byte("sekisho.seen.v1\n" + kind + "\n"))
	mac.Write(what)
	return terminal.SeenKey(hex.EncodeToString(mac.Sum(nil)))
}

// masked keeps the last four characters.
func masked(s string) string {
	r := []rune(s)
	if len(r) <= 4 {
		return "…"
	}
	return "…" + string(r[len(r)-4:])
}

// wallets is the policy's issuer table in the form that payload wants.
func wallets(p *policy.Policy) []payload.Issuer {
	out := make([]payload.Issuer, len(p.Wallets))
	for i, w := range p.Wallets {
		out[i] = payload.Issuer{ID: w.ID, Name: w.Name, Prefix: w.Prefix, MinLength: w.MinLength, MaxLength: w.MaxLength}
	}
	return out
}
