package observe

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

const monitorsBase = errorsBase + "/monitors"

// MonitorList is all monitors.
type MonitorList struct {
	Monitors []Monitor `json:"monitors"`
}

type monitorsData struct {
	Rows    []Monitor
	Manage  bool
	Example string // address that a script may ask
	Done    bool
}

func (s *System) monitorsPage(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Monitors(r.Context())
	if err != nil {
		return err
	}
	d := monitorsData{Rows: all, Manage: web.IdentityOf(r.Context()).Can("errors:manage"), Done: r.URL.Query().Get("done") == "removed", Example: s.URL + "/-/api/1/cron/nightly-report/KEY/?status=ok"}
	return s.Pages.Render(w, r, "observe/monitors", web.View{Title: "Monitors", Data: d})
}

// RemoveMonitor waits for a job no more, until it checks in again.
func (s *System) RemoveMonitor(ctx context.Context, id string) error {
	main, err := s.files.mainFile(s.now())
	if err != nil {
		return err
	}
	if main == nil {
		return store.ErrNotFound
	}
	var m Monitor
	if err := main.Read(ctx, func(tx *store.Tx) (err error) { m, err = monitorOf(tx, id); return err }); err != nil {
		return err
	}
	// The event first: two files are no one transaction.
	if err := s.DB.Write(ctx, func(tx *store.Tx) error {
		return s.Audit.Record(tx, audit.Event{Action: actMonitorRemoved, Targets: []audit.Ref{{Type: "monitor", ID: id}}, Details: map[string]any{"slug": m.Slug}})
	}); err != nil {
		return err
	}
	return main.Write(ctx, func(tx *store.Tx) error { return removeMonitor(tx, id) })
}

func (s *System) monitorRemove(w http.ResponseWriter, r *http.Request) error {
	if err := s.RemoveMonitor(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return web.SeeOther(w, r, monitorsBase+"?done=removed")
}

func (s *System) monitorsAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Monitors(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, MonitorList{all})
}

func (s *System) monitorRemoveAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.RemoveMonitor(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
