package console

import (
	"encoding/json"
	"net/http"

	"seaworthy/app/flags"
	"seaworthy/app/web"
)

type definitionForm struct {
	Definition string `json:"definition"`
	Comment    string `json:"comment"`
	Version    string `json:"version"`
}

type jsonData struct {
	Key, Path, Back string
	Plain           bool // its targeting can be said in words
	Manage          bool
}

func (s *System) showFlagJSON(w http.ResponseWriter, r *http.Request, f flags.Flag, form *web.Form) error {
	d, _ := flags.ReadDefinition(f.Definition)
	_, plain := flags.ReadPlan(d.Targeting)
	v := web.View{Title: f.Key + " as JSON", Form: form, Data: jsonData{f.Key, flagsBase + "/" + f.Key + "/json", flagsBase + "/" + f.Key, plain, flagMayOf(web.IdentityOf(r.Context())).Manage}}
	if form.Err != nil {
		v.Status = form.Err.Status
	}
	return s.Pages.Render(w, r, "flags/json", v)
}

func (s *System) flagJSON(w http.ResponseWriter, r *http.Request) error {
	f, err := s.Flags.Flag(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	return s.showFlagJSON(w, r, f, &web.Form{Values: map[string]string{"definition": flags.Pretty(f.Definition), "version": versionText(f)}})
}

func (s *System) saveFlagJSON(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[definitionForm](r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	was, err := s.Flags.Flag(r.Context(), key)
	if err != nil {
		return err
	}
	if _, err = s.Flags.Save(r.Context(), key, flags.Save{Definition: in.Definition, Version: versionOf(in.Version), Comment: in.Comment}); err == nil {
		return web.SeeOther(w, r, flagsBase+"/"+key+"?done=changed")
	}
	if e, ok := mendable(err); ok {
		return s.showFlagJSON(w, r, was, &web.Form{Values: map[string]string{"definition": in.Definition, "comment": in.Comment, "version": in.Version}, Err: e})
	}
	return err
}

type explainData struct {
	Key, Path     string
	User, Context string
	Asked         bool
	flags.Explained
	Seen  string // the context as JSON
	Shown string // the value as JSON
}

// explainFlag says which variant somebody gets, and why.
func (s *System) explainFlag(w http.ResponseWriter, r *http.Request) error {
	q, key := r.URL.Query(), r.PathValue("key")
	d := explainData{Key: key, Path: flagsBase + "/" + key, User: word(q, "user"), Context: web.CleanText(q.Get("context"), 8000)}
	v := web.View{Title: "Explain " + key, Form: &web.Form{}}
	extra := map[string]any{}
	if d.Context != "" {
		if err := json.Unmarshal([]byte(d.Context), &extra); err != nil {
			v.Form.Err = web.Invalid(web.Field{Field: "context", Code: "json", Message: "A JSON object of attributes, such as {\"plan\": \"team\"}."})
			v.Status = v.Form.Err.Status
		}
	}
	d.Asked = d.User+d.Context != "" && v.Form.Err == nil
	if d.Asked {
		var err error
		if d.Explained, err = s.Flags.Explain(r.Context(), key, d.User, extra); err != nil {
			return err
		}
		seen, err := json.MarshalIndent(d.Explained.Context, "", "  ")
		if err != nil {
			return err
		}
		shown, err := json.Marshal(d.Value)
		if err != nil {
			return err
		}
		d.Seen, d.Shown = string(seen), string(shown)
	} else if _, err := s.Flags.Flag(r.Context(), key); err != nil {
		return err
	}
	d.Key = key
	v.Data = d
	return s.Pages.Render(w, r, "flags/explain", v)
}
