package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal/enrol"
)

// deed is one of the operator's commands: a request to the admin side of a
// running backend, whose JSON answer is written as it came.
type deed struct {
	noun, verb, short string
	method, path      string
	flags             []flag
	show              func(io.Writer, []byte) error // nil for JSON with indents
	file              bool                          // the body is a file's content, whose name is the argument
}

// flag is a field of the request's JSON body or, of a GET or DELETE, its query.
type flag struct {
	name, help string
	kind       any  // what it is where it is not given: "", 0, 0 seconds or false
	needed     bool // must be given
}

func text(name, help string) flag   { return flag{name, help, "", true} }
func maybe(name, help string) flag  { return flag{name, help, "", false} }
func number(name, help string) flag { return flag{name, help, int64(0), true} }

var (
	who     = []flag{text("issuer", "the issuer's `NAME`"), text("account", "the account's `PSEUDONYM`")}
	machine = text("register", "the register's `ID`")
)

func with(some []flag, more ...flag) []flag { return append(append([]flag(nil), some...), more...) }

// deeds are the operator's commands but for those that publish.
var deeds = []deed{
	{noun: "register", verb: "list", short: "List the registers with checkpoint key, state, doubt and certificate", method: "GET", path: "registers"},
	{noun: "register", verb: "code", short: "Make a one-time code to enrol a register with", method: "POST", path: "codes", show: showCode,
		flags: []flag{text("store", "the store's `ID`"), machine, maybe("class", "of `STORES`; the policy's first where it is not given")}},
	{noun: "register", verb: "codes", short: "List the one-time codes that are good, and those used within the hour", method: "GET", path: "codes"},
	{noun: "register", verb: "revoke", short: "Revoke a register's certificates and end its link", method: "POST", path: "registers/revoke", flags: []flag{machine}},
	{noun: "register", verb: "quarantine", short: "Put a register in quarantine", method: "POST", path: "registers/quarantine",
		flags: []flag{machine, text("why", "the `REASON`, such as backend; docs/operations.md lists them")}},
	{noun: "register", verb: "release", short: "End a register's quarantine", method: "POST", path: "registers/release", flags: []flag{machine}},
	{noun: "register", verb: "checkpoints", short: "List the checkpoints kept of a register", method: "GET", path: "checkpoints", flags: []flag{machine}},
	{noun: "journal", verb: "list", short: "List how far each register's journal was uploaded", method: "GET", path: "journals"},
	{noun: "journal", verb: "leaves", short: "List a thousand leaves of a register's journal", method: "GET", path: "journals/leaves",
		flags: []flag{machine, maybe("from", "the first `INDEX`")}},
	{noun: "journal", verb: "verify", short: "Hold a register's uploaded leaves against every checkpoint kept", method: "POST", path: "journals/verify",
		flags: []flag{machine}},
	{noun: "account", verb: "list", short: "List the accounts", method: "GET", path: "accounts"},
	{noun: "account", verb: "set", short: "Make an account, or set what is on it", method: "POST", path: "accounts",
		flags: with(who, number("balance", "`YEN` on it"))},
	{noun: "account", verb: "limits", short: "Set what an account may pay offline at one register in 24 hours", method: "POST", path: "accounts/limits",
		flags: with(who, number("yen", "at most so many `YEN`"), number("count", "in at most so many `PAYMENTS`"))},
	{noun: "account", verb: "digits", short: "Have a wallet show digits for an account, which pay once", method: "POST", path: "digits",
		flags: with(who, text("code", "the `DIGITS`"))},
	{noun: "account", verb: "stop", short: "Stop an account for good, and deny it", method: "POST", path: "accounts/stop", flags: who},
	{noun: "denial", verb: "list", short: "List the denied accounts", method: "GET", path: "denials"},
	{noun: "denial", verb: "add", short: "Deny an account until its last credential ends", method: "POST", path: "denials", flags: who},
	{noun: "denial", verb: "remove", short: "Allow an account again", method: "POST", path: "denials/allow", flags: who},
	{noun: "denial", verb: "void", short: "Void what an issuer gave out before a time", method: "POST", path: "issuers/void",
		flags: []flag{who[0], number("before", "`MILLISECONDS` since 1970")}},
	{noun: "payment", verb: "list", short: "List the payments", method: "GET", path: "payments"},
	{noun: "payment", verb: "charges", short: "List the movements of money", method: "GET", path: "charges",
		flags: []flag{maybe("payment", "of one `ID` alone")}},
	{noun: "payment", verb: "parked", short: "List the payments' messages that were refused", method: "GET", path: "parked"},
	{noun: "payment", verb: "problems", short: "List the rejected advices with reason and bearer", method: "GET", path: "problems"},
	{noun: "payment", verb: "ages", short: "List the advices whose register cannot have heard the backend when it says", method: "GET", path: "ages"},
	{noun: "cap", verb: "list", short: "List the store caps with what was granted and sold", method: "GET", path: "caps"},
	{noun: "event", verb: "list", short: "List every message that was handled", method: "GET", path: "events"},
	{noun: "note", verb: "list", short: "List the signed notes that were published; sekisho-sim policy publish does it", method: "GET", path: "notes"},
	{noun: "fault", verb: "list", short: "List the faults that are set", method: "GET", path: "faults"},
	{noun: "fault", verb: "set", short: "Make the backend misbehave; docs/backend-mock.md lists the kinds", method: "POST", path: "faults",
		flags: []flag{text("kind", "`KIND` of fault"), maybe("type", "`TYPE` of message, '*' in quotes for each; authorise where it is not given"),
			{"count", "for how `MANY` messages; 0 until cleared", int64(0), false}, maybe("reason", "of a refusal, a `CODE`"),
			{"delay", "of the message, `LONG` as 300ms", time.Duration(0), false}, maybe("note", "a signed `TEXT` to push")}},
	{noun: "fault", verb: "script", short: "Set the faults of a JSON file, all or none", method: "POST", path: "faults", file: true},
	{noun: "fault", verb: "clear", short: "Clear the faults of a kind, or all", method: "DELETE", path: "faults", flags: []flag{maybe("kind", "`KIND` of fault")}},
	{noun: "ca", verb: "show", short: "Write the CA certificates that registers trust", method: "GET", path: "ca", show: showText},
	{noun: "ca", verb: "add", short: "Make the CA that shall follow; registers hear of it as they renew", method: "POST", path: "ca/add"},
	{noun: "ca", verb: "switch", short: "Sign with the next CA from now on", method: "POST", path: "ca/switch",
		flags: []flag{{"force", "even where a register has not heard of it: it must be enrolled again", false, false}}},
	{noun: "ca", verb: "drop", short: "Take the old CA away: what it signed is good no more", method: "POST", path: "ca/drop"},
}

// nounsSay tells what the commands of each noun are for.
var nounsSay = map[string]string{
	"register": "Enrol, revoke, hold back and release registers",
	"journal":  "See and check the journals that registers uploaded",
	"account":  "Make, limit and stop customers' accounts",
	"denial":   "Deny accounts, and what was issued before a time",
	"payment":  "See payments, charges, and what was refused or lost",
	"cap":      "See what of each store's caps was granted and sold",
	"event":    "See every message that was handled",
	"note":     "See the signed notes that were published",
	"fault":    "Make the backend misbehave",
	"ca":       "Have another CA follow",
}

// deskCommands gives the operator's commands; dir says whose backend.
func deskCommands(dir *string) []*cobra.Command {
	nouns, all := map[string]*cobra.Command{}, []*cobra.Command(nil)
	for _, d := range deeds {
		noun := nouns[d.noun]
		if noun == nil {
			noun = &cobra.Command{Use: d.noun, Short: nounsSay[d.noun], Args: cobra.NoArgs,
				RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
			nouns[d.noun], all = noun, append(all, noun)
		}
		noun.AddCommand(d.command(dir))
	}
	return all
}

func (d deed) command(dir *string) *cobra.Command {
	cmd := &cobra.Command{Use: d.verb, Short: d.short, Args: cobra.NoArgs}
	body := map[string]any{}
	for _, f := range d.flags {
		switch kind := f.kind.(type) {
		case string:
			body[f.name] = cmd.Flags().String(f.name, kind, f.help)
		case int64:
			body[f.name] = cmd.Flags().Int64(f.name, kind, f.help)
		case time.Duration:
			body[f.name] = cmd.Flags().Duration(f.name, kind, f.help)
		case bool:
			body[f.name] = cmd.Flags().Bool(f.name, kind, f.help)
		}
		if f.needed {
			_ = cmd.MarkFlagRequired(f.name) // it is defined above
		}
	}
	if d.file {
		cmd.Use, cmd.Args = d.verb+" FILE", cobra.ExactArgs(1)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		answer, err := d.do(cmd.Context(), *dir, body, args)
		if err != nil || len(answer) == 0 {
			return err
		}
		if d.show != nil {
			return d.show(cmd.OutOrStdout(), answer)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, bytes.TrimSpace(answer), "", "  "); err != nil {
			return err
		}
		_, err = fmt.Fprintln(cmd.OutOrStdout(), &pretty)
		return err
	}
	return cmd
}

// do asks the backend.
func (d deed) do(ctx context.Context, dir string, fields map[string]any, args []string) ([]byte, error) {
	path, body := d.path, io.Reader(nil)
	if d.file {
		text, err := os.ReadFile(args[0])
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	} else if d.method == http.MethodPost {
		text, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	} else {
		query := url.Values{}
		for name, value := range fields {
			query.Set(name, *value.(*string)) // queries have no other kind
		}
		path += "?" + query.Encode()
	}
	return ask(ctx, dir, d.method, path, body)
}

// deskTime bounds a request: the backend is on this machine.
const deskTime = 10 * time.Second

// ask sends one request to the admin side of the backend whose addresses are in
// dir.
func ask(ctx context.Context, dir, method, path string, body io.Reader) ([]byte, error) {
	at, err := scenario.AddressesIn(dir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, deskTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, at.Admin+"/admin/"+path, body)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("no backend answers on %s: is the one of %s running?", at.Admin, dir)
	}
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode < 300 {
		return answer, err
	}
	var problem enrol.Problem
	if json.Unmarshal(answer, &problem) != nil || problem.Detail == "" {
		problem.Detail = strings.TrimSpace(string(answer))
	}
	return nil, fmt.Errorf("the backend did not do it: %s", problem.Detail)
}

func showCode(out io.Writer, answer []byte) error {
	var made struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal(answer, &made); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, made.Code)
	return err
}

func showText(out io.Writer, answer []byte) error {
	var text string
	if err := json.Unmarshal(answer, &text); err != nil {
		return err
	}
	_, err := io.WriteString(out, text)
	return err
}
