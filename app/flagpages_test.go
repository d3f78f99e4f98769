package app_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
	"seaworthy/app/flags"
)

const flagPages = "/-/admin/flags"

// makeFlag makes a flag by the API, with members beside its variants.
func makeFlag(a *apptest.App, key, more string) {
	a.T.Helper()
	if more != "" {
		more = "," + more
	}
	a.Key("flags:*").Do("PUT", "/-/api/v1/flags/"+key, "application/json", `{"definition":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off"`+more+`}}`).Want(201)
}

// typedFlag is the form of a flag's settings.
func typedFlag(key string, more ...string) []string {
	all := []string{"names", "on", "values", "true", "names", "off", "values", "false", "names", "", "values", "", "default_variant", "off", "off_variant", "off", "owner", "Core",
		"tags", "one, two", "expires", "", "prerequisites", "", "comment", "", "version", "0"}
	if key != "" {
		all = append(all, "key", key)
	}
	for i := 0; i+1 < len(more); i += 2 {
		for k := 0; k < len(all); k += 2 {
			if all[k] == more[i] {
				all[k+1] = more[i+1]
			}
		}
	}
	return all
}

// driveFlags are the mutating routes of flags.
func driveFlags(a *apptest.App) map[string]func() {
	const api = "/-/api/v1/flags"
	n := 0
	fresh := func() string {
		n++
		key := "driven-" + strconv.Itoa(n)
		makeFlag(a, key, "")
		return key
	}
	call := func(method, path, body string) apptest.Page {
		return a.Key("flags:*").Do(method, path, "application/json", body)
	}
	post := func(path string, pairs ...string) { a.T.Helper(); operator(a).Post(flagPages+path, pairs...).Want(200) }
	due := func() string { return a.Clock.Now().Add(time.Hour).Format(time.RFC3339) }
	planned := func(key string) string {
		var made struct{ ID string }
		call("POST", api+"/"+key+"/changes", `{"due_at":"`+due()+`","patch":{"state":"DISABLED"}}`).Want(201).JSON(&made)
		return made.ID
	}
	archived := func() string {
		key := fresh()
		call("DELETE", api+"/"+key, "").Want(200)
		return key
	}
	const rule = `{"rule":{"!!":[{"var":"beta"}]}}`
	segment := func() string {
		n++
		name := "segment-" + strconv.Itoa(n)
		call("PUT", "/-/api/v1/flag-segments/"+name, rule).Want(200)
		return name
	}
	all := map[string]func(){
		"PUT " + api + "/{key}":                    func() { fresh() },
		"PATCH " + api + "/{key}":                  func() { call("PATCH", api+"/"+fresh(), `{"state":"DISABLED"}`).Want(200) },
		"DELETE " + api + "/{key}":                 func() { archived() },
		"POST " + api + "/{key}/unarchive":         func() { call("POST", api+"/"+archived()+"/unarchive", "").Want(200) },
		"POST " + api + "/{key}/restore":           func() { call("POST", api+"/"+fresh()+"/restore", `{"restore":1}`).Want(200) },
		"PUT " + api + "/{key}/kill":               func() { call("PUT", api+"/"+fresh()+"/kill", `{"killed":true,"reason":"driven"}`).Want(200) },
		"PUT " + api + "/{key}/overrides/{target}": func() { call("PUT", api+"/"+fresh()+"/overrides/u1", `{"variant":"on"}`).Want(204) },
		"POST " + api + "/{key}/changes":           func() { planned(fresh()) },
		"PUT " + api + "/kill":                     func() { call("PUT", api+"/kill", `{"all":true,"reason":"driven"}`).Want(200) },
		"POST " + api + "/import": func() {
			call("POST", api+"/import", `{"flags":{"imported":{"state":"ENABLED","variants":{"a":1}}}}`).Want(200)
		},
		"PUT /-/api/v1/flag-segments/{name}":    func() { segment() },
		"DELETE /-/api/v1/flag-segments/{name}": func() { call("DELETE", "/-/api/v1/flag-segments/"+segment(), "").Want(204) },
		"POST " + flagPages + "/-/new":          func() { post("/-/new", typedFlag("by-page")...) },
		"POST " + flagPages + "/{key}/edit":     func() { post("/"+fresh()+"/edit", typedFlag("", "version", "1")...) },
		"POST " + flagPages + "/{key}/json": func() {
			post("/"+fresh()+"/json", "definition", `{"state":"DISABLED","variants":{"on":true}}`, "version", "1", "comment", "")
		},
		"POST " + flagPages + "/{key}/state":              func() { post("/"+fresh()+"/state", "state", "DISABLED") },
		"POST " + flagPages + "/{key}/kill":               func() { post("/"+fresh()+"/kill", "killed", "yes", "reason", "driven", "act", "kill") },
		"POST " + flagPages + "/{key}/override":           func() { post("/"+fresh()+"/override", "target", "u1", "variant", "on") },
		"POST " + flagPages + "/{key}/archive":            func() { key := fresh(); post("/"+key+"/archive", "confirm", key) },
		"POST " + flagPages + "/{key}/unarchive":          func() { post("/" + archived() + "/unarchive") },
		"POST " + flagPages + "/{key}/restore":            func() { post("/"+fresh()+"/restore", "restore", "1", "version", "1") },
		"POST " + flagPages + "/-/segments/{name}/delete": func() { name := segment(); post("/-/segments/"+name+"/delete", "confirm", name) },
		"POST " + flagPages + "/-/kill":                   func() { post("/-/kill", "what", "nothing", "reason", "driven back") },
		"POST " + flagPages + "/-/import":                 func() { post("/-/import", "file", `{"flags":{"imported2":{"state":"ENABLED","variants":{"a":1}}}}`) },
	}
	all["DELETE "+api+"/{key}/overrides/{target}"] = func() {
		key := fresh()
		call("PUT", api+"/"+key+"/overrides/u1", `{"variant":"on"}`).Want(204)
		call("DELETE", api+"/"+key+"/overrides/u1", "").Want(204)
	}
	all["DELETE "+api+"/{key}/changes/{id}"] = func() {
		key := fresh()
		call("DELETE", api+"/"+key+"/changes/"+planned(key), "").Want(204)
	}
	all["POST "+flagPages+"/{key}/rules"] = func() {
		post("/"+fresh()+"/rules", "of", "1", "attributes", "plan", "operators", "is", "values", "team", "order", "1", "serves", "on", "splits", "", "version", "1", "comment", "")
	}
	all["POST "+flagPages+"/{key}/rollout"] = func() {
		post("/"+fresh()+"/rollout", "variants", "on", "weights", "10", "variants", "off", "weights", "90", "by", "", "version", "1")
	}
	all["POST "+flagPages+"/{key}/schedule"] = func() {
		post("/"+fresh()+"/schedule", "due_at", a.Clock.Now().Add(time.Hour).Format("2006-01-02T15:04"), "what", "off", "variant", "on", "percent", "", "comment", "")
	}
	all["POST "+flagPages+"/{key}/unschedule"] = func() {
		key := fresh()
		post("/"+key+"/unschedule", "id", planned(key))
	}
	all["POST /-/admin/users/{id}/flag"] = func() {
		operator(a).Post("/-/admin/users/"+a.UserID("op@example.com")+"/flag", "act", "flag", "flag", fresh(), "variant", "on").Want(200, "gets on")
	}
	segmentForm := []string{"about", "", "how", "words", "attributes", "beta", "operators", "set", "values", "", "rule", "", "comment", "", "version", "1"}
	all["POST "+flagPages+"/-/new-segment"] = func() { post("/-/new-segment", append(segmentForm, "name", "by-page")...) }
	all["POST "+flagPages+"/-/segments/{name}"] = func() {
		post("/-/segments/"+segment(), "about", "changed", "how", "json", "rule", `{"!":[{"var":"beta"}]}`, "comment", "", "version", "1")
	}
	twice := func() string {
		name := segment()
		call("PUT", "/-/api/v1/flag-segments/"+name, `{"rule":{"!!":[{"var":"gamma"}]},"version":1}`).Want(200)
		return name
	}
	all["POST /-/api/v1/flag-segments/{name}/restore"] = func() { call("POST", "/-/api/v1/flag-segments/"+twice()+"/restore", `{"restore":1}`).Want(200) }
	all["POST "+flagPages+"/-/segments/{name}/restore"] = func() { post("/-/segments/"+twice()+"/restore", "restore", "1", "version", "2") }
	return all
}

func TestConsoleOfFlags(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	grace.Get(flagPages).Want(200, "No flags yet", "Make a flag")
	grace.Get(flagPages+"/-/new").Want(200, "Make the flag", `value="off"`)
	a.RunJobs()
	a.Forget()
	grace.Post(flagPages+"/-/new", typedFlag("new-invoice", "prerequisites", "oops")...).Want(422, "One a line", "oops")
	grace.Post(flagPages+"/-/new", typedFlag("new invoice", "default_variant", "maybe", "owner", strings.Repeat("x", 101))...).Want(422, "1 to 128 letters")
	grace.Post(flagPages+"/-/new", typedFlag("new-invoice", "default_variant", "maybe", "owner", strings.Repeat("x", 101))...).Want(422, "none of the variants", "At most 100", "f-default_variant-error")
	a.ExpectNothing()
	grace.Post(flagPages+"/-/new", typedFlag("new-invoice")...).Want(200, "The flag is made", "Everybody", "gets off", "Core", "one")
	a.Expect(apptest.Happened{Audit: []string{"flag.created"}, Rows: map[string]int{"flags_flag": 1, "flags_version": 1, "flags_reference": 2}})
	grace.Post(flagPages+"/-/new", typedFlag("new-invoice")...).Want(409, "There is a flag with this key already")

	// The growing variant stands first; the default, which it takes from, behind it.
	grace.Get(flagPages+"/new-invoice").Want(200, "Rollout", `name="weights" value="100"`)
	grace.Post(flagPages+"/new-invoice/rollout", "act", "rollout", "variants", "on", "weights", "25", "variants", "off", "weights", "75", "by", "org", "version", "1").Want(200, "The rollout is changed", "on 25 %, off 75 % by org")
	grace.Post(flagPages+"/new-invoice/rollout", "act", "rollout", "variants", "on", "weights", "many", "variants", "off", "weights", "75", "by", "", "version", "2").Want(422, "A weight is a whole number")
	grace.Post(flagPages+"/new-invoice/rollout", "act", "rollout", "variants", "on", "weights", "1", "variants", "off", "weights", "75", "by", "", "version", "1").Want(409, "Somebody changed this flag")

	// Rules in words, and back.
	rules := []string{"of", "1", "attributes", "plan", "operators", "is", "values", "team, pro", "of", "1", "attributes", "", "operators", "is", "values", "", "order", "2", "serves", "on", "splits", "",
		"of", "2", "attributes", "roles", "operators", "contains", "values", "admin", "order", "1", "serves", "rollout", "splits", "on 50, off 50", "version", "2", "comment", "for teams"}
	grace.Post(flagPages+"/new-invoice/rules", rules...).Want(200, "The flag is changed", "roles contains admin", "get on 50 %, off 50 %", "plan is one of team, pro", "on 25 %, off 75 %")
	if f := definitionOf(a, "new-invoice"); !strings.Contains(f, `{"if":[{"in":["admin",{"var":"roles"}]},{"fractional":[["on",50],["off",50]]},{"in":[{"var":"plan"},["team","pro"]]},"on",{"fractional":[{"cat"`) {
		t.Error(f)
	}
	grace.Get(flagPages+"/new-invoice/rules").Want(200, `value="team, pro"`, "Another rule")
	rules[len(rules)-3] = "3"
	rules[5], rules[7] = "gt", "many"
	grace.Post(flagPages+"/new-invoice/rules", rules...).Want(422, "needs a number", `value="many"`)

	// What words cannot say is JSON alone.
	grace.Post(flagPages+"/new-invoice/json", "definition", `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"some":[{"var":"x"},{"==":[{"var":""},1]}]},"on"]}}`, "version", "3", "comment", "").
		Want(200, "more of JsonLogic than plain rules", "some").Without("Save the rollout")
	grace.Get(flagPages+"/new-invoice/rules").Want(200, "These rules are JSON", "Edit as JSON")
	grace.Post(flagPages+"/new-invoice/json", "definition", `{"state":"ENABLED","variants":{"on":true},"targeting":{"nope":[1]}}`, "version", "4", "comment", "").Want(422, "no operator", "nope")
	grace.Post(flagPages+"/new-invoice/json", "definition", `{`, "version", "4", "comment", "").Want(422, "not valid JSON")
	grace.Get(flagPages+"/new-invoice/history").Want(200, "Version 4", "for teams", "targeting", "Restore version 1")
	grace.Post(flagPages+"/new-invoice/restore", "restore", "3", "version", "4").Want(200, "what it was in that version", "plan is one of team, pro")

	// Explain: a rule that holds, in words.
	grace.Get(flagPages+"/new-invoice/explain?context=%7B%22plan%22%3A%22team%22%7D").Want(200, "They get on", "Step by step", "TARGETING_MATCH")
	grace.Get(flagPages+"/new-invoice/explain?context=%7B").Want(422, "A JSON object of attributes")
	grace.Get(flagPages+"/new-invoice/explain?user="+a.UserID("grace@example.com")).Want(200, "Step by step", "signed_up_at", "operator")

	grace.Post(flagPages+"/new-invoice/override", "act", "override", "target", "u-7", "variant", "on").Want(200, "The override is changed", "u-7")
	grace.Post(flagPages+"/new-invoice/override", "target", "u-7").Want(200, "No overrides")
	grace.Post(flagPages+"/new-invoice/schedule", "act", "schedule", "due_at", "2026-11-23T09:00", "what", "rollout", "variant", "on", "percent", "50", "comment", "week two").Want(200, "The change is planned", "roll out on 50 %, off 50 %", "week two")
	grace.Post(flagPages+"/new-invoice/schedule", "act", "schedule", "due_at", "tomorrow", "what", "on", "variant", "on", "percent", "", "comment", "").Want(422, "A day and a time")
	grace.Post(flagPages+"/new-invoice/unschedule", "id", a.Query(`SELECT id FROM flags_change`)).Want(200, "dropped", "cancelled")
	grace.Post(flagPages+"/new-invoice/kill", "act", "kill", "killed", "yes", "reason", "").Want(422, "Say why")
	grace.Post(flagPages+"/new-invoice/kill", "act", "kill", "killed", "yes", "reason", "it eats money").Want(200, "This flag is killed", "Revive")
	grace.Post(flagPages+"/new-invoice/archive", "act", "archive", "confirm", "x").Want(422, "Type the key")
	grace.Post(flagPages+"/new-invoice/archive", "act", "archive", "confirm", "new-invoice").Want(200, "archived", "Bring this flag back")
	grace.Post(flagPages+"/new-invoice/unarchive").Want(200, "evaluated again")
}

func definitionOf(a *apptest.App, key string) string {
	return a.Query(`SELECT definition FROM flags_flag WHERE key = ?`, key)
}

// While the kill switch is on, every page of the console says so.
func TestKillSwitchIsToldOnEveryPage(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	makeFlag(a, "f", `"x-seaworthy":{"killExempt":true}`)
	a.RunJobs()
	a.Forget()
	grace.Post(flagPages+"/-/kill", "what", "all", "confirm", "kill", "reason", "the site is down").Want(422, "Type kill all flags", `value="the site is down"`)
	grace.Post(flagPages+"/-/kill", "what", "tags", "tags", "", "reason", "the site is down").Want(422, "Name a tag")
	grace.Post(flagPages+"/-/kill", "what", "all", "confirm", "kill all flags", "reason", "").Want(422, "Say why")
	a.ExpectNothing()
	grace.Post(flagPages+"/-/kill", "what", "all", "confirm", "kill all flags", "reason", "the site is down").Want(200, "All flags are killed", "One flag is exempt")
	a.Expect(apptest.Happened{Audit: []string{"flags.killed"}})
	for _, path := range []string{"/-/admin", "/-/admin/users", "/-/admin/jobs", flagPages, flagPages + "/f"} {
		grace.Get(path).Want(200, "All flags are killed since 22 Nov 2026, 14:05 UTC: the site is down")
	}
	a.Verified("ada@example.com").Get("/-/account").Want(200).Without("the site is down")
	grace.Post(flagPages+"/-/kill", "what", "nothing", "reason", "it is up again").Want(200, "Flags go by their rules").Without("All flags are killed since")
	grace.Get("/-/admin").Want(200).Without("the site is down")
}

func TestConsoleOfFlagsNeedsItsPermissions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	makeFlag(a, "f", "")
	ada := a.Verified("ada@example.com")
	a.Grant("ada@example.com", "console:read")
	ada.Get(flagPages).Want(403)
	a.Grant("ada@example.com", "console:read", "flags:read")
	a.Forget()
	ada.Get(flagPages).Want(200, "f").Without("New flag", "Import<")
	ada.Get(flagPages+"/f").Want(200, "Who gets what").Without("Switch off", "Save the rollout", "Kill this flag", "Archive this flag", "Add an override")
	ada.Get(flagPages + "/f/json").Want(200).Without("Save the definition")
	ada.Get(flagPages+"/-/kill").Want(200, "flags:kill").Without("Kill all flags")
	for _, path := range []string{"/f/edit", "/f/rules", "/f/state", "/f/rollout", "/f/kill", "/f/override", "/f/schedule", "/f/archive", "/f/restore", "/-/new", "/-/new-segment", "/-/kill", "/-/import"} {
		ada.Post(flagPages + path).Want(403)
	}
	a.ExpectNothing()
}

// An operator looks at flags, wide and narrow, light and dark.
func TestConsoleOfFlagsInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	call := a.Key("flags:*")
	call.Do("PUT", "/-/api/v1/flag-segments/beta-testers", "application/json", `{"rule":{"and":[{"in":["beta",{"var":"roles"}]},{">":[{"var":"signed_up_at"},1700000000]}]},"about":"People who asked to try new things early"}`).Want(200)
	call.Do("PUT", "/-/api/v1/flag-segments/beta-testers", "application/json", `{"rule":{"and":[{"in":["beta",{"var":"roles"}]},{">":[{"var":"signed_up_at"},1750000000]}]},"about":"People who asked to try new things early","comment":"who came before the redesign is left in peace","version":1}`).Want(200)
	makeFlag(a, "checkout.v2", `"x-seaworthy":{"clientVisible":true}`)
	makeFlag(a, "new-invoice", `"targeting":{"if":[{"$ref":"beta-testers"},"on",{"and":[{"in":[{"var":"plan"},["team","pro"]]},{"ends_with":[{"var":"email"},"@example.com"]}]},"on",{"fractional":[["on",25],["off",75]]}]},
		"x-seaworthy":{"owner":"Billing team","tags":["billing","invoices"],"expires":"2026-11-01","offVariant":"off","prerequisites":[{"flag":"checkout.v2","variants":["on","off"]}]}`)
	makeFlag(a, "a-very-long-name-of-a-flag-that-somebody-thought-of-and-nobody-stopped", `"targeting":{"if":[{"some":[{"var":"x"},{"==":[{"var":""},1]}]},"on"]},"x-seaworthy":{"killed":true}`)
	call.Do("PATCH", "/-/api/v1/flags/new-invoice", "application/json", `{"rollout":{"shares":[{"variant":"on","weight":40},{"variant":"off","weight":60}]},"comment":"the first week went well"}`).Want(200)
	call.Do("PUT", "/-/api/v1/flags/new-invoice/overrides/"+a.UserID("grace@example.com"), "application/json", `{"variant":"on"}`).Want(204)
	call.Do("POST", "/-/api/v1/flags/new-invoice/changes", "application/json", `{"due_at":"2026-11-30T09:00:00Z","patch":{"rollout":{"shares":[{"variant":"on","weight":100},{"variant":"off","weight":0}]}},"comment":"launch day"}`).Want(201)
	for i := range 40 {
		a.Must(a.Flags.StoreCounts(t.Context(), []flags.Count{{Key: "new-invoice", Variant: "on", N: int64(300 + 40*(i%9))}, {Key: "new-invoice", Variant: "off", N: int64(900 - 30*(i%7))},
			{Key: "new-invoice", Variant: "on", N: int64(20 + i), Bulk: true}, {Key: "new-invoice", Variant: "off", N: int64(60 + i%5), Bulk: true}}))
		a.Clock.Advance(time.Hour)
	}
	grace = signedIn(a, "grace@example.com")
	pages := []struct{ name, path, needs string }{
		{"flags", flagPages, "#list table"}, {"flags-none", flagPages + "?q=nothing", ".empty"}, {"flag", flagPages + "/new-invoice", ".chart canvas"},
		{"flag-json-only", flagPages + "/a-very-long-name-of-a-flag-that-somebody-thought-of-and-nobody-stopped", ".flag-json"}, {"flag-new", flagPages + "/-/new", "#f-key"},
		{"flag-edit", flagPages + "/new-invoice/edit", "#f-tags"}, {"flag-rules", flagPages + "/new-invoice/rules", ".rule"}, {"flag-json", flagPages + "/new-invoice/json", "#f-definition"},
		{"flag-history", flagPages + "/new-invoice/history", ".diff"}, {"flag-explain", flagPages + "/new-invoice/explain?user=" + a.UserID("grace@example.com"), "ol.trace"},
		{"segments", flagPages + "/-/segments", ".table"}, {"segment", flagPages + "/-/segments/beta-testers", ".rule"}, {"segment-history", flagPages + "/-/segments/beta-testers/history", ".diff"}, {"kill", flagPages + "/-/kill", ".danger-zone"}, {"import", flagPages + "/-/import", "#f-file"},
		{"user", "/-/admin/users/" + a.UserID("grace@example.com"), "#flags"},
	}
	look := func(width int, theme string) {
		ctx, said := chromium(t, width, 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
		signedInAs(t, ctx, a, grace)
		a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+flagPages)))
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`(localStorage.setItem("theme", "`+theme+`"), true)`)); err != nil {
			t.Fatal(err)
		}
		for _, p := range pages {
			a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+p.path)))
			if !shows(t, ctx, p.needs) {
				t.Errorf("%s has no %s", p.path, p.needs)
			}
			fits(t, ctx, p.path)
			faultless(t, ctx, p.path)
			keep(t, ctx, fmt.Sprintf("%s-%d-%s", p.name, width, theme))
		}
		for _, s := range said() {
			t.Errorf("the browser complains: %s", s)
		}
	}
	look(1280, "light")
	look(360, "light")
	call.Do("PUT", "/-/api/v1/flags/kill", "application/json", `{"all":true,"reason":"the payment provider is down"}`).Want(200)
	look(1280, "dark")
	look(360, "dark")
}
