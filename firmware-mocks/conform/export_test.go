package conform

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"sekisho/terminal/wire"
)

// OpenBehind is Open with a test between kit and backend.
func OpenBehind(ctx context.Context, cfg Config, onTLS func(*tls.Config), onHTTP func(http.RoundTripper) http.RoundTripper, onSay func(*wire.Message)) (*Kit, error) {
	if cfg.Patience == 0 {
		cfg.Patience = patience
	}
	k := &Kit{cfg: cfg, rights: map[string]rights{}, line: line{onTLS, onHTTP, onSay}}
	return k, k.begin(ctx)
}

// Wait has the kit wait so long for a message from now on.
func (k *Kit) Wait(d time.Duration) { k.cfg.Patience = d }

// Uncap has the kit believe that the policy has no caps.
func (k *Kit) Uncap() { k.policy.Caps = nil }
