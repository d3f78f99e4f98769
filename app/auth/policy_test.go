package auth_test

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/auth/guess"
	"seaworthy/app/web"
)

// setPaths are all the ways to set a password; each returns the page of a try.
func setPaths(a *apptest.App) map[string]func(password string) apptest.Page {
	a.SignUp("reset@example.com")
	a.Browser().Post("/-/forgot", "email", "reset@example.com").Want(200)
	a.RunJobs()
	reset := apptest.Token(a.Link("reset@example.com", "/-/reset"))
	setup, err := a.Auth.SetupLink(a.T.Context())
	a.Must(err)
	return map[string]func(string) apptest.Page{
		"sign-up": func(p string) apptest.Page {
			return a.Browser().Post("/-/signup", "name", "Grace Hopper", "email", "g@example.com", "password", p)
		},
		"sign-up of a program": func(p string) apptest.Page {
			return a.Browser().PostJSON("/-/api/v1/signup", map[string]string{"name": "Grace Hopper", "email": "g@example.com", "password": p})
		},
		"reset": func(p string) apptest.Page { return a.Browser().Post("/-/reset", "token", reset, "password", p) },
		"set-up": func(p string) apptest.Page {
			return a.Browser().Post("/-/setup", "token", apptest.Token(setup), "name", "Grace Hopper", "email", "g@example.com", "password", p)
		},
	}
}

func TestPolicyHoldsWhereverAPasswordIsSet(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	all := setPaths(a)
	a.Forget()
	for where, try := range all {
		for password, words := range map[string]string{
			"short":                  "At least 12 characters",
			strings.Repeat("ab", 20): "repeats itself",
			"qwertyuiop[]":           "the keyboard",
			"Unbelievable1":          "Many people have used this password",
			"acme-acme-1234":         "the name of this site",
		} {
			if p := try(password); p.Status != 422 || !strings.Contains(p.Body, words) {
				t.Errorf("%s takes %q: %d %s", where, password, p.Status, p.Text())
			}
		}
	}
	for _, password := range []string{"short", "Unbelievable1", "operator12345"} {
		var refused *web.Error
		if _, err := a.Auth.AddOperator(t.Context(), "Operator", "op@example.com", password); !errors.As(err, &refused) || refused.Status != 422 {
			t.Errorf("the command line takes %q: %v", password, err)
		}
	}
	a.ExpectNothing()
	if p := all["reset"]("ada lovelace"); p.Status != 422 || !strings.Contains(p.Text(), "made of your name") {
		t.Errorf("reset does not know the name: %d", p.Status)
	}
	all["reset"](strings.Repeat("ü ", 127) + "é9").Want(200) // 256 characters, more bytes
	a.Browser().Post("/-/login", "email", "reset@example.com", "password", strings.Repeat("ü ", 127)+"é9").Want(200)
}

func TestBreachedPasswordsAreRefusedWhereTheListIsAsked(t *testing.T) {
	t.Parallel()
	const stolen = "three stolen words"
	up := true
	list := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up {
			w.WriteHeader(503)
			return
		}
		fmt.Fprintf(w, "%X:12\r\n", sha1.Sum([]byte(stolen)))
		if hash := fmt.Sprintf("%X", sha1.Sum([]byte(stolen))); strings.HasSuffix(r.URL.Path, hash[:5]) {
			fmt.Fprintf(w, "%s:12\r\n", hash[5:])
		}
	}))
	t.Cleanup(list.Close)
	a := apptest.New(t, apptest.WithoutLimits)
	a.Auth.Breaches = guess.BreachesAt(list.URL+"/range/", list.Client())
	all := setPaths(a)
	a.Forget()
	for where, try := range all {
		if p := try(stolen); p.Status != 422 || !strings.Contains(p.Body, "lists of stolen ones") {
			t.Errorf("%s: %d %s", where, p.Status, p.Text())
		}
	}
	a.ExpectNothing()
	// A list that does not answer refuses nobody, and is told in the log.
	up = false
	all["reset"]("four words nobody has").Want(200)
	if !strings.Contains(a.Logs(), "did not answer") {
		t.Error("nothing in the log")
	}
}
