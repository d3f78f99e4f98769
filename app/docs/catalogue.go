package docs

import (
	"net/http"
	"slices"
	"strings"

	"seaworthy/app/config"
)

// option is one of the configuration, as its page shows it.
type option struct {
	config.Option
	Own bool // its variable is SEAWORTHY_…
}

// topic is a part of the configuration.
type topic struct {
	ID, Title string
	Options   []option
}

// topicsOf sorts options by what they are about: by the words that their flags begin
// with. What none of them names stands under "Server".
func topicsOf(options []config.Option) []topic {
	all := []topic{
		{ID: "server", Title: "Server"}, {ID: "app", Title: "Your app"}, {ID: "sign-in", Title: "Sign-in and texts"}, {ID: "email", Title: "Email"},
		{ID: "billing", Title: "Billing"}, {ID: "jobs", Title: "Jobs and flags"}, {ID: "observability", Title: "Observability"}, {ID: "backups", Title: "Replica and copies"},
	}
	begins := map[string][]string{
		"app":           {"upstream"},
		"sign-in":       {"google", "github", "oidc", "stand-in", "twilio", "sms", "email-sign-in", "hibp", "refresh", "geoip"},
		"email":         {"smtp", "inbox", "mail", "brand", "postmark", "ses", "sendgrid", "aws", "dkim"},
		"billing":       {"stripe"},
		"jobs":          {"app-jobs", "jobs", "outbox", "flags"},
		"observability": {"log-level", "otlp", "service-name", "sentry", "slow", "alerts", "heartbeat", "metrics"},
		"backups":       {"replica", "first-install", "new-keys", "copies"},
	}
	// A new option is shown by itself, at worst under another heading than it deserves.
	place := func(flag string) int {
		for i, t := range all {
			for _, b := range begins[t.ID] {
				if flag == b || strings.HasPrefix(flag, b+"-") {
					return i
				}
			}
		}
		return 0
	}
	for _, o := range options {
		at := place(o.Flag)
		all[at].Options = append(all[at].Options, option{o, strings.HasPrefix(o.Var, "SEAWORTHY_")})
	}
	return all
}

func (s *System) configPage(w http.ResponseWriter, r *http.Request) error {
	topics := topicsOf(s.Options())
	var f frame
	for _, t := range topics {
		f.Contents = append(f.Contents, heading{"topic-" + t.ID, t.Title, 2})
	}
	f.Content = topics
	return s.render(w, r, "config", "config", "Configuration", f)
}

// item is a row of a catalogue.
type item struct {
	ID, Name, Title, Means, Note string
}

// group is a part of a catalogue.
type group struct {
	ID, Title string
	Items     []item
}

// catalogueData is a list of names with what they mean.
type catalogueData struct {
	Lead   string
	Groups []group
}

// catalogue shows items in groups by the first word of their names.
func (s *System) catalogue(w http.ResponseWriter, r *http.Request, here, title, lead, cut string, items []item) error {
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.Name, b.Name) })
	d := catalogueData{Lead: lead}
	var f frame
	for _, it := range items {
		first, _, _ := strings.Cut(it.Name, cut)
		it.ID = anchor(it.Name)
		if n := len(d.Groups); n == 0 || d.Groups[n-1].Title != first {
			d.Groups = append(d.Groups, group{ID: "of-" + anchor(first), Title: first})
			f.Contents = append(f.Contents, heading{"of-" + anchor(first), first, 2})
		}
		last := &d.Groups[len(d.Groups)-1]
		last.Items = append(last.Items, it)
	}
	f.Content = d
	return s.render(w, r, "catalogue", here, title, f)
}

func (s *System) permissionsPage(w http.ResponseWriter, r *http.Request) error {
	var items []item
	for _, p := range s.Permissions() {
		items = append(items, item{Name: p.Name, Title: p.Title, Means: p.Means, Note: "counts in the " + map[bool]string{true: "organization", false: "whole installation"}[p.Scope == "org"]})
	}
	return s.catalogue(w, r, "permissions", "Permissions",
		"A permission is written area:act. Roles and API keys give them; area:* gives all of an area, * gives everything. Your app declares its own beside these.", ":", items)
}

func (s *System) actionsPage(w http.ResponseWriter, r *http.Request) error {
	var items []item
	for _, k := range s.Actions() {
		items = append(items, item{Name: string(k.Action), Title: k.Title, Means: k.Means})
	}
	return s.catalogue(w, r, "actions", "Audit actions",
		"Every change is recorded as one of these, in its own transaction. Your app records actions of its own beside them.", ".", items)
}

func (s *System) metricsPage(w http.ResponseWriter, r *http.Request) error {
	var items []item
	for _, m := range s.Metrics() {
		it := item{Name: m.Name, Means: m.Help}
		if len(m.Labels) > 0 {
			it.Note = "by " + strings.Join(m.Labels, ", ")
		}
		items = append(items, it)
	}
	return s.catalogue(w, r, "metrics", "Metrics",
		"What /-/metrics exports for Prometheus, beside the figures of the Go runtime and of Litestream. This machine may read it; others need SEAWORTHY_METRICS_TOKEN.", "/", items)
}
