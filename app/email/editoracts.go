package email

import (
	"errors"
	"net/http"

	"seaworthy/app/web"
)

// starter is what a new template begins with.
var starter = templateForm{Source: `subject: Welcome to {{.Brand}}, {{.Name}}
preheader: Three things to begin with.
class: product
---
# Welcome, {{.Name}}

You are in. Begin where it suits you:

each Steps: - **{{.Steps.Title}}**: {{.Steps.Text}}

[[Open your workspace]]({{.URL}})

if Note: > {{.Note}}
`, Variables: "Name: text\nURL: url\nSteps: list\nNote: text, optional\n", Sample: `{
  "Name": "Ada",
  "URL": "https://app.example.com/start",
  "Steps": [
    {"Title": "Invite your team", "Text": "work is better together."},
    {"Title": "Import your data", "Text": "a spreadsheet will do."}
  ],
  "Note": "Questions? Answer this mail."
}`}

func (s *System) newTemplatePage(w http.ResponseWriter, r *http.Request) error {
	return s.edit(w, r, shownTemplate{Origin: originOwn}, starter, nil)
}

func (s *System) newTemplatePreview(w http.ResponseWriter, r *http.Request) error {
	f, err := web.Decode[templateForm](r)
	if err != nil {
		return err
	}
	return s.edit(w, r, shownTemplate{Origin: originOwn}, f, nil)
}

func (s *System) newTemplateSave(w http.ResponseWriter, r *http.Request) error {
	f, err := web.Decode[templateForm](r)
	if err != nil {
		return err
	}
	return s.saved(w, r, shownTemplate{Origin: originOwn}, f, "made")
}

// afterAct leads back to the template, or shows its page with what is wrong.
func (s *System) afterAct(w http.ResponseWriter, r *http.Request, done string, err error) error {
	name := templateOf(r)
	if err == nil {
		return web.SeeOther(w, r, pageTemplates+"/"+name+"?done="+done)
	}
	if e := web.AsError(err); e.Status == http.StatusConflict || e.Status == http.StatusUnprocessableEntity {
		t, gone := s.show(name)
		if gone != nil {
			return errors.Join(err, gone)
		}
		return s.edit(w, r, t, formOf(t), e)
	}
	return err
}

func (s *System) templateTest(w http.ResponseWriter, r *http.Request) error {
	_, err := s.test(r.Context(), templateOf(r))
	return s.afterAct(w, r, "tested", err)
}

func (s *System) templateArchive(archived bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		done := "unarchived"
		if archived {
			done = "archived"
			if s.templates[templateOf(r)] != nil {
				done = "ours"
			}
		}
		return s.afterAct(w, r, done, s.archiveTemplate(r.Context(), templateOf(r), archived))
	}
}
