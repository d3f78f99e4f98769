package auth_test

import (
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
)

// instanceKey is a program with a key of the whole instance that somebody made, and one
// with a key that was made with that.
func instanceKey(a *apptest.App, b *apptest.Browser) (made, byThat *apptest.Browser) {
	a.T.Helper()
	var k madeKey
	b.PostJSON("/-/api/v1/keys", map[string]any{"name": "deploy", "permissions": []string{"*"}}).Want(201).JSON(&k)
	made = a.Bearer(k.Secret)
	made.PostJSON("/-/api/v1/keys", map[string]any{"name": "child", "permissions": []string{"*"}}).Want(201).JSON(&k)
	return made, a.Bearer(k.Secret)
}

// Whoever loses the operator's role keeps none of it in the keys he made.
func TestUnmadeOperatorLeavesNoKey(t *testing.T) {
	t.Parallel()
	a, op, ada, id := support(t)
	_, err := a.Auth.Promote(t.Context(), "ada@example.com")
	a.Must(err)
	made, byThat := instanceKey(a, ada)
	other, _ := instanceKey(a, op)
	made.Get("/-/admin").Want(200)
	a.Forget()
	op.Do("DELETE", "/-/api/v1/users/"+id+"/operator", "application/json", `{"email":"ada@example.com"}`).Want(204)
	a.Expect(apptest.Happened{Audit: []string{"key.revoked", "key.revoked", "operator.removed"}, Rows: map[string]int{"auth_role_binding": -1}})
	signedOut(t, made, byThat)
	other.Get("/-/api/v1/me").Want(200)
}

// Nor does whoever has his account deleted, whether he asked for it before or after
// this was so.
func TestDeletedOperatorLeavesNoKey(t *testing.T) {
	t.Parallel()
	a, _, ada, id := support(t)
	_, err := a.Auth.Promote(t.Context(), "ada@example.com")
	a.Must(err)
	made, byThat := instanceKey(a, ada)
	a.Forget()
	ada.Do("DELETE", "/-/api/v1/me", "", "").Want(202)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "key.revoked", "key.revoked", "user.deletion_scheduled"},
		Jobs: []string{"auth.erase_account", "email.deliver"}, Rows: map[string]int{"auth_one_time": 1}})
	signedOut(t, made, byThat)

	left := a.Key("*")
	write(a, `UPDATE auth_api_key SET created_by = ? WHERE id = (SELECT max(id) FROM auth_api_key)`, audit.User(id).String())
	a.Clock.Advance(14*24*time.Hour + time.Second)
	a.RunJobs()
	signedOut(t, left)
}

// What somebody has invited to ends with the account that was suspended: with another
// mailbox he would be back.
func TestSuspensionEndsInvitations(t *testing.T) {
	t.Parallel()
	a, op, ada, id := support(t)
	ada.PostJSON("/-/api/v1/orgs/acme/invitations", map[string]string{"email": "other@example.com", "role": "rol_member"}).Want(201)
	a.RunJobs()
	link := a.Link("other@example.com", "/-/invite/")
	a.Forget()
	op.PostJSON("/-/api/v1/users/"+id+"/suspend", map[string]string{"reason": phoned}).Want(204)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "invitation.revoked", "user.suspended"}, Jobs: []string{"email.deliver"}})
	a.Browser().Get(link).Want(410)
}
