package registers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/firmware-mocks/conform"
	"sekisho/firmware-mocks/scenario"
)

// Config is what a run needs.
type Config struct {
	Sekishod string // the register's BINARY
	Sekisho  string // the BINARY that enrols it; "" for a line without TLS
	Dir      string // everything lies below it
	// Patience is how long the kit waits for what must come; 30 s where it is 0.
	Patience time.Duration
}

// patience is longer than anything here takes on a machine that is busy and slow:
// the slowest is a register that starts, which takes a second here.
const patience = 30 * time.Second

// ruleTime bounds one rule, whatever the register does.
const ruleTime = 3 * time.Minute

// late is how much later a thing may be seen than it came, where a rule holds times
// against each other: the machine may be busy with other rules. It is no more than
// tells a register's own pace from the policy's default.
const late = 5 * time.Second

// rule is one promise of the documents.
type rule struct {
	id, says, doc string
	check         func(*play)
}

// all gives every rule.
func all() []rule {
	return slices.Concat(linkRules, messageRules, payRules, unknownRules, offlineRules, outboxRules, limitRules, capRules, officeRules, denialRules, journalRules, doubtRules, tlsRules)
}

// Rules gives every rule in the order in which it is told.
func Rules() []conform.Rule {
	var list []conform.Rule
	for _, r := range all() {
		list = append(list, r.told())
	}
	return list
}

func (r rule) told() conform.Rule { return conform.Rule{ID: r.id, Says: r.says, Doc: r.doc} }

// Kit is a run against one register's programs.
type Kit struct {
	cfg  Config
	keys scenario.Keys
	tap  tap // for tests
}

// Open makes head office's keys. The error is conform.ErrSetup.
func Open(cfg Config) (*Kit, error) {
	if cfg.Patience == 0 {
		cfg.Patience = patience
	}
	keys, err := scenario.OperatorKeys(filepath.Join(cfg.Dir, "operator"))
	if err == nil {
		_, err = os.Stat(cfg.Sekishod)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", conform.ErrSetup, err)
	}
	return &Kit{cfg: cfg, keys: keys}, nil
}

// together is how many rules are tried at once on each processor: nearly all of
// a rule's time is waiting.
const together = 5

// Run checks the rules whose id contains only, some at once, and tells the results
// in the order of the table.
func (k *Kit) Run(ctx context.Context, only string, tell func(conform.Result)) {
	free := make(chan struct{}, together*runtime.NumCPU())
	var results []chan conform.Result
	for _, r := range all() {
		if !strings.Contains(r.id, only) {
			continue
		}
		result := make(chan conform.Result, 1)
		results = append(results, result)
		go func() {
			free <- struct{}{}
			defer func() { <-free }()
			result <- k.check(ctx, r)
		}()
	}
	for _, result := range results {
		if r := <-result; ctx.Err() == nil {
			tell(r)
		}
	}
}

// check tries one rule.
func (k *Kit) check(ctx context.Context, r rule) conform.Result {
	p, err := k.play(ctx, r.id)
	if err == nil {
		r.check(p)
		err = p.end()
	}
	switch {
	case err != nil:
		return conform.Result{Rule: r.told(), Status: conform.Failed, Why: err.Error()}
	case p.needs != "":
		return conform.Result{Rule: r.told(), Status: conform.NotChecked, Why: "needs " + p.needs}
	}
	return conform.Result{Rule: r.told(), Status: conform.Holds}
}

// signers gives the two of the policy role that sign here.
func (k *Kit) signers() []note.Signer { return k.keys.Policy[:2] }

// The sections that rules stand in.
const (
	theLink     = "protocol.md, The link"
	theEnvelope = "protocol.md, The envelope"
	thePromises = "protocol.md, Promises that hang on both sides"
	theSessions = "protocol.md, Sessions"
	theWho      = "protocol.md, Who a register is"
	theErrors   = "protocol.md, Errors"
	theCounts   = "protocol.md, When it counts"
	theUpload   = "protocol.md, The upload"
	points      = "protocol.md, Checkpoints"
	theDoubt    = "protocol.md, Quarantine"
	theWord     = "protocol.md, Head office's word"
	theCaps     = "protocol.md, Caps"
	theCodes    = "protocol.md, Codes"
	theKeys     = "protocol.md, Its keys"
	payments    = "protocol.md, What every payment message carries"
	aHello      = "protocol.md, hello"
	anAuthorise = "protocol.md, authorise"
	aQuery      = "protocol.md, query"
	aReversal   = "protocol.md, reversal"
	anAdvice    = "protocol.md, advice"
	aVoid       = "protocol.md, void"
	aRefund     = "protocol.md, refund"
	anAnswer    = "protocol.md, answer"
	anAck       = "protocol.md, ack"
	someDenials = "protocol.md, denials"
	backGrants  = "protocol.md, grants, upward"
	certs       = "enrolment.md, The certificates"
	enrolment   = "enrolment.md, Enrolment"
	refusals    = "enrolment.md, Refusals"
)
