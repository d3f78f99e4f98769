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
	d := pageData{Test: testIn{Method: q.Get("method"), Path: q.Get("path"), User: strings.TrimSpace(q.Get("user")), Org: strings.TrimSpace(q.Get("org")), TwoFactors: q.Get("two_factors") != ""}}
	var form *web.Form
	status := http.StatusOK
	if q.Has("path") {
		out, err := s.test(r.Context(), d.Test)
		if e := web.AsError(err); err != nil && e.Status == http.StatusUnprocessableEntity {
			form, status = &web.Form{Err: e, Values: map[string]string{"path": d.Test.Path, "user": d.Test.User, "org": d.Test.Org, "method": d.Test.Method}}, e.Status
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

// ruleForm is a rule as its form has it: lists are text with commas.
type ruleForm struct {
	Version    int64  `json:"version"`
	Path       string `json:"path"`
	Methods    string `json:"methods"`
	Who        string `json:"who"`
	Permission string `json:"permission"`
	Roles      string `json:"roles"`
	Plans      string `json:"plans"`
	Features   string `json:"features,omitempty"`
	Flag       string `json:"flag"`
	Restricted bool   `json:"while_restricted"`
	TwoFactors bool   `json:"two_factors"`
	MaxAge     int    `json:"max_age_minutes"`
	Note       string `json:"note"`
	At         int    `json:"at"` // place in the list, from 1
}

func commas(text string) []string { return names(strings.Split(text, ",")) }

func (f ruleForm) rule() Rule {
	return Rule{Path: f.Path, Methods: commas(f.Methods), Who: f.Who, Permission: strings.TrimSpace(f.Permission), Roles: commas(f.Roles), Plans: commas(f.Plans), Features: commas(f.Features), Flag: strings.TrimSpace(f.Flag),
		Restricted: f.Restricted, TwoFactors: f.TwoFactors, MaxAge: f.MaxAge, Note: f.Note}
}

func formOf(r Rule, at int) ruleForm {
	return ruleForm{Path: r.Path, Methods: strings.Join(r.Methods, ", "), Who: r.Who, Permission: r.Permission, Roles: strings.Join(r.Roles, ", "), Plans: strings.Join(r.Plans, ", "), Features: strings.Join(r.Features, ", "), Flag: r.Flag,
		Restricted: r.Restricted, TwoFactors: r.TwoFactors, MaxAge: r.MaxAge, Note: r.Note, At: at}
}

// place reads which rule an address names, from 0.
func place(r *http.Request, set *ruleset) (int, error) {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 1 || n > len(set.rules) {
		return 0, web.ErrNotFound
	}
	return n - 1, nil
}

type ruleData struct {
	ruleForm
	N    int // 0: a new one
	Last int // the place behind the last
}

func (s *System) rulePage(w http.ResponseWriter, r *http.Request) error {
	set := s.rules.Load()
	if r.PathValue("n") == "" {
		return s.showRule(w, r, http.StatusOK, ruleData{ruleForm: ruleForm{Who: WhoSignedIn, At: len(set.rules) + 1}, Last: len(set.rules) + 1}, nil)
	}
	at, err := place(r, set)
	if err != nil {
		return err
	}
	return s.showRule(w, r, http.StatusOK, ruleData{ruleForm: formOf(set.rules[at].Rule, at+1), N: at + 1, Last: len(set.rules)}, nil)
}

func (s *System) showRule(w http.ResponseWriter, r *http.Request, status int, d ruleData, fault *web.Error) error {
	if d.Version == 0 && fault == nil {
		d.Version = s.rules.Load().version
	}
	title := "Add a rule"
	if d.N > 0 {
		title = "Rule " + strconv.Itoa(d.N)
	}
	form := &web.Form{Err: fault, Values: map[string]string{"path": d.Path, "methods": d.Methods, "who": d.Who, "permission": d.Permission, "roles": d.Roles, "plans": d.Plans, "features": d.Features, "flag": d.Flag, "note": d.Note,
		"max_age_minutes": strconv.Itoa(d.MaxAge), "at": strconv.Itoa(d.At)}}
	return s.Pages.Render(w, r, "access/rule", web.View{Title: title, Status: status, Data: d, Form: form})
}

// within is a place that lies in a list of n.
func within(at, n int) int { return min(max(at, 1), n) - 1 }

func (s *System) addForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[ruleForm](r)
	if err != nil {
		return err
	}
	rules := s.rules.Load().plain()
	rules = slices.Insert(rules, within(in.At, len(rules)+1), in.rule())
	return s.afterForm(w, r, ruleData{ruleForm: in, Last: len(rules)}, rules, within(in.At, len(rules)), "added")
}

func (s *System) changeForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[ruleForm](r)
	if err != nil {
		return err
	}
	set := s.rules.Load()
	at, err := place(r, set)
	if err != nil {
		return err
	}
	rules := slices.Delete(set.plain(), at, at+1)
	to := within(in.At, len(rules)+1)
	rules = slices.Insert(rules, to, in.rule())
	return s.afterForm(w, r, ruleData{ruleForm: in, N: at + 1, Last: len(rules)}, rules, to, "changed")
}

// afterForm saves what a form made of the rules, or shows the form with what is wrong.
func (s *System) afterForm(w http.ResponseWriter, r *http.Request, d ruleData, rules []Rule, at int, word string) error {
	err := s.Save(r.Context(), d.Version, rules, "")
	e := web.AsError(err)
	if err != nil && (e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusConflict) {
		own := *e
		own.Fields = nil
		for _, f := range e.Fields { // the others were right when they were saved
			f.Field = strings.TrimPrefix(f.Field, "rules."+strconv.Itoa(at)+".")
			own.Fields = append(own.Fields, f)
		}
		return s.showRule(w, r, e.Status, d, &own)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, base+"?done="+word)
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
