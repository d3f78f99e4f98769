package observe

import (
	"net/http"
	"net/url"
	"strconv"

	"seaworthy/app/web"
)

const projectsBase = errorsBase + "/projects"

type projectsData struct {
	Projects []projectRow
	Sentry   string // host that SENTRY_DSN leads to; "" without one
	Manage   bool
	Done     string
}

// projectRow is a project with how its forwarding fares.
type projectRow struct {
	Project
	Forwarded *Forwarded // nil where nothing is
}

// projectDone is what happened before the page was shown again.
var projectDone = map[string]string{
	"made": "The project is there. Give its address to the SDK of your app.", "changed": "The limits are changed.",
	"key": "The new key works. Revoke the old one when nothing uses it any more.", "revoked": "The key is revoked. What comes with it is refused.",
	"forwarded": "What the project reports from now on goes there as well.", "kept": "What the project reports stays here.",
}

func (s *System) projectsPage(w http.ResponseWriter, r *http.Request) error {
	d := projectsData{Sentry: s.sentryHost(), Manage: web.IdentityOf(r.Context()).Can("errors:manage"), Done: projectDone[r.URL.Query().Get("done")]}
	for _, p := range s.Projects() {
		row := projectRow{Project: p}
		if f, ok := s.Forwarded(p.ID); ok {
			row.Forwarded = &f
		}
		d.Projects = append(d.Projects, row)
	}
	return s.Pages.Render(w, r, "observe/projects", web.View{Title: "Projects", Data: d})
}

// projectInput is a form of the projects' page.
type projectInput struct {
	Act       string `json:"act"`
	Name      string `json:"name"`
	Events    int64  `json:"events_per_minute"`
	Megabytes int64  `json:"mb_per_minute"`
	Key       string `json:"key"`
	Forward   string `json:"forward"`
	DSN       string `json:"forward_dsn"`
}

// sentryHost is where SENTRY_DSN leads, "" without one.
func (s *System) sentryHost() string {
	if s.o.Reports == nil {
		return ""
	}
	u, err := url.Parse(s.o.Reports.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

func (s *System) projectMake(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[ProjectChange](r)
	if err != nil {
		return err
	}
	if _, err := s.MakeProject(r.Context(), in); err != nil {
		return err
	}
	return web.SeeOther(w, r, projectsBase+"?done=made")
}

func (s *System) projectAct(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[projectInput](r)
	if err != nil {
		return err
	}
	id, err := pathProject(r)
	if err != nil {
		return err
	}
	done := in.Act
	switch in.Act {
	case "changed":
		var bad web.Check
		bad.Fault(in.Events >= 1, "events_per_minute", "range", "From 1 to 1,000,000.")
		bad.Fault(in.Megabytes >= 1 && in.Megabytes <= 10<<10, "mb_per_minute", "range", "From 1 to 10,240.")
		if err := bad.Err(); err != nil {
			return err
		}
		_, err = s.ChangeProject(r.Context(), id, ProjectChange{Name: in.Name, EventsMinute: in.Events, BytesMinute: in.Megabytes << 20})
	case "forwarded":
		if in.Forward == ForwardOff {
			done = "kept"
		}
		_, err = s.ChangeProject(r.Context(), id, ProjectChange{Forward: &in.Forward, ForwardDSN: &in.DSN})
	case "key":
		_, err = s.MakeKey(r.Context(), id)
	case "revoked":
		_, err = s.RevokeKey(r.Context(), id, in.Key)
	default:
		err = web.Invalid(web.Field{Field: "act", Code: "unknown", Message: "This is no act on a project."})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, projectsBase+"?done="+done)
}

func pathProject(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("project"), 10, 64)
	if err != nil || id < 1 {
		return 0, web.ErrNotFound
	}
	return id, nil
}

// ProjectList is what the API says of projects.
type ProjectList struct {
	Projects []Project `json:"projects"`
}

func (s *System) projectsAPI(w http.ResponseWriter, _ *http.Request) error {
	return web.JSON(w, http.StatusOK, ProjectList{Projects: append([]Project{}, s.Projects()...)})
}

func (s *System) projectMakeAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[ProjectChange](r)
	if err != nil {
		return err
	}
	p, err := s.MakeProject(r.Context(), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, p)
}

func (s *System) projectChangeAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[ProjectChange](r)
	if err != nil {
		return err
	}
	id, err := pathProject(r)
	if err != nil {
		return err
	}
	p, err := s.ChangeProject(r.Context(), id, in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, p)
}

func (s *System) keyMakeAPI(w http.ResponseWriter, r *http.Request) error {
	id, err := pathProject(r)
	if err != nil {
		return err
	}
	p, err := s.MakeKey(r.Context(), id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, p)
}

func (s *System) keyRevokeAPI(w http.ResponseWriter, r *http.Request) error {
	id, err := pathProject(r)
	if err != nil {
		return err
	}
	if _, err := s.RevokeKey(r.Context(), id, r.PathValue("key")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Megabytes is how much a project may send a minute, for the form.
func (p Project) Megabytes() int64 { return max(p.BytesMinute>>20, 1) }
