package app

import (
	"context"
	"fmt"
	"strings"

	"seaworthy/app/config"
	"seaworthy/app/console"
	"seaworthy/app/observe"
	"seaworthy/app/ops"
	"seaworthy/store"
	"seaworthy/store/replica"
)

// backups makes what keeps copies and tries whether the replica can be restored.
func (a *App) backups() (*ops.System, error) {
	d := ops.Deps{Alerted: observe.Delivered, DB: a.DB, Audit: a.Audit.Log, Pages: a.Pages, Log: a.log, Keys: a.keys, Data: a.Config.Data,
		Confirmed: a.Confirm, Recipients: strings.Fields(a.Config.CopiesRecipients), Keep: a.Config.CopiesKept(),
		Status: func() (replica.Status, bool) {
			if a.replica == nil {
				return replica.Status{}, false
			}
			return a.replica.Status(), true
		},
		Events: func(ctx context.Context) (int64, error) {
			st, err := a.Audit.State(ctx)
			return st.Size, err
		}}
	d.Config, d.Sources, d.Mail, d.Clock, d.Outside = &a.Config, CheckSources(), a.Email, &a.clock, a.o.Outside
	d.TXT = a.resolver().LookupTXT
	if a.Config.Replica != "off" {
		d.Replica = &a.replicas
	}
	if a.Config.Copies != "" {
		var err error
		if d.Shelf, err = ops.OpenShelf(a.Config.Copies, a.Config.CopiesKeyID, a.Config.CopiesSecret); err != nil {
			return nil, &config.FaultError{Faults: []string{"SEAWORTHY_COPIES: " + err.Error()}}
		}
	}
	made, err := ops.New(d)
	if err != nil {
		return nil, &config.FaultError{Faults: []string{"SEAWORTHY_COPIES_RECIPIENTS: " + err.Error()}}
	}
	return made, nil
}

// backupHealth never says danger: the business goes on, but somebody should look.
func (a *App) backupHealth() []console.Health {
	if a.replica == nil && a.Config.Copies == "" {
		return nil
	}
	h := console.Health{Name: "Backups", Kind: "ok", Word: "Tried"}
	good, err := store.Read(context.Background(), a.DB, a.Backups.Fresh)
	switch {
	case err != nil:
		h.Kind, h.Word, h.Detail = "warn", "Unreadable", "what became of backups cannot be read"
	case good.Fault != "":
		h.Kind, h.Word, h.Detail = "warn", "Failing", good.Fault
	case !good.Tried:
		h.Kind, h.Word, h.Detail = "quiet", "Not tried yet", "a restore is tried every night; the page Backups has one tried now"
	default:
		h.Detail = fmt.Sprintf("last restored %s", good.At.UTC().Format("2 Jan 2006, 15:04"))
	}
	return []console.Health{h}
}
