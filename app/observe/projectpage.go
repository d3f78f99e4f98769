package observe

import (
	"net/http"
	"strconv"

	"seaworthy/app/web"
)

const projectsBase = errorsBase + "/projects"

type projectsData struct {
	Projects []Project
	Manage   bool
	Done     string
}

// projectDone is what happened before the page was shown again.
var projectDone = map[string]string{
	"made": "The project is there. Give its address to the SDK of your app.", "changed": "The limits are changed.",
	"key": "The new key works. Revoke the old one when nothing uses it any more.", "revoked": "The key is revoked. What comes with it is refused.",
}

func (s *System) projectsPage(w http.ResponseWriter, r *http.Request) error {
	d := projectsData{Projects: s.Projects(), Manage: web.IdentityOf(r.Context()).Can("errors:manage"), Done: projectDone[r.URL.Query().Get("done")]}
	return s.Pages.Render(w, r, "observe/projects", web.View{Title: "Projects", Data: d})
}

// projectInput is a form of the projects' page.
type projectInput struct {
	Act       string `json:"act"`
	Name      string `json:"name"`
	Events    int64  `json:"events_per_minute"`
	Megabytes int64  `json:"mb_per_minute"`
	Key       string `json:"key"`
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
		if in.Events < 1 || in.Megabytes < 1 || in.Megabytes > 10<<10 {
			return web.Invalid(web.Field{Field: "mb_per_minute", Code: "range", Message: "At least one request and one megabyte, at most 10,240 megabytes."})
		}
		_, err = s.ChangeProject(r.Context(), id, ProjectChange{Name: in.Name, EventsMinute: in.Events, BytesMinute: in.Megabytes << 20})
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
