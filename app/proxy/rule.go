package proxy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"seaworthy/app/web"
)

// Rule says who may make some requests. All that it asks for must hold.
type Rule struct {
	Path       string   `json:"path"`                 // /admin/**; * is one part, ** at the end all that follows
	Methods    []string `json:"methods,omitempty"`    // none: any
	Who        string   `json:"who"`                  // public, signed_in or verified
	Permission string   `json:"permission,omitempty"` // in the org of the session
	Roles      []string `json:"roles,omitempty"`      // one of them, by name
	Plans      []string `json:"plans,omitempty"`      // one of them
	Features   []string `json:"features,omitempty"`   // the plan gives all of them
	// Limits are how much the plan gives at least, by the limit's name.
	Limits     map[string]int64 `json:"limits,omitempty"`
	Flag       string           `json:"flag,omitempty"`             // a boolean flag that must be on
	TwoFactors bool             `json:"two_factors,omitempty"`      // shown in this session
	MaxAge     int              `json:"max_age_minutes,omitempty"`  // since the person last showed who he is; 0: any
	Paid       bool             `json:"paid,omitempty"`             // payment has not narrowed the org: then not even reading is allowed
	Restricted bool             `json:"while_restricted,omitempty"` // it may change things although payment has narrowed the org
	Note       string           `json:"note,omitempty"`
}

// Who may come in.
const (
	WhoPublic   = "public"
	WhoSignedIn = "signed_in"
	WhoVerified = "verified"
)

const maxRules = 500

var (
	methodForm     = regexp.MustCompile(`^[A-Z]{1,20}$`)
	permissionForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}:[a-z*][a-z0-9_-]{0,39}$`)
	limitForm      = regexp.MustCompile(`^[a-z][a-z0-9_.-]{0,39}$`)
	flagForm       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`)
)

// check tidies a rule and says what is wrong with it; field is its place.
func (r *Rule) check(c *web.Check, field string) {
	r.Path = strings.TrimSpace(r.Path)
	if fault := checkPattern(r.Path); fault != "" {
		c.Fault(false, field+"path", "form", fault)
	}
	for i, m := range r.Methods {
		r.Methods[i] = strings.ToUpper(strings.TrimSpace(m))
		c.Fault(methodForm.MatchString(r.Methods[i]), field+"methods", "form", "Methods such as GET and POST.")
	}
	slices.Sort(r.Methods)
	r.Methods = slices.Compact(r.Methods)
	c.Fault(len(r.Methods) <= 20, field+"methods", "too_many", "At most 20.")
	if r.Who == "" {
		r.Who = WhoSignedIn
	}
	c.Fault(r.Who == WhoPublic || r.Who == WhoSignedIn || r.Who == WhoVerified, field+"who", "choice", "Choose public, signed_in or verified.")
	c.Fault(r.Permission == "" || permissionForm.MatchString(r.Permission), field+"permission", "form", "A permission is written area:act.")
	r.Roles, r.Plans, r.Features = names(r.Roles), names(r.Plans), names(r.Features)
	c.Fault(len(r.Features) <= 20, field+"features", "too_many", "At most 20.")
	for _, name := range r.Features {
		c.Text(field+"features", name, 1, 80)
	}
	c.Fault(len(r.Limits) <= 20, field+"limits", "too_many", "At most 20.")
	for name, least := range r.Limits {
		c.Fault(limitForm.MatchString(name), field+"limits", "form", "A limit is named in small letters, digits, dots, hyphens and underscores.")
		c.Fault(least >= 1 && least <= 1<<50, field+"limits", "range", "A limit is asked for as 1 or more.")
	}
	if len(r.Limits) == 0 {
		r.Limits = nil
	}
	c.Fault(len(r.Roles) <= 20, field+"roles", "too_many", "At most 20.")
	c.Fault(len(r.Plans) <= 20, field+"plans", "too_many", "At most 20.")
	for _, name := range slices.Concat(r.Roles, r.Plans) {
		c.Text(field+"roles", name, 1, 80)
	}
	c.Fault(r.Flag == "" || flagForm.MatchString(r.Flag), field+"flag", "form", "The key of a flag.")
	c.Fault(r.MaxAge >= 0 && r.MaxAge <= 7*24*60, field+"max_age_minutes", "range", "From 1 minute to a week.")
	c.Fault(r.Who != WhoPublic || r.Permission == "" && len(r.Roles)+len(r.Plans)+len(r.Features)+len(r.Limits) == 0 && !r.Paid && !r.TwoFactors && r.MaxAge == 0, field+"who", "public",
		"What is public asks for nothing of a person. Choose signed_in.")
	c.Fault(!r.Paid || !r.Restricted, field+"paid", "both", "A rule that asks for a paid org cannot make an exception for others.")
	r.Note = c.Text(field+"note", r.Note, 0, 200)
}

// names are trimmed and without empty ones.
func names(all []string) (out []string) {
	for _, name := range all {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// covers says whether the rule is about a request. One about GET is about HEAD, too, and a
// method counts in any case: Django and others make capitals of it.
func (r Rule) covers(method, path string, p pattern) bool {
	if len(r.Methods) == 0 {
		return p.matches(path)
	}
	method = strings.ToUpper(method)
	about := slices.Contains(r.Methods, method) || method == "HEAD" && slices.Contains(r.Methods, "GET")
	return about && p.matches(path)
}

// Says is the rule in words.
func (r Rule) Says() string {
	if r.Who == WhoPublic && r.Flag == "" {
		return "Everybody"
	}
	who := map[string]string{WhoPublic: "Everybody", WhoSignedIn: "Whoever is signed in", WhoVerified: "Whoever is signed in and verified his address"}[r.Who]
	var with []string
	add := func(ok bool, format string, args ...any) {
		if ok {
			with = append(with, fmt.Sprintf(format, args...))
		}
	}
	add(r.Permission != "", "has the permission %s", r.Permission)
	add(len(r.Roles) > 0, "has the role %s", strings.Join(r.Roles, " or "))
	add(len(r.Plans) > 0, "is on the plan %s", strings.Join(r.Plans, " or "))
	add(len(r.Features) > 0, "has a plan that gives %s", strings.Join(r.Features, " and "))
	for _, name := range slices.Sorted(maps.Keys(r.Limits)) {
		add(true, "has a plan with %s of %d or more", name, r.Limits[name])
	}
	add(r.Paid, "is in an organization that payment does not narrow")
	add(r.TwoFactors, "showed two factors")
	add(r.MaxAge > 0, "showed who he is within %d minutes", r.MaxAge)
	add(r.Flag != "", "has the flag %s on", r.Flag)
	if len(with) > 0 {
		who += ", who " + strings.Join(with, ", ")
	}
	if r.Restricted {
		who += "; also while payment narrows the organization"
	}
	return who
}
