package conform_test

import (
	"strings"

	"sekisho/terminal/wire"
)

// trustMutants break the rules of checkpoints, the upload and quarantine.
var trustMutants = []mutant{
	{"checkpoint.first", welcome(func(w *wire.Welcome) { w.Checkpoint, w.Challenge = nil, nil })},
	{"checkpoint.extends", secondTime(wire.TypeCheckpoint, "rejected")},
	{"checkpoint.again", secondTime(wire.TypeCheckpoint, "rejected")},
	{"checkpoint.stale", acceptsRefused},
	{"checkpoint.other-key", acksAs(wire.TypeCheckpoint, wire.StatusAccepted, "")},
	{"checkpoint.origin", acksAs(wire.TypeCheckpoint, wire.StatusAccepted, "")},
	{"checkpoint.forked", acksAs(wire.TypeCheckpoint, wire.StatusAccepted, "")},
	{"checkpoint.forked", mutation{deaf: true}},
	{"checkpoint.smaller", acksAs(wire.TypeCheckpoint, wire.StatusAccepted, "")},
	{"challenge.asked", welcome(func(w *wire.Welcome) { w.Challenge = nil })},
	{"challenge.asked", mutation{down: challengedAlways}},
	{"challenge.anew", welcome(func(w *wire.Welcome) {
		if w.Challenge != nil {
			*w.Challenge = 0
		}
	})},
	{"challenge.anew", mutation{down: challengedOnce}},
	{"challenge.unproved", welcome(func(w *wire.Welcome) {
		if w.Challenge != nil {
			w.Grants = giftToday()
		}
	})},
	{"challenge.unproved", code(wire.CodeSession, wire.CodeRefused)},
	{"challenge.unproved", mutation{up: believed}},
	{"challenge.beside", mutation{up: lonely}},
	{"challenge.beside", mutation{deaf: true}},
	{"challenge.overtaken", code(wire.CodeSession, wire.CodeRefused)},
	{"challenge.impostor", mutation{up: lonely}},
	{"challenge.impostor", mutation{deaf: true}},
	{"challenge.impostor", doubtful},
	{"challenge.impostor", acceptsRefused},
	{"challenge.beside-shorter", mutation{up: lonely}},
	{"challenge.beside-shorter", doubtful},
	{"challenge.beside-shorter", code(wire.CodeTrouble, wire.CodeRefused)},
	{"challenge.none", welcome(func(w *wire.Welcome) {
		w.Checkpoint, w.Challenge = &wire.Head{Size: 1, Root: strings.Repeat("0", 64)}, new(int64)
	})},
	{"upload.accepted", acks(func(_ wire.Message, a *wire.Ack) { a.Size = min(a.Size, 1) })},
	{"upload.accepted", welcome(func(w *wire.Welcome) { w.Uploaded = 0 })},
	{"upload.again", secondTime(wire.TypeJournal, "rejected")},
	{"upload.gap", acks(func(req wire.Message, a *wire.Ack) {
		if req.Entries != nil {
			a.Size = req.Entries.From + int64(len(req.Entries.Leaves))
		}
	})},
	{"upload.unproved", acceptsRefused},
	{"upload.changed", acksAs(wire.TypeJournal, wire.StatusAccepted, "")},
	{"upload.changed", trusting},
	{"upload.mismatch", acksAs(wire.TypeJournal, wire.StatusAccepted, "")},
	{"challenge.wrong", trusting},
	{"challenge.wrong", acksAs(wire.TypeCheckpoint, wire.StatusAccepted, "")},
	{"clone.doubted", trusting},
	{"clone.doubted", mutation{up: neverRetired}},
	{"advice.overspent", acceptsAdvice},
	{"advice.overspent", trusting},

	{"hello.older", trusting},
	{"hello.forked", trusting},
	{"quarantine.own-word", trusting},
	{"quarantine.incarnation", onceInDoubt},
	{"quarantine.restart", onceInDoubt},
	{"quarantine.sells", welcome(func(w *wire.Welcome) { w.Grants = append(w.Grants, giftToday()...) })},
	{"quarantine.released", welcome(func(w *wire.Welcome) { w.Released = "" })},
	{"quarantine.ordered", trusting},
}
