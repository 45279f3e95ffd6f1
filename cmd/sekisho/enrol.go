package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sekisho/cmd/keys"
	"sekisho/cmd/prompt"
	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/uplink"
)

// enrols is "sekisho enrol".
func (s *staff) enrols() *cobra.Command {
	var backend, code string
	cmd := &cobra.Command{
		Use: "enrol", Short: "Make this machine a register, by a one-time code from head office", Args: cobra.NoArgs,
		Long: "Enrol makes the register's key, and gets its certificate, its identity and whom it trusts from the backend,\n" +
			"by a code that head office gives and that works once. It writes keys/ in the data folder; ledger and all\n" +
			"else there stay. The code is asked for, or read from standard input: given with --code it would stand in\n" +
			"the shell's history. After a power cut or a lost answer, give the same command with the same code again.",
		Example: "  sekisho enrol --backend wss://pay.example/v1/link\n  sekisho enrol <code.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if code == "-" {
				typed, err := s.typedCode(prompt.Reader(cmd.Context(), cmd.InOrStdin()))
				if err != nil {
					return err
				}
				code = typed
			}
			parsed, err := enrol.ParseCode(code)
			if err != nil {
				return person(err)
			}
			if backend == "" {
				backend = s.cfg.Backend
			}
			return s.enrol(cmd.Context(), backend, parsed)
		},
	}
	cmd.Flags().StringVar(&backend, "backend", "", "`URL` of the backend, wss://HOST/v1/link; the configuration's where it is not given")
	cmd.Flags().StringVar(&code, "code", "-", "one-time `CODE`; - reads it from standard input")
	return cmd
}

// typedCode asks for the code, and reads one line.
func (s *staff) typedCode(in io.Reader) (string, error) {
	fmt.Fprintln(s.err, "sekisho: type the one-time code from head office, and Enter")
	const longest = 1024 // bytes; what is longer is no code
	line, err := bufio.NewReader(io.LimitReader(in, longest)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", person(fmt.Errorf("no code was read, and nothing was changed: %w", err))
	}
	return line, nil
}

func (s *staff) enrol(ctx context.Context, backend string, code enrol.Code) error {
	e, err := keys.Begin(s.cfg.Data, code)
	if err != nil {
		return person(err)
	}
	k, err := s.enrolled(ctx, e, backend)
	if err = errors.Join(err, e.Close()); err != nil {
		return err
	}
	return s.welcome(k, backend)
}

// enrolled goes on from where an enrolment stands.
func (s *staff) enrolled(ctx context.Context, e *keys.Enrolment, backend string) (keys.Keys, error) {
	if e.Done() {
		fmt.Fprintln(s.out, "this register was enrolled by this code already: nothing was changed")
		return keys.Load(s.cfg.Data)
	}
	if !e.Ready() {
		if err := s.ask(ctx, e, backend); err != nil {
			return keys.Keys{}, err
		}
	}
	return e.Place()
}

// ask gets the backend's answer, and keeps it beside the keys in use.
func (s *staff) ask(ctx context.Context, e *keys.Enrolment, backend string) error {
	key, err := e.Key()
	if err != nil {
		return person(err)
	}
	csr, err := enrol.NewCSR(key)
	if err != nil {
		return err
	}
	answer, err := uplink.Enrol(ctx, backend, e.Code(), csr, s.now())
	if err != nil {
		return s.unenrolled(err, backend)
	}
	err = e.Keep(answer)
	if wrong, ok := errors.AsType[*keys.Error](err); ok {
		return person(fmt.Errorf("the backend's answer is not taken, and nothing was changed: tell head office: %s %s", wrong.File(), wrong.Text))
	}
	if errors.Is(err, keys.ErrOtherRegister) {
		return person(err)
	}
	return err
}

// unenrolled says in words what to do about an enrolment that the backend did not
// end. Nothing in use was changed; what only waits for the line is exit code 1.
func (s *staff) unenrolled(err error, backend string) error {
	refused, _ := errors.AsType[*uplink.Refusal](err)
	switch reason := uplink.Reason(err); {
	case errors.Is(err, uplink.ErrURL):
		return person(fmt.Errorf("--backend must be wss://HOST[:PORT]/v1/link, not %q", backend))
	case reason == terminal.LineUntrusted:
		return person(s.untrusted(err, hostOf(backend)))
	case refused != nil && refused.Problem.Code == enrol.SpentCode:
		return person(errors.New("the backend does not take this code: it was used for another machine or key, or is past its life; ask head office for a new one"))
	case refused != nil && reason == terminal.LineRefused:
		return person(fmt.Errorf("the backend refuses: %q (%s); tell head office", refused.Problem.Detail, refused.Problem.Code))
	case reason == terminal.LineProtocol:
		return person(fmt.Errorf("what answers at %s is no Sekisho backend: check --backend: %w", hostOf(backend), err))
	case reason == terminal.LineClosed && refused != nil:
		return errors.New("the backend is busy: wait some minutes, then give the same command again")
	}
	return fmt.Errorf("there is no connection to %s: see cable, router and name, then give the same command again: %w", hostOf(backend), err)
}

// untrusted says which of the things that can be wrong with the other side it is.
func (s *staff) untrusted(err error, host string) error {
	name, another := errors.AsType[x509.HostnameError](err)
	invalid, _ := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case errors.Is(err, uplink.ErrOtherCA):
		return fmt.Errorf("%s is not the backend that the code is for: it shows another CA. Somebody may stand in between. The code was not told to it; check --backend, and tell head office", host)
	case another && name.Certificate != nil:
		return fmt.Errorf("the backend's certificate is not for %q: write --backend with the name that head office gave", name.Host)
	case invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Errorf("by this machine's clock it is %s, and the backend's certificate is good from %s to %s: set the clock (timedatectl), or if it is right tell head office",
			s.now().In(storeZone).Format(time.DateTime), invalid.Cert.NotBefore.In(storeZone).Format(time.DateTime), invalid.Cert.NotAfter.In(storeZone).Format(time.DateTime))
	}
	return fmt.Errorf("the backend's certificate does not hold: tell head office: %w", err)
}

func hostOf(backend string) string {
	u, err := url.Parse(backend)
	if err != nil {
		return backend
	}
	return u.Host
}

// welcome says who the register is now, and what comes next.
func (s *staff) welcome(k keys.Keys, backend string) error {
	id := k.Identity
	fmt.Fprintf(s.out, "register %s of store %s, class %s, %s: enrolled, keys in %s\n", id.Register, id.Store, id.Class, id.Realm, filepath.Join(s.cfg.Data, "keys"))
	if s.cfg.Backend != backend {
		fmt.Fprintf(s.out, "-> write backend = %q into %s\n", backend, s.config)
	}
	fmt.Fprintln(s.out, "-> start sekishod, then see sekisho doctor")
	return nil
}
