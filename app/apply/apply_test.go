package apply_test

import (
	"strings"
	"testing"

	"seaworthy/app/apply"
	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/store"
)

const whole = `# all of it
version: 1
permissions:
  items:
    reports:read: {title: Read reports, roles: [admin]}
roles:
  items:
    Analyst:
      permissions: [reports:read]
endpoints:
  items:
    worker: {url: "https://worker.example.com/jobs", concurrency: 4}
schedules:
  items:
    nightly:
      cron: "0 3 * * *"
      kind: report.nightly
      endpoint: worker
      args: {"full": true, "note": "a < b"}
segments:
  items:
    staff:
      rule: {ends_with: [{var: email}, "@acme.example"]}
flags:
  items:
    beta:
      state: ENABLED
      variants: {on: true, off: false}
      defaultVariant: off
      targeting: {if: [{$ref: staff}, on]}
      x-seaworthy: {prerequisites: [{flag: alpha, variants: [on]}], expires: 2027-01-31}
    alpha:
      state: ENABLED
      variants: {on: true, off: false}
      defaultVariant: on
plans:
  items:
    free: {kind: free, name: Free, limits: {seats: {value: 3}}}
    team:
      kind: plan
      name: Team
      rank: 10
      features: [export, api]
      limits:
        seats: {unlimited: true}
brand:
  name: Acme
  accent: "#0f5c8c"
access:
  rules:
    - {path: /admin/**, roles: [Analyst]}
    - {path: /export, features: [export], limits: {seats: 2}}
    - path: /beta
      who: public
      flag: beta
`

func post(by *apptest.Browser, file string) apptest.Page {
	return by.Do("POST", "/-/api/v1/apply", "application/yaml", file)
}

// One file makes all of it, in one transaction with an event for each change; applied again
// it changes nothing and records nothing.
func TestWholeFile(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	op := a.Key("*")
	a.Forget()
	post(op, whole).Want(200, `"section":"permissions","name":"permission reports:read","act":"created"`, `"name":"role Analyst"`, `"name":"flag beta"`, `"name":"plan team"`,
		`"name":"rule 3"`, `"fields":["name","accent"]`)
	want := []string{"permission.declared", "role.created", "job_endpoint.created", "schedule.created", "flag_segment.saved", "flag.created", "flag.created", "plan.created", "plan.created", "brand.changed", "access_rules.changed", "configuration.applied"}
	events := a.Events(20)
	got := map[string]int{}
	for _, e := range events[:len(want)] {
		got[string(e.Action)]++
		if !strings.Contains(string(e.Body), `"file_sha256":"`) || e.Actor.Type != "key" {
			t.Errorf("%s does not say which file and whose: %s", e.Action, e.Body)
		}
	}
	if got["flag.created"] != 2 || got["plan.created"] != 2 || got["access_rules.changed"] != 1 || got["configuration.applied"] != 1 {
		t.Errorf("%v", got)
	}
	a.Forget()
	post(op, whole).Want(200, `"changes":[]`)
	a.ExpectNothing()
	if !a.Flags.IsOn("alpha", map[string]any{"targetingKey": "x"}) {
		t.Error("the flag does not count yet")
	}
	op.PostJSON("/-/api/v1/access/test", map[string]any{"path": "/admin/x"}).Want(200, `"allowed":false`)
	op.Get("/-/api/v1/apply").Want(200, `"name":"plans"`, `"items":["free","team"]`, `"source":"hand"`)
}

// What is exported, applied elsewhere, makes the same; applied here it changes nothing.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	a, b := apptest.New(t, apptest.WithoutLimits), apptest.New(t, apptest.WithoutLimits)
	from, to := a.Key("*"), b.Key("*")
	post(from, whole).Want(200)
	// What people write by other ways, and YAML could misread.
	from.Do("PUT", "/-/api/v1/flags/odd", "application/json", `{"definition":{"state":"ENABLED","variants":{"on":"\u003cb\u003e","no":"1_0","~":"a: b # c\n\u0085\u2028"},"defaultVariant":"no","metadata":{"n":1.50,"e":1e3}}}`).Want(201)
	from.Do("PUT", "/-/api/v1/jobs/schedules/odd", "application/json", `{"cron":"*/5 * * * *","kind":"odd","endpoint":"worker","args":{ "x" : "\u003c", "yes":[true,"true"]}}`).Want(201)
	file := string(from.Get("/-/api/v1/export").Want(200).Body)
	a.Forget()
	post(from, file).Want(200)
	a.Forget()
	if page := post(from, file).Want(200, `"changes":[]`); page.Status != 200 {
		t.Error(file)
	}
	a.ExpectNothing()
	post(to, file).Want(200)
	if again := string(to.Get("/-/api/v1/export").Want(200).Body); again != file {
		t.Errorf("exported there:\n%s\nhere:\n%s", again, file)
	}
	from.Get("/-/api/v1/export?section=plans").Want(200, "plans:", "unlimited: true")
	from.Get("/-/api/v1/export?section=nothing").Want(422, "There is no such section")
	a.Key("access:read").Get("/-/api/v1/export").Want(200, "access:")
	a.Key("access:read").Get("/-/api/v1/export?section=plans").Want(403)
}

// A file of which any part has a fault changes nothing, and each fault is told with its line.
func TestHalfValidFile(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	op := a.Key("*")
	a.Forget()
	for name, c := range map[string]struct{ file, field, words string }{
		"unknown section":   {"plans: {}\ncolours: {}\n", "colours", "Line 2: There is no such section"},
		"unknown key":       {"brand:\n  name: Acme\nplans:\n  items:\n    a:\n      kind: plan\n      name: A\n      rnak: 1\n", "plans.items.a.rnak", "Line 8"},
		"doubled key":       {"plans:\n  items:\n    a: {kind: plan, name: A}\n    a: {kind: plan, name: B}\n", "plans.items.a", "Line 4: This key stands in line 3 already"},
		"doubled section":   {"brand: {name: A}\nbrand: {name: B}\n", "brand", "Line 2"},
		"wrong type":        {"plans:\n  items:\n    a:\n      kind: plan\n      name: A\n      rank: high\n", "plans.items.a.rank", "Line 6: Expected a whole number"},
		"faulty value":      {"brand:\n  name: Acme\naccess:\n  rules:\n    - {path: /a}\n    - path: /**/b\n", "access.rules.1.path", "Line 6"},
		"faulty rule":       {"brand: {name: Acme}\nflags:\n  items:\n    x:\n      state: ENABLED\n      variants: {on: true}\n      targeting: {nothing: [1]}\n", "flags.items.x.targeting", "Line 7"},
		"unknown segment":   {"brand: {name: Acme}\nflags:\n  items:\n    x: {state: ENABLED, variants: {on: true}, targeting: {if: [{$ref: none}, on]}}\n", "flags.items.x", "Line 4"},
		"found late":        {"brand: {name: Acme}\nroles:\n  items:\n    R: {permissions: [nothing:here]}\n", "roles.items.R.permissions", "Line 4: nothing:here is no declared permission"},
		"two free plans":    {"brand: {name: Acme}\nplans:\n  items:\n    a: {kind: free, name: A}\n    b: {kind: free, name: B}\n", "plans.items.b.kind", "Line 5: There is a free plan already"},
		"no endpoint":       {"brand: {name: Acme}\nschedules:\n  items:\n    s: {cron: 0 3 * * *, kind: x, endpoint: gone}\n", "schedules.items.s.endpoint", "Line 4"},
		"an anchor":         {"plans: &a {}\naccess: *a\n", "plans", "Line 1: Anchors"},
		"no YAML":           {"plans: [\n", "", "This is not YAML"},
		"a second document": {"brand: {name: A}\n---\nplans: {}\n", "", "There is a second document"},
		"another version":   {"version: 2\n", "version", "Line 1"},
		"a circle":          {"brand: {name: A}\nflags:\n  items:\n    x: {state: ENABLED, variants: {on: true}, x-seaworthy: {prerequisites: [{flag: y, variants: [on]}]}}\n    y: {state: ENABLED, variants: {on: true}, x-seaworthy: {prerequisites: [{flag: x, variants: [on]}]}}\n", "flags.items.", "Line"},
	} {
		page := post(op, c.file)
		if page.Status != 422 || !strings.Contains(string(page.Body), `"field":"`+c.field) || !strings.Contains(string(page.Body), c.words) {
			t.Errorf("%s: %d %s", name, page.Status, page.Body)
		}
	}
	a.ExpectNothing()
	op.Do("POST", "/-/api/v1/apply", "text/plain", "x").Want(415)
	op.Do("POST", "/-/api/v1/apply?dry_run=perhaps", "application/yaml", "x").Want(422)
}

// A trial tells the truth and changes nothing.
func TestTrial(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	op := a.Key("*")
	post(op, whole).Want(200)
	a.Forget()
	changed := strings.NewReplacer("roles: [Analyst]}", "roles: [Analyst], permission: reports:read}", "name: Team", "name: Teams", "concurrency: 4", "concurrency: 5").Replace(whole)
	page := op.Do("POST", "/-/api/v1/apply?dry_run=true", "application/yaml", changed).Want(200, `"dry_run":true`, `"name":"rule 1","act":"changed","fields":["permission"]`, `"name":"plan team","act":"changed","fields":["name"]`, `"fields":["concurrency"]`)
	if n := strings.Count(string(page.Body), `"act"`); n != 3 {
		t.Errorf("%d changes are told: %s", n, page.Body)
	}
	a.ExpectNothing()
	op.Get("/-/api/v1/export?section=plans").Want(200, "name: Team\n")
}

// What the file does not have stays, unless the section says prune: then it goes as gently
// as each system lets things go.
func TestPrune(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	op := a.Key("*")
	post(op, whole).Want(200)
	a.Forget()
	post(op, "plans:\n  items: {}\nroles: {}\naccess:\n  rules: []\n").Want(200, `"changes":[]`)
	post(op, "access:\n  rules:\n    - {path: /new, who: public}\n").Want(200, `"name":"rule 1","act":"created"`)
	op.Get("/-/api/v1/access/rules").Want(200, `"/new"`, `"/admin/**"`)
	gone := post(op, "permissions: {prune: true}\nroles: {prune: true}\nendpoints: {prune: true}\nschedules: {prune: true}\nsegments: {prune: true}\nflags:\n  prune: true\nplans:\n  prune: true\n  items:\n    basic: {kind: free, name: Basic}\nbrand: {prune: true}\naccess: {prune: true}\n")
	gone.Want(200, `"name":"permission reports:read","act":"removed"`, `"name":"role Analyst","act":"removed"`, `"name":"endpoint worker","act":"removed"`, `"name":"schedule nightly","act":"removed"`,
		`"name":"segment staff","act":"removed"`, `"name":"flag alpha","act":"removed"`, `"name":"plan team","act":"changed","fields":["archived"]`, `"name":"plan basic","act":"created"`, `"name":"brand","act":"changed"`, `"name":"rule 1","act":"removed"`)
	op.Get("/-/api/v1/export?section=flags").Want(200, "items: {}")
	// A role that somebody has is not taken from him.
	post(op, "roles:\n  items:\n    Held: {permissions: []}\n").Want(200)
	org := a.PersonalOrg(func() string { a.Verified("ada@example.com"); return "ada@example.com" }())
	role := a.Query(`SELECT id FROM auth_role WHERE name = 'Held'`)
	op.PostJSON("/-/api/v1/admin/orgs/"+org+"/keys", nil)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO auth_role_binding (id, principal_kind, principal_id, org_id, role_id, created_at) VALUES ('rbd_t', 'user', ?, ?, ?, 0)`, a.UserID("ada@example.com"), org, role)
		return err
	}))
	post(op, "roles: {prune: true}\n").Want(422, "Somebody has the role Held")
}

// What was switched by hand because something burns is not switched back by a restart.
func TestKilledFlagStaysKilled(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	op := a.Key("*")
	post(op, whole).Want(200)
	op.Do("PUT", "/-/api/v1/flags/alpha/kill", "application/json", `{"killed":true,"reason":"it burns"}`).Want(200)
	a.Forget()
	post(op, whole).Want(200, `"changes":[]`)
	a.ExpectNothing()
	post(op, strings.Replace(whole, "defaultVariant: on\n", "defaultVariant: off\n", 1)).Want(200, `"flag alpha"`)
	op.Get("/-/api/v1/flags/alpha").Want(200, `"state":"killed"`)
}

// Each section needs the permission that its system asks for.
func TestPermissions(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	some := a.Key("access:manage", "flags:manage")
	post(some, "access:\n  rules:\n    - {path: /a}\n").Want(200)
	post(some, "access:\n  rules: []\nplans: {}\n").WantProblem(403, "forbidden")
	post(some, "flags: {prune: true}\n").Want(200)
	post(a.Browser(), "version: 1\n").Want(401)
	// Nobody gives by a file what he does not have himself.
	post(a.Key("permissions:manage"), "roles:\n  items:\n    Boss: {permissions: [org:settings]}\n").Want(403, "You do not have org:read yourself")
}

// A rule that nobody can pass is told of; the more if it closes the front door.
func TestLockedOut(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	post(a.Key("*"), "access:\n  rules:\n    - {path: /captains, roles: [captain]}\n    - {path: /**, plans: [gold]}\n").
		Want(200, "rule 1 (/captains) lets nobody in: there is no role captain", "rule 2 (/**) locks everybody out of /: there is no plan gold")
}

// A price that a file describes is made at Stripe once, however often the file is applied.
func TestPricesAreMadeOnce(t *testing.T) {
	t.Parallel()
	stripe := apptest.NewStripe()
	a := apptest.New(t, apptest.WithoutLimits, apptest.Selling(stripe))
	op := a.Key("*")
	const file = "plans:\n  items:\n    pro:\n      kind: plan\n      name: Pro\n      rank: 5\n      make_prices:\n        - {currency: eur, unit_amount: 4900, interval: month}\n"
	post(op, file).Want(200, "a price of 49.00 EUR a month is made at Stripe")
	a.Forget()
	post(op, file).Want(200, `"changes":[]`) // the job has not run yet
	a.ExpectNothing()
	a.RunJobs()
	a.Forget()
	post(op, file).Want(200, `"changes":[]`)
	a.ExpectNothing()
	op.Get("/-/api/v1/export?section=plans").Want(200, "prices: [price_")
}

// The server applies its file at every start, as itself. One with a fault changes nothing
// and does not stop the start.
func TestStart(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	file := write(t, whole)
	a.Must(a.Apply.Start(t.Context(), file))
	if e := a.Events(1)[0]; e.Actor != (audit.Ref{Type: "system", ID: "seaworthy.yml"}) || e.Action != "configuration.applied" {
		t.Errorf("%+v", e)
	}
	a.Forget()
	a.Must(a.Apply.Start(t.Context(), file))
	a.ExpectNothing()
	a.Must(a.Apply.Start(t.Context(), write(t, whole+"nonsense: 1\n")))
	a.ExpectNothing()
	if a.Apply.Fault() == "" || !strings.Contains(a.Logs(), "seaworthy.yml was not applied") {
		t.Error("nobody is told of the fault")
	}
	grace := a.Operator("grace@example.com")
	grace.Get("/-/admin").Want(200, "seaworthy.yml was not applied", "Line 56: There is no such section")
	grace.Get("/-/admin/access").Want(200, "This is managed by seaworthy.yml")
	grace.Get("/-/admin/flags/beta").Want(200, "This flag is managed by seaworthy.yml")
	grace.Get("/-/admin/billing/plans/edit?plan=team").Want(200, "This plan is managed by seaworthy.yml")
	grace.Get("/-/admin/jobs/schedules/nightly").Want(200, "This schedule is managed by seaworthy.yml")
	a.Forget()
	a.Must(a.Apply.Start(t.Context(), ""))
	a.Expect(apptest.Happened{Audit: []string{"configuration.released"}, Rows: map[string]int{"apply_section": -9, "apply_item": -11}})
	if page := grace.Get("/-/admin/access").Want(200); strings.Contains(string(page.Body), "managed by seaworthy.yml") {
		t.Error("it is still said to be managed")
	}
	grace.Get("/-/admin/access").Want(200, "/admin/**")
	a.Must(a.Apply.Start(t.Context(), t.TempDir())) // a folder
	if a.Apply.Fault() == "" {
		t.Error("nobody is told that the file cannot be read")
	}
	if _, err := a.Apply.Apply(t.Context(), []byte("plans: 1\n"), apply.Options{}); err == nil {
		t.Error("a section that is a number is taken")
	}
}
