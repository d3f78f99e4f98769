package auth_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/auth"
	"seaworthy/queue"
	"seaworthy/store"
)

// exported asks for somebody's data and returns the id of the file.
func exported(a *apptest.App, b *apptest.Browser) string {
	a.T.Helper()
	b.Post("/-/account/export").Want(200, "We are gathering your data")
	a.RunJobs()
	return a.Query(`SELECT max(id) FROM auth_export`)
}

// unzip is the files of an archive by name.
func unzip(t *testing.T, archive string) map[string]string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(data)
	}
	return files
}

func peopleFiles(a *apptest.App) []string {
	a.T.Helper()
	files, err := filepath.Glob(filepath.Join(a.Config.Data, "exports", "people", "*"))
	a.Must(err)
	return files
}

func TestExportOfOnesOwnData(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Operator("grace@example.com")
	b := a.Verified("ada@example.com")
	a.RunJobs()
	id := userID(a, "ada@example.com")
	a.Forget()
	b.Get("/-/account/data").Want(200, "Export your data").Without("being gathered")
	b.Post("/-/account/export").Want(200, "We are gathering your data", "being gathered")
	a.Expect(apptest.Happened{Audit: []string{"user.export_requested"}, Jobs: []string{"auth.export"}, Rows: map[string]int{"auth_export": 1}})
	// One at a time.
	b.Post("/-/account/export").Want(409, "Your data is being gathered already")
	b.PostJSON("/-/api/v1/me/exports", nil).WantProblem(409, "export_waiting")
	export := a.Query(`SELECT id FROM auth_export`)
	b.Get("/-/account/export/" + export).Want(409)
	a.ExpectNothing()
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"user.exported", "email.sent"}, Jobs: []string{"auth.expire_export", "email.deliver"},
		Ran: []string{"auth.export completed", "email.deliver completed"}, Mails: []string{"ada@example.com: Your data from Acme is ready"}})
	b.Get("/-/account/data").Want(200, "Download", "Kept until 29 Nov 2026")

	var state struct{ State, File, SHA256 string }
	b.Get("/-/api/v1/me/exports/" + export).Want(200).JSON(&state)
	p := b.Get("/-/account/export/" + export).Want(200)
	sum := sha256.Sum256([]byte(p.Body))
	if state.State != "ready" || state.SHA256 != hex.EncodeToString(sum[:]) || b.Get(state.File).Want(200).Body != p.Body {
		t.Errorf("the API says %+v", state)
	}
	if p.Header.Get("Content-Type") != "application/zip" || p.Header.Get("Cache-Control") != "private, no-store" ||
		p.Header.Get("Content-Disposition") != `attachment; filename="your-data-20261122-140500.zip"` {
		t.Errorf("headers: %v", p.Header)
	}
	files := unzip(t, p.Body)
	rows := func(name string, n int, words ...string) {
		t.Helper()
		var all []map[string]any
		if err := json.Unmarshal([]byte(files[name]), &all); err != nil || len(all) != n {
			t.Errorf("%s: %d rows, %v\n%s", name, len(all), err, files[name])
		}
		for _, w := range words {
			if !strings.Contains(files[name], w) {
				t.Errorf("%s: no %q\n%s", name, w, files[name])
			}
		}
	}
	rows("profile.json", 1, id, `"name":"Ada Lovelace"`, `"email":"ada@example.com"`, `"has_password":true`)
	rows("sessions.json", 1, `"ip":"127.0.0.1"`, "Firefox/140.0")
	rows("devices.json", 1, "Firefox on Linux")
	rows("organizations.json", 1, `"role":"owner"`)
	rows("second_steps.json", 0)
	rows("linked_accounts.json", 0)
	rows("api_keys.json", 0)
	rows("mails.json", 1, `"subject":"Verify your address for Acme"`, `"to":"ada@example.com"`)
	rows("events.json", 4, `"action":"user.signed_up"`, `"action":"email.sent"`, `"personal":{"email":"ada@example.com"`)
	if !strings.Contains(files["README.txt"], "profile.json") || len(files) != 13 {
		t.Errorf("%d files\n%s", len(files), files["README.txt"])
	}
	for name, text := range files {
		for _, secret := range []string{"argon2", "$", "token=", "grace@example.com"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
	}
}

// Second factors and linked accounts are in it, their secrets are not.
func TestExportHoldsFactorsAndIdentities(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(alan.Email)
	b.Get(back(t, a, a.StandIn, leave(t, b, "/-/account/security/identities/standin/link"), grace)).Want(200, "It is linked")
	seed, codes := a.SetUpTOTP(b)
	b.PostJSON("/-/api/v1/factors", map[string]string{"kind": "totp"}).Want(201) // is being set up, and none yet
	other := a.Verified("bea@example.com")
	a.SetUpTOTP(other)
	sealed := a.Query(`SELECT hex(secret) FROM auth_factor WHERE user_id = ? AND confirmed_at IS NOT NULL`, userID(a, alan.Email))
	files := unzip(t, b.Get("/-/account/export/"+exported(a, b)).Want(200).Body)
	var steps []struct {
		Kind, Label string
		Created     time.Time `json:"created_at"`
		Used        time.Time `json:"last_used_at"`
	}
	if err := json.Unmarshal([]byte(files["second_steps.json"]), &steps); err != nil || len(steps) != 1 || steps[0].Kind != "totp" || steps[0].Label != "test" ||
		steps[0].Created.IsZero() || steps[0].Used.IsZero() {
		t.Errorf("%v: %s", err, files["second_steps.json"])
	}
	var linked []struct {
		Provider, Subject, Email string
		At                       time.Time `json:"linked_at"`
	}
	if err := json.Unmarshal([]byte(files["linked_accounts.json"]), &linked); err != nil || len(linked) != 1 || linked[0].Provider != "standin" ||
		linked[0].Subject != grace.Sub || linked[0].Email != grace.Email || linked[0].At.IsZero() {
		t.Errorf("%v: %s", err, files["linked_accounts.json"])
	}
	for name, text := range files {
		for _, secret := range append(codes, seed, sealed, strings.ToLower(sealed)) {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds a secret", name)
			}
		}
	}
}

// What somebody did to the account is in it, and nothing of who that was.
func TestExportHoldsNothingOfOthers(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b, mallory := a.Verified("ada@example.com"), a.Browser()
	a.Verified("bea@example.com")
	ada, bea := userID(a, "ada@example.com"), userID(a, "bea@example.com")
	mallory.UserAgent = "Curious/1.0"
	mallory.Post("/-/login", "email", "ada@example.com", "password", "a guess at it").Want(401)
	a.Key("audit:write").PostJSON("/-/api/v1/audit/events", map[string]any{"action": "note.written", "ip": "203.0.113.9",
		"actor": map[string]string{"type": "user", "id": bea}, "targets": []any{map[string]string{"type": "user", "id": ada}}}).Want(201)
	file := unzip(t, b.Get("/-/account/export/"+exported(a, b)).Want(200).Body)["events.json"]
	for _, w := range []string{`"action":"session.refused"`, `"actor":{"type":"anonymous","id":""}`, `"action":"note.written"`, `"actor":{"type":"user","id":""}`, ada} {
		if !strings.Contains(file, w) {
			t.Errorf("no %q in\n%s", w, file)
		}
	}
	for _, w := range []string{bea, "bea@example.com", "203.0.113.9", "Curious/1.0"} {
		if strings.Contains(file, w) {
			t.Errorf("%q of another in\n%s", w, file)
		}
	}
}

func TestExportIsItsPersonsAlone(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b, mallory := a.Verified("ada@example.com"), a.Verified("mallory@example.com")
	export := exported(a, b)
	for _, path := range []string{"/-/account/export/" + export, "/-/api/v1/me/exports/" + export, "/-/api/v1/me/exports/" + export + "/file"} {
		mallory.Get(path).Want(404)
		if p := a.Browser().Get(path); p.Status == 200 && strings.HasPrefix(p.Body, "PK") {
			t.Error("given to somebody who is not signed in")
		}
	}
	a.Key("*").Get("/-/api/v1/me/exports/"+export+"/file").WantProblem(403, "person_only")
	for _, none := range []string{"exp_none", "..%2F..%2Fseaworthy.db", "%2e%2e"} {
		b.Get("/-/account/export/" + none).Want(404)
	}
	a.Clock.Advance(16 * time.Minute)
	b.Get("/-/account/export/"+export).Want(200, "Confirm who you are")
	b.Get("/-/api/v1/me/exports/"+export+"/file").WantProblem(401, "confirm_first")
}

func TestExportExpires(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	first := a.Verified("ada@example.com")
	export := exported(a, first)
	if info, err := os.Stat(peopleFiles(a)[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	a.Clock.Advance(7*24*time.Hour - time.Second)
	b := signIn(a, "ada@example.com", "")
	b.Get("/-/account/export/" + export).Want(200)
	a.Clock.Advance(time.Second)
	b.Get("/-/account/export/" + export).Want(410) // before the job, too
	a.RunJobs()
	b.Get("/-/account/export/"+export).Want(410, "This file is no longer here")
	b.Get("/-/account/data").Want(200, "expired").Without("Download")
	if files := peopleFiles(a); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
	// A file that went missing is gone, not a fault of ours.
	export = exported(a, b)
	a.Must(os.Remove(peopleFiles(a)[0]))
	b.Get("/-/account/export/" + export).Want(410)
}

func TestExportThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	a.Must(os.MkdirAll(filepath.Join(a.Config.Data, "exports"), 0o700))
	folder := filepath.Join(a.Config.Data, "exports", "people")
	a.Must(os.WriteFile(folder, nil, 0o600)) // a file where the folder should be
	b.Post("/-/account/export").Want(200)
	for range 5 {
		a.RunJobs()
		a.Clock.Advance(24 * time.Hour)
	}
	b = signIn(a, "ada@example.com", "")
	b.Get("/-/account/data").Want(200, "failed", "The file could not be written", "Export your data")
	b.Get("/-/account/export/" + a.Query(`SELECT id FROM auth_export`)).Want(410)
	a.Must(os.Remove(folder))
	b.Get("/-/account/export/" + exported(a, b)).Want(200)
}

func TestFilesThatNothingSpeaksOfAreSwept(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	export := exported(a, b)
	folder := filepath.Dir(peopleFiles(a)[0])
	for _, name := range []string{"exp_unknown.zip", "exp_unknown.zip.tmp", "notes"} {
		a.Must(os.WriteFile(filepath.Join(folder, name), bytes.Repeat([]byte("x"), 10), 0o600))
	}
	a.Must(a.Auth.SweepExports(t.Context()))
	if files := peopleFiles(a); len(files) != 1 || filepath.Base(files[0]) != export+".zip" {
		t.Errorf("left: %v", files)
	}
	// An account that is erased takes its files along.
	id := userID(a, "ada@example.com")
	deleted(a, b, "ada@example.com")
	exec(a, `UPDATE auth_user SET delete_at = 1 WHERE delete_at IS NOT NULL`)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := queue.Enqueue(tx, auth.EraseAccount{User: id})
		return err
	}))
	a.RunJobs()
	if files := peopleFiles(a); len(files) != 0 {
		t.Errorf("left: %v", files)
	}
}
