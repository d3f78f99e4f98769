package flags

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
	"seaworthy/store"
)

const apiBase = "/-/api/v1/flags"

// maxBody bounds a request with a definition: as JSON text in a form it is longer.
const maxBody = 2*maxDefinition + 64<<10

func (s *System) flagRoutes() []web.Route {
	const one = apiBase + "/{key}"
	read, manage, kill := web.Permission(permRead), web.Permission(permManage), web.Permission(permKill)
	return []web.Route{
		{Method: "GET", Pattern: apiBase, Access: read, Handler: s.listAPI, Doc: web.Doc{Summary: "List flags by key; query: q, state, owner, tag, stale, cursor, limit", Out: FlagPage{}}},
		{Method: "GET", Pattern: one, Access: read, Handler: s.flagAPI, Doc: web.Doc{Summary: "One flag; its ETag is its version", Out: FlagJSON{}}},
		{Method: "PUT", Pattern: one, Access: manage, Handler: s.putAPI, Body: maxBody, Audit: actions(actCreated, actChanged),
			Doc: web.Doc{Summary: "Make a flag or give it another definition, a flag object of flagd's; If-Match or version says which version it was made from", In: PutInput{}, Out: FlagJSON{}}},
		{Method: "PATCH", Pattern: one, Access: manage, Handler: s.patchAPI, Audit: actions(actChanged),
			Doc: web.Doc{Summary: "Change state, default variant or rollout and leave the rest", In: PatchInput{}, Out: FlagJSON{}}},
		{Method: "DELETE", Pattern: one, Access: manage, Handler: s.archiveAPI, Audit: actions(actArchived), Doc: web.Doc{Summary: "Archive a flag: it is not evaluated any more, its history stays", Out: FlagJSON{}}},
		{Method: "POST", Pattern: one + "/unarchive", Access: manage, Handler: s.unarchiveAPI, Audit: actions(actUnarchived), Doc: web.Doc{Summary: "Have an archived flag evaluated again", Out: FlagJSON{}}},
		{Method: "GET", Pattern: one + "/versions", Access: read, Handler: s.versionsAPI, Doc: web.Doc{Summary: "Versions of a flag, the newest first, with what each changed; query: cursor, limit", Out: versionPage{}}},
		{Method: "GET", Pattern: one + "/diff", Access: read, Handler: s.diffAPI, Doc: web.Doc{Summary: "What differs between two versions; query: from, to", Out: diffJSON{}}},
		{Method: "POST", Pattern: one + "/restore", Access: manage, Handler: s.restoreAPI, Audit: actions(actRestored), Doc: web.Doc{Summary: "Make a flag what it was in an earlier version", In: restoreInput{}, Out: FlagJSON{}}},
		{Method: "PUT", Pattern: one + "/kill", Access: kill, Handler: s.killFlagAPI, Audit: actions(actKilled, actRevived), Doc: web.Doc{Summary: "Kill one flag, or have it go by its rules again; a reason is demanded", In: KillFlagInput{}, Out: FlagJSON{}}},
		{Method: "GET", Pattern: one + "/overrides", Access: read, Handler: s.overridesAPI, Doc: web.Doc{Summary: "Overrides of a flag by targeting key; query: cursor, limit", Out: overridePage{}}},
		{Method: "PUT", Pattern: one + "/overrides/{target}", Access: manage, Handler: s.setOverrideAPI, Audit: actions(actOverrideSet), Doc: web.Doc{Summary: "Give one targeting key a variant, whatever the targeting says", In: overrideInput{}, Status: http.StatusNoContent}},
		{Method: "DELETE", Pattern: one + "/overrides/{target}", Access: manage, Handler: s.dropOverrideAPI, Audit: actions(actOverrideRemoved), Doc: web.Doc{Summary: "Remove an override", Status: http.StatusNoContent}},
		{Method: "GET", Pattern: one + "/changes", Access: read, Handler: s.changesAPI, Doc: web.Doc{Summary: "Planned changes of a flag, the newest first; query: cursor, limit", Out: changePage{}}},
		{Method: "POST", Pattern: one + "/changes", Access: manage, Handler: s.scheduleAPI, Audit: actions(actScheduled), Doc: web.Doc{Summary: "Plan a change for a time", In: scheduleInput{}, Out: changeJSON{}, Status: http.StatusCreated}},
		{Method: "DELETE", Pattern: one + "/changes/{id}", Access: manage, Handler: s.unscheduleAPI, Audit: actions(actUnscheduled), Doc: web.Doc{Summary: "Drop a planned change", Status: http.StatusNoContent}},
		{Method: "GET", Pattern: one + "/stats", Access: read, Handler: s.statsAPI, Doc: web.Doc{Summary: "Evaluations by variant; query: grain (hour or day)", Out: statList{}}},
		{Method: "POST", Pattern: one + "/explain", Access: read, Handler: s.explainAPI, Exempt: "it changes nothing", Doc: web.Doc{Summary: "Which variant somebody gets, and why", In: explainInput{}, Out: Explained{}}},
		{Method: "GET", Pattern: apiBase + "/kill", Access: read, Handler: s.killStateAPI, Doc: web.Doc{Summary: "How the kill switch stands", Out: killJSON{}}},
		{Method: "PUT", Pattern: apiBase + "/kill", Access: kill, Handler: s.killAPI, Audit: actions(actKillSet, actKillLifted),
			Doc: web.Doc{Summary: "Kill all flags but the exempt ones, or those with some tags; all false and no tags lifts it. A reason is demanded", In: KillInput{}, Out: killJSON{}}},
		{Method: "GET", Pattern: apiBase + "/export", Access: read, Handler: s.exportAPI, Doc: web.Doc{Summary: "All flags and segments in flagd's format", Out: map[string]any{}}},
		{Method: "POST", Pattern: apiBase + "/import", Access: manage, Handler: s.importAPI, Body: maxImport, Audit: actions(actImported),
			Doc: web.Doc{Summary: "Take flags and segments from a file in flagd's format; query: dry_run", In: map[string]any{}, Out: importJSON{}}},
	}
}

// FlagJSON is a flag as the API gives it.
type FlagJSON struct {
	Key        string         `json:"key"`
	Version    int            `json:"version"`
	State      State          `json:"state"`
	Type       string         `json:"type"` // boolean, string, number or object
	Owner      string         `json:"owner,omitempty"`
	Tags       []string       `json:"tags,omitempty"`
	Stale      string         `json:"stale,omitempty"` // why it may be left over
	Expires    *time.Time     `json:"expires_at,omitempty"`
	Created    time.Time      `json:"created_at"`
	Changed    time.Time      `json:"changed_at"`
	Archived   *time.Time     `json:"archived_at,omitempty"`
	Evaluated  *time.Time     `json:"evaluated_at,omitempty"`
	Definition jsontext.Value `json:"definition"`
}

// FlagPage is a page of them.
type FlagPage struct {
	Flags []FlagJSON `json:"flags"`
	Next  string     `json:"next_cursor,omitempty"`
}

// JSON is the flag as the API gives it.
func (f Flag) JSON(now time.Time) FlagJSON {
	d, _ := ReadDefinition(f.Definition)
	return FlagJSON{Key: f.Key, Version: f.Version, State: f.State, Type: d.Type(), Owner: f.Owner, Tags: d.Extension.Tags, Stale: f.Stale(now), Expires: orNil(f.Expires),
		Created: f.Created, Changed: f.Changed, Archived: orNil(f.Archived), Evaluated: orNil(f.Use.Last), Definition: jsontext.Value(f.Definition)}
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// MaxPage bounds a page of a list.
const MaxPage = 200

// limitOf reads how many rows a query asks for.
func limitOf(q url.Values, c *web.Check) int {
	limit := 50
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		c.Fault(err == nil && n >= 1 && n <= MaxPage, "limit", "range", "From 1 to 200.")
		limit = n
	}
	return limit
}

func (s *System) listAPI(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	var c web.Check
	f := Filter{Query: q.Get("q"), State: State(q.Get("state")), Owner: q.Get("owner"), Tag: q.Get("tag"), Stale: q.Get("stale") == "true", After: q.Get("cursor"), Limit: limitOf(q, &c)}
	c.Fault(f.known(), "state", "unknown", "One of on, off, killed, faulty and archived.")
	if err := c.Err(); err != nil {
		return err
	}
	page, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (FlagPage, error) { return PageOf(tx, f) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, page)
}

// PageOf is a page of flags as the API gives it.
func PageOf(tx *store.Tx, f Filter) (FlagPage, error) {
	limit := f.Limit
	f.Limit++
	all, err := List(tx, f)
	out := FlagPage{Flags: []FlagJSON{}}
	if len(all) > limit {
		all = all[:limit]
		out.Next = all[limit-1].Key
	}
	for _, one := range all {
		out.Flags = append(out.Flags, one.JSON(tx.Now()))
	}
	return out, err
}

func (s *System) flagAPI(w http.ResponseWriter, r *http.Request) error {
	f, err := s.read(r.Context(), r.PathValue("key"))
	return s.answer(w, f, http.StatusOK, err)
}

func (s *System) answer(w http.ResponseWriter, f Flag, status int, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("ETag", `"`+strconv.Itoa(f.Version)+`"`)
	return web.JSON(w, status, f.JSON(s.DB.Now()))
}

// PutInput is a flag as it is put.
type PutInput struct {
	Definition jsontext.Value `json:"definition" doc:"flagd's JSON of one flag"`
	Version    *int           `json:"version,omitempty" doc:"It was made from; 0 for a new flag"`
	Comment    string         `json:"comment,omitempty" doc:"Why, for the history"`
}

// versionFrom is the version that a request was made from: of If-Match (RFC 9110
// section 13.1.1), where * is any, or of its body. Without either only a flag that
// does not exist can be made.
func versionFrom(r *http.Request, body *int) (int, error) {
	match := strings.TrimSpace(r.Header.Get("If-Match"))
	switch {
	case match == "*":
		return AnyVersion, nil
	case match != "":
		n, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(match, "W/"), `"`))
		if err != nil || n < 1 {
			return 0, web.BadRequest("bad_if_match", "If-Match is the ETag of the flag, or *.")
		}
		return n, nil
	case body == nil:
		return NoVersion, nil
	case *body < 0:
		return 0, web.Invalid(web.Field{Field: "version", Code: "range", Message: "The version that the flag had, or 0 for a new one."})
	}
	return *body, nil
}

func (s *System) putAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[PutInput](r)
	if err != nil {
		return err
	}
	version, err := versionFrom(r, in.Version)
	if err != nil {
		return err
	}
	if len(in.Definition) == 0 {
		return web.Invalid(web.Field{Field: "definition", Code: "required", Message: "Give the flag as flagd has it."})
	}
	f, err := s.Save(r.Context(), r.PathValue("key"), Save{Definition: string(in.Definition), Version: version, Comment: in.Comment})
	status := http.StatusOK
	if f.Version == 1 {
		status = http.StatusCreated
	}
	return s.answer(w, f, status, err)
}

// PatchInput is a patch as it is sent.
type PatchInput struct {
	State          *string `json:"state,omitempty" doc:"ENABLED or DISABLED"`
	DefaultVariant *string `json:"default_variant,omitempty" doc:"Empty: the caller's own value"`
	Rollout        *Split  `json:"rollout,omitempty" doc:"To whom no rule fits; no shares: the default variant"`
	Version        *int    `json:"version,omitempty" doc:"The one it was made from"`
	Comment        string  `json:"comment,omitempty" doc:"Why, for the history"`
}

func (s *System) patchAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[PatchInput](r)
	if err != nil {
		return err
	}
	version := AnyVersion // a patch says itself what it changes
	if in.Version != nil || r.Header.Get("If-Match") != "" {
		if version, err = versionFrom(r, in.Version); err != nil {
			return err
		}
	}
	p := Patch{State: in.State, DefaultVariant: in.DefaultVariant, Rollout: in.Rollout}
	if p.Empty() {
		return web.BadRequest("empty", "Say what is to change: state, default_variant or rollout.")
	}
	f, err := s.PatchFlag(r.Context(), r.PathValue("key"), p, version, in.Comment)
	return s.answer(w, f, http.StatusOK, err)
}

func (s *System) archiveAPI(w http.ResponseWriter, r *http.Request) error {
	version := AnyVersion
	if r.Header.Get("If-Match") != "" {
		var err error
		if version, err = versionFrom(r, nil); err != nil {
			return err
		}
	}
	f, err := s.Archive(r.Context(), r.PathValue("key"), version, "")
	return s.answer(w, f, http.StatusOK, err)
}

func (s *System) unarchiveAPI(w http.ResponseWriter, r *http.Request) error {
	f, err := s.Unarchive(r.Context(), r.PathValue("key"), "")
	return s.answer(w, f, http.StatusOK, err)
}
