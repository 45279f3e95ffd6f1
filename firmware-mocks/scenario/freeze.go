package scenario

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
	"sekisho/terminal/policy"
)

// Freeze publishes a freeze, whose text is version, realm and what rest adds,
// and waits until the register shows it.
func (w *World) Freeze(ctx context.Context, version int64, rest string, shown []string, by ...note.Signer) error {
	signed, err := policy.SignFreeze(fmt.Sprintf("version = %d\nrealm = %q\n%s", version, Realm, rest), by...)
	if err != nil {
		return err
	}
	f, err := w.keys.Signing.OpenFreeze(signed)
	if err != nil {
		return err
	}
	if err := w.backend.Freeze(ctx, signed, f); err != nil {
		return err
	}
	_, err = w.Till.Await(ctx, func(s State) bool { return slices.Equal(s.Frozen, shown) })
	return err
}

// frozen: head office stops some goods, then everything, then nothing any more.
func (s *Shift) frozen(ctx context.Context) error {
	s.say("head office freezes e-cigarettes")
	if err := s.w.Freeze(ctx, 1, "categories = [\"e-cigarette\"]\n", []string{"e-cigarette"}, s.w.keys.Freeze); err != nil {
		return err
	}
	if err := s.all(ctx,
		step{name: "one cartridge", lines: times(1, cartridge), code: s.newcomer("aya", longAgo), want: refused(terminal.Frozen)},
		step{name: "lunch", lines: times(1, lunch), code: s.newcomer("eiji", longAgo), want: approved},
	); err != nil {
		return err
	}
	s.say("and now everything")
	if err := s.w.Freeze(ctx, 2, "all = true\ncategories = [\"e-cigarette\"]\n", []string{"all", "e-cigarette"}, s.w.keys.Freeze); err != nil {
		return err
	}
	if err := s.play(ctx, step{name: "lunch", lines: times(1, lunch), code: s.newcomer("chie", longAgo), want: refused(terminal.Frozen)}); err != nil {
		return err
	}
	s.say("two of the policy role lift it")
	if err := s.w.Freeze(ctx, 3, "", nil, s.w.keys.Policy[0], s.w.keys.Policy[2]); err != nil {
		return err
	}
	return s.play(ctx, step{name: "one cartridge", lines: times(1, cartridge), code: s.newcomer("tomoko", longAgo), want: approved})
}
