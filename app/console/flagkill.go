package console

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"seaworthy/app/flags"
	"seaworthy/app/web"
	"seaworthy/store"
)

// killWord is what is typed to throw the switch for all flags.
const killWord = "kill all flags"

type killForm struct {
	What    string `json:"what"` // all, tags or nothing
	Tags    string `json:"tags,omitempty"`
	Reason  string `json:"reason"`
	Confirm string `json:"confirm,omitempty"`
}

type killData struct {
	flags.Kill
	Exempt []string // some of the flags that it leaves alone
	Word   string
	Done   bool
	May    bool
}

// Spared says how many flags the switch leaves alone while it kills all.
func (d killData) Spared() string {
	switch n := len(d.Exempt); {
	case !d.All || n == 0:
		return ""
	case n == 1:
		return " One flag is exempt."
	default:
		return fmt.Sprintf(" %d flags are exempt.", n)
	}
}

func (s *System) killSwitch(w http.ResponseWriter, r *http.Request) error {
	return s.showKill(w, r, &web.Form{})
}

func (s *System) showKill(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	d := killData{Word: killWord, Done: r.URL.Query().Get("done") != "", May: flagMayOf(web.IdentityOf(r.Context())).Kill}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if d.Kill, err = flags.KillState(tx); err != nil {
			return err
		}
		all, err := flags.List(tx, flags.Filter{Limit: 1000})
		for _, f := range all {
			if def, _ := flags.ReadDefinition(f.Definition); def.Extension.KillExempt {
				d.Exempt = append(d.Exempt, f.Key)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	v := web.View{Title: "Kill switch", Data: d, Form: form}
	if form.Err != nil {
		v.Status = form.Err.Status
	}
	return s.Pages.Render(w, r, "flags/kill", v)
}

func (s *System) throwKill(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[killForm](r)
	if err != nil {
		return err
	}
	var tags []string
	switch in.What {
	case "all":
		if strings.TrimSpace(in.Confirm) != killWord {
			err = web.Invalid(web.Field{Field: "confirm", Code: "differs", Message: "Type " + killWord + "."})
		}
	case "tags":
		if tags = tagsIn(in.Tags); len(tags) == 0 {
			err = web.Invalid(web.Field{Field: "tags", Code: "required", Message: "Name a tag at least."})
		}
	case "nothing":
	default:
		err = web.Invalid(web.Field{Field: "what", Code: "unknown", Message: "Choose what is to be killed."})
	}
	if err == nil {
		_, err = s.Flags.SetKill(r.Context(), in.What == "all", tags, in.Reason)
	}
	if err == nil {
		return web.SeeOther(w, r, flagsBase+"/-/kill?done=1")
	}
	if e := web.AsError(err); e.Status == http.StatusUnprocessableEntity {
		return s.showKill(w, r, &web.Form{Values: map[string]string{"what": in.What, "tags": in.Tags, "reason": in.Reason, "confirm": in.Confirm}, Err: e})
	}
	return err
}

type importForm struct {
	File  string `json:"file"`
	Trial string `json:"trial,omitempty"` // yes: only say what would be
}

type importData struct {
	Results []flags.Imported
	Shown   bool
}

func (s *System) importPage(w http.ResponseWriter, r *http.Request) error {
	return s.Pages.Render(w, r, "flags/import", web.View{Title: "Import flags", Data: importData{}})
}

// importFlags takes a file that was pasted; a trial shows what it would change.
func (s *System) importFlags(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[importForm](r)
	if err != nil {
		return err
	}
	all, err := s.Flags.Import(r.Context(), []byte(in.File), in.Trial == "yes")
	if err == nil && in.Trial != "yes" {
		return web.SeeOther(w, r, flagsBase+"?done=imported")
	}
	v := web.View{Title: "Import flags", Form: &web.Form{Values: map[string]string{"file": in.File}}, Data: importData{all, err == nil}}
	if err != nil {
		e := web.AsError(err)
		if e.Status != http.StatusUnprocessableEntity {
			return err
		}
		v.Form.Err, v.Status = e, e.Status
	}
	return s.Pages.Render(w, r, "flags/import", v)
}

func (s *System) exportFlags(w http.ResponseWriter, r *http.Request) error {
	raw, err := s.Flags.Export(r.Context())
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="flags.json"`)
	h.Set("Cache-Control", "no-store")
	_, err = io.WriteString(w, flags.Pretty(string(raw))+"\n")
	return err
}
