package email

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"seaworthy/app/web"
)

const (
	pageTemplates   = "/-/admin/email/templates"
	pageNewTemplate = "/-/admin/email/new-template"
	pagePreviews    = "/-/admin/email/previews/"
)

func (s *System) templatePageRoutes() (routes []web.Route) {
	read, manage := web.Permission(permRead), web.Permission(permManage)
	routes = []web.Route{
		{Method: "GET", Pattern: pageTemplates, Access: read, Handler: web.InConsole(s.templatesPage)},
		{Method: "GET", Pattern: pageNewTemplate, Access: manage, Handler: web.InConsole(s.newTemplatePage)},
		{Method: "POST", Pattern: pageNewTemplate, Access: manage, Handler: web.InConsole(s.newTemplateSave), Body: templateBody, Audit: acts(actTemplateMade)},
		{Method: "POST", Pattern: pageNewTemplate + "/preview", Access: manage, Handler: web.InConsole(s.newTemplatePreview), Body: templateBody, Exempt: "it changes nothing"},
		{Method: "GET", Pattern: pagePreviews + "{id}", Access: read, Handler: web.InConsole(s.previewFrame)},
	}
	for _, one := range []string{pageTemplates + "/{name}", pageTemplates + "/{system}/{name}"} {
		routes = append(routes, []web.Route{
			{Method: "GET", Pattern: one, Access: read, Handler: web.InConsole(s.templatePage)},
			{Method: "POST", Pattern: one, Access: manage, Handler: web.InConsole(s.templateSave), Body: templateBody, Audit: acts(actTemplateMade, actTemplateChanged)},
			{Method: "POST", Pattern: one + "/preview", Access: read, Handler: web.InConsole(s.templatePreview), Body: templateBody, Exempt: "it changes nothing"},
			{Method: "POST", Pattern: one + "/test", Access: manage, Handler: web.InConsole(s.templateTest), Limit: web.PerMinute(10), Audit: acts(actTemplateTested)},
			{Method: "POST", Pattern: one + "/archive", Access: manage, Handler: web.InConsole(s.templateArchive(true)), Audit: acts(actTemplateArchived)},
			{Method: "POST", Pattern: one + "/unarchive", Access: manage, Handler: web.InConsole(s.templateArchive(false)), Audit: acts(actTemplateUnarchived)},
			{Method: "GET", Pattern: one + "/history", Access: read, Handler: web.InConsole(s.historyPage)},
			{Method: "POST", Pattern: one + "/restore", Access: manage, Handler: web.InConsole(s.templateRestore), Audit: acts(actTemplateChanged)},
		}...)
	}
	return routes
}

// templateGroup is the templates of one system.
type templateGroup struct {
	Title, About string
	Rows         []shownTemplate
}

type templatesData struct {
	Groups []templateGroup
	Query  string
	Manage bool
	Own    bool // there is one of the customer's
	Done   string
}

// groups are the systems in the order the page shows them.
var groups = []struct{ system, title, about string }{
	{"", "Your own", "What your app sends by name, through the API"},
	{"auth", "Accounts", "Signing in, security, people and organizations"},
	{"billing", "Billing", "Receipts, trials and payments that fail"},
	{"observe", "Operations", "What operators hear of"},
	{"email", "Mail itself", "Tests and confirmed subscriptions"},
}

func (s *System) templatesPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	d := templatesData{Query: web.CleanText(q.Get("q"), 64), Manage: web.IdentityOf(r.Context()).Can(permManage), Done: templateDone[q.Get("done")]}
	bySystem := map[string][]shownTemplate{}
	for _, name := range s.names() {
		t, err := s.show(name)
		if err != nil {
			return err
		}
		d.Own = d.Own || t.Origin == originOwn
		if want := strings.ToLower(d.Query); want != "" && !strings.Contains(t.Name, want) && !strings.Contains(strings.ToLower(t.Subject), want) {
			continue
		}
		bySystem[t.System()] = append(bySystem[t.System()], t)
	}
	for _, g := range groups {
		if rows := bySystem[g.system]; len(rows) > 0 {
			d.Groups = append(d.Groups, templateGroup{g.title, g.about, rows})
			delete(bySystem, g.system)
		}
	}
	for _, system := range slices.Sorted(maps.Keys(bySystem)) { // of a program that embeds us
		d.Groups = append(d.Groups, templateGroup{system, "What the program sends", bySystem[system]})
	}
	return s.Pages.Render(w, r, "email/templates", web.View{Title: "Mail templates", Data: d})
}

// templateDone are what pages say after an act.
var templateDone = map[string]string{
	"made": "The template is made and in use.", "saved": "The new version is in use.", "archived": "The template takes no new messages. Those that wait are sent.",
	"ours": "This mail has our words again. Yours are kept in its history.", "unarchived": "The template is in use again.",
	"tested": "A mail with the sample data is on its way to you.", "restored": "The earlier version is in use again, as a new one."}
