package auth_test

import (
	"strings"
	"testing"

	"seaworthy/app/apptest"
)

func TestPeopleFromTheCommandLine(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	a.Forget()
	for range 2 { // the second changes nothing
		_, err := a.Auth.Promote(t.Context(), "ADA@example.com")
		a.Must(err)
	}
	a.Expect(apptest.Happened{Audit: []string{"operator.created"}, Rows: map[string]int{"auth_role_binding": 1}})
	b.Get("/-/admin").Want(200)

	_, err := a.Auth.SignOut(t.Context(), "ada@example.com")
	a.Must(err)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked"}})
	b.Get("/-/api/v1/me").WantProblem(401, "signed_out")

	link, err := a.Auth.ResetLink(t.Context(), "ada@example.com")
	a.Must(err)
	a.Browser().Post("/-/reset", "token", apptest.Token(link), "password", "a brand new password").Want(200)
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", "a brand new password").Want(200)
	a.Forget()

	_, err = a.Auth.AddOperator(t.Context(), "Grace", "grace@example.com", apptest.Password)
	a.Must(err)
	a.Browser().Post("/-/login", "email", "grace@example.com", "password", apptest.Password, "next", "/-/admin").Want(200, "Home")
	if _, err = a.Auth.AddOperator(t.Context(), "Again", "ada@example.com", apptest.Password); err == nil {
		t.Error("a second account for a verified address")
	}
	if _, err = a.Auth.Promote(t.Context(), "nobody@example.com"); err == nil || !strings.Contains(err.Error(), "nobody@example.com") {
		t.Errorf("nobody: %v", err)
	}
}
