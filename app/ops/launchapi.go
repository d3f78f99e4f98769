package ops

import (
	"net/http"
	"time"

	"seaworthy/app/launch"
	"seaworthy/app/web"
	"seaworthy/store"
)

const (
	apiLaunch  = "/-/api/v1/launch"
	launchPage = "/-/admin/launch"
)

// launchRoutes are the launch checklist in the API and in the console.
func (s *System) launchRoutes() []web.Route {
	read, manage := web.Permission(permConsole), web.Permission(permLaunch)
	looked, alerted, dismissed, restored := []string{string(actLook)}, []string{string(actAlerted)}, []string{string(actDismissed)}, []string{string(actRestored)}
	return []web.Route{
		{Method: "GET", Pattern: apiLaunch, Access: read, Handler: s.launchList, Doc: web.Doc{Summary: "What still stands between this installation and customers", Out: LaunchJSON{}}},
		{Method: "POST", Pattern: apiLaunch + "/look", Access: manage, Handler: s.lookAPI, Audit: looked,
			Doc: web.Doc{Summary: "Have the DNS and the public address asked again; 202 with the job", Out: askedJSON{}, Status: http.StatusAccepted}},
		{Method: "POST", Pattern: apiLaunch + "/alert", Access: manage, Handler: s.alertAPI, Audit: alerted,
			Doc: web.Doc{Summary: "Mail a test alert to every operator", Out: alertJSON{}, Status: http.StatusAccepted}},
		{Method: "PUT", Pattern: apiLaunch + "/checks/{key}/dismissal", Access: manage, Handler: s.dismissAPI, Audit: dismissed,
			Doc: web.Doc{Summary: "Say that a check is not for this installation", In: dismissIn{}, Status: http.StatusNoContent}},
		{Method: "DELETE", Pattern: apiLaunch + "/checks/{key}/dismissal", Access: manage, Handler: s.restoreAPI, Audit: restored,
			Doc: web.Doc{Summary: "Count a check again", Status: http.StatusNoContent}},

		{Method: "GET", Pattern: launchPage, Access: read, Handler: s.launchPage},
		{Method: "POST", Pattern: launchPage + "/look", Access: manage, Handler: web.InConsole(s.lookForm), Audit: looked},
		{Method: "POST", Pattern: launchPage + "/alert", Access: manage, Handler: web.InConsole(s.alertForm), Audit: alerted},
		{Method: "POST", Pattern: launchPage + "/checks/{key}/dismiss", Access: manage, Handler: web.InConsole(s.dismissForm), Audit: dismissed},
		{Method: "POST", Pattern: launchPage + "/checks/{key}/restore", Access: manage, Handler: web.InConsole(s.restoreForm), Audit: restored},
	}
}

// LaunchJSON is the checklist as the API and 'seaworthy doctor --json' tell it.
type LaunchJSON struct {
	Percent int         `json:"percent"` // of what applies, what is done; what blocks counts three times
	Ready   bool        `json:"ready"`   // nothing that blocks is to do
	Done    int         `json:"done"`
	Of      int         `json:"of"`
	Todo    int         `json:"todo"`
	Blocks  int         `json:"blocking"` // of these, that nobody should sell without
	Doubt   int         `json:"doubtful"` // that warn or are not known
	Exit    int         `json:"exit_code"`
	Checks  []CheckJSON `json:"checks"`
}

// CheckJSON is one point of it.
type CheckJSON struct {
	Key       string         `json:"key"`
	System    string         `json:"system"`
	Title     string         `json:"title"`
	State     string         `json:"state"` // done, warn, todo, unknown, not_applicable
	Blocks    bool           `json:"blocking"`
	Detail    string         `json:"detail"`
	Why       string         `json:"why"`
	Fix       string         `json:"fix"`
	Link      string         `json:"link,omitempty"`
	LookedAt  *time.Time     `json:"looked_at,omitempty"` // when it was found out; missing: now
	Dismissed *DismissalJSON `json:"dismissed,omitempty"`
}

// DismissalJSON is who decided that a point does not count, and why.
type DismissalJSON struct {
	By  string    `json:"by"`
	Why string    `json:"why"`
	At  time.Time `json:"at"`
}

type dismissIn struct {
	Why string `json:"why,omitempty" doc:"Why it is not for you"`
}

type alertJSON struct {
	Sent int `json:"sent"`
}

// Report is the checklist for programs.
func Report(points []Point) LaunchJSON {
	score := Rate(points)
	out := LaunchJSON{Percent: score.Percent, Ready: score.Exit() != launch.ExitUnfit, Done: score.Done, Of: score.Of, Todo: score.Open, Blocks: score.Blocks, Doubt: score.Doubt,
		Exit: score.Exit(), Checks: []CheckJSON{}}
	for _, p := range points {
		c := CheckJSON{Key: p.Key, System: p.System, Title: p.Title, State: string(p.State), Blocks: p.Blocks, Detail: p.Detail, Why: p.Why, Fix: p.Fix, Link: p.Link, LookedAt: instant(p.LookedAt)}
		if d := p.Dismissed; d != nil {
			c.Dismissed = &DismissalJSON{By: d.By, Why: d.Why, At: d.At}
		}
		out.Checks = append(out.Checks, c)
	}
	return out
}

func (s *System) launchList(w http.ResponseWriter, r *http.Request) error {
	points, err := store.Read(r.Context(), s.DB, s.Checklist)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, Report(points))
}

func (s *System) lookAPI(w http.ResponseWriter, r *http.Request) error {
	job, err := s.LookAgain(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, askedJSON{Job: job})
}

func (s *System) alertAPI(w http.ResponseWriter, r *http.Request) error {
	n, err := s.TestAlert(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, alertJSON{Sent: n})
}

func (s *System) dismissAPI(w http.ResponseWriter, r *http.Request) error {
	in := dismissIn{}
	if r.ContentLength != 0 {
		var err error
		if in, err = web.Decode[dismissIn](r); err != nil {
			return err
		}
	}
	if err := s.Dismiss(r.Context(), r.PathValue("key"), in.Why); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *System) restoreAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.Restore(r.Context(), r.PathValue("key")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
