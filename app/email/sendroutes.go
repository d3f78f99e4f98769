package email

import (
	"net/http"

	"seaworthy/app/web"
)

const (
	apiSend      = "/-/api/v1/email/send"
	apiMessages  = "/-/api/v1/email/messages"
	apiProviders = "/-/api/v1/email/providers"
)

// sendRoutes are what the app sends mail by, and what tells it and its operators what
// becomes of it.
func (s *System) sendRoutes() []web.Route {
	read, send, manage := web.Permission(permRead), web.Permission(permSend), web.Permission(permManage)
	page := consoleBase + "/providers"
	return []web.Route{
		{Method: "POST", Pattern: apiSend, Access: send, Handler: s.sendAPI, Body: sendBody, Audit: acts(actHandedIn),
			Doc: web.Doc{Summary: "Send mail to up to 50 recipients, a message each: a template with variables, or subject with html or text; to is one address, a list of addresses, or a list of objects with vars of their own",
				In: sendIn{}, Out: sentJSON{}, Status: http.StatusAccepted}},
		{Method: "GET", Pattern: apiMessages, Access: web.SignedIn, Handler: either(s.messagesAPI),
			Doc: web.Doc{Summary: "Messages, newest first, for email:read or email:send; query: recipient, status, template, stream, tag, user, cursor, limit", Out: messageListJSON{}}},
		{Method: "GET", Pattern: apiMessages + "/{id}", Access: web.SignedIn, Handler: either(s.messageAPI),
			Doc: web.Doc{Summary: "A message and what became of it, for email:read or email:send", Out: messageJSON{}}},
		{Method: "POST", Pattern: apiMessages + "/{id}/cancel", Access: send, Handler: s.cancelAPI, Audit: acts(actCancelled),
			Doc: web.Doc{Summary: "Take back a message that waits", Out: messageJSON{}}},
		{Method: "POST", Pattern: apiMessages + "/{id}/resend", Access: send, Handler: s.resendAPI, Audit: acts(actResent),
			Doc: web.Doc{Summary: "Send a message again: the same one if it never left, else a copy", Out: messageJSON{}}},
		{Method: "POST", Pattern: consoleBase + "/messages/{id}/cancel", Access: send, Handler: web.InConsole(s.cancelForm), Audit: acts(actCancelled)},
		{Method: "POST", Pattern: consoleBase + "/messages/{id}/resend", Access: send, Handler: web.InConsole(s.resendForm), Audit: acts(actResent)},

		{Method: "GET", Pattern: apiProviders, Access: read, Handler: s.providersAPI, Doc: web.Doc{Summary: "Who delivers mail, and how they do", Out: providerListJSON{}}},
		{Method: "POST", Pattern: apiProviders + "/{name}/retry", Access: manage, Handler: s.retryProviderAPI, Audit: acts(actTried),
			Doc: web.Doc{Summary: "Try a provider again that is left alone, and the mail that waits", Out: providerJSON{}}},
		{Method: "POST", Pattern: apiProviders + "/{name}/test", Access: manage, Handler: s.testProviderAPI, Limit: web.PerMinute(10), Audit: acts(actTested),
			Doc: web.Doc{Summary: "Send a test mail by this provider alone: to yourself, or to the address in to", In: testIn{}, Out: sentTest{}, Status: http.StatusAccepted}},
		{Method: "GET", Pattern: page, Access: read, Handler: web.InConsole(s.providersPage)},
		{Method: "POST", Pattern: page + "/{name}/retry", Access: manage, Handler: web.InConsole(s.retryProviderForm), Audit: acts(actTried)},
		{Method: "POST", Pattern: page + "/{name}/test", Access: manage, Handler: web.InConsole(s.testProviderForm), Limit: web.PerMinute(10), Audit: acts(actTested)},
	}
}

// either is for those who may see mail, and for those who hand it in.
func either(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if id := web.IdentityOf(r.Context()); !id.Can(permRead) && !id.Can(permSend) {
			return web.Forbidden(permRead)
		}
		return h(w, r)
	}
}
