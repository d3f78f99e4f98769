package auth

import (
	"context"

	"seaworthy/app/auth/guess"
	"seaworthy/app/web"
)

// checkNewPassword applies the policy to a password that somebody wants to have,
// wherever it is set. about is what is known of its owner.
//
// A list of breaches that does not answer refuses nobody: people must be able to
// change a password that is known to others while that site is down.
func (s *System) checkNewPassword(ctx context.Context, c *web.Check, password string, about ...string) {
	reason := guess.Check(password, append(about, s.Pages.Site().Brand)...)
	if reason == "" {
		stolen, err := s.Breaches.Has(ctx, password)
		if err != nil && ctx.Err() == nil {
			s.Log.WarnContext(ctx, "the list of breached passwords did not answer; the password was taken without", "err", err)
		}
		if stolen {
			reason = guess.Breached
		}
	}
	c.Fault(reason == "", "password", string(reason), reason.Words())
}
