package email

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"seaworthy/app/audit"
	"seaworthy/app/email/compat"
	"seaworthy/app/email/compose"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Where a template comes from.
const (
	originOurs    = "built-in"
	originOwn     = "own"
	originChanged = "changed" // ours in the customer's words
)

// shownTemplate is a template as pages and the API show it.
type shownTemplate struct {
	Name, Origin, Subject string
	Version               int64 // 0 for one of ours
	Class                 string
	TTL                   time.Duration
	Changed, Archived     time.Time // zero: never
	Source                string
	Variables             []Variable
	Sample                compose.Vars
	Broken                bool // this release cannot read it
	Replaceable           bool // there is one of ours below it
}

// System is whose mail it is: auth of auth/verify, "" of the customer's own.
func (t shownTemplate) System() string {
	system, _, ok := strings.Cut(t.Name, "/")
	if !ok {
		return ""
	}
	return system
}

// show describes the template of a name; ErrNotFound without one.
func (s *System) show(name string) (t shownTemplate, err error) {
	ours, own := s.templates[name], s.library.get(name)
	if ours == nil && own == nil {
		return t, store.ErrNotFound
	}
	t = shownTemplate{Name: name, Origin: originOwn, Replaceable: ours != nil}
	used := ours
	if ours != nil {
		t.Origin, t.Source, t.Variables, t.Sample = originOurs, s.sources[name], declare(ours), s.samples[name]
	}
	if own != nil {
		t.Version, t.Changed, t.Archived = own.version, own.changed, own.archived
		if ours == nil || own.archived.IsZero() {
			t.Source, t.Variables, t.Sample, t.Broken = own.source, own.variables, own.sample, own.parsed == nil
			if used = own.parsed; ours != nil {
				t.Origin = originChanged
			}
		}
	}
	if used != nil {
		t.Subject, t.Class, t.TTL = used.Subject, used.Class, used.TTL
	}
	return t, nil
}

// names are all templates there are: ours, and the customer's.
func (s *System) names() []string {
	all := map[string]bool{}
	for name := range s.templates {
		all[name] = true
	}
	for _, k := range s.library.all() {
		all[k.name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// preview is what a template makes of its sample, and what could be better.
type preview struct {
	compose.Mail
	Score  compat.Score
	Advice []string
}

// try makes a mail of what was typed; nothing is saved.
func (s *System) try(in TemplateInput) (preview, error) {
	c, err := s.check(in)
	if err != nil {
		return preview{}, err
	}
	p := preview{Mail: c.mail, Score: s.compat.Check(c.mail.HTML)}
	p.Advice = advice(c, p.Score)
	return p, nil
}

// clip is where Gmail cuts a mail off, in bytes (spec/email.md section 1).
const clip = 102 << 10

// advice is what a person would mend before sending it.
func advice(c checked, score compat.Score) (all []string) {
	say := func(so bool, format string, args ...any) {
		if so {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	if !score.Passes() && len(score.Features) > 0 {
		worst := score.Features[0]
		say(true, "Mail programs show %.1f %% of it as meant; %.0f %% is the mark. %s weighs most: it is used %d times.", score.Supported, compat.MinSupported, worst.Title, worst.Found)
	}
	say(len(c.mail.HTML) > clip, "It is %d KB. Gmail cuts mails off at %d KB.", len(c.mail.HTML)>>10, clip>>10)
	say(utf8.RuneCountInString(c.mail.Subject) > 60, "The subject has %d characters. Lists of mails show about 60.", utf8.RuneCountInString(c.mail.Subject))
	say(c.mail.Subject != "" && c.mail.Subject == strings.ToUpper(c.mail.Subject) && c.mail.Subject != strings.ToLower(c.mail.Subject), "The subject is all capitals, which filters take for spam.")
	headings := strings.Count(c.mail.HTML, "<h1 ")
	say(headings == 0, "It has no heading. Begin with one: # What this is about.")
	say(headings > 1, "It has %d headings of the first rank. Use ## for those below the first.", headings)
	say(strings.Contains(c.mail.HTML, `<img src="http:`), "An image is fetched without encryption. Many programs do not show it: use https.")
	say(c.parsed.Class == "marketing", "Marketing needs consent, a postal address and a way to unsubscribe. Set the address on the brand page.")
	for _, v := range c.Variables {
		say(!slices.Contains(c.parsed.Vars, v.Name) && !strings.Contains(c.parsed.Name, "/"), "%s is declared and not used.", v.Name)
	}
	return all
}

// errNoAddress says why a test mail cannot be sent.
var errNoAddress = &web.Error{Status: http.StatusConflict, Code: "no_address",
	Public: "A test is sent to the address of whoever asks, and an API key has none. Ask with a person's access token, or on the page."}

// test sends whoever asks the template in use, with its sample data.
func (s *System) test(ctx context.Context, name string) (message string, err error) {
	t, err := s.show(name)
	if err != nil {
		return "", err
	}
	who := web.IdentityOf(ctx)
	if who.Email == "" {
		return "", errNoAddress
	}
	if !t.Archived.IsZero() && !t.Replaceable {
		return "", &web.Error{Status: http.StatusConflict, Code: "archived", Public: "This template is archived. Put it back in use first."}
	}
	texts, lists := split(t.Sample)
	return store.Write(ctx, s.DB, func(tx *store.Tx) (string, error) {
		id, err := s.Send(tx, Message{To: who.Email, Template: name, Vars: texts, Lists: lists, User: who.User})
		if err != nil {
			return "", err
		}
		return id, s.Audit.Record(tx, audit.Event{Action: actTemplateTested, Targets: []audit.Ref{{Type: "mail_template", ID: name}, {Type: "message", ID: id}}})
	})
}

// split parts vars into what messages carry apart.
func split(vars compose.Vars) (texts map[string]string, lists map[string][]compose.Row) {
	texts, lists = map[string]string{}, map[string][]compose.Row{}
	for name, v := range vars {
		if v.List {
			lists[name] = v.Rows
		} else {
			texts[name] = v.Text
		}
	}
	return texts, lists
}

// all are the values of a message as templates take them.
func (m Message) all() compose.Vars {
	vars := compose.Texts(m.Vars)
	for name, rows := range m.Lists {
		vars[name] = compose.Value{Rows: rows, List: true}
	}
	return vars
}

// maxSample is how much sample data a template has, in bytes.
const maxSample = 64 << 10

// parseSample reads sample data: an object of strings and lists.
func parseSample(raw []byte) (vars compose.Vars, err error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	if len(raw) > maxSample {
		return nil, badField("sample", "too_long", "At most 64 KB.")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&vars); err != nil || d.More() {
		return nil, badField("sample", "json", `An object of strings and lists, such as {"Name": "Ada", "Lines": [{"What": "Seat", "Amount": "9 EUR"}]}.`)
	}
	return vars, nil
}

// formatSample writes sample data for people.
func formatSample(vars compose.Vars) string {
	if len(vars) == 0 {
		return "{}"
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(vars); err != nil {
		return "{}"
	}
	return strings.TrimSpace(out.String())
}
