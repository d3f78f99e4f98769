package email_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"seaworthy/app/apptest"
)

const page = "/-/admin/email/templates"

// typed are a form's fields as a person fills them in.
func typed(version, source string) []string {
	return []string{"version", version, "source", source, "variables", "Name: text\r\nURL: url\r\nLines: list\r\nNote: text = Bye\r\n",
		"sample", `{"Name": "Ada", "URL": "https://x.example", "Lines": [{"What": "one"}]}`, "width", "375", "theme", "dark"}
}

func TestEditorWithoutScripts(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	a.Forget()
	source := welcome()["source"].(string)
	op.Get("/-/admin/email/new-template").Want(200, "New template", "Welcome to Acme, Ada")
	p := op.Post("/-/admin/email/new-template/preview", append(typed("0", source), "name", "")...).Want(200, "Hello Ada", "look-375 look-dark")
	frame := regexp.MustCompile(`src="(/-/admin/email/previews/[^"]+)"`).FindStringSubmatch(p.Body)
	if frame == nil {
		t.Fatal("no frame")
	}
	path := strings.ReplaceAll(frame[1], "&amp;", "&")
	shown := op.Get(path).Want(200, "<h1 ", "@media all {")
	if policy := shown.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "; sandbox;") || strings.Contains(policy, "script") {
		t.Errorf("policy %q", policy)
	}
	a.Browser().Get(path).Want(200, "Sign in")
	a.Key("console:read", "email:read").Get(path).Want(404) // it is whose who typed it
	a.Forget()

	op.Post("/-/admin/email/new-template", append(typed("0", source+"\n{{.Nobody}}\n"), "name", "welcome")...).Want(422, "Nobody is used and not declared", "There is nothing to show yet", "{{.Nobody}}")
	op.Post("/-/admin/email/new-template", append(typed("0", source), "name", "")...).Want(422, "Small letters")
	a.ExpectNothing()
	op.Post("/-/admin/email/new-template", append(typed("0", source), "name", "welcome")...).Want(200, "is made and in use", "your own")
	a.Expect(apptest.Happened{Audit: []string{"email.template_created"}, Rows: map[string]int{"email_template": 1, "email_template_version": 1}})

	op.Post(page+"/welcome", typed("1", source+"\nSecond words.\n")...).Want(200, "new version is in use")
	a.Forget()
	op.Post(page+"/welcome", typed("1", source+"\nOther words.\n")...).Want(409, "Somebody changed this", "What changed meanwhile", "Other words.", "Second words.")
	a.ExpectNothing()
	op.Get(page+"/welcome/history").Want(200, "What version 2 changed", "Second words.")
	op.Get(page+"/welcome/history?version=1").Want(200, "Version 1")
	op.Post(page+"/welcome/restore", "version", "2", "earlier", "1").Want(200, "earlier version is in use again").Without("Second words.")
	op.Post(page+"/welcome/archive").Want(200, "takes no new messages", "Put it back in use")
	op.Post(page+"/welcome/unarchive").Want(200, "in use again")
	a.Expect(apptest.Happened{Audit: []string{"email.template_changed", "email.template_archived", "email.template_unarchived"}, Rows: map[string]int{"email_template_version": 1}})
	op.Get(page+"?q=welc").Want(200, "welcome").Without("auth/verify")
	op.Get(page+"?q=zzz").Want(200, "No template found")
}

// A version of an older page of the history is shown with what it changed, on that page.
func TestHistoryOfManyVersions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	op, key := a.Operator("grace@example.com"), a.Key("email:*")
	for i := range 23 {
		send(key, "PUT", templates+"/auth/verify", fields{"version": i, "source": fmt.Sprint(verifySource, "\nWords ", i+1, ".\n")})
	}
	op.Get(page+"/auth/verify/history").Want(200, "What version 23 changed", "before=4").Without(">Version 3<")
	older := op.Get(page+"/auth/verify/history?before=4").Want(200, ">Version 3<", ">Version 2<")
	link := regexp.MustCompile(`href="([^"]+)"[^>]*>Version 2<`).FindStringSubmatch(older.Body)
	if link == nil {
		t.Fatal("no link")
	}
	op.Get(strings.ReplaceAll(link[1], "&amp;", "&")).Want(200, "What version 2 changed", ">Version 3<").Without(">Version 23<")
}

func TestOurWordsInTheEditor(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	op.Get(page+"/auth/verify").Want(200, "as the program has it", "Use these words", "Verify your address").Without("Archive")
	op.Get(page+"/auth/verify/history").Want(200, "No versions yet")
	a.Forget()
	op.Post(page+"/auth/verify", "version", "0", "source", verifySource, "variables", "", "sample", "").Want(200, "your words", "Use our words again")
	a.Expect(apptest.Happened{Audit: []string{"email.template_created"}, Rows: map[string]int{"email_template": 1, "email_template_version": 1}})
	op.Get(page+"/auth/verify/history").Want(200, "What version 1 changed", "Ahoy")
	op.Post(page+"/auth/verify/archive").Want(200, "has our words again", "Verify your address")
	a.Expect(apptest.Happened{Audit: []string{"email.template_archived"}})
}

func TestPagesAskForPermission(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	reader := a.Verified("ada@example.com")
	for _, path := range []string{page, page + "/auth/verify", page + "/auth/verify/history", "/-/admin/email/brand", "/-/admin/email/new-template"} {
		reader.Get(path).Want(403)
	}
	a.Grant("ada@example.com", "console:read", "email:read")
	reader.Get(page).Want(200).Without("New template")
	reader.Get(page+"/auth/verify").Want(200, "readonly").Without("Use these words", "Send me a test")
	reader.Get("/-/admin/email/brand").Want(200).Without("Save the brand", "Upload")
	a.Forget()
	reader.Get("/-/admin/email/new-template").Want(403, "email:manage")
	reader.Post(page+"/auth/verify", "version", "0", "source", verifySource).Want(403)
	reader.Post(page + "/auth/verify/test").Want(403)
	reader.Post(page+"/auth/verify/preview", "version", "0", "source", verifySource, "sample", "", "variables", "").Want(200, "Ahoy, verify for Acme")
	a.ExpectNothing()
}
