package scenario

import "context"

// StopAccount stops a customer's account and waits until the register, with its
// line up, denies as many accounts by itself.
func (w *World) StopAccount(ctx context.Context, c *Customer, denied int) error {
	if err := w.backend.StopAccount(ctx, Issuer, c.Phone.Account()); err != nil {
		return err
	}
	var failed error
	_, err := w.Till.Await(ctx, func(State) bool {
		var n int
		n, failed = w.Till.Denied(ctx)
		return failed != nil || n == denied
	})
	if err == nil {
		err = failed
	}
	return err
}
