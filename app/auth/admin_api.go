package auth

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// adminRoutes are what operators do to users through the API; the console's
// pages call the same methods under the same permissions.
func (s *System) adminRoutes() []web.Route {
	const user = "/-/api/v1/users/{id}"
	read, manage := web.Permission(permUsersRead), web.Permission(permUsersManage)
	done := http.StatusNoContent
	return slices.Concat([]web.Route{
		{Method: "GET", Pattern: "/-/api/v1/users", Access: read, Handler: s.usersAPI,
			Doc: web.Doc{Summary: "Find users by how an address, a name or an id begins; query: q, only (" + strings.Join(PeopleStates, ", ") + "), cursor, limit", Out: userList{}}},
		{Method: "GET", Pattern: user, Access: read, Handler: s.userAPI, Doc: web.Doc{Summary: "All about a user", Out: userDetailJSON{}}},
		{Method: "POST", Pattern: user + "/verify", Access: manage, Fresh: true, Handler: s.verifyAPI, Audit: actions(actEmailVerified),
			Doc: web.Doc{Summary: "Verify a user's address by hand", Status: done}},
		{Method: "POST", Pattern: user + "/reset-password", Access: manage, Handler: s.sendResetAPI, Audit: actions(actResetAsked),
			Doc: web.Doc{Summary: "Mail a user the link to choose a new password", Status: http.StatusAccepted}},
		{Method: "GET", Pattern: user + "/sessions", Access: read, Handler: s.userSessionsAPI,
			Doc: web.Doc{Summary: "Where a user is signed in, at most fifty, used last first", Out: userSessionList{}}},
		{Method: "DELETE", Pattern: user + "/sessions", Access: manage, Handler: s.endUserSessionsAPI, Audit: actions(actSessionRevoked),
			Doc: web.Doc{Summary: "Sign a user out everywhere", Out: revokeOutput{}}},
		{Method: "DELETE", Pattern: user + "/sessions/{session}", Access: manage, Handler: s.endUserSessionsAPI, Audit: actions(actSessionRevoked),
			Doc: web.Doc{Summary: "End one session of a user", Out: revokeOutput{}}},
		{Method: "POST", Pattern: user + "/suspend", Access: manage, Fresh: true, Handler: s.withReason(s.Suspend), Audit: actions(actSuspended),
			Doc: web.Doc{Summary: "Suspend a user", In: reasonInput{}, Status: done}},
		{Method: "POST", Pattern: user + "/reactivate", Access: manage, Fresh: true, Handler: s.withReason(s.Reactivate), Audit: actions(actReactivated),
			Doc: web.Doc{Summary: "Let a suspended user in again", In: reasonInput{}, Status: done}},
		{Method: "POST", Pattern: user + "/reset-mfa", Access: manage, Fresh: true, Handler: s.withReason(s.ResetFactors), Audit: actions(actFactorReset),
			Doc: web.Doc{Summary: "Take away what a user needs besides the password", In: reasonInput{}, Status: done}},
		{Method: "POST", Pattern: user + "/operator", Access: manage, Fresh: true, Handler: s.makeOperatorAPI, Audit: actions(actOperatorMade),
			Doc: web.Doc{Summary: "Make a user an operator", In: typedEmail{}, Status: done}},
		{Method: "DELETE", Pattern: user + "/operator", Access: manage, Fresh: true, Handler: s.unmakeOperatorAPI, Audit: actions(actOperatorUnmade),
			Doc: web.Doc{Summary: "Take the operator's role from a user", In: typedEmail{}, Status: done}},
		{Method: "POST", Pattern: user + "/impersonate", Access: web.Permission(permUsersImpersonate), Fresh: true, Handler: s.impersonateAPI, Limit: web.PerMinute(20),
			Audit: actions(actImpersonated),
			Doc:   web.Doc{Summary: "Get an access token that acts as a user; there is no refresh token", In: impersonationInput{}, Out: impersonationToken{}}},
	}, s.adminOrgRoutes())
}

// userSummary is a user in a list, as operators get it.
type userSummary struct {
	ID       string     `json:"id"`
	Email    string     `json:"email"`
	Name     string     `json:"name"`
	Status   string     `json:"status"` // active, disabled, superseded, deleting, erasing, deleted
	Verified bool       `json:"email_verified"`
	Operator bool       `json:"operator"`
	Created  time.Time  `json:"created_at"`
	LastSeen *time.Time `json:"last_seen_at,omitempty"`
}

func (p Person) summary() userSummary {
	out := userSummary{ID: p.ID, Email: p.Email, Name: p.Name, Status: p.Status, Verified: p.Verified, Operator: p.Operator, Created: p.Created}
	if !p.LastSeen.IsZero() {
		out.LastSeen = &p.LastSeen
	}
	return out
}

type userList struct {
	Users []userSummary `json:"users"`
	Next  string        `json:"next_cursor,omitempty"`
}

// filterOf reads the query of a list: q, only, cursor and limit.
func filterOf(r *http.Request, states []string) (f Filter, limit int, err error) {
	var c web.Check
	q := r.URL.Query()
	f, limit = Filter{Query: q.Get("q"), Only: q.Get("only"), After: q.Get("cursor")}, defaultPage
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		c.Fault(err == nil && n > 0 && n <= maxPage, "limit", "range", "A whole number from 1 to "+strconv.Itoa(maxPage)+".")
		limit = n
	}
	c.Fault(f.Only == "" || slices.Contains(states, f.Only), "only", "choice", "One of "+strings.Join(states, ", ")+".")
	c.Fault(len(f.Query) <= 255, "q", "too_long", "At most 255 characters.")
	c.Fault(len(f.After) <= 600, "cursor", "form", "Use next_cursor of the page before.")
	return f, limit, c.Err()
}

func (s *System) usersAPI(w http.ResponseWriter, r *http.Request) error {
	f, limit, err := filterOf(r, PeopleStates)
	if err != nil {
		return err
	}
	out := userList{Users: []userSummary{}}
	if err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		people, next, err := People(tx, f, limit)
		out.Users, out.Next = make([]userSummary, len(people)), next
		for i, p := range people {
			out.Users[i] = p.summary()
		}
		return err
	}); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

type addressJSON struct {
	Email    string     `json:"email"`
	Primary  bool       `json:"primary"`
	Verified *time.Time `json:"verified_at,omitempty"`
}

type orgOfJSON struct {
	Org      string `json:"org_id"`
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Role     string `json:"role"`
	Personal bool   `json:"personal"`
}

type userDetailJSON struct {
	User        userSummary   `json:"user"`
	Password    bool          `json:"password"` // there is one
	Emails      []addressJSON `json:"emails"`
	Orgs        []orgOfJSON   `json:"orgs"`
	Permissions []string      `json:"permissions"` // in the whole instance
}

func (s *System) userAPI(w http.ResponseWriter, r *http.Request) error {
	d, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (UserDetail, error) { return s.UserByID(tx, r.PathValue("id")) })
	if err != nil {
		return err
	}
	out := userDetailJSON{User: d.summary(), Password: d.Password, Emails: []addressJSON{}, Orgs: []orgOfJSON{}, Permissions: append([]string{}, d.Permissions...)}
	for _, a := range d.Addresses {
		j := addressJSON{Email: a.Email, Primary: a.Primary}
		if !a.Verified.IsZero() {
			j.Verified = &a.Verified
		}
		out.Emails = append(out.Emails, j)
	}
	for _, o := range d.Orgs {
		out.Orgs = append(out.Orgs, orgOfJSON{o.ID, o.Slug, o.Name, o.Role, o.Personal})
	}
	return web.JSON(w, http.StatusOK, out)
}

type userSessionList struct {
	Sessions []sessionJSON `json:"sessions"`
}

func (s *System) userSessionsAPI(w http.ResponseWriter, r *http.Request) error {
	out := userSessionList{Sessions: []sessionJSON{}}
	if err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		if _, err := personByID(tx, r.PathValue("id")); err != nil { // nobody, not somebody without sessions
			return err
		}
		rows, err := userSessions(tx, r.PathValue("id"), defaultPage)
		out.Sessions = make([]sessionJSON, len(rows))
		for i, se := range rows {
			out.Sessions[i] = s.sessionJSON(se, "")
		}
		return err
	}); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) endUserSessionsAPI(w http.ResponseWriter, r *http.Request) error {
	n, err := s.EndSessions(r.Context(), r.PathValue("id"), r.PathValue("session"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, revokeOutput{Revoked: n})
}
