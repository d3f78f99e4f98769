package email_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/email"
	"seaworthy/app/email/compose"
	"seaworthy/store"
)

const templates = "/-/api/v1/email/templates"

func send(b *apptest.Browser, method, path string, body any) apptest.Page {
	b.T.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		b.T.Fatal(err)
	}
	return b.Do(method, path, "application/json", string(raw))
}

type fields = map[string]any

// welcome is a template that is fine.
func welcome() fields {
	return fields{"source": "subject: Hello {{.Name}}\npreheader: x\nclass: product\n---\n# Hello {{.Name}}\n\neach Lines: - {{.Lines.What}}\nif Note: > {{.Note}}\n\n[[Go]]({{.URL}})\n",
		"variables": []fields{{"name": "Name", "type": "text", "required": true}, {"name": "URL", "type": "url", "required": true},
			{"name": "Lines", "type": "list", "required": true}, {"name": "Note", "type": "text", "default": "Bye"}},
		"sample": fields{"Name": "Ada", "URL": "https://x.example", "Lines": []fields{{"What": "one"}, {"What": "two"}}}}
}

func with(f fields, name string, value any) fields {
	f[name] = value
	return f
}

func TestOwnTemplate(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:manage", "email:read")
	a.Forget()
	p := send(key, "POST", templates, with(welcome(), "name", "welcome")).Want(201)
	if p.Header.Get("Location") != templates+"/welcome" {
		t.Errorf("Location %q", p.Header.Get("Location"))
	}
	a.Expect(apptest.Happened{Audit: []string{"email.template_created"}, Rows: map[string]int{"email_template": 1, "email_template_version": 1}})
	send(key, "POST", templates, with(welcome(), "name", "welcome")).WantProblem(422, "invalid", "name")

	// It is sent by its name from the commit on.
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := a.Email.Send(tx, email.Message{To: "bob@example.com", Template: "welcome", Vars: map[string]string{"Name": "Bob <b>", "URL": "https://x.example/go"},
			Lists: map[string][]compose.Row{"Lines": {{"What": "first"}, {"What": "second"}}}})
		return err
	}))
	a.RunJobs()
	m := a.Mails("bob@example.com")[0]
	if m.Subject != "Hello Bob <b>" || !strings.Contains(m.Text, "* first\n* second\n\nBye\n\nGo:\nhttps://x.example/go\n") || !strings.Contains(m.HTML, "Bob &lt;b&gt;") {
		t.Errorf("%s\n%s", m.Subject, m.Text)
	}
	a.Forget()

	send(key, "PUT", templates+"/welcome", with(with(welcome(), "version", 1), "source", strings.Replace(welcome()["source"].(string), "# Hello", "# Welcome", 1))).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"email.template_changed"}, Rows: map[string]int{"email_template_version": 1}})
	send(key, "PUT", templates+"/welcome", with(welcome(), "version", 1)).WantProblem(409, "stale")
	send(key, "PUT", templates+"/welcome", with(with(welcome(), "version", 2), "source", strings.Replace(welcome()["source"].(string), "# Hello", "# Welcome", 1))).Want(200)
	a.ExpectNothing() // what is already so is no change

	var list struct{ Versions []struct{ Version int } }
	key.Get(templates + "/welcome/versions").Want(200).JSON(&list)
	if fmt.Sprint(list.Versions) != "[{2} {1}]" {
		t.Errorf("versions %v", list.Versions)
	}
	send(key, "POST", templates+"/welcome/restore", fields{"version": 1, "earlier": 1}).WantProblem(409, "stale")
	send(key, "POST", templates+"/welcome/restore", fields{"version": 2, "earlier": 9}).WantProblem(404, "not_found")
	a.ExpectNothing()
	send(key, "POST", templates+"/welcome/restore", fields{"version": 2, "earlier": 1}).Want(200, `"version":3`, "# Hello")
	a.Expect(apptest.Happened{Audit: []string{"email.template_changed"}, Rows: map[string]int{"email_template_version": 1}})
}

func TestArchivedTemplateTakesNoNewMessages(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:*")
	send(key, "POST", templates, with(welcome(), "name", "welcome")).Want(201)
	enqueue := func() error {
		return a.DB.Write(t.Context(), func(tx *store.Tx) error {
			_, err := a.Email.Send(tx, email.Message{To: "bob@example.com", Template: "welcome", Vars: map[string]string{"Name": "Bob", "URL": "https://x.example"},
				Lists: map[string][]compose.Row{"Lines": nil}})
			return err
		})
	}
	a.Must(enqueue())
	a.Forget()
	key.Do("DELETE", templates+"/welcome", "", "").Want(200, "archived_at")
	a.Expect(apptest.Happened{Audit: []string{"email.template_archived"}})
	if err := enqueue(); err == nil || !strings.Contains(err.Error(), "archived") {
		t.Errorf("an archived template is sent: %v", err)
	}
	key.Do("DELETE", templates+"/welcome", "", "").Want(200)
	a.ExpectNothing()
	a.RunJobs()
	if len(a.Mails("bob@example.com")) != 1 {
		t.Error("the message that waited was not sent")
	}
	a.Forget()
	key.PostJSON(templates+"/welcome/unarchive", fields{}).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"email.template_unarchived"}})
	a.Must(enqueue())
}

func TestTemplateRefuses(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:*")
	a.Forget()
	source := func(body string) string { return "subject: s\npreheader: p\nclass: product\n---\n" + body }
	variable := func(v fields) []fields { return append(welcome()["variables"].([]fields), v) }
	for name, c := range map[string]struct {
		field string
		value any
		names string // the field that is wrong; "" : field
		says  string
	}{
		"name":               {"name", "Wel come", "", "Small letters"},
		"slash":              {"name", "auth/nothing", "", "Small letters"},
		"no source":          {"source", " ", "", "Write the template"},
		"grammar":            {"source", source("[[Go]] (x)"), "", "not a button"},
		"no end":             {"source", source("section:\nx"), "", "has no end"},
		"row outside":        {"source", source("row: a | b"), "", "belong in a table"},
		"too long":           {"source", source(strings.Repeat("x ", 33<<10)), "", "64 KB"},
		"undeclared":         {"source", source("{{.Nobody}}"), "variables", "Nobody is used and not declared"},
		"field outside":      {"source", source("{{.Lines.What}}"), "", "outside of each Lines"},
		"list as text":       {"source", source("{{.Lines}}"), "variables", "used as text and declared as list"},
		"text as address":    {"source", source("[[Go]]({{.Name}})"), "variables", "declare it as url"},
		"bad script":         {"source", source("[[Go]](javascript:alert(1))"), "sample", "cannot lead to"},
		"twice":              {"variables", variable(fields{"name": "Name", "type": "text"}), "", "declared twice"},
		"ours":               {"variables", variable(fields{"name": "Brand", "type": "text"}), "", "given by the brand"},
		"type":               {"variables", variable(fields{"name": "X", "type": "number"}), "", "text, url or list"},
		"default":            {"variables", variable(fields{"name": "X", "type": "text", "required": true, "default": "x"}), "", "only an optional"},
		"lower case":         {"variables", variable(fields{"name": "x", "type": "text"}), "", "capital letter"},
		"sample lacks":       {"sample", fields{"Name": "Ada"}, "", "no value for Lines, URL"},
		"sample field":       {"sample", fields{"Name": "Ada", "URL": "https://x.example", "Lines": []fields{{"Who": "x"}}}, "", "Lines.What"},
		"sample script":      {"sample", fields{"Name": "Ada", "URL": "javascript:alert(1)", "Lines": []fields{}}, "", "must be an address"},
		"sample of numbers":  {"sample", fields{"Name": 1}, "", "strings and lists"},
		"sample of nothing":  {"sample", []string{}, "", "strings and lists"},
		"head":               {"source", "subject: s\n---\nx", "", "needs subject"},
		"deep":               {"source", source("section:\nsection:\nsection:\nsection:\nsection:\nsection:\nx\nend\nend\nend\nend\nend\nend"), "", "groups deep"},
		"control characters": {"source", source("a\x01b"), "", "control characters"},
	} {
		body := with(welcome(), "name", "welcome")
		p := send(key, "POST", templates, with(body, c.field, c.value))
		want := c.names
		if want == "" {
			want = c.field
		}
		if p.Status != 422 || !strings.Contains(p.Body, `"field":"`+want+`"`) || !strings.Contains(p.Body, c.says) {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	send(key, "POST", templates, with(with(welcome(), "name", "welcome"), "extra", 1)).WantProblem(400, "bad_field", "extra")
	send(a.Key("email:read", "email:send"), "POST", templates, with(welcome(), "name", "welcome")).WantProblem(403, "forbidden")
	key.Get(templates+"/nothing").WantProblem(404, "not_found")
	key.Get(templates+"/auth/nothing").WantProblem(404, "not_found")
	if n := a.Count("email_template"); n != 0 {
		t.Errorf("%d templates", n)
	}
}

const verifySource = "subject: Ahoy, verify for {{.Brand}}\npreheader: x\nclass: security\nttl: 24h\n---\n# Ahoy {{.Name}}\n\n[[Aye]]({{.URL}})\n"

func TestOurMailsInOtherWords(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	key := a.Key("email:*")
	a.Forget()
	for says, source := range map[string]string{
		"is worth nothing without {{.URL}}":                     "subject: s\npreheader: x\nclass: security\nttl: 24h\n---\n{{.Name}} {{.URL}}\n",
		"{{.Secret}} is not given to this mail":                 strings.Replace(verifySource, "Ahoy {{.Name}}", "Ahoy {{.Secret}}", 1),
		"The class of this mail is security":                    strings.Replace(verifySource, "security", "marketing", 1),
		"The ttl of this mail is 24h0m0s and cannot be changed": strings.Replace(verifySource, "ttl: 24h", "ttl: 900h", 1),
	} {
		p := send(key, "PUT", templates+"/auth/verify", fields{"version": 0, "source": source})
		if p.Status != 422 || !strings.Contains(p.Body, says) {
			t.Errorf("%s: %d %s", says, p.Status, p.Body)
		}
	}
	send(key, "POST", templates, fields{"name": "auth/verify", "source": verifySource}).WantProblem(422, "invalid", "name")
	send(key, "PUT", templates+"/auth/verify", fields{"version": 0, "source": verifySource + "[me]({{.Name}})\n", // fine with this sample alone
		"sample": fields{"Name": "https://x.example", "URL": "https://x.example"}}).WantProblem(422, "invalid", "source")
	a.ExpectNothing()
	send(key, "PUT", templates+"/auth/verify", fields{"version": 0, "source": verifySource}).Want(201, `"origin":"changed"`)
	a.SignUp("ada@example.com")
	a.RunJobs()
	m := a.Mails("ada@example.com")[0]
	if m.Subject != "Ahoy, verify for Acme" || !strings.Contains(m.Text, "/-/verify?token=") {
		t.Errorf("%s\n%s", m.Subject, m.Text)
	}
	a.Verified("eve@example.com") // the link works
	key.Do("DELETE", templates+"/auth/verify", "", "").Want(200, `"origin":"built-in"`, "Verify your address")
	a.SignUp("bob@example.com")
	a.RunJobs()
	if m := a.Mails("bob@example.com")[0]; m.Subject != "Verify your address for Acme" {
		t.Errorf("after going back: %s", m.Subject)
	}
	send(key, "POST", templates+"/auth/verify/restore", fields{"version": 1, "earlier": 1}).Want(200, `"origin":"changed"`, `"version":2`)
}

// Whatever happens to the words of the console, a mail that somebody waits for goes out.
func TestBrokenWordsDoNotHoldBackOurMails(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:*")
	send(key, "PUT", templates+"/auth/verify", fields{"version": 0, "source": verifySource}).Want(201)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { // as a later release may find it
		_, err := tx.Exec(`UPDATE email_template_version SET source = 'what no release can read' WHERE name = 'auth/verify'`)
		return err
	}))
	a.Must(a.Email.Open(t.Context()))
	a.SignUp("ada@example.com")
	a.RunJobs()
	if m := a.Mails("ada@example.com")[0]; m.Subject != "Verify your address for Acme" {
		t.Errorf("%s", m.Subject)
	}
	if !strings.Contains(a.Logs(), "auth/verify") || strings.Contains(a.Logs(), "what no release") {
		t.Errorf("the log: %s", a.Logs())
	}
	a.Operator("grace@example.com").Get("/-/admin/email/templates/auth/verify").Want(200, "cannot read the template")
}

func TestTemplatesAreListedByName(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:*")
	send(key, "POST", templates, with(welcome(), "name", "welcome")).Want(201)
	var names []string
	for cursor, pages := "", 0; ; pages++ {
		var list struct {
			Templates []struct{ Name, Origin, Subject string }
			Next      string `json:"next_cursor"`
		}
		key.Get(templates + "?limit=20&cursor=" + cursor).Want(200).JSON(&list)
		for _, one := range list.Templates {
			if one.Subject == "" || (one.Origin == "own") != (one.Name == "welcome") {
				t.Errorf("%+v", one)
			}
			names = append(names, one.Name)
		}
		if cursor = list.Next; cursor == "" {
			if pages < 2 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
	}
	if all := strings.Join(names, " "); len(names) < 40 || names[len(names)-1] != "welcome" || !strings.Contains(all, "billing/receipt") || strings.Count(all, "auth/verify") != 1 {
		t.Errorf("%v", names)
	}
	key.Get(templates+"?limit=0").WantProblem(422, "invalid", "limit")
}

func TestPreviewChangesNothing(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:read")
	a.Forget()
	var p struct {
		Subject, HTML, Text    string
		Supported, Unsupported float64
		Advice                 []string
	}
	key.PostJSON(templates+"/auth/verify/preview", fields{}).Want(200).JSON(&p)
	if p.Subject != "Verify your address for Acme" || p.Supported < 94 || p.Unsupported > 2 || len(p.Advice) != 0 {
		t.Errorf("%s %v %v %v", p.Subject, p.Supported, p.Unsupported, p.Advice)
	}
	loud := with(welcome(), "source", "subject: "+strings.Repeat("LOUD ", 14)+"\npreheader: x\nclass: marketing\n---\n"+strings.Repeat("word ", 30_00*2)+"\n\nimage: http://x.example/a.png | x | 10\n")
	key.PostJSON(templates+"/draft/preview", loud).Want(200).JSON(&p)
	for _, want := range []string{"The subject has 69 characters", "all capitals", "no heading", "without encryption", "Marketing needs consent", "Name is declared and not used"} {
		if !strings.Contains(strings.Join(p.Advice, "\n"), want) {
			t.Errorf("no advice on %q: %v", want, p.Advice)
		}
	}
	key.PostJSON(templates+"/draft/preview", with(welcome(), "source", "x")).WantProblem(422, "invalid", "source")
	a.ExpectNothing()
}

func TestTestMailGoesToWhoAsks(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	a.Forget()
	op.Post("/-/admin/email/templates/billing/receipt/test").Want(200, "on its way to you")
	a.Expect(apptest.Happened{Audit: []string{"email.template_tested"}, Jobs: []string{"email.deliver"}})
	a.RunJobs()
	if m := a.Mails("grace@example.com")[0]; m.Subject != "Receipt 2026-0042 from Acme" || !strings.Contains(m.HTML, "Team plan") {
		t.Errorf("%s", m.Subject)
	}
	a.Forget()
	a.Key("email:*").PostJSON(templates+"/billing/receipt/test", fields{}).WantProblem(409, "no_address")
	op.Post("/-/admin/email/templates/nothing/test").Want(404)
}
