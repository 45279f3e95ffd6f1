package backendsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"sekisho/terminal/policy"
)

// maxNote is the most bytes of a signed note: a policy of 400 KiB, which is the
// most that one may have, and its signatures.
const maxNote = 512 << 10

// publish mounts how head office brings a signed note to a running backend: the
// note is the body, as it is. It is verified by the roles in force, like on a
// register.
func (b *Backend) publish() {
	b.mux.HandleFunc("POST /admin/policy", local(b.takeNote(b.publishPolicy)))
	b.mux.HandleFunc("POST /admin/roles", local(b.takeNote(b.publishRoles)))
	b.mux.HandleFunc("POST /admin/freeze", local(b.takeNote(b.publishFreeze)))
}

func (b *Backend) takeNote(do func(context.Context, *policy.Roles, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNote))
		if err != nil {
			wrong(w, http.StatusBadRequest, "the note is too long or broke off")
			return
		}
		b.publishing.Lock() // two at once could leave the older in force
		defer b.publishing.Unlock()
		roles := b.inForce().roles
		if roles == nil {
			err = errors.New("this backend has no roles to verify a note by")
		} else {
			err = do(r.Context(), roles, string(text))
		}
		if err != nil {
			wrong(w, http.StatusBadRequest, err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// publishPolicy puts a newer policy in force, for the class of stores that the
// present one is for.
func (b *Backend) publishPolicy(ctx context.Context, roles *policy.Roles, text string) error {
	present := b.inForce().policy
	p, err := roles.OpenPolicy(text, present.Classes[0])
	if err != nil {
		return err
	}
	if p.Version <= present.Version {
		return fmt.Errorf("policy %d is in force: %d is no newer", present.Version, p.Version)
	}
	if err := b.keepNote(ctx, "policy", p.Version, text); err != nil {
		return err
	}
	b.SetPolicy(text, p)
	return nil
}

func (b *Backend) publishRoles(ctx context.Context, roles *policy.Roles, text string) error {
	next, err := roles.Next(text)
	if err == nil {
		err = b.keepNote(ctx, "roles", next.Version, next.Chain())
	}
	if err == nil {
		b.SetRoles(next.Chain(), next)
	}
	return err
}

func (b *Backend) publishFreeze(ctx context.Context, roles *policy.Roles, text string) error {
	f, err := roles.OpenFreeze(text)
	if err != nil {
		return err
	}
	return b.Freeze(ctx, text, f)
}
