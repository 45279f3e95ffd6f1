package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/mod/sumdb/note"

	"sekisho/cmd/settings"
	"sekisho/firmware-mocks/scenario"
	"sekisho/offline"
	"sekisho/terminal"
	"sekisho/terminal/journal"
	"sekisho/terminal/policy"
	"sekisho/terminal/register"
	"sekisho/terminal/web"
	"sekisho/terminal/web/pin"
	"sekisho/terminal/wire"
)

var who = policy.Identity{Register: "r1", Store: "store-0001", Class: scenario.Class, Realm: scenario.Realm}

const before = terminal.Incarnation("11111111111111111111111111111111")

// The payments of every script's ledger, 2 July 2019, by the store's clock.
const (
	paid    = terminal.PaymentID("016bb000-0000-7000-8000-000000000001") // 12:00, tobacco, handed over
	refused = terminal.PaymentID("016bb000-0000-7000-8000-000000000002") // 18:30, tobacco, cap.store
	unknown = terminal.PaymentID("016bb000-0000-7000-8000-000000000003") // 00:10 on the 3rd, ordinary goods
)

func trimExit(text string) string { return strings.TrimPrefix(text, "exit status ") }

func replaceOnce(text, old, with string) (string, bool) {
	return strings.Replace(text, old, with, 1), strings.Count(text, old) == 1
}

// cmdTill is "till DIR [short|forged|today|refused]": enrols a register, unless it
// is, and makes its ledger anew. The short one ends after the first payment, the
// forged one says that it was for less; in today's the last payment was sent just
// now, so that the register has not given it up yet. In the refused one offline
// approvals follow that did not hold, and one whose advice is parked.
func cmdTill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: till DIR [short|forged|today|refused]")
	}
	data := ts.MkAbs(args[0])
	if _, err := os.Stat(filepath.Join(data, "keys")); err != nil {
		ts.Check(os.MkdirAll(data, 0o700))
		_, err := scenario.MakeKeys(ts.MkAbs("office"), data, who)
		ts.Check(err)
	}
	old, err := filepath.Glob(filepath.Join(data, "*.db*"))
	ts.Check(err)
	for _, file := range old {
		ts.Check(os.Remove(file))
	}
	amount := terminal.Yen(1160)
	if len(args) > 1 && args[1] == "forged" {
		amount = 580
	}
	store := ledgerOf(ts, data)
	late := noon + terminal.Millis((12*3600+600)*1000)
	if len(args) > 1 && args[1] == "today" {
		late = terminal.MillisOf(time.Now())
	}
	steps := history(amount, late)
	if len(args) > 1 && args[1] == "short" {
		steps = steps[:4]
	}
	if len(args) > 1 && args[1] == "refused" {
		steps = append(steps, afterwards()...)
	}
	for _, c := range steps {
		_, err := store.Decide(context.Background(), register.Scope{}, func(register.Usage) (register.Changes, error) { return c, nil })
		ts.Check(err)
	}
	ts.Check(store.Close())
}

// cmdPrune is "prune DIR N": takes the entries below N away, as a register does
// with what is old and uploaded. With "untold" no entry tells of it, with "forged"
// one that names another checkpoint.
func cmdPrune(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: prune DIR N [untold|forged]")
	}
	to, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	store := ledgerOf(ts, ts.MkAbs(args[0]))
	_, err = store.Decide(context.Background(), register.Scope{}, func(u register.Usage) (register.Changes, error) {
		c := register.Changes{Prune: to, Entries: []journal.Draft{journal.OfPruning(to, u.Head, before, noon)}}
		switch args[len(args)-1] {
		case "untold":
			c.Entries = nil
		case "forged":
			c.Entries[0].Entry.Root = strings.Repeat("0", 64)
		}
		return c, nil
	})
	ts.Check(err)
	ts.Check(store.Close())
}

// ledgerOf opens a ledger for writing. A program that another script is starting
// has the folder's lock too, from its fork to its exec: that passes.
func ledgerOf(ts *testscript.TestScript, data string) *offline.Store {
	for {
		store, err := offline.Open(context.Background(), data, offline.Options{})
		if !errors.Is(err, offline.ErrLocked) {
			ts.Check(err)
			return store
		}
		runtime.Gosched()
	}
}

// noon is 2 July 2019, 12:00 by the store's clock.
const noon = terminal.Millis(1_562_036_400_000)

// history is what the ledger went through, a transaction each.
func history(amount terminal.Yen, late terminal.Millis) []register.Changes {
	fresh := func(id terminal.PaymentID, number int64, at terminal.Millis, yen terminal.Yen) terminal.Payment {
		return terminal.Payment{
			ID: id, Number: number, Sale: terminal.SaleRef(fmt.Sprintf("pos-%d", number)), Revision: 1, SaleHash: "ab", Amount: yen,
			Code: terminal.CodePass, Issuer: "demo-wallet", Masked: "…1234", Account: "0f1e2d3c4b5a6978",
			Seen: terminal.SeenKey(strings.Repeat("5e", 32)), Incarnation: before, Day: "2019-07-02", Created: at,
			Versions: terminal.Versions{Policy: 1},
		}
	}
	a := fresh(paid, 1, noon, amount)
	a.Categories = []terminal.Category{"tobacco"}
	a.Spends = []terminal.Spend{{Cap: "tobacco-day", Window: "2019-07-02", Need: terminal.Amount{Units: 2}}}
	sent := step(a, terminal.Sent, "", noon)
	approved := step(sent.Payments[0], terminal.Approved, "", noon+1000)
	handed := approved.Payments[0]
	handed.HandedOver = terminal.ByCashier
	b := fresh(refused, 4, noon+terminal.Millis(6.5*3600*1000), 5800)
	b.Categories = []terminal.Category{"tobacco"}
	c := step(fresh(unknown, 5, late, 150), terminal.Sent, "", late)
	return []register.Changes{
		{Entries: []journal.Draft{{Entry: journal.Entry{Time: noon - 1000, Type: journal.TypeStart, Incarnation: before}}}},
		sent, approved,
		{Payments: []terminal.Payment{handed}, Entries: []journal.Draft{journal.OfMark(handed, before, noon+9000, journal.MarkHandedOver, "cashier")}},
		step(b, terminal.Refused, terminal.CapStore, b.Created),
		c, step(c.Payments[0], terminal.Unknown, terminal.BackendSilent, late+5000),
	}
}

// parked is the payment whose advice cannot be sent.
const parked = terminal.PaymentID("016bb000-0000-7000-8000-00000000000d")

// afterwards are three approvals without the line that did not hold, and one of
// which nobody can be told.
func afterwards() []register.Changes {
	var all []register.Changes
	for i, bearer := range []string{"store", "operator", "store", ""} {
		p := terminal.Payment{
			ID: terminal.PaymentID(fmt.Sprintf("016bb000-0000-7000-8000-00000000000%x", 10+i)), Number: int64(8 + 3*i), Offline: true,
			Sale: terminal.SaleRef(fmt.Sprintf("pos-%d", 8+3*i)), Amount: terminal.Yen(500 + i), Day: "2019-07-02", HandedOver: terminal.ByCashier,
			Code: terminal.CodePass, Created: noon + terminal.Millis(i), Incarnation: before,
		}
		if i == 2 {
			p.Day = "2019-07-03"
		}
		offline := step(p, terminal.ApprovedOffline, "", p.Created)
		offline.Entries = append(offline.Entries, journal.OfMark(p, before, p.Created, journal.MarkHandedOver, "cashier"))
		advised := step(offline.Payments[0], terminal.Advised, "", p.Created)
		if p.ID == parked {
			offline.Outbox = []register.OutboxItem{{Kind: register.OutAdvice, Payment: parked, Body: []byte("no JSON"), Parked: true}}
			all = append(all, offline)
			continue
		}
		after := advised.Payments[0]
		after.Bearer = bearer
		all = append(all, offline, advised, step(after, terminal.Rejected, terminal.AccountDenied, p.Created))
	}
	return all
}

func step(p terminal.Payment, to terminal.State, why terminal.Reason, at terminal.Millis) register.Changes {
	p, err := p.Move(to, why, at)
	if err != nil {
		panic(err) // the fixture is wrong
	}
	return register.Changes{Payments: []terminal.Payment{p}, Entries: []journal.Draft{journal.OfPayment(p, before)}}
}

// cmdCheckpoint is "checkpoint DIR FILE [SIZE]": what the backend keeps, signed
// by the register over its journal as it is now, or was at that size; and the key
// to check it with, as $VKEY.
func cmdCheckpoint(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: checkpoint DIR FILE [SIZE]")
	}
	data := ts.MkAbs(args[0])
	text, err := os.ReadFile(filepath.Join(data, "keys", "register.key"))
	ts.Check(err)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	ts.Check(err)
	store, err := openLedger(context.Background(), data)
	ts.Check(err)
	entries, err := size(context.Background(), store)
	ts.Check(err)
	if len(args) > 2 {
		entries, err = strconv.ParseInt(args[2], 10, 64)
		ts.Check(err)
	}
	at, err := head(context.Background(), store, entries)
	ts.Check(err)
	ts.Check(store.Close())
	origin := journal.Origin(who.Store, who.Register)
	signer, err := journal.NewSigner(origin, parsed.(ed25519.PrivateKey))
	ts.Check(err)
	signed, err := journal.Checkpoint(origin, at, signer)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(signed), 0o600))
	vkey, err := note.NewEd25519VerifierKey(origin, parsed.(ed25519.PrivateKey).Public().(ed25519.PublicKey))
	ts.Check(err)
	ts.Setenv("VKEY", vkey)
}

// machine is this machine's time, its folder for the anchor, and a line on which
// nobody answers.
type machine struct {
	start time.Time
	run   string
}

func (m machine) Boot() time.Duration    { return time.Since(m.start) }
func (m machine) Wall() time.Time        { return time.Now() }
func (m machine) Send(wire.Message) bool { return true }
func (m machine) Redial()                {}
func (m machine) Save(register.Anchor) error {
	return os.WriteFile(filepath.Join(m.run, "anchor.json"), []byte("{}"), 0o600)
}

// cmdDaemon is "daemon DIR up|down": runs a register with its local API on a
// data folder until the script ends, with the line up under the demo's policy or
// never up. r1.toml is its configuration.
func cmdDaemon(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: daemon DIR up|down")
	}
	data, run := ts.MkAbs(args[0]), ts.MkAbs("run")
	ts.Check(os.MkdirAll(run, 0o700))
	ts.Check(os.WriteFile(ts.MkAbs("scanner"), nil, 0o600)) // stands for the device
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	tokens := web.Tokens{POS: "pos-secret", Staff: "staff-secret"}
	for name, text := range map[string]string{
		filepath.Join(run, "pos.token"):   tokens.POS + "\n",
		filepath.Join(run, "staff.token"): tokens.Staff + "\n",
		ts.MkAbs("r1.toml"): fmt.Sprintf("data = %q\nrun = %q\nlisten = %q\nbackend = \"ws://pay.example/v1\"\nscanner = %q\n",
			data, run, listener.Addr(), ts.MkAbs("scanner")),
	} {
		ts.Check(os.WriteFile(name, []byte(text), 0o600))
	}
	serve(ts, data, machine{start: time.Now(), run: run}, listener, tokens, args[1] == "up")
}

// serve runs register and local API until the script ends.
func serve(ts *testscript.TestScript, data string, m machine, listener net.Listener, tokens web.Tokens, up bool) {
	office, err := scenario.LoadKeys(ts.MkAbs("office"))
	ts.Check(err)
	root, err := (&staff{cfg: settings.Settings{Data: data}}).root()
	ts.Check(err)
	roles, err := policy.OpenRoles(office.Roles, root, scenario.Realm)
	ts.Check(err)
	store := ledgerOf(ts, data)
	events, log := web.NewEvents(), slog.New(slog.DiscardHandler)
	reg := register.New(register.Config{
		Identity: who, Roles: roles, StoreKey: make([]byte, 32), Sealer: office.Backend.PublicKey(),
		Store: store, Backend: m, Signal: events, Clock: m, Anchors: m, Log: log, Incarnation: before,
	})
	gate := &pin.Gate{File: filepath.Join(data, "keys", "pin"), Tries: filepath.Join(data, "tries"), Boot: "b", Clock: m.Boot}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = reg.Run(ctx) })
	<-reg.Loaded()
	all.Go(func() {
		_ = web.New(web.Config{Desk: reg, Reader: store, Events: events, Tokens: tokens, PIN: gate, Log: log}).Serve(ctx, listener)
	})
	ts.Defer(func() {
		stop()
		all.Wait()
		_ = store.Close()
	})
	reg.ScannerUp(ctx, 0, true)
	if up {
		rules := scenario.DemoRules()
		rules.GoodFor = 30 * 24 * time.Hour
		rules.GiveUp = time.Minute
		signed, _, err := scenario.PolicyNote(office, rules, time.Now())
		ts.Check(err)
		reg.LinkUp(ctx, wire.Welcome{Session: 1, Time: time.Now().UnixMilli(), Policy: signed})
	}
	for reg.View().Scanner != "connected" || up && reg.View().Policy.Version == 0 {
		runtime.Gosched() // the register takes both in its own time
	}
}
