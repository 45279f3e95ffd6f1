// Package own runs the reference backend for the conformance kit, with a policy
// that lets every rule be tried: for the kit's own tests, and to see what a run
// looks like.
package own

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/conform"
	"sekisho/terminal"
	"sekisho/terminal/policy"
)

//go:embed policy.toml
var policyText string

// rolesText wants the keys of root, policy and freeze.
const rolesText = `version = 1
realm = "conform/development"
root = %q
[policy]
threshold = 1
keys = [%q]
[freeze]
threshold = 1
keys = [%q]
`

// dials is how many dials of one register the backend takes in a minute: the
// kit's, and no end of them.
const dials = 1_000_000

// Backend is a backendsim that serves on loopback.
type Backend struct {
	cfg     backendsim.Config
	tls     bool
	b       *backendsim.Backend
	link    string // address of registers' link
	desk    string // address of the admin API
	serving sync.WaitGroup
	wallet  ed25519.PrivateKey
	signers map[string]note.Signer // by the operator's act
}

// Open makes keys and policy, and serves with a ledger in dir, over TLS or
// without.
func Open(ctx context.Context, dir string, tls bool) (*Backend, error) {
	o := &Backend{link: anyPort, desk: anyPort, tls: tls, cfg: backendsim.Config{
		File: filepath.Join(dir, "backend.db"), Dials: dials, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}}
	if err := o.keys(); err != nil {
		return nil, err
	}
	return o, o.open(ctx)
}

const anyPort = "127.0.0.1:0"

// keys makes head office's, the wallet's and the backend's.
func (o *Backend) keys() error {
	public, wallet, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	o.wallet = wallet
	if o.cfg.Key, err = hpke.DHKEM(ecdh.X25519()).GenerateKey(); err != nil {
		return err
	}
	if err := o.roles(); err != nil {
		return err
	}
	cutOver := time.Now().In(time.FixedZone("JST", 9*3600)).Add(12 * time.Hour).Format("15:04")
	text := fmt.Sprintf(policyText, cutOver, base64.StdEncoding.EncodeToString(public))
	if o.cfg.Note, err = policy.Sign(text, o.signers["policy"]); err != nil {
		return err
	}
	o.cfg.Policy, err = policy.Parse(text)
	return err
}

// roles makes root, the roles that it signs, and who signs by them.
func (o *Backend) roles() error {
	var signers []note.Signer
	var public []any
	for _, name := range []string{"conform-root", "conform-policy", "conform-freeze"} {
		secret, vkey, err := note.GenerateKey(rand.Reader, name)
		if err != nil {
			return err
		}
		signer, err := note.NewSigner(secret)
		if err != nil {
			return err
		}
		signers, public = append(signers, signer), append(public, vkey)
	}
	o.cfg.Root, o.cfg.Pinned = signers[0], fmt.Sprint(public[0])
	o.signers = map[string]note.Signer{"policy": signers[1], "lift": signers[1], "freeze": signers[2]}
	root, err := note.NewVerifier(o.cfg.Pinned)
	if err != nil {
		return err
	}
	if o.cfg.Roles, err = policy.SignRoles(fmt.Sprintf(rolesText, public...), signers[0]); err != nil {
		return err
	}
	o.cfg.Signer, err = policy.OpenRoles(o.cfg.Roles, root, "conform/development")
	return err
}

// open opens the backend on its file, and serves on the addresses it had before.
func (o *Backend) open(ctx context.Context) error {
	b, err := backendsim.Open(ctx, o.cfg)
	if err != nil {
		return err
	}
	link, err := net.Listen("tcp", o.link)
	if err != nil {
		return errors.Join(err, b.Close())
	}
	desk, err := net.Listen("tcp", o.desk)
	if err != nil {
		return errors.Join(err, link.Close(), b.Close())
	}
	o.b, o.link, o.desk = b, link.Addr().String(), desk.Addr().String()
	o.serving.Go(func() {
		if o.tls {
			o.ended(b.ServeTLS(link, "127.0.0.1"))
		} else {
			o.ended(b.Serve(link))
		}
	})
	o.serving.Go(func() { o.ended(b.ServeAdmin(desk)) })
	return nil
}

func (o *Backend) ended(err error) {
	if err != nil {
		o.cfg.Log.Error("the backend ended", "error", err)
	}
}

// Config is what the kit needs to know of it, with registers that it never heard,
// of which so many may be spoilt.
func (o *Backend) Config(ctx context.Context, spoilt int) (conform.Config, error) {
	cfg := conform.Config{
		URL: "ws://" + o.link + backendsim.Path, Wallet: o.wallet, Backend: o.cfg.Key.PublicKey(),
		Admin: "http://" + o.desk, Restart: o.restart, Operator: o.operate,
	}
	var err error
	if !o.tls {
		cfg.Registers, err = conform.MakeUp(ctx, cfg.Admin, spoilt)
		return cfg, err
	}
	cfg.URL, cfg.Backend = "wss://"+o.link+backendsim.Path, nil
	cfg.Registers, err = conform.MakeUp(ctx, "", spoilt)
	for i := range cfg.Registers {
		r := &cfg.Registers[i]
		code, wrong := o.b.Code(ctx, terminal.StoreID(r.Store), terminal.RegisterID(r.ID), "")
		r.Code, err = code.Text(), errors.Join(err, wrong)
	}
	return cfg, err
}

func (o *Backend) restart(ctx context.Context) error {
	if err := o.Close(); err != nil {
		return err
	}
	return o.open(ctx)
}

// Close ends the backend; its ledger stays.
func (o *Backend) Close() error {
	err := o.b.Close()
	o.serving.Wait()
	return err
}
