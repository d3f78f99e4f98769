package apptest

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
