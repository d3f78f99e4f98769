package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/email"
	"seaworthy/app/flags"
	"seaworthy/app/web"
	"seaworthy/store"
)

const usersBase = "/-/admin/users"

// chip narrows a list to what it names.
type chip struct {
	Label, Path string
	On          bool
}

// chips are a list's states as links that keep what was searched for.
func chips(base, query, only string, states []string, labels map[string]string) []chip {
	all := []chip{{Label: "All", Path: first(base, url.Values{"q": {query}}), On: only == ""}}
	for _, state := range states {
		all = append(all, chip{Label: cmp.Or(labels[state], capital(state)), Path: first(base, url.Values{"q": {query}, "only": {state}}), On: only == state})
	}
	return all
}

type usersData struct {
	Rows         []auth.Person
	Query, Only  string
	Chips        []chip
	Older, Newer string
}

// filterOf reads a list's filter. What is not known narrows nothing.
func filterOf(r *http.Request, states []string) auth.Filter {
	q := r.URL.Query()
	f := auth.Filter{Query: word(q, "q"), Only: q.Get("only"), After: q.Get("after")}
	if !slices.Contains(states, f.Only) {
		f.Only = ""
	}
	return f
}

// pages are the addresses of the pages around one of a list.
func pages(base string, f auth.Filter, next string) (older, newer string) {
	filters := url.Values{"q": {f.Query}, "only": {f.Only}}
	if f.After != "" {
		newer = first(base, filters)
	}
	return href(base, "after", next, filters), newer
}

func (s *System) users(w http.ResponseWriter, r *http.Request) error {
	f := filterOf(r, auth.PeopleStates)
	d := usersData{Query: f.Query, Only: f.Only,
		Chips: chips(usersBase, f.Query, f.Only, auth.PeopleStates, map[string]string{"unverified": "Not verified", "disabled": "Suspended"})}
	next := ""
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		d.Rows, next, err = auth.People(tx, f, pageSize)
		return err
	})
	if err != nil {
		return err
	}
	d.Older, d.Newer = pages(usersBase, f, next)
	return s.Pages.Render(w, r, "console/users", web.View{Title: "Users", Data: d})
}

// userData is a user's page. What somebody may not read or do is not on it.
type userData struct {
	auth.UserDetail
	Path                  string
	Done                  string // what was done last, "" for nothing
	Self                  bool
	May                   may
	Events                []audit.Row
	Mails                 []email.Sent
	Overrides             []flags.Override
	Flags                 []string // that can be overridden
	MayFlags              flagMay
	SeesFlags             bool
	Held                  []email.Suppression // of the address; for those who may see mail
	ByActor, ByTarget     string              // the audit log narrowed to the user
	Suspended, Superseded bool
}

// may is what whoever looks may do.
type may struct{ Manage, Impersonate, Operators, Audit, Orgs, Mail bool }

func mayOf(id web.Identity) may {
	return may{Manage: id.Can("users:manage"), Impersonate: id.Can("users:impersonate"), Operators: id.Can("*"), Audit: id.Can("audit:read"), Orgs: id.Can("orgs:read"), Mail: id.Can("email:read")}
}

// recent is how many of a user's newest events and mails the page shows.
const recent = 10

func (s *System) user(w http.ResponseWriter, r *http.Request) error {
	return s.showUser(w, r, http.StatusOK, nil)
}

// showUser renders a user's page, with a form that was refused if there is one.
func (s *System) showUser(w http.ResponseWriter, r *http.Request, status int, form *web.Form) error {
	id, me := r.PathValue("id"), web.IdentityOf(r.Context())
	d := userData{Path: usersBase + "/" + id, Done: userDone[r.URL.Query().Get("done")], Self: me.User == id, May: mayOf(me)}
	d.MayFlags, d.SeesFlags = flagMayOf(me), me.Can("flags:read")
	ref := audit.User(id).String()
	d.ByActor, d.ByTarget = "/-/admin/audit?actor="+url.QueryEscape(ref), "/-/admin/audit?target="+url.QueryEscape(ref)
	if err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if d.UserDetail, err = s.Auth.UserByID(tx, id); err != nil {
			return err
		}
		if d.May.Audit {
			if d.Events, err = s.eventsAbout(tx, ref); err != nil {
				return err
			}
		}
		if me.Can("email:read") && d.Email != "" {
			if d.Held, err = email.HeldBack(tx, d.Email, recent); err != nil {
				return err
			}
		}
		if d.Mails, err = email.ToUser(tx, id, recent); err != nil || !d.SeesFlags {
			return err
		}
		return d.readFlags(tx)
	}); err != nil {
		return err
	}
	d.Suspended, d.Superseded = d.Status == "disabled", d.Status != "active" && d.Status != "disabled"
	return s.Pages.Render(w, r, "console/user", web.View{Title: cmp.Or(d.Name, d.Email), Status: status, Data: d, Form: form})
}

// eventsAbout are the newest events in which somebody acts or is acted on.
func (s *System) eventsAbout(tx *store.Tx, ref string) ([]audit.Row, error) {
	by, err := audit.List(tx, audit.Filter{Actor: ref, Limit: recent})
	if err != nil {
		return nil, err
	}
	on, err := audit.List(tx, audit.Filter{Target: ref, Limit: recent})
	if err != nil {
		return nil, err
	}
	all := append(by, on...)
	slices.SortFunc(all, func(a, b audit.Entry) int { return int(b.Seq - a.Seq) })
	all = slices.CompactFunc(all, func(a, b audit.Entry) bool { return a.Seq == b.Seq })
	return s.Audit.Rows(all[:min(len(all), recent)], "/-/admin/audit"), nil
}
