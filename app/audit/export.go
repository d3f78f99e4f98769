package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Export is a row of audit_export.
type Export struct {
	ID, Org, Format, State, Requester, SHA256, Problem string
	Filter                                             Filter
	Created, Finished                                  time.Time
	Events, Bytes                                      int64
}

// The formats of an export and what they are called as files.
var formats = map[string]struct{ suffix, kind string }{
	"csv":    {".csv", "text/csv; charset=utf-8"},
	"ndjson": {".ndjson", "application/x-ndjson"},
	"bundle": {".zip", "application/zip"},
}

// keepExports is how long a finished file stays.
const keepExports = 7 * 24 * time.Hour

// writeExports is how long an export may take, with all that its job waits for.
const writeExports = 24 * time.Hour

// maxWaiting bounds the exports of one org that are not finished, maxReady the files that are
// kept for it: each may be as large as its log, and the disk is everybody's.
const maxWaiting, maxReady = 3, 20

// exportJob writes the file.
type exportJob struct {
	Export string `json:"export"`
}

// Kind implements queue.Args.
func (exportJob) Kind() string { return "audit.export" }

// Defaults allows for a log of many millions.
func (exportJob) Defaults() []queue.Option {
	return []queue.Option{queue.Timeout(30 * time.Minute), queue.MaxAttempts(5), queue.On("audit")}
}

// request stores an export with its job and its event.
func (s *System) request(ctx context.Context, format string, f Filter) (Export, error) {
	var c web.Check
	_, known := formats[format]
	c.Fault(known, "format", "unknown", "One of csv, ndjson and bundle.")
	if err := c.Err(); err != nil {
		return Export{}, err
	}
	filter, err := json.Marshal(f)
	if err != nil {
		return Export{}, err
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (Export, error) {
		if n, err := waitingExports(tx, f.Org); err != nil || n >= maxWaiting {
			return Export{}, errors.Join(err, tooManyExports(n))
		}
		e := Export{ID: tx.NewID("exp"), Org: f.Org, Format: format, State: "waiting", Filter: f, Created: tx.Now(), Requester: caller(ctx).String()}
		if err := insertExport(tx, e, string(filter)); err != nil {
			return e, err
		}
		if _, err := queue.Enqueue(tx, exportJob{e.ID}); err != nil {
			return e, err
		}
		return e, s.Record(tx, Event{Action: actExportAsked, Org: f.Org, Targets: []Ref{{"export", e.ID}},
			Details: map[string]any{"format": format, "filter": json.RawMessage(filter)}})
	})
}

func tooManyExports(n int) error {
	if n < maxWaiting {
		return nil
	}
	return &web.Error{Status: http.StatusConflict, Code: "exports_waiting", Public: fmt.Sprintf("%d exports are being written already. Wait for one to finish.", n)}
}

// path is where an export's file is.
func (s *System) path(e Export) string {
	return filepath.Join(s.Exports, e.ID+formats[e.Format].suffix)
}

// runExport writes the file beside its place, moves it there, and says so.
func (s *System) runExport(ctx context.Context, job queue.Job[exportJob]) error {
	e, err := store.Read(ctx, s.DB, func(tx *store.Tx) (Export, error) { return exportByID(tx, job.Args.Export) })
	if errors.Is(err, store.ErrNotFound) {
		return queue.Cancel(err)
	}
	if err != nil || e.State != "waiting" {
		return err
	}
	if err := errors.Join(os.MkdirAll(s.Exports, 0o700), s.makeRoom(ctx, e.Org)); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	erasures := s.erasures.Load()
	done, err := s.write(ctx, e)
	if err != nil {
		if job.Attempt >= job.MaxAttempts {
			e.State, e.Problem = "failed", "The file could not be written."
			return errors.Join(err, s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error { return finishExport(tx, e) }))
		}
		return fmt.Errorf("export %s: %w", e.ID, err)
	}
	err = job.Complete(ctx, func(tx *store.Tx) error {
		if s.erasures.Load() != erasures {
			return errErasedMeanwhile
		}
		if err := finishExport(tx, done); err != nil {
			return err
		}
		return s.Record(tx, Event{Action: actExported, Org: e.Org, Targets: []Ref{{"export", e.ID}},
			Details: map[string]any{"format": e.Format, "events": done.Events, "bytes": done.Bytes, "sha256": done.SHA256}})
	})
	if errors.Is(err, errErasedMeanwhile) {
		if err := os.Remove(s.path(e)); err != nil {
			return fmt.Errorf("export %s: %w", e.ID, err)
		}
		return queue.Snooze(time.Second)
	}
	return err
}

// errErasedMeanwhile says that a file may hold what was erased while it was written.
var errErasedMeanwhile = errors.New("personal data was erased while the export was written")

// expireExports deletes files whose time is over, and gives up exports whose job is gone, as
// when somebody has cancelled it: they would count as being written for ever.
func (s *System) expireExports(ctx context.Context) error {
	err := s.DB.Write(ctx, func(tx *store.Tx) error { return failExports(tx, tx.Now().Add(-writeExports)) })
	return errors.Join(err, s.dropExports(ctx, s.DB.Now().Add(-keepExports)))
}

// dropExports deletes the files of exports that were asked for up to a time.
func (s *System) dropExports(ctx context.Context, until time.Time) error {
	return s.dropFiles(ctx, func(tx *store.Tx) ([]Export, error) { return oldExports(tx, until, dropSome) })
}

// makeRoom deletes the oldest files of an org, so that there is room for another.
func (s *System) makeRoom(ctx context.Context, org string) error {
	return s.dropFiles(ctx, func(tx *store.Tx) ([]Export, error) { return surplusExports(tx, org, maxReady-1, dropSome) })
}

// dropSome is how many exports dropFiles asks for at once.
const dropSome = 100

// dropFiles deletes the files of exports, until there are no more of them.
func (s *System) dropFiles(ctx context.Context, next func(*store.Tx) ([]Export, error)) error {
	for {
		old, err := store.Read(ctx, s.DB, next)
		if err != nil {
			return fmt.Errorf("drop exports: %w", err)
		}
		for _, e := range old {
			if err := os.Remove(s.path(e)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("drop exports: %w", err)
			}
			if err := s.DB.Write(ctx, func(tx *store.Tx) error { return expireExport(tx, e.ID) }); err != nil {
				return fmt.Errorf("drop exports: %w", err)
			}
		}
		if len(old) < dropSome {
			return nil
		}
	}
}

type exportInput struct {
	Format string `json:"format" doc:"csv, ndjson or bundle (with proofs)"`
	Org    string `json:"org,omitempty" doc:"Only of an organization"`
	Action string `json:"action,omitempty" doc:"Only of an action"`
	Actor  string `json:"actor,omitempty" doc:"Only by somebody, as type:id"`
	Target string `json:"target,omitempty" doc:"Only about something, as type:id"`
	From   string `json:"from,omitempty" doc:"From a time or day on"`
	To     string `json:"to,omitempty" doc:"Up to a time or day"`
}

func (in exportInput) filter(org string) (Filter, error) {
	f, err := parseFilter(map[string][]string{"action": {in.Action}, "actor": {in.Actor}, "target": {in.Target}, "from": {in.From}, "to": {in.To}})
	f.Org = org
	return f, err
}

type exportJSON struct {
	ID       string     `json:"id"`
	Org      string     `json:"org,omitempty"`
	Format   string     `json:"format"`
	State    string     `json:"state"` // waiting, ready, failed or expired
	Created  time.Time  `json:"created_at"`
	Finished *time.Time `json:"finished_at,omitempty"`
	Events   int64      `json:"events"`
	Bytes    int64      `json:"bytes"`
	SHA256   string     `json:"sha256,omitempty"` // hex
	File     string     `json:"file,omitempty"`   // where to download it
	Problem  string     `json:"problem,omitempty"`
}

func (e Export) json() exportJSON {
	out := exportJSON{ID: e.ID, Org: e.Org, Format: e.Format, State: e.State, Created: e.Created, Events: e.Events, Bytes: e.Bytes, SHA256: e.SHA256, Problem: e.Problem}
	if !e.Finished.IsZero() {
		out.Finished = &e.Finished
	}
	if e.State == "ready" {
		out.File = "/-/api/v1/audit/exports/" + e.ID + "/file"
	}
	return out
}

func (s *System) exportAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[exportInput](r)
	if err != nil {
		return err
	}
	org, err := scope(r, in.Org)
	if err != nil {
		return err
	}
	f, err := in.filter(org)
	if err != nil {
		return err
	}
	e, err := s.request(r.Context(), in.Format, f)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, e.json())
}

// visibleExport is an export that the request may see; any other is not there.
func (s *System) visibleExport(r *http.Request) (Export, error) {
	e, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (Export, error) { return exportByID(tx, r.PathValue("id")) })
	if err != nil {
		return e, err
	}
	if e.Org == "" && !web.IdentityOf(r.Context()).Can(permRead) {
		return e, web.ErrNotFound
	}
	_, err = scope(r, e.Org)
	return e, err
}

func (s *System) exportStateAPI(w http.ResponseWriter, r *http.Request) error {
	e, err := s.visibleExport(r)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, e.json())
}

func (s *System) exportFile(w http.ResponseWriter, r *http.Request) error {
	e, err := s.visibleExport(r)
	if err != nil {
		return err
	}
	return s.sendFile(w, r, e)
}

var errExportGone = &web.Error{Status: http.StatusGone, Code: "export_gone", Public: "This file is no longer here. Ask for a new export."}

// sendFile hands out a finished export.
func (s *System) sendFile(w http.ResponseWriter, r *http.Request, e Export) error {
	if e.State != "ready" {
		return errExportGone
	}
	f, err := os.Open(s.path(e))
	if errors.Is(err, fs.ErrNotExist) {
		return errExportGone // restored on another machine: files are no part of the database
	}
	if err != nil {
		return err
	}
	defer f.Close()
	format := formats[e.Format]
	w.Header().Set("Content-Type", format.kind)
	w.Header().Set("Content-Disposition", `attachment; filename="audit-`+e.Created.UTC().Format("20060102-150405")+format.suffix+`"`)
	w.Header().Set("Cache-Control", "private, no-store")
	http.ServeContent(w, r, "", e.Finished, f)
	return nil
}
