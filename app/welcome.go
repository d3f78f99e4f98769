package app

import (
	"errors"

	"seaworthy/app/launch"
	"seaworthy/app/proxy"
	"seaworthy/app/welcome"
	"seaworthy/store"
)

// welcome makes the set-up, which asks the others how they stand.
func (a *App) welcome(inside bool) *welcome.System {
	return welcome.New(welcome.Deps{DB: a.DB, Audit: a.Audit.Log, Pages: a.Pages, Config: &a.Config, Email: a.Email, Billing: a.Billing, Inside: inside,
		Checks: func(tx *store.Tx) (all []launch.Check, err error) {
			points, err := a.Backups.Checklist(tx)
			for _, p := range points {
				if p.Dismissed == nil {
					all = append(all, p.Check)
				}
			}
			return all, err
		},
		Behind: func() welcome.Behind {
			h := a.Proxy.State()
			return welcome.Behind{Address: h.Upstream, Known: !h.Since.IsZero(), Fault: h.Err}
		},
		Try: a.Proxy.Try,
		Trial: func(tx *store.Tx) (welcome.Trial, error) {
			t, err := proxy.LastTrial(tx)
			if errors.Is(err, store.ErrNotFound) {
				return welcome.Trial{}, nil
			}
			return welcome.Trial{Address: t.Address, State: t.State, Detail: t.Detail, Asked: t.Asked}, err
		}})
}
