package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/glance"
	"seaworthy/app/launch"
	"seaworthy/app/observe"
	"seaworthy/app/web"
	"seaworthy/store"
)

// homePace is how often a home that is watched looks again at most: something is
// committed all the time.
const homePace = 5 * time.Second

// homeEventsShown is how many of the latest events the home shows.
const homeEventsShown = 8

// overview is the installation at a glance.
type overview struct {
	Cards     []glance.Card    `json:"systems"`
	Attention []glance.Need    `json:"attention"` // the gravest first
	Launch    launch.Score     `json:"launch"`
	Health    []Health         `json:"health"`
	Release   string           `json:"release"`                // that runs
	Since     time.Time        `json:"release_since,omitzero"` // when it was first seen
	Before    *observe.Release `json:"release_before,omitempty"`
	At        time.Time        `json:"computed_at"`
}

// gather asks each system for its card. One that cannot be read says so in its place: the
// others are needed all the more then.
func (s *System) gather(ctx context.Context, id web.Identity) (overview, error) {
	o := overview{Cards: []glance.Card{}, Health: s.Health(), Release: s.Release, At: s.DB.Now()}
	var needs []glance.Need
	for _, h := range o.Health {
		if h.Kind == "danger" || h.Kind == "warn" {
			needs = append(needs, glance.Need{Key: strings.ToLower(h.Name), System: "health", Kind: glance.Kind(h.Kind), Text: h.Name + " " + strings.ToLower(h.Word) + details(h.Detail), Path: healthPath[h.Name]})
		}
	}
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if o.Launch, err = s.Launch(tx); err != nil {
			return err
		}
		for _, src := range s.Glances {
			if src.Permission != "" && !id.Can(src.Permission) {
				continue
			}
			c, err := src.Card(ctx, tx)
			if err != nil {
				if ctx.Err() != nil {
					return err
				}
				s.Observe.Capture(ctx, err)
				c = glance.Card{State: glance.State{Kind: glance.Danger, Word: "Unreadable", Detail: "Its figures cannot be read now. The error is under Errors."}}
			}
			c.System, c.Title, c.Icon, c.Path = src.System, src.Title, src.Icon, src.Path
			for _, n := range c.Needs {
				if n.System = src.System; n.Permission == "" || id.Can(n.Permission) {
					needs = append(needs, n)
				}
			}
			o.Cards = append(o.Cards, c)
		}
		return nil
	})
	o.Attention = glance.Urgent(needs)
	o.release(ctx, s.Observe)
	return o, err
}

// release says since when this release runs, and which ran before.
func (o *overview) release(ctx context.Context, from *observe.System) {
	seen, err := from.LatestReleases(ctx, 2)
	if err != nil {
		return // telemetry that cannot be read is told among the health
	}
	for _, r := range seen {
		if r.Name == o.Release {
			o.Since = r.At
		} else if o.Before == nil {
			o.Before = &r
		}
	}
}

// healthPath is where a part of the machine is seen to; the home for the rest.
var healthPath = map[string]string{"Replica": "/-/admin/backups", "Backups": "/-/admin/backups", "Jobs": "/-/admin/jobs", "Outbox": "/-/admin/jobs", "Audit": "/-/admin/audit",
	"Telemetry": "/-/admin/observe", "Billing": "/-/admin/billing", "Heartbeat": "/-/admin/alerts"}

func details(text string) string {
	if text == "" {
		return "."
	}
	return ": " + strings.TrimSuffix(text, ".") + "."
}

type homeData struct {
	overview
	Recent []audit.Row
	Audit  bool // whoever looks may see the log
	Quick  []web.NavItem
}

// quick are the pages people go to from the home, for those who may open them.
var quick = []struct {
	web.NavItem
	need string
}{
	{web.NavItem{Label: "Dead letters", Path: "/-/admin/jobs?state=dead", Icon: "list-checks"}, "jobs:read"},
	{web.NavItem{Label: "Kill switch", Path: "/-/admin/flags/-/kill", Icon: "flag"}, "flags:read"},
	{web.NavItem{Label: "Mail providers", Path: "/-/admin/email/providers", Icon: "mail"}, "email:read"},
	{web.NavItem{Label: "Slow statements", Path: "/-/admin/performance/queries", Icon: "gauge"}, "performance:read"},
	{web.NavItem{Label: "Backups", Path: "/-/admin/backups", Icon: "database-backup"}, "backups:read"},
}

func (s *System) home(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	web.OriginOf(r.Context()).Quiet = r.Header.Get("HX-Request") != "" // a page that watches must not see itself
	o, err := s.gather(r.Context(), id)
	if err != nil {
		return err
	}
	d := homeData{overview: o, Audit: id.Can("audit:read")}
	for _, q := range quick {
		if id.Can(q.need) {
			d.Quick = append(d.Quick, q.NavItem)
		}
	}
	if d.Audit {
		recent, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]audit.Entry, error) {
			return audit.List(tx, audit.Filter{Limit: homeEventsShown, Brief: true})
		})
		if err != nil {
			return err
		}
		d.Recent = s.Audit.Rows(recent, "/-/admin/audit")
	}
	return s.Pages.Render(w, r, "console/overview", web.View{Title: "Home", Data: d})
}

func (s *System) homeAPI(w http.ResponseWriter, r *http.Request) error {
	o, err := s.gather(r.Context(), web.IdentityOf(r.Context()))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, o)
}

// homeEvents tells a home that is watched that something was committed.
func (s *System) homeEvents(w http.ResponseWriter, r *http.Request) error {
	changed := s.DB.Listen(store.Commits)
	defer s.DB.Unlisten(store.Commits, changed)
	return web.StreamEvery(w, r, changed, homePace)
}
