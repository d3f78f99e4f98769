package email

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

type restoreForm struct {
	Version int `json:"version"`
	Earlier int `json:"earlier"`
}

func (s *System) templateRestore(w http.ResponseWriter, r *http.Request) error {
	f, err := web.Decode[restoreForm](r)
	if err != nil {
		return err
	}
	return s.afterAct(w, r, "restored", s.restoreTemplate(r.Context(), templateOf(r), int64(f.Version), int64(f.Earlier)))
}

type historyData struct {
	Name, Path   string
	Version      int64 // in use; 0: ours is
	Manage       bool
	Rows         []versionRow
	Older, Newer string
	Shown        int64 // whose difference to the one before it is shown
	Diff         []diffLine
	First        bool // it is the first: its words are shown whole
}

type versionRow struct {
	versionJSON
	Path     string // of the page with what it changed
	On, Used bool
}

// versionsShown is how many a page lists.
const versionsShown = 20

func (s *System) historyPage(w http.ResponseWriter, r *http.Request) error {
	t, err := s.show(templateOf(r))
	if err != nil {
		return err
	}
	q := r.URL.Query()
	before, err := strconv.ParseInt(q.Get("before"), 10, 64)
	if err != nil {
		before = 1 << 62
	}
	rows, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]templateRow, error) {
		return templateVersions(tx, t.Name, before, versionsShown+1)
	})
	if err != nil {
		return err
	}
	d := historyData{Name: t.Name, Path: pageTemplates + "/" + t.Name, Version: t.Version, Manage: web.IdentityOf(r.Context()).Can(permManage)}
	if before != 1<<62 {
		d.Newer = d.Path + "/history"
	}
	d.Shown, _ = strconv.ParseInt(q.Get("version"), 10, 64)
	if i := slices.IndexFunc(rows, func(v templateRow) bool { return v.version == d.Shown }); i < 0 && len(rows) > 0 {
		d.Shown = rows[0].version
	}
	if len(rows) > versionsShown {
		rows = rows[:versionsShown]
		d.Older = fmt.Sprintf("%s/history?before=%d", d.Path, rows[versionsShown-1].version)
	}
	for _, v := range rows {
		path := fmt.Sprintf("%s/history?version=%d", d.Path, v.version)
		if d.Newer != "" { // it is on this page of the list
			path += fmt.Sprintf("&before=%d", before)
		}
		d.Rows = append(d.Rows, versionRow{versionJSON{v.version, v.source, time.UnixMilli(v.changed).UTC(), v.by}, path, v.version == d.Shown,
			v.version == t.Version && t.Archived.IsZero()})
	}
	if err := s.compare(r.Context(), &d); err != nil {
		return err
	}
	return s.Pages.Render(w, r, "email/history", web.View{Title: "History of " + t.Name, Data: d})
}

// compare finds what a version changed.
func (s *System) compare(ctx context.Context, d *historyData) error {
	if d.Shown == 0 {
		return nil
	}
	two, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]templateRow, error) { return templateVersions(tx, d.Name, d.Shown+1, 2) })
	if err != nil || len(two) == 0 {
		return err
	}
	before, now := s.sources[d.Name], two[0].source // of ours the first version is compared with our words
	if len(two) == 2 {
		before = declared(two[1]) + two[1].source
		now = declared(two[0]) + now
	}
	d.First = before == ""
	d.Diff = diff(before, now)
	return nil
}

// declared are a version's variables as they are typed, for those to read who look
// for what changed.
func declared(v templateRow) string {
	var all []Variable
	if json.Unmarshal([]byte(v.variables), &all) != nil || strings.Contains(v.name, "/") {
		return ""
	}
	return formatVariables(all) + "\n"
}
