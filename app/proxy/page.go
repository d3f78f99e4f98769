package proxy

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// line is a rule as the list shows it.
type line struct {
	Rule
	N           int // from 1
	First, Last bool
	Any         string // its methods
}

type pageData struct {
	Rows     []line
	Version  int64
	Manage   bool
	State    Health
	Done     string
	Fault    string
	Versions []ruleset
	Test     testIn
	Tested   *testOut
}

// What the history shows of a version.
func (set ruleset) Number() int64   { return set.version }
func (set ruleset) Made() any       { return set.made }
func (set ruleset) By() string      { return set.by }
func (set ruleset) Comment() string { return set.comment }
func (set ruleset) Count() int      { return len(set.rules) }

var done = map[string]string{"added": "The rule is added.", "changed": "The rule is changed.", "moved": "The rule has another place.", "deleted": "The rule is deleted.", "restored": "The earlier rules are in use again."}

// historyLength is how many versions the page shows.
const historyLength = 10

func (s *System) page(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	d := pageData{Test: testIn{Method: q.Get("method"), Path: q.Get("path"), User: strings.TrimSpace(q.Get("user")), Key: strings.TrimSpace(q.Get("key")), Org: strings.TrimSpace(q.Get("org")), TwoFactors: q.Get("two_factors") != ""}}
	var form *web.Form
	status := http.StatusOK
	if q.Has("path") {
		out, err := s.test(r.Context(), d.Test)
		if e := web.AsError(err); err != nil && e.Status == http.StatusUnprocessableEntity {
			form, status = &web.Form{Err: e, Values: map[string]string{"path": d.Test.Path, "user": d.Test.User, "key": d.Test.Key, "org": d.Test.Org, "method": d.Test.Method}}, e.Status
		} else if err != nil {
			return err
		} else {
			d.Tested = &out
		}
	}
	d.Done = done[q.Get("done")]
	return s.show(w, r, status, d, form)
}

func (s *System) show(w http.ResponseWriter, r *http.Request, status int, d pageData, form *web.Form) error {
	set := s.rules.Load()
	d.Version, d.Manage, d.State = set.version, web.IdentityOf(r.Context()).Can(permManage), s.State()
	for i, rule := range set.rules {
		methods := cmp.Or(strings.Join(rule.Methods, ", "), "any")
		d.Rows = append(d.Rows, line{Rule: rule.Rule, N: i + 1, First: i == 0, Last: i == len(set.rules)-1, Any: methods})
	}
	var err error
	if d.Versions, err = store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]ruleset, error) { return versionsBefore(tx, set.version, historyLength) }); err != nil {
		return err
	}
	return s.Pages.Render(w, r, "access/rules", web.View{Title: "Access", Status: status, Data: d, Form: form})
}

type moveIn struct {
	Version int64  `json:"version"`
	To      string `json:"to"` // up or down
}

func (s *System) moveForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[moveIn](r)
	if err != nil {
		return err
	}
	return s.alter(w, r, in.Version, "moved", func(rules []Rule, at int) []Rule {
		to := at + 1
		if in.To == "up" {
			to = at - 1
		}
		if to >= 0 && to < len(rules) {
			rules[at], rules[to] = rules[to], rules[at]
		}
		return rules
	})
}

type versionIn struct {
	Version int64 `json:"version"`
	Earlier int64 `json:"earlier"`
}

func (s *System) deleteForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[versionIn](r)
	if err != nil {
		return err
	}
	return s.alter(w, r, in.Version, "deleted", func(rules []Rule, at int) []Rule { return slices.Delete(rules, at, at+1) })
}

// alter changes the list around one rule.
func (s *System) alter(w http.ResponseWriter, r *http.Request, version int64, word string, change func([]Rule, int) []Rule) error {
	set := s.rules.Load()
	at, err := place(r, set)
	if err != nil {
		return err
	}
	return s.afterList(w, r, s.Save(r.Context(), version, change(set.plain(), at), ""), word)
}

func (s *System) restoreForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[versionIn](r)
	if err != nil {
		return err
	}
	old, err := s.versionOf(r.Context(), in.Earlier)
	if err != nil {
		return err
	}
	return s.afterList(w, r, s.Save(r.Context(), in.Version, old.plain(), "version "+strconv.FormatInt(in.Earlier, 10)+" again"), "restored")
}

func (s *System) afterList(w http.ResponseWriter, r *http.Request, err error, word string) error {
	if e := web.AsError(err); err != nil && e.Status == http.StatusConflict {
		return s.show(w, r, e.Status, pageData{Fault: e.Public}, nil)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, base+"?done="+word)
}
