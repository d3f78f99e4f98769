package proxy

import (
	"net/http"
	"strconv"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

const (
	apiRules = "/-/api/v1/access/rules"
	apiTest  = "/-/api/v1/access/test"
	base     = "/-/admin/access"
)

// Routes are the rules in the API and in the console.
func (s *System) Routes() []web.Route {
	read, manage := web.Permission(permRead), web.Permission(permManage)
	change := []string{string(actChanged)}
	return []web.Route{
		{Method: "GET", Pattern: apiRules, Access: read, Handler: s.rulesAPI, Doc: web.Doc{Summary: "Who may make which requests to the app behind: the first rule that is about a request decides, and what none is about is public; query: version, for an earlier one", Out: rulesJSON{}}},
		{Method: "PUT", Pattern: apiRules, Access: manage, Handler: s.setRulesAPI, Body: 256 << 10, Audit: change,
			Doc: web.Doc{Summary: "Put these rules in the place of those with version; 409 if they are not in use any more", In: rulesIn{}, Out: rulesJSON{}}},
		{Method: "GET", Pattern: apiRules + "/versions", Access: read, Handler: s.versionsAPI, Doc: web.Doc{Summary: "Versions of the rules, newest first; query: cursor, limit", Out: versionsJSON{}}},
		{Method: "POST", Pattern: apiTest, Access: read, Handler: s.testAPI, Exempt: "it changes nothing", Doc: web.Doc{Summary: "Whether a user, by id or address, may make a request, and why", In: testIn{}, Out: testOut{}}},
		{Method: "GET", Pattern: apiUpstream, Access: read, Handler: s.upstreamAPI, Doc: web.Doc{Summary: "The app behind, how it does, and what came of the last address that was tried", Out: upstreamJSON{}}},
		{Method: "POST", Pattern: apiUpstream + "/try", Access: manage, Handler: s.tryAPI, Audit: []string{string(actTried)},
			Doc: web.Doc{Summary: "Have it tried whether an app answers at an address; 202, look at the upstream for what came of it", In: tryIn{}, Out: upstreamJSON{}, Status: http.StatusAccepted}},
		{Method: "GET", Pattern: base, Access: read, Handler: web.InConsole(s.page)},
		{Method: "GET", Pattern: base + "/new-rule", Access: manage, Handler: web.InConsole(s.rulePage)},
		{Method: "POST", Pattern: base + "/new-rule", Access: manage, Handler: web.InConsole(s.addForm), Audit: change},
		{Method: "GET", Pattern: base + "/rules/{n}", Access: manage, Handler: web.InConsole(s.rulePage)},
		{Method: "POST", Pattern: base + "/rules/{n}", Access: manage, Handler: web.InConsole(s.changeForm), Audit: change},
		{Method: "POST", Pattern: base + "/rules/{n}/move", Access: manage, Handler: web.InConsole(s.moveForm), Audit: change},
		{Method: "POST", Pattern: base + "/rules/{n}/delete", Access: manage, Handler: web.InConsole(s.deleteForm), Audit: change},
		{Method: "POST", Pattern: base + "/restore", Access: manage, Handler: web.InConsole(s.restoreForm), Audit: change},
	}
}

type rulesJSON struct {
	Version int64      `json:"version"`
	Rules   []Rule     `json:"rules"`
	Changed *time.Time `json:"changed_at,omitempty"`
	By      string     `json:"changed_by,omitempty"`
	Comment string     `json:"comment,omitempty"`
}

type versionsJSON struct {
	Versions []rulesJSON `json:"versions"`
	Next     string      `json:"next_cursor,omitempty"`
}

type rulesIn struct {
	Version int64  `json:"version"`
	Rules   []Rule `json:"rules"`
	Comment string `json:"comment,omitempty"`
}

func (set *ruleset) json() rulesJSON {
	out := rulesJSON{Version: set.version, Rules: set.plain(), By: set.by, Comment: set.comment}
	if !set.made.IsZero() {
		out.Changed = &set.made
	}
	return out
}

func (s *System) rulesAPI(w http.ResponseWriter, r *http.Request) error {
	text := r.URL.Query().Get("version")
	if text == "" {
		return web.JSON(w, http.StatusOK, s.rules.Load().json())
	}
	version, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return web.ErrNotFound
	}
	set, err := s.versionOf(r.Context(), version)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, set.json())
}

func (s *System) setRulesAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[rulesIn](r)
	if err != nil {
		return err
	}
	if in.Rules == nil { // else who forgets them opens everything
		return web.Invalid(web.Field{Field: "rules", Code: "required", Message: "Give all rules. An empty list lets everybody in."})
	}
	if err := s.Save(r.Context(), in.Version, in.Rules, in.Comment); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.rules.Load().json())
}

func (s *System) versionsAPI(w http.ResponseWriter, r *http.Request) error {
	const most = 50
	q := r.URL.Query()
	before, limit := int64(1<<62), most
	var c web.Check
	if text := q.Get("cursor"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		c.Fault(err == nil, "cursor", "cursor", "This is not a cursor that was given out.")
		before = n
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		c.Fault(err == nil && n >= 1 && n <= most, "limit", "range", "From 1 to 50.")
		limit = n
	}
	if err := c.Err(); err != nil {
		return err
	}
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]ruleset, error) { return versionsBefore(tx, before, limit+1) })
	if err != nil {
		return err
	}
	out := versionsJSON{Versions: []rulesJSON{}}
	for i, set := range all {
		if i == limit {
			out.Next = strconv.FormatInt(all[limit-1].version, 10)
			break
		}
		out.Versions = append(out.Versions, set.json())
	}
	return web.JSON(w, http.StatusOK, out)
}
