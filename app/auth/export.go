package auth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Export is a copy of everything that is held on a person, asked for by him.
type Export struct {
	ID, User, State, SHA256, Problem string
	Created                          time.Time
	Finished, Expires                time.Time // zero until it is ready
	Bytes                            int64
}

// The states of an export.
const (
	exportWaiting = "waiting"
	exportReady   = "ready"
	exportFailed  = "failed"
	exportExpired = "expired"
)

// keepExport is how long the file stays.
const keepExport = 7 * 24 * time.Hour

// exportRoutes are a person's copy of his data.
func (s *System) exportRoutes() []web.Route {
	few := web.Limit{Every: 20 * time.Minute, Burst: 3, By: web.ByUser}
	return []web.Route{
		{Method: "POST", Pattern: "/-/account/export", Access: web.Person, Fresh: true, Handler: s.exportForm, Limit: few, Audit: actions(actExportAsked)},
		{Method: "GET", Pattern: "/-/account/export/{id}", Access: web.Person, Fresh: true, Handler: s.exportFile},
		{Method: "POST", Pattern: "/-/api/v1/me/exports", Access: web.Person, Fresh: true, Handler: s.exportAPI, Limit: few, Audit: actions(actExportAsked),
			Doc: web.Doc{Summary: "Ask for a copy of everything held on you", Out: exportJSON{}, Status: http.StatusAccepted}},
		{Method: "GET", Pattern: "/-/api/v1/me/exports/{id}", Access: web.Person, Handler: s.exportStateAPI,
			Doc: web.Doc{Summary: "How far a copy of your data is", Out: exportJSON{}}},
		{Method: "GET", Pattern: "/-/api/v1/me/exports/{id}/file", Access: web.Person, Fresh: true, Handler: s.exportFile,
			Doc: web.Doc{Summary: "Download a copy of your data, a ZIP file"}},
	}
}

// PersonExport is the job that writes an export.
type PersonExport struct {
	Export string `json:"export"`
}

// Kind implements queue.Args.
func (PersonExport) Kind() string { return "auth.export" }

// Defaults allows for somebody who has done a lot.
func (PersonExport) Defaults() []queue.Option {
	return []queue.Option{queue.Timeout(15 * time.Minute), queue.MaxAttempts(5)}
}

// ExpireExport is the job that deletes the file when its time is over.
type ExpireExport struct {
	Export string `json:"export"`
}

// Kind implements queue.Args.
func (ExpireExport) Kind() string { return "auth.expire_export" }

var errExportWaiting = &web.Error{Status: http.StatusConflict, Code: "export_waiting",
	Public: "Your data is being gathered already. A mail tells you when it is ready."}

// requestExport stores an export with its job and its event, one at a time.
func (s *System) requestExport(ctx context.Context) (Export, error) {
	id := web.IdentityOf(ctx)
	return store.Write(ctx, s.DB, func(tx *store.Tx) (Export, error) {
		e := Export{ID: tx.NewID("exp"), User: id.User, State: exportWaiting, Created: tx.Now()}
		if err := insertExport(tx, e); errors.Is(err, store.ErrConflict) {
			return e, errExportWaiting
		} else if err != nil {
			return e, err
		}
		if _, err := queue.Enqueue(tx, PersonExport{e.ID}); err != nil {
			return e, err
		}
		return e, s.Audit.Record(tx, audit.Event{Action: actExportAsked, Targets: []audit.Ref{{Type: "export", ID: e.ID}, audit.User(e.User)}})
	})
}

func (s *System) exportPath(id string) string { return filepath.Join(s.Folder, id+".zip") }

// runExport writes the file beside its place, moves it there, and sends word.
func (s *System) runExport(ctx context.Context, job queue.Job[PersonExport]) error {
	e, err := store.Read(ctx, s.DB, func(tx *store.Tx) (Export, error) { return exportByID(tx, job.Args.Export) })
	if isNotFound(err) {
		return queue.Cancel(errors.New("the account was erased"))
	}
	if err != nil || e.State != exportWaiting {
		return err
	}
	if e.Bytes, e.SHA256, err = s.writeExport(ctx, e); err != nil {
		if job.Attempt >= job.MaxAttempts {
			return errors.Join(err, s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return failExport(tx, e.ID, "The file could not be written.") }))
		}
		return fmt.Errorf("export %s: %w", e.ID, err)
	}
	err = job.Complete(ctx, func(tx *store.Tx) error { return s.exported(tx, e) })
	if isNotFound(err) { // erased meanwhile: nothing of it may stay
		return errors.Join(queue.Cancel(errors.New("the account was erased")), os.Remove(s.exportPath(e.ID)))
	}
	return err
}

// exported notes that the file is there, and until when.
func (s *System) exported(tx *store.Tx, e Export) error {
	u, err := userByID(tx, e.User)
	if err != nil {
		return err
	}
	e.Expires = tx.Now().Add(keepExport)
	if err := finishExport(tx, e); err != nil {
		return err
	}
	if _, err := queue.Enqueue(tx, ExpireExport{e.ID}, queue.At(e.Expires)); err != nil {
		return err
	}
	if _, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/export_ready", User: u.id,
		Vars: map[string]string{"Name": u.name, "Date": e.Expires.Format("2 Jan 2006"), "URL": s.URL + "/-/account/data"}}); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actExported, Targets: []audit.Ref{{Type: "export", ID: e.ID}, audit.User(e.User)},
		Details: map[string]any{"bytes": e.Bytes, "sha256": e.SHA256}})
}

func (s *System) expireExport(ctx context.Context, job queue.Job[ExpireExport]) error {
	if err := s.removeExport(job.Args.Export); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return endExport(tx, job.Args.Export) })
}

func (s *System) removeExport(id string) error {
	if err := os.Remove(s.exportPath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete an export: %w", err)
	}
	return nil
}

// dropExports deletes the files of a user; their rows go with the user's.
func (s *System) dropExports(ctx context.Context, userID string) error {
	all, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]Export, error) { return exportsOf(tx, userID, 1000) })
	for _, e := range all {
		err = errors.Join(err, s.removeExport(e.ID))
	}
	return err
}

// sweepExports deletes files that no row speaks of: a crash can leave a half
// written one, a restore of an older database a whole one.
func (s *System) sweepExports(ctx context.Context) error {
	files, err := os.ReadDir(s.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range files {
		id, _, _ := strings.Cut(f.Name(), ".")
		e, failed := store.Read(ctx, s.DB, func(tx *store.Tx) (Export, error) { return exportByID(tx, id) })
		if failed == nil && (e.State == exportReady || e.State == exportWaiting) {
			continue
		}
		if failed != nil && !isNotFound(failed) {
			return errors.Join(err, failed)
		}
		err = errors.Join(err, os.Remove(filepath.Join(s.Folder, f.Name())))
	}
	return err
}
