// Command sekisho is for the people who look after a register: the store's
// manager and the technician. It reads the ledger beside the running daemon and
// asks the daemon through its local API; it decides nothing itself.
//
// Exit codes: 0 all is well; 1 something was found, or failed; 2 the command was
// not understood, or a person must do something first. doctor's are its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "time/tzdata" // a register may lack the system's zone files

	"github.com/spf13/cobra"

	"sekisho/cmd/settings"
	"sekisho/terminal/register"
)

// Exit codes.
const (
	exitFound  = 1 // something was found, or failed
	exitPerson = 2 // not understood, or a person is needed
)

// configFile is where packaging puts the daemon's configuration.
const configFile = "/etc/sekisho/sekishod.toml"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	s := &staff{environ: environ, out: stdout, err: stderr, now: time.Now}
	root := s.command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if coded, ok := errors.AsType[*exit](err); ok {
		if coded.error != nil {
			fmt.Fprintln(stderr, "sekisho:", coded.error)
		}
		return coded.code
	}
	fmt.Fprintln(stderr, "sekisho:", err)
	if !s.begun {
		fmt.Fprintln(stderr, "-> see sekisho --help")
		return exitPerson // cobra did not understand the command
	}
	return exitFound
}

// exit is an error with an exit code of its own; without an error all was said.
type exit struct {
	code int
	error
}

func (e *exit) Unwrap() error { return e.error }

// person wraps what only a person can mend.
func person(err error) error { return &exit{exitPerson, err} }

// found says by the exit code alone that something was found.
func found() error { return &exit{exitFound, nil} }

// Error is for a message that is empty, when all was said already.
func (e *exit) Error() string {
	if e.error == nil {
		return ""
	}
	return e.error.Error()
}

// staff is what the commands share.
type staff struct {
	environ []string
	out     io.Writer
	err     io.Writer
	now     func() time.Time // the machine's clock, for people's "two hours ago" and for comparing clocks

	config, data, runDir, listen string // flags
	cfg                          settings.Settings
	begun                        bool // the command was understood
}

// command is the whole tree of commands.
func (s *staff) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "sekisho",
		Short: "Look after a Sekisho register",
		Long: "Sekisho shows what a register decided, proves its journal, and says what is wrong with it.\n" +
			"Everything works while the daemon runs. Exit codes: 0 all is well, 1 something was found or failed,\n" +
			"2 the command was not understood or a person must do something first.",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			s.begun = true
			return s.settle(cmd.Flags().Changed("config"))
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&s.config, "config", configFile, "the daemon's configuration `FILE`")
	flags.StringVar(&s.data, "data", "", "data `DIR`, over the configuration's")
	flags.StringVar(&s.runDir, "run", "", "run `DIR`, over the configuration's")
	flags.StringVar(&s.listen, "listen", "", "`ADDRESS` of the local API, over the configuration's")
	root.AddCommand(s.logs(), s.caps(), s.payments(), s.policies(), s.codes(), s.scan(), s.verify(), s.export(), s.erase(), s.enrols(), s.doctor(), s.man(root), s.version())
	return root
}

// settle finds out where the register is. A configuration that nobody named may
// be missing: flags and environment can say everything.
func (s *staff) settle(named bool) error {
	file := s.config
	if _, err := os.Stat(file); err != nil && !named {
		file = ""
	}
	cfg, err := settings.Read(file, s.environ)
	if err != nil {
		return person(err)
	}
	for _, over := range []struct {
		flag  string
		field *string
	}{{s.data, &cfg.Data}, {s.runDir, &cfg.Run}, {s.listen, &cfg.Listen}} {
		if over.flag != "" {
			*over.field = over.flag
		}
	}
	s.cfg = cfg
	return nil
}

func (s *staff) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the release", Args: cobra.NoArgs,
		PersistentPreRun: func(*cobra.Command, []string) { s.begun = true }, // needs no register
		Run:              func(*cobra.Command, []string) { fmt.Fprintln(s.out, register.Software) },
	}
}
