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
	"sekisho/terminal/policy"
)

//go:embed policy.toml
var policyText string

// Backend is a backendsim that serves on loopback.
type Backend struct {
	cfg     backendsim.Config
	b       *backendsim.Backend
	address string
	serving sync.WaitGroup
	wallet  ed25519.PrivateKey
	known   []conform.Register
}

// Open makes keys and policy, and serves with a ledger in dir.
func Open(ctx context.Context, dir string) (*Backend, error) {
	o := &Backend{cfg: backendsim.Config{File: filepath.Join(dir, "backend.db"), Now: time.Now, Log: slog.New(slog.DiscardHandler)}}
	if err := o.keys(); err != nil {
		return nil, err
	}
	if err := o.open(ctx); err != nil {
		return nil, err
	}
	var err error
	if o.known, err = conform.MakeUp(ctx, o.admin(), conform.Spoilt); err != nil {
		return nil, errors.Join(err, o.Close())
	}
	return o, nil
}

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
	secret, _, err := note.GenerateKey(rand.Reader, "conform-head-office")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	cutOver := time.Now().In(time.FixedZone("JST", 9*3600)).Add(12 * time.Hour).Format("15:04")
	text := fmt.Sprintf(policyText, cutOver, base64.StdEncoding.EncodeToString(public))
	if o.cfg.Note, err = policy.Sign(text, signer); err != nil {
		return err
	}
	o.cfg.Policy, err = policy.Parse(text)
	return err
}

// open opens the backend on its file, and serves on the address it had before.
func (o *Backend) open(ctx context.Context) error {
	b, err := backendsim.Open(ctx, o.cfg)
	if err != nil {
		return err
	}
	address := o.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return errors.Join(err, b.Close())
	}
	o.b, o.address = b, listener.Addr().String()
	o.serving.Go(func() {
		if err := b.Serve(listener); err != nil {
			o.cfg.Log.Error("the backend ended", "error", err)
		}
	})
	return nil
}

// Config is what the kit needs to know of it.
func (o *Backend) Config() conform.Config {
	return conform.Config{
		URL: "ws://" + o.address + backendsim.Path, Wallet: o.wallet, Backend: o.cfg.Key.PublicKey(),
		Registers: o.known, Admin: o.admin(), Restart: o.restart,
	}
}

func (o *Backend) admin() string { return "http://" + o.address }

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
