package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/observe"
)

// anAlert is the id of an alert that fires, about an error of a rather long name.
func anAlert(a *apptest.App) string {
	a.T.Helper()
	a.Observe.Capture(a.T.Context(), errors.New("the harbour is closed, and this is a rather long message that says so without any blank: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
	a.Observe.Flush()
	a.Must(a.Observe.Look(a.T.Context()))
	all := a.Observe.Firing()
	if len(all) == 0 {
		a.T.Fatal("nothing fires")
	}
	return all[len(all)-1].ID
}

func TestAlertPages(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Operator("grace@example.com")
	b.Get("/-/admin/alerts").Want(200, "Nothing fires")
	b.Get("/-/admin/observe").Want(200, "Everything was kept")
	if page := b.Get("/-/admin"); strings.Contains(page.Body, "need a look\"") {
		t.Error("a badge while nothing fires")
	}
	id := anAlert(a)
	b.Get("/-/admin").Want(200, "need a look")
	a.Clock.Advance(11 * time.Second)
	a.Observe.Flush()
	b.Get("/-/admin/observe").Want(200, "New error", "GET /-/admin")
	b.Get("/-/admin/observe?range=no").Want(422)
	b.Get("/-/admin/alerts").Want(200, "New error", "Acknowledge")
	b.Post("/-/admin/alerts/"+id, "act", "silenced", "minutes", "60").Want(200, "held back")
	b.Post("/-/admin/alerts/"+id, "act", "acknowledged").Want(200, "somebody looks after it", "by grace@example.com")
	b.Post("/-/admin/alerts/"+id, "act", "resolved").Want(200, "The alert is over")
	b.Post("/-/admin/alerts/"+id, "act", "resolved").Want(409)
	b.Get("/-/admin/alerts/alt_none").Want(404)
	b.Post("/-/admin/alerts/rules/disk", "enabled", "on", "bound", "25", "minutes", "2", "act", "set").Want(200, "The rule is set")
	b.Post("/-/admin/alerts/rules/disk", "act", "reset").Want(200, "as it was at first")
	b.Post("/-/admin/alerts/rules/disk", "enabled", "on", "bound", "-3", "minutes", "2", "act", "set").Want(422)
	made := b.Post("/-/admin/alerts/channels", "name", "On call", "kind", "webhook", "url", a.URL+"/nowhere", "to", "", "level", "critical", "per_hour", "6").Want(200, "whsec_", "not shown again")
	if made.Header.Get("Cache-Control") != "no-store" {
		t.Error("the page with the secret may be cached")
	}
	b.Get("/-/admin/alerts/settings").Want(200, "On call").Without("whsec_", "/nowhere")
	var c observe.Channel
	for _, one := range must(a.Observe.Channels(t.Context())) {
		if one.Name == "On call" {
			c = one
		}
	}
	at := "/-/admin/alerts/channels/" + c.ID
	b.Post(at, "act", "tested").Want(200, "on its way")
	b.Post(at, "act", "changed", "name", "On duty", "url", "", "level", "all", "per_hour", "2").Want(200, "The channel is changed", "On duty", "off")
	b.Post(at, "act", "deleted").Want(200, "The channel is deleted").Without("On duty")
	b.Post(at, "act", "tested").Want(404)
}

// A critical alert that nobody looks after is above every page of the console.
func TestCriticalAlertIsABanner(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Operator("grace@example.com")
	a.Key("alerts:*").Do("PATCH", "/-/api/v1/alert-rules/issue_new", "application/json", `{"critical":true}`).Want(200)
	id := anAlert(a)
	b.Get("/-/admin/users").Want(200, "New error: the harbour is closed", "Look at the alert")
	b.Post("/-/admin/alerts/"+id, "act", "acknowledged").Want(200)
	b.Get("/-/admin/users").Want(200).Without("the harbour is closed")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// driveAlerts does what each route of alerts is for, once.
func driveAlerts(a *apptest.App) map[string]func() {
	key := func() *apptest.Browser { return a.Key("alerts:manage", "alerts:read") }
	alert := func() string { // one more
		a.Observe.Capture(a.T.Context(), errors.New("the harbour is closed for "+strings.Repeat("x", a.Count("observe_alert")+1)))
		a.Observe.Flush()
		a.Must(a.Observe.Look(a.T.Context()))
		return a.Observe.Firing()[0].ID
	}
	silence := func() string {
		return must(a.Observe.MakeSilence(a.T.Context(), observe.SilenceChange{Rule: "disk", Minutes: 5})).ID
	}
	channel := func() string {
		name, kind, to := "duty "+strings.Repeat("x", a.Count("observe_channel")), "mail", "duty@example.com"
		return must(a.Observe.MakeChannel(a.T.Context(), observe.ChannelChange{Name: &name, Kind: &kind, To: &to})).ID
	}
	return map[string]func(){
		"POST /-/api/v1/alerts/{id}/acknowledge": func() { key().PostJSON("/-/api/v1/alerts/"+alert()+"/acknowledge", nil).Want(200) },
		"POST /-/api/v1/alerts/{id}/resolve":     func() { key().PostJSON("/-/api/v1/alerts/"+alert()+"/resolve", nil).Want(200) },
		"PATCH /-/api/v1/alert-rules/{kind}":     func() { key().Do("PATCH", "/-/api/v1/alert-rules/disk", "application/json", `{"bound":12}`).Want(200) },
		"POST /-/api/v1/alert-silences":          func() { key().PostJSON("/-/api/v1/alert-silences", map[string]any{"minutes": 1}).Want(201) },
		"DELETE /-/api/v1/alert-silences/{id}":   func() { key().Do("DELETE", "/-/api/v1/alert-silences/"+silence(), "", "").Want(204) },
		"POST /-/api/v1/alert-channels": func() {
			key().PostJSON("/-/api/v1/alert-channels", map[string]any{"name": "made", "kind": "mail"}).Want(201)
		},
		"PATCH /-/api/v1/alert-channels/{id}": func() {
			key().Do("PATCH", "/-/api/v1/alert-channels/"+channel(), "application/json", `{"per_hour":2}`).Want(200)
		},
		"DELETE /-/api/v1/alert-channels/{id}":    func() { key().Do("DELETE", "/-/api/v1/alert-channels/"+channel(), "", "").Want(204) },
		"POST /-/api/v1/alert-channels/{id}/test": func() { key().PostJSON("/-/api/v1/alert-channels/"+channel()+"/test", nil).Want(202) },
		"POST /-/admin/alerts/rules/{kind}":       func() { operator(a).Post("/-/admin/alerts/rules/disk", "act", "reset").Want(200) },
		"POST /-/admin/alerts/silences":           func() { operator(a).Post("/-/admin/alerts/silences", "minutes", "30", "note", "").Want(200) },
		"POST /-/admin/alerts/silences/{id}/end":  func() { operator(a).Post("/-/admin/alerts/silences/" + silence() + "/end").Want(200) },
		"POST /-/admin/alerts/channels": func() {
			operator(a).Post("/-/admin/alerts/channels", "name", "by form", "kind", "mail", "level", "all", "per_hour", "6").Want(200)
		},
		"POST /-/admin/alerts/channels/{id}": func() { operator(a).Post("/-/admin/alerts/channels/"+channel(), "act", "tested").Want(200) },
		"POST /-/admin/alerts/{id}":          func() { operator(a).Post("/-/admin/alerts/"+alert(), "act", "acknowledged").Want(200) },
	}
}
