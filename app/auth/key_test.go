package auth_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

func TestKeyIsMadeShownOnceAndRevoked(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Forget()
	k, secret, err := a.Auth.MakeKey(t.Context(), auth.NewKey{Name: " deploy ", Permissions: []string{"jobs:write", "email:*", "jobs:write"}})
	a.Must(err)
	a.Expect(apptest.Happened{Audit: []string{"key.created"}, Rows: map[string]int{"auth_api_key": 1}})
	if !regexp.MustCompile(`^sw_op_[0-9a-hjkmnp-tv-z]{40}$`).MatchString(secret) || k.Prefix != secret[:len("sw_op_")+6] {
		t.Errorf("secret %q, prefix %q", secret, k.Prefix)
	}
	if k.Name != "deploy" || strings.Join(k.Permissions, " ") != "email:* jobs:write" || k.CreatedBy != "system:command" {
		t.Errorf("%+v", k)
	}
	e := a.Events(1)[0]
	if e.Actor.String() != "system:command" || e.Targets[0].String() != "key:"+k.ID || strings.Contains(string(e.Body), secret) || strings.Contains(a.Logs(), secret) {
		t.Errorf("event %s, log %s", e.Body, a.Logs())
	}
	program := a.Bearer(secret)
	program.Get("/-/api/v1/me").Want(200)

	for _, org := range []string{"", auth.AnyOrg} { // again, as any key, changes nothing
		a.Must(a.Auth.RevokeKey(t.Context(), org, k.ID))
	}
	a.Expect(apptest.Happened{Audit: []string{"key.revoked"}})
	program.Get("/-/api/v1/me").WantProblem(401, "bad_token")
	if err := a.Auth.RevokeKey(t.Context(), auth.AnyOrg, "key_unknown"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown key: %v", err)
	}
	a.ExpectNothing()
}

func TestKeysOfOneOrgAreNothingInAnother(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.SignUp("ada@example.com")
	a.SignUp("bea@example.com")
	orgs := []string{"", a.PersonalOrg("ada@example.com"), a.PersonalOrg("bea@example.com")}
	made := map[string]auth.Key{}
	for _, org := range orgs {
		k, secret, err := a.Auth.MakeKey(t.Context(), auth.NewKey{Name: "ci", Org: org, Permissions: []string{"org:read"}})
		a.Must(err)
		if made[org] = k; (org == "") != strings.HasPrefix(secret, "sw_op_") || (org == "") != !strings.HasPrefix(secret, "sw_org_") {
			t.Errorf("the secret of a key of %q begins with %s", org, k.Prefix)
		}
	}
	a.Forget()
	for _, org := range orgs {
		keys, err := a.Auth.Keys(t.Context(), org, "", 10)
		if err != nil || len(keys) != 1 || keys[0].ID != made[org].ID || keys[0].Org != org {
			t.Errorf("keys of %q: %+v, %v", org, keys, err)
		}
		for _, other := range orgs {
			if err := a.Auth.RevokeKey(t.Context(), org, made[other].ID); org != other && !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a key of %q is revoked as one of %q: %v", other, org, err)
			} else if org != other {
				a.ExpectNothing()
			} else {
				a.Must(err)
				a.Expect(apptest.Happened{Audit: []string{"key.revoked"}})
			}
		}
	}
}

func TestKeysAreListedByPages(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	var want, got []string
	for i := range 5 {
		k, _, err := a.Auth.MakeKey(t.Context(), auth.NewKey{Name: fmt.Sprint(i), Permissions: []string{"*"}, Expires: apptest.Epoch.Add(time.Hour)})
		a.Must(err)
		want = append([]string{k.Name}, want...)
	}
	for before := ""; ; {
		page, err := a.Auth.Keys(t.Context(), auth.AnyOrg, before, 2)
		a.Must(err)
		if len(page) == 0 {
			break
		}
		for _, k := range page {
			got, before = append(got, k.Name), k.ID
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	k, err := a.Auth.Keys(t.Context(), "", "", 1)
	a.Must(err)
	if s := k[0].State(apptest.Epoch) + " " + k[0].State(apptest.Epoch.Add(time.Hour)); s != "active expired" {
		t.Errorf("states: %s", s)
	}
}

func TestFaultsOfNewKeysAreNamed(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.SignUp("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	a.Forget()
	for name, c := range map[string]struct {
		n    auth.NewKey
		want string
	}{
		"no name":       {auth.NewKey{Permissions: []string{"*"}}, "name required"},
		"no permission": {auth.NewKey{Name: "ci"}, "permissions required"},
		"two in one":    {auth.NewKey{Name: "ci", Permissions: []string{"a:b c:d"}}, "permissions form"},
		"empty":         {auth.NewKey{Name: "ci", Permissions: []string{""}}, "permissions form"},
		"upper case":    {auth.NewKey{Name: "ci", Permissions: []string{"Org:read"}}, "permissions form"},
		"star of areas": {auth.NewKey{Name: "ci", Permissions: []string{"*:read"}}, "permissions form"},
		"expired":       {auth.NewKey{Name: "ci", Permissions: []string{"*"}, Expires: apptest.Epoch}, "expires_at past"},
		"unknown org":   {auth.NewKey{Name: "ci", Permissions: []string{"org:read"}, Org: "nowhere"}, "org unknown"},
		// Nobody can, and the machine's command line neither: it would open routes of the whole instance.
		"beyond the org": {auth.NewKey{Name: "ci", Permissions: []string{"*"}, Org: org}, "permissions beyond_org"},
		"console":        {auth.NewKey{Name: "ci", Permissions: []string{"org:read", "console:read"}, Org: org}, "permissions beyond_org"},
	} {
		_, secret, err := a.Auth.MakeKey(t.Context(), c.n)
		if got := fault(err); got != c.want || secret != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	a.ExpectNothing()
}

// fault is a refusal in short: its field and code, or its code and words.
func fault(err error) string {
	switch e := web.AsError(err); {
	case err == nil:
		return ""
	case len(e.Fields) > 0:
		return e.Fields[0].Field + " " + e.Fields[0].Code
	default:
		return e.Code + ": " + e.Public
	}
}

// as is a request's context in which somebody asks.
func as(t *testing.T, id web.Identity) context.Context {
	return web.WithOrigin(t.Context(), &web.Origin{RequestID: "req_test", Identity: id})
}

func TestNobodyGivesAKeyWhatHeLacks(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	a.Operator("grace@example.com")
	for _, who := range []string{"ada", "bea", "gone"} {
		a.SignUp(who + "@example.com")
	}
	mine, other := a.PersonalOrg("ada@example.com"), a.PersonalOrg("bea@example.com")
	join(a, other, "ada@example.com", "rol_member")
	person := func(email string) web.Identity {
		// What the session claims is not believed: the rows decide.
		return web.Identity{User: a.Query(`SELECT user_id FROM auth_email WHERE email_norm = ?`, email), Permissions: []string{"*"}}
	}
	key := func(org string, expires time.Time, permissions ...string) web.Identity {
		k, _, err := a.Auth.MakeKey(t.Context(), auth.NewKey{Name: "parent", Org: org, Permissions: permissions, Expires: expires})
		a.Must(err)
		return web.Identity{Key: k.ID, Org: k.Org, Permissions: []string{"*"}}
	}
	revoked := key("", time.Time{}, "*")
	a.Must(a.Auth.RevokeKey(t.Context(), "", revoked.Key))
	gone := person("gone@example.com")
	write(a, `UPDATE auth_user SET status = 'disabled' WHERE id = ?`, gone.User)
	acting := person("ada@example.com")
	acting.Impersonator = person("grace@example.com").User
	soon := apptest.Epoch.Add(time.Hour)
	ada, grace := person("ada@example.com"), person("grace@example.com")

	for name, c := range map[string]struct {
		who        web.Identity
		org        string
		permission string
		expires    time.Time
		want       string // "" for made
	}{
		"an owner in his org":                     {ada, mine, "org:*", time.Time{}, ""},
		"an owner's part":                         {ada, mine, "org:audit", time.Time{}, ""},
		"an owner in the instance":                {ada, "", "org:read", time.Time{}, "org:read"},
		"an owner, more than he has":              {ada, mine, "*", time.Time{}, "beyond_org"},
		"a member, what he has":                   {ada, other, "org:read", time.Time{}, ""},
		"a member, what the owner has":            {ada, other, "org:audit", time.Time{}, "org:audit"},
		"a member, all of the area":               {ada, other, "org:*", time.Time{}, "org:*"},
		"a stranger":                              {person("bea@example.com"), mine, "org:read", time.Time{}, "org unknown"},
		"an operator in the instance":             {grace, "", "*", time.Time{}, ""},
		"an operator in any org":                  {grace, mine, "org:*", time.Time{}, ""},
		"somebody disabled":                       {gone, a.PersonalOrg("gone@example.com"), "org:read", time.Time{}, "org unknown"},
		"somebody who acts as another":            {acting, mine, "org:read", time.Time{}, "impersonating"},
		"nobody":                                  {web.Identity{}, "", "org:read", time.Time{}, "org:read"},
		"a key, what it has":                      {key("", time.Time{}, "jobs:*"), "", "jobs:write", time.Time{}, ""},
		"a key, what it lacks":                    {key("", time.Time{}, "jobs:*"), "", "*", time.Time{}, "*"},
		"a key of an org in it":                   {key(mine, time.Time{}, "org:read"), mine, "org:read", time.Time{}, ""},
		"a key of an org, more":                   {key(mine, time.Time{}, "org:read"), mine, "org:audit", time.Time{}, "org:audit"},
		"a key of an org in another":              {key(mine, time.Time{}, "org:read"), other, "org:read", time.Time{}, "org unknown"},
		"a key of an org in the instance":         {key(mine, time.Time{}, "org:read"), "", "org:read", time.Time{}, "org:read"},
		"a revoked key":                           {revoked, "", "jobs:write", time.Time{}, "jobs:write"},
		"a key that expires, one without end":     {key("", soon, "jobs:*"), "", "jobs:write", time.Time{}, "expires_at too_late"},
		"a key that expires, one that ends later": {key("", soon, "jobs:*"), "", "jobs:write", soon.Add(time.Millisecond), "expires_at too_late"},
		"a key that expires, one that ends then":  {key("", soon, "jobs:*"), "", "jobs:write", soon, ""},
	} {
		a.Forget()
		k, _, err := a.Auth.MakeKey(as(t, c.who), auth.NewKey{Name: name, Org: c.org, Permissions: []string{c.permission}, Expires: c.expires})
		if (err == nil) != (c.want == "") || !strings.Contains(fault(err), c.want) {
			t.Errorf("%s: %s", name, fault(err))
		}
		if err != nil {
			a.ExpectNothing()
			continue
		}
		a.Expect(apptest.Happened{Audit: []string{"key.created"}, Rows: map[string]int{"auth_api_key": 1}})
		if e := a.Events(1)[0]; k.CreatedBy != c.who.Actor() || e.Actor.String() != c.who.Actor() || e.Org != c.org {
			t.Errorf("%s: made by %s, event %s", name, k.CreatedBy, e.Body)
		}
	}
}

// join makes somebody a member of an org with a role.
func join(a *apptest.App, org, email, role string) {
	a.T.Helper()
	user := a.Query(`SELECT user_id FROM auth_email WHERE email_norm = ?`, email)
	write(a, `INSERT INTO auth_membership (org_id, user_id, created_at) VALUES (?, ?, 1)`, org, user)
	write(a, `INSERT INTO auth_role_binding (id, principal_kind, principal_id, org_id, role_id, created_at) VALUES (?, 'user', ?, ?, ?, 1)`,
		"rbd_"+user+org, user, org, role)
}

// write sets a scene that no route makes yet.
func write(a *apptest.App, query string, args ...any) {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error { return tx.ExecOne(query, args...) }))
}
