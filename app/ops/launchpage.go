package ops

import (
	"net/http"
	"strings"

	"seaworthy/app/launch"
	"seaworthy/app/web"
	"seaworthy/store"
)

// group is a system's points on the page.
type group struct {
	ID, Title, About string
	Open             []pointView // to do, doubtful
	Done             []pointView
	Aside            []pointView // dismissed, or not applicable
	Have, Of         int
}

// pointView is a point as a person sees it.
type pointView struct {
	Point
	Kind   string // of its pill
	Word   string
	Anchor string // its id on the page
}

type launchData struct {
	Score  launch.Score
	Groups []group
	Manage bool
	Done   string
	Fault  string
}

// titles are the systems in the order in which they are shown, with what they are about.
var titles = []group{
	{ID: "database", Title: "Files", About: "What lies on the disk"},
	{ID: "server", Title: "Server", About: "The machine, and how it is reached"},
	{ID: "backups", Title: "Backups", About: "What survives the loss of the machine"},
	{ID: "auth", Title: "Operators and sign-up", About: "Who runs this, and who may come in"},
	{ID: "billing", Title: "Billing", About: "Whether what is sold is paid"},
	{ID: "email", Title: "Email", About: "Whether mail arrives"},
	{ID: "jobs", Title: "Jobs", About: "Whether work in the background is done"},
	{ID: "flags", Title: "Flags", About: "Whether something can be switched off at night"},
	{ID: "access", Title: "Your app", About: "What stands behind the proxy"},
	{ID: "audit", Title: "Audit", About: "Whether what happened can be proved"},
	{ID: "alerts", Title: "Alerts", About: "Whether somebody hears of trouble"},
}

// grouped sorts points into systems; one that is not among the titles keeps its own name.
func grouped(points []Point) []group {
	all := append([]group{}, titles...)
	at := map[string]int{}
	for i, g := range all {
		at[g.ID] = i
	}
	for _, p := range points {
		i, ok := at[p.System]
		if !ok {
			i = len(all)
			at[p.System] = i
			all = append(all, group{ID: p.System, Title: p.System})
		}
		g, v := &all[i], view(p)
		if p.Dismissed == nil && p.State != launch.NotApplicable {
			g.Of++
		}
		switch {
		case p.Open():
			g.Open = append(g.Open, v)
		case p.State == launch.Done && p.Dismissed == nil:
			g.Have++
			g.Done = append(g.Done, v)
		default:
			g.Aside = append(g.Aside, v)
		}
	}
	var shown []group
	for _, g := range all {
		if len(g.Open)+len(g.Done)+len(g.Aside) > 0 {
			shown = append(shown, g)
		}
	}
	return shown
}

func view(p Point) pointView {
	v := pointView{Point: p, Kind: "quiet", Word: p.State.Words(), Anchor: "check-" + strings.ReplaceAll(p.Key, ".", "-")}
	switch {
	case p.Dismissed != nil:
		v.Word = "Dismissed"
	case p.State == launch.Done:
		v.Kind = "ok"
	case p.State == launch.Todo && p.Blocks:
		v.Kind, v.Word = "danger", "Needed"
	case p.State == launch.Todo, p.State == launch.Warn:
		v.Kind = "warn"
	}
	return v
}

var launchDone = map[string]string{
	"look":    "The DNS and the public address are asked now. What they say is here when you load the page again.",
	"alert":   "A test alert is on its way to every operator. Look in the mailboxes.",
	"dismiss": "The point is dismissed, and does not count any more. It stays below, where you can take that back.",
	"restore": "The point counts again.",
}

func (s *System) launchPage(w http.ResponseWriter, r *http.Request) error {
	return s.showLaunch(w, r, http.StatusOK, "")
}

func (s *System) showLaunch(w http.ResponseWriter, r *http.Request, status int, fault string) error {
	points, err := store.Read(r.Context(), s.DB, s.Checklist)
	if err != nil {
		return err
	}
	d := launchData{Score: Rate(points), Groups: grouped(points), Manage: web.IdentityOf(r.Context()).Can(permLaunch), Fault: fault}
	if fault == "" {
		d.Done = launchDone[r.URL.Query().Get("done")]
	}
	return s.Pages.Render(w, r, "ops/launch", web.View{Title: "Launch checklist", Status: status, Data: d})
}

// acted answers a form: back to the page, or with what is wrong.
func (s *System) acted(w http.ResponseWriter, r *http.Request, what string, err error) error {
	if err == nil {
		return web.SeeOther(w, r, launchPage+"?done="+what)
	}
	if e := web.AsError(err); e.Status == http.StatusConflict || e.Status == http.StatusUnprocessableEntity {
		text := e.Public
		if len(e.Fields) > 0 {
			text = e.Fields[0].Message
		}
		return s.showLaunch(w, r, e.Status, text)
	}
	return err
}

func (s *System) lookForm(w http.ResponseWriter, r *http.Request) error {
	_, err := s.LookAgain(r.Context())
	return s.acted(w, r, "look", err)
}

func (s *System) alertForm(w http.ResponseWriter, r *http.Request) error {
	_, err := s.TestAlert(r.Context())
	return s.acted(w, r, "alert", err)
}

func (s *System) dismissForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[dismissIn](r)
	if err != nil {
		return err
	}
	return s.acted(w, r, "dismiss", s.Dismiss(r.Context(), r.PathValue("key"), in.Why))
}

func (s *System) restoreForm(w http.ResponseWriter, r *http.Request) error {
	return s.acted(w, r, "restore", s.Restore(r.Context(), r.PathValue("key")))
}
