package email

import (
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
)

const apiTemplates = "/-/api/v1/email/templates"

// templateBody is what a template's request may carry.
const templateBody = 256 << 10

func (s *System) templateAPIRoutes() (routes []web.Route) {
	read, manage := web.Permission(permRead), web.Permission(permManage)
	routes = []web.Route{
		{Method: "GET", Pattern: apiTemplates, Access: read, Handler: s.templatesAPI, Doc: web.Doc{Summary: "Mail templates by name: the program's and your own; query: cursor, limit", Out: templateList{}}},
		{Method: "POST", Pattern: apiTemplates, Access: manage, Handler: s.makeTemplateAPI, Body: templateBody, Audit: acts(actTemplateMade),
			Doc: web.Doc{Summary: "Make a mail template", In: templateIn{}, Out: templateJSON{}, Status: http.StatusCreated}},
	}
	// Ours have a slash in their name, the customer's have none.
	for _, one := range []string{apiTemplates + "/{name}", apiTemplates + "/{system}/{name}"} {
		routes = append(routes, []web.Route{
			{Method: "GET", Pattern: one, Access: read, Handler: s.templateAPI, Doc: web.Doc{Summary: "A mail template with its source, variables and sample", Out: templateJSON{}}},
			{Method: "PUT", Pattern: one, Access: manage, Handler: s.setTemplateAPI, Body: templateBody, Audit: acts(actTemplateMade, actTemplateChanged),
				Doc: web.Doc{Summary: "Save a new version of a mail template, your own or your words for one of the program's; 409 unless version is the one in use", In: templateIn{}, Out: templateJSON{}}},
			{Method: "DELETE", Pattern: one, Access: manage, Handler: s.archiveTemplateAPI, Audit: acts(actTemplateArchived),
				Doc: web.Doc{Summary: "Archive a mail template, or give one of the program's its own words again; its versions are kept", Out: templateJSON{}}},
			{Method: "POST", Pattern: one + "/unarchive", Access: manage, Handler: s.unarchiveTemplateAPI, Audit: acts(actTemplateUnarchived),
				Doc: web.Doc{Summary: "Put an archived mail template back in use", Out: templateJSON{}}},
			{Method: "POST", Pattern: one + "/preview", Access: read, Handler: s.previewAPI, Body: templateBody, Exempt: "it changes nothing",
				Doc: web.Doc{Summary: "Render a mail template with its sample, or with what is sent instead; nothing is saved", In: templateIn{}, Out: previewJSON{}}},
			{Method: "POST", Pattern: one + "/test", Access: manage, Handler: s.testTemplateAPI, Limit: web.PerMinute(10), Audit: acts(actTemplateTested),
				Doc: web.Doc{Summary: "Send yourself the mail template with its sample", Out: sentTest{}, Status: http.StatusAccepted}},
			{Method: "POST", Pattern: one + "/restore", Access: manage, Handler: s.restoreTemplateAPI, Audit: acts(actTemplateChanged),
				Doc: web.Doc{Summary: "Put an earlier version in use again, as a new one", In: restoreIn{}, Out: templateJSON{}}},
			{Method: "GET", Pattern: one + "/versions", Access: read, Handler: s.versionsAPI, Doc: web.Doc{Summary: "Versions of a mail template, newest first; query: cursor, limit", Out: versionList{}}},
		}...)
	}
	return routes
}

// templateOf is the name of the template that a path names.
func templateOf(r *http.Request) string {
	if system := r.PathValue("system"); system != "" {
		return system + "/" + r.PathValue("name")
	}
	return r.PathValue("name")
}

// templateIn is a template as it is handed in.
type templateIn struct {
	Name      string         `json:"name,omitempty" doc:"Of a new template"`
	Version   int            `json:"version,omitempty" doc:"The one that was changed; 0 for a new one"`
	Source    string         `json:"source,omitempty" doc:"The words, one block a line"`
	Variables []Variable     `json:"variables,omitempty" doc:"What the template is filled in with"`
	Sample    jsontext.Value `json:"sample,omitempty" doc:"Values for previews"`
}

type restoreIn struct {
	Version int `json:"version" doc:"The one in use"`
	Earlier int `json:"earlier" doc:"The one to put in use again"`
}

type templateJSON struct {
	Name      string         `json:"name"`
	Origin    string         `json:"origin"`  // built-in, own, or changed: one of the program's in your words
	Version   int64          `json:"version"` // 0 for one of the program's
	Class     string         `json:"class"`
	TTL       int64          `json:"ttl_seconds,omitempty"`
	Subject   string         `json:"subject"`
	Variables []Variable     `json:"variables"`
	Source    string         `json:"source,omitempty"` // not in lists
	Sample    jsontext.Value `json:"sample,omitempty"` // not in lists
	Changed   *time.Time     `json:"changed_at,omitempty"`
	Archived  *time.Time     `json:"archived_at,omitempty"`
}

type templateList struct {
	Templates []templateJSON `json:"templates"`
	Next      string         `json:"next_cursor,omitempty"`
}

type versionJSON struct {
	Version int64     `json:"version"`
	Source  string    `json:"source"`
	Created time.Time `json:"created_at"`
	By      string    `json:"created_by,omitempty"`
}

type versionList struct {
	Versions []versionJSON `json:"versions"`
	Next     string        `json:"next_cursor,omitempty"`
}

type previewJSON struct {
	Subject     string   `json:"subject"`
	HTML        string   `json:"html"`
	Text        string   `json:"text"`
	Supported   float64  `json:"supported"`   // percent of it that mail programs show as meant
	Unsupported float64  `json:"unsupported"` // percent that some do not show at all
	Advice      []string `json:"advice"`
}

type sentTest struct {
	Message string `json:"message_id"`
}

func (t shownTemplate) json(whole bool) templateJSON {
	j := templateJSON{Name: t.Name, Origin: t.Origin, Version: t.Version, Class: t.Class, TTL: int64(t.TTL / time.Second), Subject: t.Subject, Variables: t.Variables}
	if j.Variables == nil {
		j.Variables = []Variable{}
	}
	if !t.Changed.IsZero() {
		j.Changed = &t.Changed
	}
	if !t.Archived.IsZero() {
		j.Archived = &t.Archived
	}
	if whole {
		j.Source, j.Sample = t.Source, jsontext.Value(formatSample(t.Sample))
	}
	return j
}
