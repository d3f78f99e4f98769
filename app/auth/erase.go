package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"seaworthy/app/audit"
	"seaworthy/queue"
	"seaworthy/store"
)

// EraseAccount is the job that erases what is held on a user whose time to think
// again is over.
type EraseAccount struct {
	User string `json:"user"`
}

// Kind implements queue.Args.
func (EraseAccount) Kind() string { return "auth.erase_account" }

// Defaults allows for a long log, and for a folder or a disk that fails for a day.
func (EraseAccount) Defaults() []queue.Option {
	return []queue.Option{queue.Timeout(30 * time.Minute), queue.MaxAttempts(50)}
}

// forgetChunk is how many mails are forgotten in one transaction.
const forgetChunk = 500

// eraseAccount takes its steps in an order that makes each of them safe to repeat:
// the process may end between any two, and the job then begins again. First the
// way back is closed. What other systems hold on a user goes while the rows here
// still say whose it is (mails now; a subscription would be ended there too). Then
// everything here, at once. Last the personal data in the audit log, because every
// step before may have added to it.
func (s *System) eraseAccount(ctx context.Context, job queue.Job[EraseAccount]) error {
	user := job.Args.User
	due, err := store.Write(ctx, s.DB, func(tx *store.Tx) (bool, error) { return beginErasure(tx, user) })
	if err != nil {
		return err
	}
	if !due {
		return queue.Cancel(errors.New("the account was kept"))
	}
	if err := s.dropExports(ctx, user); err != nil {
		return err
	}
	if err := s.forgetMails(ctx, user); err != nil {
		return err
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { return s.eraseUser(tx, user) }); err != nil {
		return fmt.Errorf("erase %s: %w", user, err)
	}
	_, err = s.Erase(ctx, audit.User(user))
	return err
}

// beginErasure closes the way back, and reports whether there is anything to
// erase. An account that was disabled while it waited is erased all the same.
func beginErasure(tx *store.Tx, userID string) (bool, error) {
	at, status, err := erasureOf(tx, userID)
	switch {
	case isNotFound(err):
		return false, nil
	case err != nil || at.IsZero() || at.After(tx.Now()) || status == "active":
		return false, err
	case status == statusErasing || status == statusDeleted:
		return true, nil // an earlier attempt got this far
	}
	return true, setStatus(tx, userID, statusErasing)
}

func (s *System) forgetMails(ctx context.Context, userID string) error {
	for {
		n, err := store.Write(ctx, s.DB, func(tx *store.Tx) (int, error) { return s.Mail.Forget(tx, userID, forgetChunk) })
		if err != nil || n < forgetChunk {
			return err
		}
	}
}

// eraseUser leaves a row with an id, so that what the audit log says of the user
// still points at something, and empty rows of the orgs that go with it.
func (s *System) eraseUser(tx *store.Tx, userID string) error {
	if _, status, err := erasureOf(tx, userID); err != nil || status == statusDeleted {
		return err
	}
	orphans, err := ownedAlone(tx, userID) // others left since the deletion was asked for
	if err != nil {
		return err
	}
	gone, err := dropOrgs(tx, userID)
	if err != nil {
		return err
	}
	if s.Texts != nil {
		if err := s.Texts.Forget(tx, userID); err != nil {
			return err
		}
	}
	if err := s.EndInstanceKeys(tx, userID); err != nil { // some were made before a deletion ended them
		return err
	}
	for _, drop := range slices.Concat(s.Forgets, personal) {
		if err := drop(tx, userID); err != nil {
			return err
		}
	}
	if err := buryUser(tx, userID); err != nil {
		return err
	}
	details := map[string]any{"orgs_deleted": len(gone)}
	targets := []audit.Ref{audit.User(userID)}
	for _, org := range gone {
		targets = append(targets, audit.Ref{Type: "org", ID: org})
	}
	if len(orphans) > 0 {
		slugs := make([]string, len(orphans))
		for i, o := range orphans {
			slugs[i] = o.Slug
		}
		details["orgs_without_owner"] = slugs
	}
	return s.Audit.Record(tx, audit.Event{Action: actErased, Targets: targets, Details: details})
}
