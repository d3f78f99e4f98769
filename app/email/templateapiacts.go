package email

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// pageOf reads cursor and limit; most is how many at most.
func pageOf(q url.Values, most int) (cursor string, limit int, err error) {
	var c web.Check
	limit = min(50, most)
	if text := q.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
		c.Fault(err == nil && limit >= 1 && limit <= most, "limit", "range", "From 1 to "+strconv.Itoa(most)+".")
	}
	return q.Get("cursor"), limit, c.Err()
}

func (s *System) templatesAPI(w http.ResponseWriter, r *http.Request) error {
	cursor, limit, err := pageOf(r.URL.Query(), 200)
	if err != nil {
		return err
	}
	out := templateList{Templates: []templateJSON{}}
	for _, name := range s.names() {
		if name <= cursor {
			continue
		}
		if len(out.Templates) == limit {
			out.Next = out.Templates[limit-1].Name
			break
		}
		t, err := s.show(name)
		if err != nil {
			return err
		}
		out.Templates = append(out.Templates, t.json(false))
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) templateAPI(w http.ResponseWriter, r *http.Request) error {
	return s.tellTemplate(w, templateOf(r), http.StatusOK)
}

func (s *System) tellTemplate(w http.ResponseWriter, name string, status int) error {
	t, err := s.show(name)
	if err != nil {
		return err
	}
	return web.JSON(w, status, t.json(true))
}

// inputOf reads what was handed in; the name of the address counts.
func inputOf(r *http.Request) (in TemplateInput, err error) {
	body, err := web.Decode[templateIn](r)
	if err != nil {
		return in, err
	}
	in = TemplateInput{Name: templateOf(r), Version: body.Version, Source: body.Source, Variables: body.Variables}
	if in.Name == "" {
		in.Name = body.Name
	} else if body.Name != "" && body.Name != in.Name {
		return in, badField("name", "differs", "The name is that of the address: leave it out, or give the same.")
	}
	in.Sample, err = parseSample(body.Sample)
	return in, err
}

func (s *System) makeTemplateAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := inputOf(r)
	if err != nil {
		return err
	}
	if err := s.free(in); err != nil {
		return err
	}
	if _, err := s.saveTemplate(r.Context(), in); err != nil {
		return err
	}
	w.Header().Set("Location", apiTemplates+"/"+in.Name)
	return s.tellTemplate(w, in.Name, http.StatusCreated)
}

// free says whether a new template can have its name.
func (s *System) free(in TemplateInput) error {
	if s.library.get(in.Name) != nil || s.templates[in.Name] != nil {
		return badField("name", "taken", "There is a template with this name.")
	}
	return nil
}

func (s *System) setTemplateAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := inputOf(r)
	if err != nil {
		return err
	}
	made, err := s.saveTemplate(r.Context(), in)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if made {
		status = http.StatusCreated
		w.Header().Set("Location", apiTemplates+"/"+in.Name)
	}
	return s.tellTemplate(w, in.Name, status)
}

func (s *System) archiveTemplateAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.archiveTemplate(r.Context(), templateOf(r), true); err != nil {
		return err
	}
	return s.tellTemplate(w, templateOf(r), http.StatusOK)
}

func (s *System) unarchiveTemplateAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.archiveTemplate(r.Context(), templateOf(r), false); err != nil {
		return err
	}
	return s.tellTemplate(w, templateOf(r), http.StatusOK)
}

func (s *System) previewAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := inputOf(r)
	if err != nil {
		return err
	}
	if t, err := s.show(in.Name); err == nil { // what is left out is as it is
		if in.Source == "" {
			in.Source = t.Source
		}
		if in.Variables == nil {
			in.Variables = t.Variables
		}
		if in.Sample == nil {
			in.Sample = t.Sample
		}
	}
	p, err := s.try(in)
	if err != nil {
		return err
	}
	out := previewJSON{Subject: p.Subject, HTML: p.HTML, Text: p.Text, Supported: p.Score.Supported, Unsupported: p.Score.Unsupported, Advice: p.Advice}
	if out.Advice == nil {
		out.Advice = []string{}
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) testTemplateAPI(w http.ResponseWriter, r *http.Request) error {
	id, err := s.test(r.Context(), templateOf(r))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, sentTest{id})
}

func (s *System) restoreTemplateAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[restoreIn](r)
	if err != nil {
		return err
	}
	if err := s.restoreTemplate(r.Context(), templateOf(r), int64(in.Version), int64(in.Earlier)); err != nil {
		return err
	}
	return s.tellTemplate(w, templateOf(r), http.StatusOK)
}

func (s *System) versionsAPI(w http.ResponseWriter, r *http.Request) error {
	cursor, limit, err := pageOf(r.URL.Query(), 100)
	if err != nil {
		return err
	}
	before := int64(1 << 62)
	if cursor != "" {
		if before, err = strconv.ParseInt(cursor, 10, 64); err != nil {
			return badField("cursor", "cursor", "This is not a cursor that was given out.")
		}
	}
	rows, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]templateRow, error) {
		return templateVersions(tx, templateOf(r), before, limit+1)
	})
	if err != nil {
		return err
	}
	if _, err := s.show(templateOf(r)); err != nil {
		return err
	}
	out := versionList{Versions: []versionJSON{}}
	for i, v := range rows {
		if i == limit {
			out.Next = strconv.FormatInt(rows[limit-1].version, 10)
			break
		}
		out.Versions = append(out.Versions, versionJSON{Version: v.version, Source: v.source, Created: time.UnixMilli(v.changed).UTC(), By: v.by})
	}
	return web.JSON(w, http.StatusOK, out)
}
