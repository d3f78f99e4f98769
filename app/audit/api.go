package audit

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/audit/merkle"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Permissions are audit's part of the catalogue; org:audit, which its pages in orgs
// ask for, is declared with what else counts in orgs.
var Permissions = []web.PermissionKind{
	{Name: permRead, Title: "Read the audit log", Means: "See and export everything that was recorded in the installation.", Scope: web.ScopeInstance},
	{Name: permWrite, Title: "Record events", Means: "Hand in events of an app.", Scope: web.ScopeInstance},
	{Name: permManage, Title: "Manage the audit log", Means: "Set the retention, erase personal data and verify the log.", Scope: web.ScopeInstance},
}

// The permissions of the log. Whoever may audit an org sees that org's events;
// read is for all of them, write is for an app that records its own, erase and
// verify are the operator's.
const (
	permOrg    = "org:audit"
	permRead   = "audit:read"
	permWrite  = "audit:write"
	permManage = "audit:manage"
)

func (s *System) apiRoutes() []web.Route {
	const base = "/-/api/v1/audit/"
	return []web.Route{
		{Method: "GET", Pattern: base + "events", Access: web.SignedIn, Handler: s.listAPI,
			Doc: web.Doc{Summary: "List events, newest first; query: org, action, actor, target, from, to, cursor, limit", Out: eventList{}}},
		{Method: "POST", Pattern: base + "events", Access: web.Permission(permWrite), Handler: s.appendAPI, OwnKeys: true, Audit: []string{"*"},
			Doc: web.Doc{Summary: "Record an event of your own app", In: eventInput{}, Out: eventJSON{}, Status: http.StatusCreated}},
		{Method: "GET", Pattern: base + "events/{id}", Access: web.SignedIn, Handler: s.eventAPI, Doc: web.Doc{Summary: "One event", Out: eventJSON{}}},
		{Method: "GET", Pattern: base + "events/{id}/proof", Access: web.SignedIn, Handler: s.proofAPI,
			Doc: web.Doc{Summary: "Prove that an event is in the signed log; the field proof is a .tlog-proof file", Out: proofJSON{}}},
		{Method: "GET", Pattern: base + "actions", Access: web.SignedIn, Handler: s.actionsAPI, Doc: web.Doc{Summary: "The catalogue of actions", Out: actionList{}}},
		{Method: "GET", Pattern: base + "state", Access: web.Permission(permRead), Handler: s.stateAPI, Doc: web.Doc{Summary: "How the log is doing", Out: stateJSON{}}},
		{Method: "POST", Pattern: base + "erasures", Access: web.Permission(permManage), Handler: s.eraseAPI, Audit: []string{string(actRedacted)},
			Doc: web.Doc{Summary: "Erase the personal data of a subject from the log", In: erasureInput{}, Out: erasureOutput{}}},
		{Method: "POST", Pattern: base + "exports", Access: web.SignedIn, Handler: s.exportAPI, Audit: []string{string(actExportAsked)},
			Doc: web.Doc{Summary: "Ask for an export as csv, ndjson or bundle", In: exportInput{}, Out: exportJSON{}, Status: http.StatusAccepted}},
		{Method: "GET", Pattern: base + "exports/{id}", Access: web.SignedIn, Handler: s.exportStateAPI, Doc: web.Doc{Summary: "State of an export", Out: exportJSON{}}},
		{Method: "GET", Pattern: base + "exports/{id}/file", Access: web.SignedIn, Handler: s.exportFile, Doc: web.Doc{Summary: "The file of a finished export"}},
	}
}

// eventJSON is an event as the API gives it.
type eventJSON struct {
	ID         string            `json:"id"`
	Seq        int64             `json:"seq"`
	Time       time.Time         `json:"time"`
	Occurred   *time.Time        `json:"occurred_at,omitempty"`
	ClockBack  bool              `json:"clock_back,omitempty"`
	Action     Action            `json:"action"`
	Actor      Ref               `json:"actor"`
	ActorEmail string            `json:"actor_email,omitempty"`
	OnBehalfOf *Ref              `json:"on_behalf_of,omitempty"`
	Targets    []Ref             `json:"targets"`
	Org        string            `json:"org,omitempty"`
	OrgSeq     int64             `json:"org_seq,omitempty"`
	RequestID  string            `json:"request_id,omitempty"`
	Session    string            `json:"session_id,omitempty"`
	Job        string            `json:"job_id,omitempty"`
	Source     string            `json:"source,omitempty"`
	Changes    map[string]Change `json:"changes,omitempty"`
	Details    map[string]any    `json:"details,omitempty"`
	Personal   map[string]string `json:"personal,omitempty"`
	Erased     bool              `json:"erased,omitempty"`  // personal data of it was erased
	Dropped    bool              `json:"dropped,omitempty"` // retention has dropped its details
}

func (e Entry) json() eventJSON {
	out := eventJSON{ID: e.ID, Seq: e.Seq, Time: e.Time, ClockBack: e.ClockBack, Action: e.Action, Actor: e.Actor, ActorEmail: e.ActorEmail,
		Targets: e.Targets, Org: e.Org, OrgSeq: e.OrgSeq, RequestID: e.RequestID, Session: e.Session, Job: e.Job, Source: e.Source,
		Changes: e.Changes, Details: e.Details, Personal: e.Personal, Erased: e.Erased(), Dropped: e.Dropped}
	if out.Targets == nil {
		out.Targets = []Ref{}
	}
	if e.OnBehalfOf != (Ref{}) {
		out.OnBehalfOf = &e.OnBehalfOf
	}
	if !e.Occurred.IsZero() {
		out.Occurred = &e.Occurred
	}
	return out
}

type eventList struct {
	Events []eventJSON `json:"events"`
	Next   string      `json:"next_cursor,omitempty"` // of the next, older page; none on the last
}

// scope is the org whose events a request may see: its own, or, with the
// permission to read all, whichever it names ("" for all).
func scope(r *http.Request, named string) (org string, err error) {
	id := web.IdentityOf(r.Context())
	switch {
	case id.Can(permRead):
		return named, nil
	case named != "" && named != id.Org || id.Org == "":
		return "", web.ErrNotFound
	case !id.Can(permOrg):
		return "", web.Forbidden(permOrg)
	}
	return id.Org, nil
}

// visible is an event that the request may see; any other is not there.
func (s *System) visible(r *http.Request, id string) (Entry, error) {
	e, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (Entry, error) { return ByID(tx, id) })
	if err != nil {
		return e, err
	}
	_, err = scope(r, e.Org)
	if e.Org == "" && !web.IdentityOf(r.Context()).Can(permRead) {
		err = web.ErrNotFound
	}
	return e, err
}

// parseFilter reads the filters of a query, for the API and for pages.
func parseFilter(q url.Values) (Filter, error) {
	var c web.Check
	f := Filter{Action: Action(q.Get("action")), Actor: q.Get("actor"), Target: q.Get("target")}
	f.From = parseTime(&c, q, "from", 0)
	f.To = parseTime(&c, q, "to", 1) // a day means all of it
	for _, name := range []string{"action", "actor", "target"} {
		c.Text(name, q.Get(name), 0, 300)
	}
	return f, c.Err()
}

// parseTime reads a time, or the start of a day that is so many days later.
func parseTime(c *web.Check, q url.Values, name string, days int) time.Time {
	text := q.Get(name)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if day, dayErr := time.Parse(time.DateOnly, text); err != nil && dayErr == nil {
		at, err = day.AddDate(0, 0, days), nil
	}
	c.Fault(err == nil, name, "time", "A day as 2026-11-22, or a time as 2026-11-22T14:05:00Z.")
	return at
}

func (s *System) listAPI(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	org, err := scope(r, q.Get("org"))
	if err != nil {
		return err
	}
	f, err := parseFilter(q)
	if err != nil {
		return err
	}
	var c web.Check
	f.Org, f.Limit = org, 50
	if text := q.Get("limit"); text != "" {
		f.Limit, err = strconv.Atoi(text)
		c.Fault(err == nil && f.Limit >= 1 && f.Limit <= 200, "limit", "range", "From 1 to 200.")
	}
	if text := q.Get("cursor"); text != "" {
		f.Before, err = strconv.ParseInt(text, 10, 64)
		c.Fault(err == nil && f.Before > 0, "cursor", "form", "Use next_cursor of the page before.")
	}
	if err := c.Err(); err != nil {
		return err
	}
	limit := f.Limit
	f.Limit++
	entries, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Entry, error) { return List(tx, f) })
	if err != nil {
		return err
	}
	out := eventList{Events: []eventJSON{}}
	if len(entries) > limit {
		entries = entries[:limit]
		out.Next = strconv.FormatInt(entries[limit-1].Seq, 10)
	}
	for _, e := range entries {
		out.Events = append(out.Events, e.json())
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) eventAPI(w http.ResponseWriter, r *http.Request) error {
	e, err := s.visible(r, r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, e.json())
}

type proofJSON struct {
	Event    string `json:"event_id"`
	Seq      int64  `json:"seq"`
	LeafHash string `json:"leaf_hash"` // hex
	Proof    string `json:"proof"`     // content of a .tlog-proof file
}

func (s *System) proofAPI(w http.ResponseWriter, r *http.Request) error {
	e, err := s.visible(r, r.PathValue("id"))
	if err != nil {
		return err
	}
	p, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (merkle.Proof, error) { return proofOf(tx, e, everything) })
	if err != nil {
		return err
	}
	leaf := merkle.Leaf(e.Body)
	return web.JSON(w, http.StatusOK, proofJSON{Event: e.ID, Seq: e.Seq, LeafHash: hex.EncodeToString(leaf[:]), Proof: p.String()})
}

type actionList struct {
	Actions []Kind `json:"actions"`
}

func (s *System) actionsAPI(w http.ResponseWriter, _ *http.Request) error {
	return web.JSON(w, http.StatusOK, actionList{s.Actions()})
}

// stateJSON is how the log is doing.
type stateJSON struct {
	Origin     string     `json:"origin"`
	Size       int64      `json:"size"`
	SignedSize int64      `json:"signed_size"`
	SignedAt   *time.Time `json:"signed_at,omitempty"`
	Failing    string     `json:"signing_fails,omitempty"`
	Broken     string     `json:"broken,omitempty"`
	VerifiedAt *time.Time `json:"verified_at,omitempty"`
	Verified   int64      `json:"verified_events"`
	FirstBad   int64      `json:"first_bad_seq,omitempty"`
	Problem    string     `json:"problem,omitempty"`
	Keys       []string   `json:"keys"`
}

func (s *System) stateAPI(w http.ResponseWriter, r *http.Request) error {
	st, err := s.State(r.Context())
	if err != nil {
		return err
	}
	out := stateJSON{Origin: st.Origin, Size: st.Size, SignedSize: st.SignedSize, Failing: st.Failing, Broken: st.Broken,
		Verified: st.Verified.Size, FirstBad: st.Verified.BadSeq, Problem: st.Verified.Problem, Keys: st.Keys}
	if !st.SignedAt.IsZero() {
		out.SignedAt = &st.SignedAt
	}
	if !st.Verified.At.IsZero() {
		out.VerifiedAt = &st.Verified.At
	}
	return web.JSON(w, http.StatusOK, out)
}

type erasureInput struct {
	Subject string `json:"subject" doc:"Whose data, as type:id" example:"user:usr_…"`
}

type erasureOutput struct {
	Erased int `json:"erased"` // disclosures; 0 when there were none
}

func (s *System) eraseAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[erasureInput](r)
	if err != nil {
		return err
	}
	n, err := s.Erase(r.Context(), ParseRef(strings.TrimSpace(in.Subject)))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, erasureOutput{n})
}
