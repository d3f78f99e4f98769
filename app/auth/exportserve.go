package auth

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// exportJSON is an export as the API says it.
type exportJSON struct {
	ID       string     `json:"id"`
	State    string     `json:"state"` // waiting, ready, failed or expired
	Created  time.Time  `json:"created_at"`
	Finished *time.Time `json:"finished_at,omitempty"`
	Expires  *time.Time `json:"expires_at,omitempty"` // when the file is deleted
	Bytes    int64      `json:"bytes"`
	SHA256   string     `json:"sha256,omitempty"` // hex
	File     string     `json:"file,omitempty"`   // where to download it
	Problem  string     `json:"problem,omitempty"`
}

func (e Export) json() exportJSON {
	out := exportJSON{ID: e.ID, State: e.State, Created: e.Created, Bytes: e.Bytes, SHA256: e.SHA256, Problem: e.Problem}
	if !e.Finished.IsZero() {
		out.Finished = &e.Finished
	}
	if e.State == exportReady {
		out.Expires, out.File = &e.Expires, "/-/api/v1/me/exports/"+e.ID+"/file"
	}
	return out
}

func (s *System) exportForm(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.requestExport(r.Context()); err != nil {
		return s.dataAgain(w, r, err)
	}
	return web.SeeOther(w, r, "/-/account/data?done=export")
}

func (s *System) exportAPI(w http.ResponseWriter, r *http.Request) error {
	e, err := s.requestExport(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, e.json())
}

// ownExport is an export of whoever asks; another's is not there.
func (s *System) ownExport(r *http.Request) (Export, error) {
	e, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (Export, error) { return exportByID(tx, r.PathValue("id")) })
	if err == nil && e.User != web.IdentityOf(r.Context()).User {
		err = web.ErrNotFound
	}
	if err == nil && e.State == exportReady && !e.Expires.After(s.DB.Now()) {
		e.State = exportExpired // its job is a little late
	}
	return e, err
}

func (s *System) exportStateAPI(w http.ResponseWriter, r *http.Request) error {
	e, err := s.ownExport(r)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, e.json())
}

var errExportGone = &web.Error{Status: http.StatusGone, Code: "export_gone", Public: "This file is no longer here. Ask for a new export."}

// exportFile hands out a finished export.
func (s *System) exportFile(w http.ResponseWriter, r *http.Request) error {
	e, err := s.ownExport(r)
	if err != nil {
		return err
	}
	switch e.State {
	case exportWaiting:
		return errExportWaiting
	case exportReady:
	default:
		return errExportGone
	}
	f, err := os.Open(s.exportPath(e.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return errExportGone // restored on another machine: files are no part of the database
	}
	if err != nil {
		return err
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="your-data-`+e.Created.UTC().Format("20060102-150405")+`.zip"`)
	w.Header().Set("Cache-Control", "private, no-store")
	http.ServeContent(w, r, "", e.Finished, f)
	return nil
}
