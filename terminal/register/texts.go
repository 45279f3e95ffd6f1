package register

import "context"

// texts are the signed notes in force, for those who want to read or check them.
type texts struct {
	policy  string
	freeze  string
	roles   int64 // version
	denials int64 // version
}

// Rules gives the signed texts in force.
func (r *Register) Rules(ctx context.Context) (Rules, error) {
	return ask(ctx, r, func(answer func(Rules, *Error)) {
		out := Rules{
			Policy: r.texts.policy, Freeze: r.texts.freeze, RolesVersion: r.texts.roles,
			Denials: r.texts.denials, Class: r.cfg.Identity.Class,
		}
		if r.policy != nil {
			out.PolicyVersion = r.policy.Version
		}
		if r.freeze != nil {
			out.FreezeVersion = r.freeze.Version
		}
		if r.denials != nil {
			out.Denied = r.denials.Len()
		}
		answer(out, nil)
	})
}
