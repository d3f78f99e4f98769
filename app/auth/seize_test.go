package auth_test

import (
	"fmt"
	"testing"

	"seaworthy/app/apptest"
)

// A key that was made with a key of whoever claimed the address goes with that, and no
// device of his is known any more: from one that is, guesses are not a stranger's.
func TestSeizureLeavesNoKeyAndNoDevice(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	mallory := a.SignUp("victim@example.com")
	keys := "/-/api/v1/orgs/" + a.PersonalOrg("victim@example.com") + "/keys"
	var k madeKey
	mallory.PostJSON(keys, map[string]any{"name": "first", "permissions": []string{"org:*"}}).Want(201).JSON(&k)
	first := a.Bearer(k.Secret)
	first.PostJSON(keys, map[string]any{"name": "second", "permissions": []string{"org:*"}}).Want(201).JSON(&k)
	second := a.Bearer(k.Secret)
	second.PostJSON(keys, map[string]any{"name": "third", "permissions": []string{"org:*"}}).Want(201).JSON(&k)
	third := a.Bearer(k.Secret)

	victim, mail := ask(a, "victim@example.com")
	victim.Post("/-/login/email/code", "code", apptest.Code(mail)).Want(200)
	signedOut(t, mallory, first, second, third)
	if e := a.Events(10); e[2].Action != "user.seized" || fmt.Sprint(e[2].Details["keys"]) != "3" {
		t.Errorf("the event: %s %v", e[2].Action, e[2].Details)
	}
	if n := a.Count("auth_device"); n != 1 {
		t.Errorf("%d devices are known", n)
	}
	victim.Post("/-/account/password", "password", newPassword)
	a.RunJobs()
	a.Forget()
	mallory.Post("/-/login", "email", "victim@example.com", "password", apptest.Password).Want(401)
	a.Expect(apptest.Happened{Audit: []string{"session.refused"}})
}
