package audit_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/audit/verify"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/store"
)

// event is an event as the API gives it, as far as these tests look.
type event struct {
	ID, Action, Source, Org string
	Seq, OrgSeq             int64             `json:"-"`
	Actor                   audit.Ref         `json:"actor"`
	OnBehalfOf              *audit.Ref        `json:"on_behalf_of"`
	Personal                map[string]string `json:"personal"`
	Details                 map[string]any    `json:"details"`
	Dropped                 bool              `json:"dropped"`
}

type page struct {
	Events []event `json:"events"`
	Next   string  `json:"next_cursor"`
}

// Case 13: to org A, nothing of org B exists: no event, no proof, no list, no
// export, no entry; and what an event says cannot be guessed from its hash.
func TestOrgsDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	ada, bob := a.SignUp("ada@example.com"), a.SignUp("bob@example.com")
	a.Must(a.Audit.Checkpoint(t.Context()))
	orgA, orgB := a.PersonalOrg("ada@example.com"), a.PersonalOrg("bob@example.com")
	slugB := a.Query(`SELECT slug FROM auth_org WHERE id = ?`, orgB)
	ofB := a.Query(`SELECT id FROM audit_event WHERE org = ?`, orgB)
	ofNobody := a.Query(`SELECT id FROM audit_event WHERE org IS NULL LIMIT 1`)
	var export struct{ ID string }
	bob.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv"}).Want(202).JSON(&export)
	a.RunJobs()
	for _, id := range []string{ofB, ofNobody, "evt_none"} {
		for _, path := range []string{"", "/proof"} {
			ada.Get("/-/api/v1/audit/events/"+id+path).WantProblem(404, "not_found")
		}
	}
	ada.Get("/-/api/v1/audit/events?org="+orgB).WantProblem(404, "not_found")
	ada.Get("/-/api/v1/audit/exports/"+export.ID).WantProblem(404, "not_found")
	ada.Get("/-/api/v1/audit/exports/"+export.ID+"/file").WantProblem(404, "not_found")
	ada.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv", "org": orgB}).WantProblem(404, "not_found")
	for _, path := range []string{"/-/org/" + slugB + "/audit", "/-/org/" + slugB + "/audit/events/" + ofB, "/-/org/" + slugB + "/audit/events/" + ofB + "/proof", "/-/org/" + slugB + "/audit/exports/" + export.ID} {
		ada.Get(path).Want(404)
	}
	slugA := a.Query(`SELECT slug FROM auth_org WHERE id = ?`, orgA)
	ada.Get("/-/org/" + slugA + "/audit/events/" + ofB).Want(404)
	ada.Get("/-/org/" + slugA + "/audit/events/" + ofNobody).Want(404)
	ada.Get("/-/org/" + slugA + "/audit/exports/" + export.ID).Want(404)
	ada.Get("/-/admin/audit").Want(403)
	bob.Get("/-/api/v1/audit/exports/"+export.ID+"/file").Want(200, "user.signed_up", "bob@example.com").Without("ada@example.com")
	bob.Get("/-/api/v1/audit/events/" + ofB + "/proof").Want(200)
	var list page
	ada.Get("/-/api/v1/audit/events").Want(200).JSON(&list)
	if len(list.Events) != 1 || list.Events[0].Org != orgA {
		t.Errorf("ada sees %+v", list.Events)
	}

	ada.Header.Set("Accept", "application/json")
	ada.Get("/-/audit/log/tile/entries/000.p/3").WantProblem(403, "forbidden")
	a.Browser().Get("/-/audit/log/tile/0/000.p/3").Want(200)
	a.Key("audit:read").Get("/-/audit/log/tile/entries/000.p/3").Want(200, "user.signed_up")
	body := a.Query(`SELECT body FROM audit_event WHERE id = ?`, ofB)
	var nonce struct{ Nonce string }
	a.Must(json.Unmarshal([]byte(body), &nonce))
	if len(nonce.Nonce) != 22 {
		t.Errorf("nonce %q is not 128 bits", nonce.Nonce)
	}
}

// Case 17: whatever stands in an event is stored safely and comes out harmless.
func TestHostileContent(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	key := a.Key("audit:write", "audit:read")
	hostile := map[string]any{"action": "invoice.deleted", "actor": map[string]string{"type": "person", "id": `=HYPERLINK("http://evil","x")`},
		"targets": []any{map[string]string{"type": "cell", "id": "@SUM(A1)"}}, "user_agent": "a\r\nX-Evil: 1", "ip": "2001:db8::1",
		"details": map[string]any{"formula": "=cmd|' /C calc'!A0", "big": json.Number("12345678901234567890"), "markup": "<script>alert(1)</script>"},
		"changes": map[string]any{"rate": map[string]any{"from": json.Number("0.10"), "to": json.Number("1e400")}}}
	var made event
	key.PostJSON("/-/api/v1/audit/events", hostile).Want(201).JSON(&made)
	body := a.Query(`SELECT body FROM audit_event WHERE id = ?`, made.ID)
	for _, want := range []string{"12345678901234567890", "0.10", "1e400", `\u003cscript`} {
		if !strings.Contains(body, want) {
			t.Errorf("the body does not have %s: %s", want, body)
		}
	}
	if strings.Contains(made.Personal["user_agent"], "\n") {
		t.Errorf("user agent %q", made.Personal["user_agent"])
	}
	if p := a.Operator("grace@example.com").Get("/-/admin/audit/events/" + made.ID).Want(200); strings.Contains(p.Body, "<script>alert") || !strings.Contains(p.Body, "&lt;script&gt;") {
		t.Error("markup of an event is markup of the page")
	}

	var export struct{ ID string }
	key.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv", "action": "invoice.deleted"}).Want(202).JSON(&export)
	a.RunJobs()
	rows, err := csv.NewReader(strings.NewReader(key.Get("/-/api/v1/audit/exports/" + export.ID + "/file").Want(200).Body)).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, cell := range rows[1] {
		if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
			t.Errorf("column %s is a formula: %s", rows[0][i], cell)
		}
	}

	send := func(change func(map[string]any)) apptest.Page {
		e := map[string]any{"action": "invoice.deleted", "actor": map[string]string{"type": "person", "id": "7"}}
		change(e)
		return key.PostJSON("/-/api/v1/audit/events", e)
	}
	a.Forget()
	big := strings.Repeat("x", 64_000)
	for _, c := range []struct {
		name, code string
		status     int
		field      string
		change     func(map[string]any)
	}{
		{"64 kB and more", "too_large", 413, "", func(e map[string]any) { e["details"] = map[string]any{"a": big, "b": big} }},
		{"a body that grows over the limit", "too_large", 413, "", func(e map[string]any) { e["details"] = map[string]any{"a": strings.Repeat("<", 20_000)} }},
		{"one of our actions", "invalid", 422, "action", func(e map[string]any) { e["action"] = "user.signed_up" }},
		{"no action", "invalid", 422, "action", func(e map[string]any) { delete(e, "action") }},
		{"a system as actor", "invalid", 422, "actor", func(e map[string]any) { e["actor"] = map[string]string{"type": "system", "id": "x"} }},
		{"an actor without id", "invalid", 422, "actor.id", func(e map[string]any) { e["actor"] = map[string]string{"type": "person", "id": ""} }},
		{"a control character", "invalid", 422, "actor.id", func(e map[string]any) { e["actor"] = map[string]string{"type": "person", "id": "a\nb"} }},
		{"an unknown org", "invalid", 422, "org", func(e map[string]any) { e["org"] = "org_none" }},
		{"no address", "invalid", 422, "ip", func(e map[string]any) { e["ip"] = "999.1.1.1" }},
		{"no time", "invalid", 422, "occurred_at", func(e map[string]any) { e["occurred_at"] = "yesterday" }},
		{"an unknown field", "bad_field", 400, "actor_name", func(e map[string]any) { e["actor_name"] = "x" }},
		{"too many targets", "invalid", 422, "targets", func(e map[string]any) {
			var all []any
			for i := range 21 {
				all = append(all, map[string]string{"type": "t", "id": fmt.Sprint(i)})
			}
			e["targets"] = all
		}},
	} {
		p := send(c.change)
		if c.field == "" {
			p.WantProblem(c.status, c.code)
		} else {
			p.WantProblem(c.status, c.code, c.field)
		}
	}
	key.Do("POST", "/-/api/v1/audit/events", "application/json", "{\"action\":\"invoice.deleted\",\"actor\":{\"type\":\"person\",\"id\":\"\xff\"}}").WantProblem(400, "malformed_json")
	a.Key("audit:read").PostJSON("/-/api/v1/audit/events", hostile).WantProblem(403, "forbidden")
	a.Browser().PostJSON("/-/api/v1/audit/events", hostile).Want(401)
	a.Expect(apptest.Happened{Audit: []string{"key.created"}, Rows: map[string]int{"auth_api_key": 1}})
	wantSound(t, a)
}

// A repeated request is carried out once and answered as the first time; the same
// key with another request is refused.
func TestAppendIsIdempotent(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	key := a.Key("audit:write")
	key.Header.Set("Idempotency-Key", "order-17")
	e := map[string]any{"action": "order.shipped", "actor": map[string]string{"type": "person", "id": "7"}}
	a.Forget()
	first := key.PostJSON("/-/api/v1/audit/events", e).Want(201)
	again := key.PostJSON("/-/api/v1/audit/events", e).Want(201)
	if first.Body != again.Body || again.Header.Get("Idempotency-Replayed") != "true" || first.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("first %s\nagain %s", first.Body, again.Body)
	}
	e["action"] = "order.returned"
	key.PostJSON("/-/api/v1/audit/events", e).WantProblem(422, "idempotency_key_reused")
	a.Expect(apptest.Happened{Audit: []string{"order.shipped"}, Rows: map[string]int{"audit_idempotency": 1}})
	other := a.Key("audit:write")
	other.Header.Set("Idempotency-Key", "order-17") // another caller's keys are its own
	other.PostJSON("/-/api/v1/audit/events", e).Want(201)
	key.Header.Set("Idempotency-Key", "bad\tkey")
	key.PostJSON("/-/api/v1/audit/events", e).WantProblem(400, "bad_idempotency_key")
	a.Clock.Advance(8 * 24 * time.Hour)
	a.Must(a.Audit.Housekeep(t.Context()))
	if n := a.Count("audit_idempotency"); n != 0 {
		t.Errorf("%d keys are kept for ever", n)
	}
}

// Case 18: only what a trusted proxy has added to X-Forwarded-For is believed.
func TestSpoofedForwardedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		trusted []netip.Prefix
		want    string
	}{{nil, "127.0.0.1"}, {apptest.Loopback, "198.51.100.7"}} {
		a := apptest.New(t, func(cfg *config.Config, _ *app.Options) { cfg.TrustedProxies = c.trusted })
		b := a.Browser()
		b.Header.Set("X-Forwarded-For", "203.0.113.66, 198.51.100.7")
		b.Post("/-/signup", "name", "Ada", "email", "ada@example.com", "password", apptest.Password).Want(200)
		if got := a.Events(1)[0].Personal["ip"]; got != c.want {
			t.Errorf("trusting %v: recorded %s, want %s", c.trusted, got, c.want)
		}
	}
}

// Case 20: an impersonator is the actor, the user whom he acts for stands beside,
// and the org sees both.
func TestImpersonation(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada := a.SignUp("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	ctx := web.WithOrigin(t.Context(), &web.Origin{RequestID: "req_x", Addr: netip.MustParseAddr("203.0.113.5"),
		Identity: web.Identity{User: "usr_ada", Email: "ada@example.com", Impersonator: "usr_admin", Session: "ses_x"}})
	a.Must(a.DB.Write(ctx, func(tx *store.Tx) error {
		return a.Audit.Record(tx, audit.Event{Action: "session.revoked", Org: org})
	}))
	var list page
	ada.Get("/-/api/v1/audit/events?action=session.revoked").Want(200).JSON(&list)
	e := list.Events[0]
	if e.Actor != audit.User("usr_admin") || e.OnBehalfOf == nil || *e.OnBehalfOf != audit.User("usr_ada") || e.Personal["actor_email"] != "" {
		t.Errorf("%+v", e)
	}
	slug := a.Query(`SELECT slug FROM auth_org WHERE id = ?`, org)
	ada.Get("/-/org/"+slug+"/audit").Want(200, "for user:usr_ada")
}

// Filters, pages and times of the list.
func TestListing(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Clock.Advance(time.Hour)
	record(t, a, 120, "org_a")
	a.Clock.Advance(24 * time.Hour)
	record(t, a, 70, "org_b")
	a.Clock.Advance(24 * time.Hour)
	record(t, a, 50, "org_a")
	key := a.Key("audit:read")
	all := func(query string) (ids []string) {
		t.Helper()
		cursor := ""
		for {
			var p page
			key.Get("/-/api/v1/audit/events?limit=40&" + query + "&cursor=" + cursor).Want(200).JSON(&p)
			for _, e := range p.Events {
				ids = append(ids, e.ID)
			}
			if cursor = p.Next; cursor == "" {
				return ids
			}
		}
	}
	for query, want := range map[string]int{
		"org=org_a": 170, "org=org_b": 70, "org=org_none": 0, "action=session.created": 240, "action=session.created&org=org_b": 70,
		"actor=user:usr_5": 4, "actor=user:usr_5&org=org_a": 3, "target=session:7": 3, "target=session:7&org=org_b": 1, "target=session:7&action=x.y": 0,
		"from=2026-11-23": 121, "to=2026-11-22": 121, "from=2026-11-23&to=2026-11-23": 70, "from=2026-11-23&to=2026-11-23&org=org_a": 0,
		"org=org_a&to=2026-11-23": 120, "org=org_a&from=2026-11-24T00:00:00Z": 50, "from=2027-01-01": 0, "": 242,
	} {
		ids := all(query)
		seen := map[string]bool{}
		for _, id := range ids {
			seen[id] = true
		}
		if len(ids) != want || len(seen) != want {
			t.Errorf("%s: %d events, %d different, want %d", query, len(ids), len(seen), want)
		}
	}
	for query, field := range map[string]string{"limit=0": "limit", "limit=201": "limit", "limit=x": "limit", "cursor=x": "cursor", "from=x": "from", "to=x": "to"} {
		key.Get("/-/api/v1/audit/events?"+query).WantProblem(422, "invalid", field)
	}
	var actions struct{ Actions []audit.Kind }
	key.Get("/-/api/v1/audit/actions").Want(200).JSON(&actions)
	if len(actions.Actions) < 20 || actions.Actions[0].Means == "" {
		t.Errorf("catalogue %+v", actions)
	}
	operator := a.Operator("grace@example.com")
	operator.Get("/-/admin/audit?action=session.created&actor=user:usr_5").Want(200, "by user:usr_5", "Signed in")
	operator.Get("/-/admin/audit").Want(200, "Older")
	operator.Get("/-/admin/audit?before=50").Want(200, "Newer")
	operator.Get("/-/admin/audit?target=session:none").Want(200, "No events match")
}

// Exports: each format has what the list shows; a bundle verifies offline.
func TestExports(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	ada := a.SignUp("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	record(t, a, 300, org)
	a.RunJobs()
	a.Must(a.Audit.Checkpoint(t.Context()))
	a.Forget()
	file := func(b *apptest.Browser, in map[string]string) (body string) {
		t.Helper()
		var e struct{ ID, State, File, SHA256 string }
		b.PostJSON("/-/api/v1/audit/exports", in).Want(202).JSON(&e)
		b.Get("/-/api/v1/audit/exports/"+e.ID+"/file").WantProblem(410, "export_gone")
		a.RunJobs()
		b.Get("/-/api/v1/audit/exports/" + e.ID).Want(200).JSON(&e)
		if e.State != "ready" {
			t.Fatalf("%+v", e)
		}
		p := b.Get(e.File).Want(200)
		if !strings.HasPrefix(p.Header.Get("Content-Disposition"), "attachment; ") {
			t.Errorf("disposition %q", p.Header.Get("Content-Disposition"))
		}
		return p.Body
	}
	if lines := strings.Count(file(ada, map[string]string{"format": "ndjson"}), "\n"); lines != 302 { // the request to export is an event, too
		t.Errorf("ndjson has %d lines", lines)
	}
	a.Expect(apptest.Happened{Audit: []string{"audit.export_requested", "audit.exported"}, Jobs: []string{"audit.export"}, Ran: []string{"audit.export completed"}, Rows: map[string]int{"audit_export": 1}})
	rows, err := csv.NewReader(strings.NewReader(file(ada, map[string]string{"format": "csv", "actor": "user:usr_5"}))).ReadAll()
	if err != nil || len(rows) != 1+4 {
		t.Errorf("csv has %d rows, %v", len(rows), err)
	}
	path := t.TempDir() + "/bundle.zip"
	write(t, path, file(ada, map[string]string{"format": "bundle"}))
	o := verify.Options{Keys: keysOf(t, a)}
	r, err := verify.Bundle(t.Context(), path, o)
	if err != nil || !r.OK() || r.Events != 306 {
		t.Errorf("bundle: %+v, %v", r, err)
	}
	for _, change := range []string{"a proof is damaged", "a proof is left out"} {
		bad := t.TempDir() + "/bad.zip"
		rezip(t, path, bad, change)
		if r, err := verify.Bundle(t.Context(), bad, o); err != nil || r.OK() || r.BadSeq == 0 {
			t.Errorf("%s: %+v, %v", change, r, err)
		}
	}
	ada.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "pdf"}).WantProblem(422, "invalid", "format")
	for range 3 {
		ada.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv"}).Want(202)
	}
	ada.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv"}).WantProblem(409, "exports_waiting")
	a.RunJobs()
	a.Clock.Advance(8 * 24 * time.Hour)
	a.Must(a.Audit.Housekeep(t.Context()))
	if got := a.Query(`SELECT DISTINCT state FROM audit_export`); got != "expired" {
		t.Errorf("old exports are %s", got)
	}
}

// Retention drops what is old, of one org alone, keeps the columns and the tree,
// and never lets go of what is not old enough.
func TestRetention(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.SignUp("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	slug := a.Query(`SELECT slug FROM auth_org WHERE id = ?`, org)
	record(t, a, 450, org)
	record(t, a, 100, "org_other")
	a.Clock.Advance(80 * 24 * time.Hour)
	b := a.Browser()
	b.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
	b.Post("/-/org/"+slug+"/audit/retention", "keep_days", "30").Want(422)
	b.Post("/-/org/"+slug+"/audit/retention", "keep_days", "90").Want(200, "90 days")
	a.Must(a.Audit.ApplyRetention(t.Context()))
	if n := a.Query(`SELECT CAST(count(*) AS TEXT) FROM audit_event WHERE body IS NULL`); n != "0" {
		t.Fatalf("%s bodies are gone before their time", n)
	}
	a.Clock.Advance(11 * 24 * time.Hour)
	a.Forget()
	a.Must(a.Audit.ApplyRetention(t.Context()))
	a.Expect(apptest.Happened{Audit: []string{"audit.bodies_dropped"}})
	if n := a.Query(`SELECT CAST(count(*) AS TEXT) FROM audit_event WHERE body IS NULL AND org = ?`, org); n != "451" {
		t.Errorf("%s bodies are gone, want 451", n)
	}
	if n := a.Query(`SELECT CAST(count(*) AS TEXT) FROM audit_event WHERE body IS NULL AND org <> ?`, org); n != "0" {
		t.Errorf("%s bodies of other orgs are gone", n)
	}
	a.Forget()
	a.Must(a.Audit.ApplyRetention(t.Context())) // a second round finds nothing to do
	a.ExpectNothing()
	a.Must(a.Audit.Checkpoint(t.Context()))
	if r := wantSound(t, a); r.Dropped != 451 {
		t.Errorf("verified with %d dropped", r.Dropped)
	}
	id := a.Query(`SELECT id FROM audit_event WHERE body IS NULL LIMIT 1`)
	key := a.Key("audit:read")
	key.Get("/-/api/v1/audit/events/"+id+"/proof").WantProblem(410, "dropped")
	key.Get("/-/audit/log/tile/entries/000").WantProblem(410, "dropped")
	key.Get("/-/audit/log/tile/0/000").Want(200)
	a.Operator("grace@example.com").Get("/-/admin/audit/events/"+id).Want(200, "The time to keep the details of this event is over")
	err := a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE audit_event SET body = NULL WHERE seq = (SELECT max(seq) FROM audit_event WHERE org = ?)`, org)
		return err
	})
	if err == nil {
		t.Error("a young body could be dropped")
	}
}

// Once a day each org's events are counted, as a disclosure of its own.
func TestDailyCounts(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	record(t, a, 7, "org_a")
	record(t, a, 5, "org_b")
	a.Must(a.Audit.Housekeep(t.Context()))
	a.Must(a.Audit.Housekeep(t.Context())) // once a day
	record(t, a, 1, "org_a")
	a.Clock.Advance(25 * time.Hour)
	a.Must(a.Audit.Housekeep(t.Context()))
	all, err := store.Read(t.Context(), a.DB, func(tx *store.Tx) ([]audit.Entry, error) {
		return audit.List(tx, audit.Filter{Action: "audit.counted"})
	})
	a.Must(err)
	if len(all) != 2 || number(all[0].Details["orgs"]) != 1 || number(all[1].Details["orgs"]) != 2 || strings.Contains(string(all[1].Body), "org_a") {
		t.Errorf("%+v", all)
	}
	if got := all[0].Personal["events"]; got != "8" {
		t.Errorf("org_a counts %s", got)
	}
}

// A log at an address is verified over HTTP, with the entries by key.
func TestVerifyOverHTTP(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	record(t, a, 700, "org_a")
	a.Browser().Get("/-/audit/log/checkpoint").Want(404) // nothing is signed yet
	a.Must(a.Audit.Checkpoint(t.Context()))
	record(t, a, 5, "org_a")
	p := a.Browser().Get("/-/audit/log/checkpoint").Want(200, "/-/audit/log\n701\n")
	if got := p.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("content type %s", got)
	}
	_, secret, err := a.Auth.MakeKey(t.Context(), authKey("audit:read"))
	a.Must(err)
	src := verify.NewWeb(a.URL+"/-/audit/log", secret)
	r, err := verify.Tiles(t.Context(), src, verify.Options{Keys: keysOf(t, a)})
	if err != nil || !r.OK() || r.Events != 701 {
		t.Errorf("%+v, %v", r, err)
	}
	src.Token = ""
	if _, err := verify.Tiles(t.Context(), src, verify.Options{}); err == nil || !strings.Contains(err.Error(), "audit:read") {
		t.Errorf("without a key: %v", err)
	}
	b := a.Browser()
	for path, status := range map[string]int{"tile/0/000": 200, "tile/0/001": 200, "tile/0/002.p/189": 200, "tile/0/002.p/190": 404, "tile/0/002": 404, "tile/1/000.p/2": 200, "tile/1/000.p/3": 404,
		"tile/2/000": 404, "tile/0/003": 404, "tile/0/0": 404, "2/checkpoint": 404, "1/checkpoint": 404, "keys": 200, "tile/0/000.p/17": 200, "nothing": 404} {
		p := b.Do(http.MethodGet, "/-/audit/log/"+path, "", "")
		if p.Status != status {
			t.Errorf("%s: %d, want %d", path, p.Status, status)
		}
		if status == 200 && strings.HasPrefix(path, "tile/") && !strings.Contains(p.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %q", path, p.Header.Get("Cache-Control"))
		}
	}
}
