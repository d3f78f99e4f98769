package bench

import (
	"context"
	"errors"
	"runtime"

	"seaworthy/app"
	"seaworthy/app/config"
)

// signIns are refresh tokens that are rotated, each client with a session of its own,
// and sign-ins by password at what argon2id costs, from as many clients as there are cores.
func signIns(ctx context.Context, o *Options, folder string) (results []Result, err error) {
	s, err := serve(ctx, folder, func(_ *config.Config, a *app.Options) { a.Hash = o.Hash })
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	const email = "ada@example.com"
	if _, err := s.signUp(email); err != nil {
		return nil, err
	}
	l, err := load(ctx, runtime.NumCPU(), o.For, func(context.Context, int) error { _, err := s.signIn(email); return err })
	if err != nil {
		return nil, err
	}
	results = append(results, atLeast("auth: sign in by password", l, 30))
	held := make([]tokens, o.Clients)
	for i := range held {
		if held[i], err = s.signIn(email); err != nil {
			return results, err
		}
	}
	l, err = load(ctx, o.Clients, o.For, func(_ context.Context, client int) (err error) {
		held[client], err = s.refresh(held[client].Refresh)
		return err
	})
	if err != nil {
		return results, err
	}
	return append(results, atLeast("auth: rotate a refresh token", l, 3000)), nil
}
