package flags

import (
	"net/http"
	"strconv"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

type versionJSON struct {
	Version int          `json:"version"`
	Act     string       `json:"act"`
	By      string       `json:"by"`
	At      time.Time    `json:"at"`
	Comment string       `json:"comment,omitempty"`
	Changes []Difference `json:"changes"` // from the version before
}

type versionPage struct {
	Versions []versionJSON `json:"versions"`
	Next     string        `json:"next_cursor,omitempty"`
}

// below reads a cursor that is a number; what is newer and it are left out.
func below(text string, c *web.Check) int {
	if text == "" {
		return 1 << 30
	}
	n, err := strconv.Atoi(text)
	c.Fault(err == nil && n > 0, "cursor", "form", "Use next_cursor of the page before.")
	return n
}

func (s *System) versionsAPI(w http.ResponseWriter, r *http.Request) error {
	var c web.Check
	q := r.URL.Query()
	limit, before := limitOf(q, &c), below(q.Get("cursor"), &c)
	if err := c.Err(); err != nil {
		return err
	}
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Version, error) {
		if _, err := FlagByKey(tx, r.PathValue("key")); err != nil {
			return nil, err
		}
		return History(tx, r.PathValue("key"), before, limit+1)
	})
	if err != nil {
		return err
	}
	out := versionPage{Versions: []versionJSON{}}
	for i, v := range all[:min(len(all), limit)] {
		one := versionJSON{Version: v.Number, Act: v.Act, By: v.By, At: v.At, Comment: v.Comment, Changes: []Difference{}}
		if i+1 < len(all) {
			one.Changes = Diff(all[i+1].Definition, v.Definition)
		}
		out.Versions = append(out.Versions, one)
	}
	if len(all) > limit {
		out.Next = strconv.Itoa(all[limit-1].Number)
	}
	return web.JSON(w, http.StatusOK, out)
}

type diffJSON struct {
	From    int          `json:"from"`
	To      int          `json:"to"`
	Changes []Difference `json:"changes"`
}

func (s *System) diffAPI(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	from, err1 := strconv.Atoi(q.Get("from"))
	to, err2 := strconv.Atoi(q.Get("to"))
	var c web.Check
	c.Fault(err1 == nil, "from", "form", "The number of a version.")
	c.Fault(err2 == nil, "to", "form", "The number of a version.")
	if err := c.Err(); err != nil {
		return err
	}
	out, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (diffJSON, error) {
		a, err := VersionOf(tx, r.PathValue("key"), from)
		if err != nil {
			return diffJSON{}, err
		}
		b, err := VersionOf(tx, r.PathValue("key"), to)
		return diffJSON{from, to, Diff(a.Definition, b.Definition)}, err
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

type restoreInput struct {
	Restore int    `json:"restore" doc:"The version to go back to"`
	Version *int   `json:"version,omitempty" doc:"The one there is now"`
	Comment string `json:"comment,omitempty" doc:"Why, for the history"`
}

// readRestore reads what is to be restored, and from which version that was decided.
func readRestore(r *http.Request) (in restoreInput, version int, err error) {
	if in, err = web.Decode[restoreInput](r); err != nil {
		return in, 0, err
	}
	if in.Version == nil && r.Header.Get("If-Match") == "" {
		return in, AnyVersion, nil
	}
	version, err = versionFrom(r, in.Version)
	return in, version, err
}

func (s *System) restoreAPI(w http.ResponseWriter, r *http.Request) error {
	in, version, err := readRestore(r)
	if err != nil {
		return err
	}
	f, err := s.Restore(r.Context(), r.PathValue("key"), in.Restore, version, in.Comment)
	return s.answer(w, f, http.StatusOK, err)
}

// KillFlagInput kills one flag or revives it.
type KillFlagInput struct {
	Killed bool   `json:"killed" doc:"Off, or by its rules again"`
	Reason string `json:"reason" doc:"For the audit log"`
}

func (s *System) killFlagAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[KillFlagInput](r)
	if err != nil {
		return err
	}
	f, err := s.KillFlag(r.Context(), r.PathValue("key"), in.Killed, in.Reason)
	return s.answer(w, f, http.StatusOK, err)
}

// KillInput throws or lifts the switch over many flags.
type KillInput struct {
	All    bool     `json:"all" doc:"All flags but those that are exempt"`
	Tags   []string `json:"tags,omitempty" doc:"All flags with one of these"`
	Reason string   `json:"reason" doc:"For the audit log"`
}

type killJSON struct {
	On    bool       `json:"on"`
	All   bool       `json:"all"`
	Tags  []string   `json:"tags"`
	Since *time.Time `json:"since,omitempty"`
	By    string     `json:"by,omitempty"`
	Why   string     `json:"reason,omitempty"`
}

func (k Kill) json() killJSON {
	return killJSON{On: k.On(), All: k.All, Tags: append([]string{}, k.Tags...), Since: orNil(k.Since), By: k.By, Why: k.Why}
}

func (s *System) killStateAPI(w http.ResponseWriter, r *http.Request) error {
	k, err := store.Read(r.Context(), s.DB, KillState)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, k.json())
}

func (s *System) killAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[KillInput](r)
	if err != nil {
		return err
	}
	k, err := s.SetKill(r.Context(), in.All, in.Tags, in.Reason)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, k.json())
}

func (s *System) exportAPI(w http.ResponseWriter, r *http.Request) error {
	raw, err := s.Export(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", `attachment; filename="flags.json"`)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(append([]byte(pretty(string(raw))), '\n'))
	return err
}

type importJSON struct {
	Trial   bool       `json:"dry_run"`
	Results []Imported `json:"results"`
}

func (s *System) importAPI(w http.ResponseWriter, r *http.Request) error {
	raw, _, err := web.ReadBody(r, "application/json")
	if err != nil {
		return err
	}
	said := r.URL.Query().Get("dry_run")
	trial := said == "true"
	if said != "" && said != "false" && !trial { // what is misspelt must not be taken for the real thing
		return web.Invalid(web.Field{Field: "dry_run", Code: "choice", Message: "Either true or false."})
	}
	all, err := s.Import(r.Context(), raw, trial)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, importJSON{trial, all})
}
