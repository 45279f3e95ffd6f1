package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"sekisho/cmd/keys"
	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/register"
	"sekisho/terminal/uplink"
	"sekisho/terminal/web"
	"sekisho/terminal/wire"
)

// acquaintance is what this register knows of the backend, and the backend of it:
// the certificates in use, and the time.
type acquaintance struct {
	folder keys.Folder
	keys   keys.Keys
	trust  atomic.Pointer[uplink.Trust]

	// Set once the register is made, and before anything is dialled.
	mark terminal.Millis // the backend's time of the ledger; 0 for none
	view func() register.View
}

// held gives the certificates in use.
func (a *acquaintance) held() uplink.Trust { return *a.trust.Load() }

// times gives the machine's clock and the backend's last word. After a reboot that
// is what the ledger kept.
func (a *acquaintance) times() uplink.Times {
	t := uplink.Times{Wall: time.Now()}
	if v := a.view(); v.Clock == wire.ClockAuthenticated {
		t.Told, t.Runs = v.Time.Time(), true
	} else if a.mark != 0 {
		t.Told = a.mark.Time()
	}
	return t
}

// renew puts a renewed certificate to use, once it is on the disk.
func (a *acquaintance) renew(r enrol.Renewed) error {
	renewed, err := a.folder.Renew(a.keys, keys.Trust(a.held()), r)
	if err != nil {
		return err
	}
	a.trust.Store((*uplink.Trust)(&renewed))
	return nil
}

// lateRenewal tells the manager of a certificate that is not renewed in good time,
// by the backend's word alone: after a reboot the time is that of the ledger or
// later, and the machine's clock frightens nobody.
func (a *acquaintance) lateRenewal() (web.LateRenewal, bool) {
	own, told := a.held().Certificate.Leaf, a.times().Told
	if own == nil || told.IsZero() || !uplink.RenewalLate(own.NotBefore, own.NotAfter, told) {
		return web.LateRenewal{}, false
	}
	return web.LateRenewal{
		Due: terminal.MillisOf(uplink.RenewAt(own, 1)), End: terminal.MillisOf(own.NotAfter), Ended: !told.Before(own.NotAfter),
	}, true
}

// renewer is the part that renews the certificate; there is none to renew
// without TLS.
func (a *acquaintance) renewer(cfg config, log *slog.Logger) func(context.Context) error {
	if !cfg.secure() {
		return func(context.Context) error { return nil }
	}
	r := &uplink.Renewer{URL: cfg.Backend, Trust: a.held, Times: a.times, Keep: a.renew, Log: log}
	return r.Run
}
