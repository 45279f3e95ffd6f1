package register

import "context"

// texts are the signed notes in force, for those who want to read or check them,
// and the version of what has no text.
type texts struct {
	policy  string
	freeze  string
	denials int64 // version
}

// Rules gives the signed texts in force.
func (r *Register) Rules(ctx context.Context) (Rules, error) {
	return ask(ctx, r, func(answer func(Rules, *Error)) {
		v := r.versions()
		out := Rules{
			PolicyVersion: v.Policy, FreezeVersion: v.Freeze,
			Policy: r.texts.policy, Freeze: r.texts.freeze, RolesVersion: r.roles.Version,
			Denials: v.Denials, Class: r.cfg.Identity.Class,
		}
		if r.denials != nil {
			out.Denied = r.denials.Len()
		}
		answer(out, nil)
	})
}
