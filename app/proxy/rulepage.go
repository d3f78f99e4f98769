package proxy

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"seaworthy/app/web"
)

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
	Limits     string `json:"limits,omitempty"` // seats 10, projects 3
	Paid       bool   `json:"paid"`
	Flag       string `json:"flag"`
	Restricted bool   `json:"while_restricted"`
	TwoFactors bool   `json:"two_factors"`
	MaxAge     int    `json:"max_age_minutes"`
	Note       string `json:"note"`
	At         int    `json:"at"` // place in the list, from 1
}

func commas(text string) []string { return names(strings.Split(text, ",")) }

// limitsIn reads limits as people write them: "seats 10, projects 3". What is no number is
// 0, which the check refuses.
func limitsIn(text string) map[string]int64 {
	var all map[string]int64
	for _, one := range commas(text) {
		name, number, _ := strings.Cut(one, " ")
		n, _ := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if all == nil {
			all = map[string]int64{}
		}
		all[name] = n
	}
	return all
}

func limitWords(limits map[string]int64) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		all = append(all, name+" "+strconv.FormatInt(limits[name], 10))
	}
	return strings.Join(all, ", ")
}

func (f ruleForm) rule() Rule {
	return Rule{Path: f.Path, Methods: commas(f.Methods), Who: f.Who, Permission: strings.TrimSpace(f.Permission), Roles: commas(f.Roles), Plans: commas(f.Plans), Features: commas(f.Features), Limits: limitsIn(f.Limits), Paid: f.Paid, Flag: strings.TrimSpace(f.Flag),
		Restricted: f.Restricted, TwoFactors: f.TwoFactors, MaxAge: f.MaxAge, Note: f.Note}
}

func formOf(r Rule, at int) ruleForm {
	return ruleForm{Path: r.Path, Methods: strings.Join(r.Methods, ", "), Who: r.Who, Permission: r.Permission, Roles: strings.Join(r.Roles, ", "), Plans: strings.Join(r.Plans, ", "), Features: strings.Join(r.Features, ", "), Limits: limitWords(r.Limits), Paid: r.Paid, Flag: r.Flag,
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
	form := &web.Form{Err: fault, Values: map[string]string{"path": d.Path, "methods": d.Methods, "who": d.Who, "permission": d.Permission, "roles": d.Roles, "plans": d.Plans, "features": d.Features, "limits": d.Limits, "flag": d.Flag, "note": d.Note,
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
