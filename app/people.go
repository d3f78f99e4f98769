package app

import (
	"log/slog"

	"seaworthy/app/auth"
	"seaworthy/store"
)

// address is the mail address of a user, or store.ErrNotFound.
func address(tx *store.Tx, user string) (string, error) {
	all, err := auth.Addresses(tx, user)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", store.ErrNotFound
	}
	return all[0].Typed, nil
}

// Logger is where programs that embed the app log: to stderr and to the searchable log,
// without secrets, and with the ids of the request or job that the context belongs to.
func (a *App) Logger() *slog.Logger { return a.log }
