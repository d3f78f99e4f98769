package auth_test

import (
	"fmt"
	"sync"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/web"
)

func TestOperatorsAreMadeAndUnmade(t *testing.T) {
	t.Parallel()
	a, op, user, id := support(t)
	grace := a.UserID("grace@example.com")
	make := func(b *apptest.Browser, who, to, typed string) apptest.Page {
		return b.Post("/-/admin/users/"+who+"/operator", "act", "operator", "to", to, "email", typed)
	}
	make(op, id, "operator", "grace@example.com").Want(422, "Type the address of this user")
	make(op, grace, "user", "grace@example.com").Want(409, "last operator")
	op.Post("/-/admin/users/"+grace+"/suspend", "reason", phoned).Want(409, "cannot do this to yourself")
	a.SignUp("bob@example.com")
	a.Forget()
	make(op, a.UserID("bob@example.com"), "operator", "bob@example.com").Want(409, "verified the address")
	a.ExpectNothing()
	make(op, id, "operator", "ADA@example.com").Want(200, "operator")
	a.Expect(apptest.Happened{Audit: []string{"operator.created"}, Rows: map[string]int{"auth_role_binding": 1}})
	user.Get("/-/admin").Want(200)
	make(user, grace, "user", "grace@example.com").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"operator.removed"}, Rows: map[string]int{"auth_role_binding": -1}})
	op.Get("/-/admin").Want(403)
	make(op, id, "user", "ada@example.com").Want(403)
}

// Two operators unmake each other at once, or each suspends the other: one stays.
func TestOneOperatorStays(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(a *apptest.App, email string) error{
		"unmade": func(a *apptest.App, email string) error {
			return a.Auth.UnmakeOperator(t.Context(), a.UserID(email), email)
		},
		"suspended": func(a *apptest.App, email string) error { return a.Auth.Suspend(t.Context(), a.UserID(email), phoned) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apptest.New(t)
			emails := make([]string, 8)
			for i := range emails {
				emails[i] = fmt.Sprintf("op%d@example.com", i)
				_, err := a.Auth.AddOperator(t.Context(), "Op", emails[i], apptest.Password)
				a.Must(err)
			}
			var wg sync.WaitGroup
			var mu sync.Mutex
			refused := 0
			for _, email := range emails {
				wg.Go(func() {
					if err := act(a, email); err != nil {
						mu.Lock()
						defer mu.Unlock()
						if refused++; web.AsError(err).Code != "last_operator" {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			if refused != 1 {
				t.Errorf("%d were refused, and one has to be", refused)
			}
		})
	}
}

// Somebody who may manage users reaches nobody who may do more, and gets no more
// power by it; and each route asks for its own permission.
func TestPowerOverUsersReachesNobodyAbove(t *testing.T) {
	t.Parallel()
	a, _, _, id := support(t)
	ivy := a.Verified("ivy@example.com")
	a.Grant("ivy@example.com", "console:read", "users:read", "users:manage")
	grace := a.UserID("grace@example.com")
	a.Forget()
	for _, act := range []string{"verify", "reset-password", "suspend", "reset-mfa"} {
		ivy.PostJSON("/-/api/v1/users/"+grace+"/"+act, map[string]string{"reason": phoned}).WantProblem(403, "above_you")
	}
	ivy.Do("DELETE", "/-/api/v1/users/"+grace+"/sessions", "", "").WantProblem(403, "above_you")
	ivy.PostJSON("/-/api/v1/users/"+id+"/operator", map[string]string{"email": "ada@example.com"}).WantProblem(403, "forbidden")
	ivy.PostJSON("/-/api/v1/users/"+a.UserID("ivy@example.com")+"/operator", map[string]string{"email": "ivy@example.com"}).WantProblem(403, "forbidden")
	ivy.PostJSON("/-/api/v1/users/"+id+"/impersonate", map[string]string{"reason": why}).WantProblem(403, "forbidden")
	ivy.Get("/-/admin/orgs").Want(403, "orgs:read")
	ivy.Get("/-/admin/users/"+id).Want(200, "Suspend").Without("Act as this user", "Make this user an operator", "Latest events")
	a.ExpectNothing()

	reader := a.Verified("rita@example.com")
	a.Grant("rita@example.com", "users:read")
	reader.Get("/-/admin/users").Want(403, "console:read") // the console is not hers
	reader.Get("/-/api/v1/users").Want(200, "ada@example.com")
	a.Grant("rita@example.com", "console:read")
	reader.Get("/-/admin/users/"+id).Want(200).Without("Suspend", "Sign out everywhere")
	a.Forget()
	for _, act := range []string{"verify", "reset-password", "sessions", "suspend", "reactivate", "reset-mfa", "operator"} {
		reader.Post("/-/admin/users/"+id+"/"+act, "reason", phoned).Want(403, "users:manage")
		if act != "sessions" {
			reader.PostJSON("/-/api/v1/users/"+id+"/"+act, map[string]string{"reason": phoned}).WantProblem(403, "forbidden")
		}
	}
	reader.Post("/-/admin/users/"+id+"/impersonate", "reason", why).Want(403, "users:impersonate")
	a.ExpectNothing()
	nobody := a.Browser()
	nobody.Get("/-/api/v1/users/"+id).WantProblem(401, "signed_out")
	a.OrgKey("acme", "org:read").Get("/-/api/v1/users").WantProblem(403, "forbidden")
}
