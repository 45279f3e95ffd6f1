package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sekisho/firmware-mocks/conform"
	"sekisho/firmware-mocks/conform/own"
	"sekisho/firmware-mocks/conform/registers"
)

func conformCommand() *cobra.Command {
	var c conforming
	cmd := &cobra.Command{
		Use:   "conform",
		Short: "Say rule by rule whether a backend, or a register, conforms",
		Long: `Play registers against a backend and say rule by rule whether it conforms to
docs/protocol.md and docs/enrolment.md. docs/conformance.md says what a backend
must have for it. Without --backend the reference backend is tried, on a ledger
that is thrown away.

With --register the kit is the backend, and the register's own rules are tried:
each with a sekishod of its own, enrolled by the sekisho beside it, a scanner and
a POS.

Each rule has a line: ok, FAILED, or not checked with what it needs. The exit
status is 0 only if no rule failed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.register != "" {
				return c.tryRegister(cmd.Context(), cmd.OutOrStdout())
			}
			return c.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.register, "register", "", "`BINARY` of a register, sekishod: it is tried, not a backend")
	f.StringVar(&c.backend, "backend", "", "`URL` of the link, such as wss://pay.example.jp/v1/link")
	f.StringVar(&c.wallet, "wallet", "", "`FILE` with the seed, 64 hex digits, of a pass_issuer's key in the backend's policy")
	f.StringVar(&c.fixture, "fixture", "", "`FILE` that names the registers and the backend's key for evidence")
	f.StringVar(&c.admin, "admin", "", "`URL` of an admin API, for rules that need head office's act")
	f.StringVar(&c.restart, "restart", "", "shell `COMMAND` that ends the backend and starts it on its data")
	f.StringVar(&c.operator, "operator", "", "shell `COMMAND` that does head office's acts, which come behind it as arguments")
	f.StringVar(&c.only, "only", "", "try only the rules whose id contains this `TEXT`")
	f.BoolVar(&c.insecure, "insecure-dev", false, "allow ws://, to this machine's loopback alone; with --register no enrolment and no TLS")
	cmd.MarkFlagsMutuallyExclusive("register", "backend")
	return cmd
}

// conforming is what the flags say.
type conforming struct {
	backend, wallet, fixture, admin, restart, operator, only, register string
	insecure                                                           bool
}

func (c conforming) run(ctx context.Context, out io.Writer) error {
	cfg, end, err := c.config(ctx)
	if err != nil {
		return err
	}
	defer end()
	k, err := conform.Open(ctx, cfg)
	if err != nil {
		return err
	}
	return c.tell(ctx, out, "backend", k.Run)
}

// tryRegister is the other direction.
func (c conforming) tryRegister(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "sekisho-conform-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cfg := registers.Config{Sekishod: c.register, Dir: dir}
	if !c.insecure {
		cfg.Sekisho = filepath.Join(filepath.Dir(c.register), "sekisho")
	}
	k, err := registers.Open(cfg)
	if err != nil {
		return err
	}
	return c.tell(ctx, out, "register", k.Run)
}

// tell tells each rule's result, and in the end whether what was tried conforms.
func (c conforming) tell(ctx context.Context, out io.Writer, what string, run func(context.Context, string, func(conform.Result))) error {
	count := map[conform.Status]int{}
	run(ctx, c.only, func(r conform.Result) {
		count[r.Status]++
		fmt.Fprintln(out, r)
	})
	fmt.Fprintf(out, "\n%d rules hold, %d failed, %d were not checked\n", count[conform.Holds], count[conform.Failed], count[conform.NotChecked])
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case count[conform.Failed] > 0:
		return fmt.Errorf("the %s does not conform", what)
	case count[conform.Holds] == 0:
		return fmt.Errorf("no rule was tried: is there one whose id contains %q?", c.only)
	}
	return nil
}

// config gathers what the kit needs; end is to be called after it.
func (c conforming) config(ctx context.Context) (conform.Config, func(), error) {
	if c.backend == "" {
		return c.reference(ctx)
	}
	cfg := conform.Config{URL: c.backend, Admin: c.admin}
	if err := c.allowed(); err != nil {
		return cfg, nil, err
	}
	if c.wallet == "" {
		return cfg, nil, errors.New("--wallet is needed: passes are made with its key")
	}
	var err error
	if cfg.Wallet, err = conform.ReadKey(c.wallet); err != nil {
		return cfg, nil, err
	}
	if c.fixture != "" {
		if err := cfg.ReadFixture(c.fixture); err != nil {
			return cfg, nil, err
		}
	}
	if len(cfg.Registers) == 0 {
		if cfg.Registers, err = conform.MakeUp(ctx, c.admin, conform.Spoilt); err != nil {
			return cfg, nil, err
		}
	}
	if c.restart != "" {
		cfg.Restart = func(ctx context.Context) error { return exec.CommandContext(ctx, "sh", "-c", c.restart).Run() }
	}
	if c.operator != "" {
		cfg.Operator = c.operate
	}
	return cfg, func() {}, nil
}

// cannot is the exit status of an operator's command that does not do an act, as
// other kits' tests say "skipped" with it.
const cannot = 77

// operate runs the operator's command, which may be a person who reads and types.
func (c conforming) operate(ctx context.Context, act string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", c.operator + ` "$@"`, "operator", act}, args...)...)
	cmd.Stdin, cmd.Stderr, cmd.WaitDelay = os.Stdin, os.Stderr, time.Second
	said, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == cannot {
		err = conform.ErrCannot
	}
	return string(said), err
}

// allowed holds the address against --insecure-dev.
func (c conforming) allowed() error {
	u, err := url.Parse(c.backend)
	if err != nil {
		return err
	}
	if u.Scheme == "wss" {
		if c.fixture == "" {
			return errors.New("--fixture is needed: over TLS the registers are enrolled with its one-time codes")
		}
		return nil
	}
	host, err := netip.ParseAddr(u.Hostname())
	if !c.insecure || err != nil || !host.IsLoopback() {
		return fmt.Errorf("%s is without TLS: that is for --insecure-dev and an address of this machine's loopback, such as ws://127.0.0.1:9000/v1/link", c.backend)
	}
	return nil
}

// reference runs the reference backend for this run.
func (c conforming) reference(ctx context.Context) (conform.Config, func(), error) {
	dir, err := os.MkdirTemp("", "sekisho-conform-")
	if err != nil {
		return conform.Config{}, nil, err
	}
	b, err := own.Open(ctx, dir, true)
	if err != nil {
		return conform.Config{}, nil, errors.Join(err, os.RemoveAll(dir))
	}
	end := func() {
		_ = b.Close() // the run is over, and what it was is thrown away
		_ = os.RemoveAll(dir)
	}
	cfg, err := b.Config(ctx, conform.Spoilt)
	if err != nil {
		end()
	}
	return cfg, end, err
}
