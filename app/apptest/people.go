package apptest

import "seaworthy/app/auth"

// Password is everybody's password in tests.
const Password = "correct horse battery staple"

// SignUp signs a new person up in a new browser and runs no job.
func (a *App) SignUp(email string) *Browser {
	a.T.Helper()
	b := a.Browser()
	b.Post("/-/signup", "name", "Ada Lovelace", "email", email, "password", Password).Want(200, "Check your mail")
	return b
}

// Verified signs a new person up and verifies the address.
func (a *App) Verified(email string) *Browser {
	a.T.Helper()
	b := a.SignUp(email)
	a.RunJobs()
	b.Post("/-/verify", "token", Token(a.Link(email, "/-/verify")), "act", "confirm").Want(200, "Your address is verified")
	return b
}

// Operator makes the first operator through the set-up link.
func (a *App) Operator(email string) *Browser {
	a.T.Helper()
	link, err := a.Auth.SetupLink(a.T.Context())
	a.Must(err)
	b := a.Browser()
	b.Post("/-/setup", "token", Token(link), "name", "Grace Hopper", "email", email, "password", Password).Want(200)
	return b
}

// Key makes an API key of the whole instance with these permissions, and returns
// a program that shows it.
func (a *App) Key(permissions ...string) *Browser {
	a.T.Helper()
	return a.OrgKey("", permissions...)
}

// OrgKey makes an API key that works in one org, named by its id or slug.
func (a *App) OrgKey(org string, permissions ...string) *Browser {
	a.T.Helper()
	_, secret, err := a.Auth.MakeKey(a.T.Context(), auth.NewKey{Name: "a test", Org: org, Permissions: permissions})
	a.Must(err)
	return a.Bearer(secret)
}

// Bearer is a program that shows a token with every request.
func (a *App) Bearer(token string) *Browser {
	b := a.Browser()
	b.Header.Set("Authorization", "Bearer "+token)
	return b
}

// Tokens are what a program holds that has signed somebody in.
type Tokens struct {
	Type    string `json:"token_type"`
	Access  string `json:"access_token"`
	Expires int    `json:"expires_in"`
	Refresh string `json:"refresh_token"`
}

// SignInProgram signs somebody in through the API, from a program that keeps no cookies.
func (a *App) SignInProgram(email string) (t Tokens) {
	a.T.Helper()
	a.Browser().PostJSON("/-/api/v1/login", map[string]string{"email": email, "password": Password}).Want(200).JSON(&t)
	return t
}

// Refresh shows a refresh token for the next one.
func (a *App) Refresh(token string) Page {
	a.T.Helper()
	return a.Browser().Post("/-/oauth2/token", "grant_type", "refresh_token", "refresh_token", token)
}

// PersonalOrg is the id of the org that a person got at sign-up.
func (a *App) PersonalOrg(email string) string {
	a.T.Helper()
	return a.Query(`SELECT o.id FROM auth_org o JOIN auth_email e ON e.user_id = o.personal_user_id WHERE e.email_norm = ?`, email)
}
