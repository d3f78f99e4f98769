package auth_test

import (
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
)

// What a personal org was called is its person's, in the log too.
func TestErasureForgetsEarlierSlugs(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	id := userID(a, "ada@example.com")
	org := "/-/api/v1/orgs/" + a.PersonalOrg("ada@example.com")
	for _, slug := range []string{"ada-byron", "countess-lovelace"} {
		patch(b, org, `{"name":"House `+slug+`","slug":"`+slug+`"}`).Want(200)
	}
	if e := a.Events(1)[0]; e.Personal["slug"] != "countess-lovelace" || e.Changes["slug"] != (audit.Change{From: "a slug", To: "another"}) {
		t.Errorf("the event: %+v", e)
	}
	deleted(a, b, "ada@example.com")
	a.Clock.Advance(deletionTime)
	a.RunJobs()
	gone(a, id, "ada-byron", "countess-lovelace")
}
