package email

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"seaworthy/app/web"
)

// templateForm is the editor as it is typed.
type templateForm struct {
	Name      string `json:"name"`
	Version   int    `json:"version"`
	Source    string `json:"source"`
	Variables string `json:"variables"`
	Sample    string `json:"sample"`
	Width     string `json:"width"`
	Theme     string `json:"theme"`
}

func (f templateForm) values() map[string]string {
	return map[string]string{"name": f.Name, "version": strconv.Itoa(f.Version), "source": f.Source, "variables": f.Variables, "sample": f.Sample}
}

func formOf(t shownTemplate) templateForm {
	return templateForm{Name: t.Name, Version: int(t.Version), Source: t.Source, Variables: formatVariables(t.Variables), Sample: formatSample(t.Sample)}
}

// input is what was typed as a template; the name of the address counts.
func (f templateForm) input(name string) (in TemplateInput, err error) {
	in = TemplateInput{Name: name, Version: f.Version, Source: f.Source}
	if name == "" {
		in.Name = strings.TrimSpace(f.Name)
	}
	variables, err := parseVariables(f.Variables)
	if err != nil {
		return in, err
	}
	in.Variables = variables
	in.Sample, err = parseSample([]byte(f.Sample))
	return in, err
}

type editorData struct {
	shownTemplate
	New           bool
	Path          string // of the template's page; of the page for a new one
	Manage        bool
	Done          string
	Preview       *preview
	Frame         string // path of the preview
	Size          string
	Fault         *web.Error // why there is none
	Width, Theme  string
	Widths        [][2]string
	Lang          []blockHelp
	Theirs        []diffLine // what the version in use says and the typed one does not
	Email         string     // where a test goes
	SupportedText string
}

type blockHelp struct{ Write, Get string }

// help is the language of blocks in short.
var help = []blockHelp{
	{"# Heading", "the heading of the mail; ## for one below it"}, {"Words with **bold** and [a link](https://…)", "a paragraph"},
	{"[[Label]]({{.URL}})", "a button"}, {"- item", "an item of a list"}, {"> note", "quiet words"}, {"code: {{.Code}}", "a code to type"},
	{"info: …  warn: …  danger: …", "a box that stands out"}, {"fact: Plan | {{.Plan}}", "a name and its value"}, {"image: https://… | words | 200", "an image, 200 pixels wide"},
	{"table: What | Amount >", "a table until end; > sets a column to the far side"}, {"row: … | …  total: … | …", "a row of the table; its last line"},
	{"each Lines: row: {{.Lines.What}} | …", "the block again for every row of a list"}, {"if Note: > {{.Note}}", "the block only if there is a value"},
	{"section:  columns: … next …", "a box; parts side by side; both until end"}, {"---", "a line across"}}

// edit shows the editor.
func (s *System) edit(w http.ResponseWriter, r *http.Request, t shownTemplate, f templateForm, fault *web.Error) error {
	q := r.URL.Query()
	d := editorData{shownTemplate: t, Path: pageTemplates + "/" + t.Name, Manage: web.IdentityOf(r.Context()).Can(permManage), Done: templateDone[q.Get("done")],
		Width: f.Width, Theme: theme(f.Theme), Widths: [][2]string{{"full", "Desktop"}, {"375", "Phone"}}, Lang: help, Email: web.IdentityOf(r.Context()).Email}
	v := web.View{Title: t.Name, Form: &web.Form{Values: f.values(), Err: fault}}
	if d.New = t.Name == ""; d.New {
		d.Path, v.Title = pageNewTemplate, "New template"
	}
	if d.Width != "375" {
		d.Width = "full"
	}
	in, err := f.input(t.Name)
	if d.New && in.Name == "" {
		in.Name = "preview" // it has none yet, and needs one to be read
	}
	if err == nil {
		err = s.look(r.Context(), &d, in)
	}
	if err != nil {
		if d.Fault = web.AsError(err); d.Fault.Status >= 500 {
			return err
		}
	}
	if fault != nil {
		v.Status = fault.Status
		if fault.Code == errStale.Code {
			d.Theirs = diff(strings.ReplaceAll(f.Source, "\r\n", "\n"), t.Source)
		}
	}
	v.Data = d
	return s.Pages.Render(w, r, "email/template", v)
}

// look renders what is typed and lays it where the frame finds it.
func (s *System) look(ctx context.Context, d *editorData, in TemplateInput) error {
	p, err := s.try(in)
	if err != nil {
		return err
	}
	id := s.DB.NewID("prv")
	s.shelf.put(shelvedMail{id, web.IdentityOf(ctx).Actor(), p.HTML})
	d.Preview, d.Frame = &p, pagePreviews+id+"?theme="+d.Theme
	d.Size = fmt.Sprintf("%.1f KB", float64(len(p.HTML))/1024)
	d.SupportedText = fmt.Sprintf("%.1f %%", p.Score.Supported)
	return nil
}

func (s *System) templatePage(w http.ResponseWriter, r *http.Request) error {
	t, err := s.show(templateOf(r))
	if err != nil {
		return err
	}
	return s.edit(w, r, t, formOf(t), nil)
}

func (s *System) templatePreview(w http.ResponseWriter, r *http.Request) error {
	t, err := s.show(templateOf(r))
	if err != nil {
		return err
	}
	f, err := web.Decode[templateForm](r)
	if err != nil {
		return err
	}
	return s.edit(w, r, t, f, nil)
}

func (s *System) templateSave(w http.ResponseWriter, r *http.Request) error {
	t, err := s.show(templateOf(r))
	if err != nil {
		return err
	}
	f, err := web.Decode[templateForm](r)
	if err != nil {
		return err
	}
	return s.saved(w, r, t, f, "saved")
}

// saved does what a form asks, or shows it again with what is wrong.
func (s *System) saved(w http.ResponseWriter, r *http.Request, t shownTemplate, f templateForm, done string) error {
	in, err := f.input(t.Name)
	if err == nil && t.Name == "" {
		err = s.free(in)
	}
	if err == nil {
		_, err = s.saveTemplate(r.Context(), in)
	}
	if err == nil {
		return web.SeeOther(w, r, pageTemplates+"/"+in.Name+"?done="+done)
	}
	if e := web.AsError(err); e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusConflict {
		if t.Name != "" { // somebody may have changed it meanwhile
			if now, err := s.show(t.Name); err == nil {
				t = now
			}
		}
		return s.edit(w, r, t, f, e)
	}
	return err
}
