package scenario

import (
	"cmp"
	"crypto/ed25519"
	_ "embed"
	"encoding/base64"
	"strings"
	"text/template"
	"time"

	"sekisho/terminal/policy"
)

//go:embed policy.toml
var policyText string

var policyTemplate = template.Must(template.New("policy").Parse(policyText))

// Rules are the numbers of the demo's policy that a scenario may choose.
type Rules struct {
	Version    int64
	GoodFor    time.Duration // from now; below zero for a policy past its date
	Answer     time.Duration
	GiveUp     time.Duration
	Silence    time.Duration // 0 for the policy's own default, and so is Redial
	Redial     time.Duration
	TobaccoDay int64  // units a store and day
	Unitemised string // what a total without goods counts as; refused where empty
	Also       string // more of the policy's text
}

// DemoRules let every cap of the shift be met within two minutes.
func DemoRules() Rules {
	return Rules{Version: 1, GoodFor: 14 * 24 * time.Hour, Answer: 1500 * time.Millisecond, GiveUp: 6 * time.Second, Silence: 3 * time.Second, Redial: 500 * time.Millisecond, TobaccoDay: 42}
}

// PolicyNote fills the demo's policy and signs it.
func PolicyNote(k Keys, r Rules, now time.Time) (string, *policy.Policy, error) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		return "", nil, err
	}
	var text strings.Builder
	err = policyTemplate.Execute(&text, map[string]any{
		"Version": r.Version, "Realm": Realm, "Class": Class, "Issuer": Issuer, "KeyID": keyID,
		"GoodUntil":  now.Add(r.GoodFor).UTC().Format(time.RFC3339),
		"CutOver":    now.Add(12 * time.Hour).In(tokyo).Format("15:04"),
		"Answer":     r.Answer.String(),
		"GiveUp":     r.GiveUp.String(),
		"Silence":    pace(r.Silence),
		"Redial":     pace(r.Redial),
		"TobaccoDay": r.TobaccoDay,
		"Unitemised": cmp.Or(r.Unitemised, "refuse"),
		"Pack":       string(pack.GTIN), "Carton": string(carton.GTIN), "Cartridge": string(cartridge.GTIN),
		"Key": base64.StdEncoding.EncodeToString(k.Wallet.Public().(ed25519.PublicKey)),
	})
	if err != nil {
		return "", nil, err
	}
	text.WriteString(r.Also)
	signed, err := policy.Sign(text.String(), k.Policy[0], k.Policy[1])
	if err != nil {
		return "", nil, err
	}
	parsed, err := policy.Parse(text.String())
	if err != nil {
		return "", nil, err
	}
	parsed, err = parsed.For(Class)
	return signed, parsed, err
}

// pace writes a time of the line, "" for one that is left to its default.
func pace(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
