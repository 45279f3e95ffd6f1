package policy

import (
	"errors"
	"strings"
	"time"
)

// file is the TOML text.
type file struct {
	Version   int64    `toml:"version"`
	Realm     string   `toml:"realm"`
	GoodUntil instant  `toml:"good_until"`
	Classes   []string `toml:"classes"`
	Business  struct {
		Zone    string `toml:"zone"`
		CutOver string `toml:"cut_over"`
	} `toml:"business"`
	Times struct {
		Answer  duration  `toml:"answer"`
		Query   duration  `toml:"query"`
		Give    duration  `toml:"give_up"`
		Silence *duration `toml:"silence"`
		Redial  *duration `toml:"redial"`
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
		BootYen      int64    `toml:"boot_yen"`
	} `toml:"offline"`
	Reserve struct {
		Register int64 `toml:"register_percent"`
		Store    int64 `toml:"store_percent"`
	} `toml:"reserve"`
	Categories []struct {
		ID         string `toml:"id"`
		HighResale bool   `toml:"high_resale"`
	} `toml:"category"`
	Caps  []capFile `toml:"cap"`
	Watch []struct {
		GTIN     string `toml:"gtin"`
		Category string `toml:"category"`
		Units    int64  `toml:"units"`
	} `toml:"watch"`
	Makers []struct {
		Prefix   string `toml:"prefix"`
		Category string `toml:"category"`
		Units    int64  `toml:"units"`
	} `toml:"maker"`
	Goods struct {
		Unitemised string `toml:"unitemised"`
	} `toml:"goods"`
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

type capFile struct {
	ID          string   `toml:"id"`
	Scope       string   `toml:"scope"`
	Window      string   `toml:"window"`
	Category    string   `toml:"category"`
	Yen         *int64   `toml:"yen"`
	Units       *int64   `toml:"units"`
	OfflineOnly bool     `toml:"offline_only"`
	Over        duration `toml:"over"`
	Classes     []string `toml:"classes"`
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
