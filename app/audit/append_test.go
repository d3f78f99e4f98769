package audit_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

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
	// What is nested as deep as a body may be can be read back: one event must not spoil the list.
	deep := strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000)
	for _, d := range []string{deep, "[" + strings.Repeat("[", 9_996) + strings.Repeat("]", 9_996) + "]", strings.Repeat("[", 9_998) + strings.Repeat("]", 9_998)} {
		p := key.Do("POST", "/-/api/v1/audit/events", "application/json", `{"action":"invoice.deleted","actor":{"type":"person","id":"7"},"details":{"a":`+d+`}}`)
		if p.Status != 201 && p.Status != 400 {
			t.Errorf("%d levels: %d", len(d)/2, p.Status)
		}
		key.Get("/-/api/v1/audit/events?limit=5").Want(200)
	}
	a.Forget()
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
