package conform

import "slices"

// Rule is one promise of the documents.
type Rule struct {
	ID    string // area and name, such as "authorise.once"
	Says  string // one sentence
	Doc   string // file and section
	check func(*play)
}

// Rules gives every rule, in the order in which they are tried: what spoils a
// register comes last.
func Rules() []Rule {
	return slices.Concat(enrolRules, linkRules, messageRules, sessionRules, authoriseRules, codeRules, undoRules, capRules, adviceRules, officeRules, checkpointRules, trustRules, doubtRules)
}

// The sections that rules stand in.
const (
	theLink     = "protocol.md, The link"
	theEnvelope = "protocol.md, The envelope"
	thePromises = "protocol.md, Promises that hang on both sides"
	theSessions = "protocol.md, Sessions"
	theErrors   = "protocol.md, Errors"
	theTime     = "protocol.md, Time"
	theCaps     = "protocol.md, Caps"
	theCodes    = "protocol.md, Codes"
	theWord     = "protocol.md, Head office's word"
	theWho      = "protocol.md, Who a register is"
	points      = "protocol.md, Checkpoints"
	theUpload   = "protocol.md, The upload"
	theDoubt    = "protocol.md, Quarantine"
	anAuthorise = "protocol.md, authorise"
	aQuery      = "protocol.md, query"
	aReversal   = "protocol.md, reversal"
	anAdvice    = "protocol.md, advice"
	aVoid       = "protocol.md, void"
	aRefund     = "protocol.md, refund"
	aWelcome    = "protocol.md, welcome"
	anAnswer    = "protocol.md, answer"
	someDenials = "protocol.md, denials"
	theKeys     = "protocol.md, Its keys"
	theReasons  = "protocol.md, Reasons"
	backGrants  = "protocol.md, grants, upward"
)
