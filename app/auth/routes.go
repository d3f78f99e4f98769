package auth

import (
	"net/http"
	"slices"

	"seaworthy/app/audit"
	"seaworthy/app/web"
)

// Routes are auth's pages and its part of the API.
func (s *System) Routes() []web.Route {
	return slices.Concat(s.signUpRoutes(), s.signInRoutes(), s.setupRoutes(), s.accountRoutes(), s.tokenRoutes(),
		s.socialRoutes(), s.factorRoutes(), s.emailSignInRoutes(), s.passwordRoutes(), s.profileRoutes(), s.deletionRoutes(), s.exportRoutes(),
		web.Of("orgs", s.orgRoutes()), web.Of("users", s.impersonationRoutes()), web.Of("users", s.adminRoutes()))
}

// signUpRoutes are where people sign up and verify their address.
func (s *System) signUpRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/signup", Access: web.Public, Handler: s.signUpPage},
		{Method: "POST", Pattern: "/-/signup", Access: web.Public, Handler: s.signUpForm, Enter: s.Hasher.Enter, Limit: web.PerMinute(10), Audit: actions(actSignedUp)},
		{Method: "POST", Pattern: "/-/api/v1/signup", Access: web.Public, Handler: s.signUpAPI, Enter: s.Hasher.Enter, Limit: web.PerMinute(10), Audit: actions(actSignedUp),
			Doc: web.Doc{Summary: "Sign up", In: signUpInput{}, Out: signedUp{}, Status: http.StatusCreated}},

		{Method: "GET", Pattern: "/-/verify", Access: web.Public, Handler: s.verifyPage, Limit: web.PerMinute(30)},
		{Method: "POST", Pattern: "/-/verify", Access: web.Public, Handler: s.verifyForm, Limit: web.PerMinute(30), Audit: actions(actEmailVerified, actDisowned)},
		{Method: "POST", Pattern: "/-/verify/resend", Access: web.Person, Handler: s.resendForm, Limit: web.PerMinute(3), Audit: actions(actVerifyAsked)},
	}
}

// signInRoutes are where people sign in and out, and get a new password.
func (s *System) signInRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/login", Access: web.Public, Handler: s.loginPage},
		{Method: "POST", Pattern: "/-/login", Access: web.Public, Handler: s.loginForm, Enter: s.Hasher.Enter, Limit: web.PerMinute(20), Audit: signedInActions},
		{Method: "POST", Pattern: "/-/api/v1/login", Access: web.Public, Handler: s.loginAPI, Enter: s.Hasher.Enter, Limit: web.PerMinute(20), Audit: signedInActions,
			Doc: web.Doc{Summary: "Sign in and get tokens, or mfa_required with the mfa_token for the second step", In: credentials{}, Out: tokenResponse{}}},
		{Method: "POST", Pattern: "/-/logout", Access: web.Public, Handler: s.logoutForm, Audit: actions(actSessionRevoked)},

		{Method: "GET", Pattern: "/-/forgot", Access: web.Public, Handler: s.forgotPage},
		{Method: "POST", Pattern: "/-/forgot", Access: web.Public, Handler: s.forgotForm, Limit: web.PerMinute(5), Audit: actions(actResetAsked)},
		{Method: "GET", Pattern: "/-/reset", Access: web.Public, Handler: s.resetPage, Limit: web.PerMinute(30)},
		{Method: "POST", Pattern: "/-/reset", Access: web.Public, Handler: s.resetForm, Limit: web.PerMinute(10), Audit: actions(actPasswordReset)},
	}
}

// setupRoutes are where the first operator is made.
func (s *System) setupRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/setup", Access: web.Public, Handler: s.setupPage, Limit: web.PerMinute(30)},
		{Method: "POST", Pattern: "/-/setup", Access: web.Public, Handler: s.setupForm, Limit: web.PerMinute(10), Audit: actions(actOperatorMade)},
	}
}

// accountRoutes are what people see and do of their own.
func (s *System) accountRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/api/v1/me", Access: web.SignedIn, Handler: s.meAPI, Doc: web.Doc{Summary: "Who is asking", Out: me{}}},
		{Method: "GET", Pattern: "/-/account/security", Access: web.Person, Handler: s.securityPage},
		{Method: "GET", Pattern: "/-/account/sessions", Access: web.Person, Handler: s.sessionsPage},
		{Method: "POST", Pattern: "/-/account/sessions/revoke", Access: web.Person, Handler: s.revokeForm, Audit: actions(actSessionRevoked)},
		{Method: "GET", Pattern: "/-/api/v1/sessions", Access: web.Person, Handler: s.sessionsAPI,
			Doc: web.Doc{Summary: "List where you are signed in, newest first; query: cursor, limit", Out: sessionList{}}},
		{Method: "DELETE", Pattern: "/-/api/v1/sessions", Access: web.Person, Handler: s.revokeManyAPI, Audit: actions(actSessionRevoked),
			Doc: web.Doc{Summary: "Sign out everywhere; which is others or all, in the body or the query", In: revokeInput{}, Out: revokeOutput{}}},
		{Method: "DELETE", Pattern: "/-/api/v1/sessions/{id}", Access: web.Person, Handler: s.revokeOneAPI, Audit: actions(actSessionRevoked),
			Doc: web.Doc{Summary: "Sign out one session", Status: http.StatusNoContent}},
		{Method: "GET", Pattern: "/-/confirm", Access: web.Person, Handler: s.confirmPage},
		{Method: "POST", Pattern: "/-/confirm", Access: web.Person, Handler: s.confirmForm, Limit: web.PerMinute(20), Audit: actions(actConfirmed)},
		{Method: "POST", Pattern: "/-/api/v1/confirm", Access: web.Person, Handler: s.confirmAPI, Limit: web.PerMinute(20), Audit: actions(actConfirmed),
			Doc: web.Doc{Summary: "Confirm who you are, before an act that asks for it", In: confirmInput{}, Status: http.StatusNoContent}},
	}
}

// tokenRoutes are where programs trade tokens (RFC 6749, 7009, 7517, 7662).
func (s *System) tokenRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/.well-known/jwks.json", Access: web.Public, Handler: s.keysAPI},
		{Method: "POST", Pattern: "/-/oauth2/token", Access: web.Public, Handler: oauth(s.tokenEndpoint), Limit: web.PerMinute(300),
			Exempt: "a refresh is a count in its session's row; a sign-in and the end of a session are recorded"},
		{Method: "POST", Pattern: "/-/oauth2/revoke", Access: web.Public, Handler: oauth(s.revokeEndpoint), Limit: web.PerMinute(300), Audit: actions(actSessionRevoked)},
		{Method: "POST", Pattern: "/-/oauth2/introspect", Access: web.Permission(permIntrospect), Handler: oauth(s.introspectEndpoint), Exempt: "it tells and changes nothing"},
	}
}

// signedInActions are what a route may record that ends in a sign-in.
var signedInActions = actions(actSignedIn, actMFAAsked, actKeepOffered)

func actions(all ...audit.Action) []string {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = string(a)
	}
	return names
}
