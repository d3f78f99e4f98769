package email

import (
	"net/http"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// The development inbox shows the mail, and the texts, that would have been sent, and
// what the customer's own app sends to it over SMTP. It is mounted only when mail
// goes nowhere else, answers only this machine and its private networks, and speaks
// JSON to programs: the customers' own end-to-end tests read links from it.

const inboxBase = "/-/dev/inbox"

func (s *System) inboxRoutes() []web.Route {
	const one, nobodys = inboxBase + "/{id}", "the development inbox is nobody's record"
	route := func(method, pattern string, h web.Handler, doc web.Doc) web.Route {
		r := web.Route{Method: method, Pattern: pattern, Access: web.Public, Handler: local(h), Doc: doc}
		if r.Mutates() {
			r.Exempt = nobodys
		}
		return r
	}
	feedback := route("POST", one+"/feedback", s.inboxFeedback, web.Doc{Summary: "Simulate what a provider reports of a mail that Seaworthy sent: delivered, bounced_hard, bounced_soft, complained", In: feedbackInput{}, Out: feedbackMade{}})
	feedback.Exempt, feedback.Audit = "", []string{string(actSimulated)}
	return []web.Route{
		route("GET", inboxBase, s.inboxList, web.Doc{Summary: "Development inbox: the newest mails; query: to (an address), from, subject, q (each contained), since (RFC 3339), unread, before (an id), limit, " +
			"wait (such as 10s: answer as soon as there is one); with kind=text the texts", Out: []inboxJSON{}}),
		route("DELETE", inboxBase, s.inboxClear, web.Doc{Summary: "Empty the development inbox", Status: http.StatusNoContent}),
		route("POST", inboxBase+"/clear", s.inboxClear, web.Doc{}),
		route("GET", inboxBase+"/events", s.inboxEvents, web.Doc{}),
		route("GET", inboxBase+"/faults", s.faultsShow, web.Doc{Summary: "The faults that the development inbox was told to have", Out: faultStatus{}}),
		route("PUT", inboxBase+"/faults", s.faultsPut, web.Doc{Summary: "Make the next sends fail, or a percentage of them: temporary (451), permanent (550), timeout, slow", In: Faults{}, Out: faultStatus{}}),
		route("DELETE", inboxBase+"/faults", s.faultsDelete, web.Doc{Summary: "Switch the faults off", Status: http.StatusNoContent}),
		route("POST", inboxBase+"/faults", s.faultsForm, web.Doc{}),
		route("GET", one, s.inboxShow, web.Doc{Summary: "A message of the development inbox", Out: inboxJSON{}}),
		route("DELETE", one, s.inboxDelete, web.Doc{Summary: "Remove a message from the development inbox", Status: http.StatusNoContent}),
		route("POST", one+"/delete", s.inboxDelete, web.Doc{}),
		route("POST", one+"/unread", s.inboxUnread, web.Doc{}),
		route("GET", one+"/html", s.inboxHTML, web.Doc{}),
		route("GET", one+"/source", s.inboxSource, web.Doc{Summary: "A mail as it came, as message/rfc822"}),
		route("GET", one+"/parts/{n}", s.inboxPart, web.Doc{Summary: "An attachment of a mail, by its place in the list, from 0"}),
		route("GET", one+"/checks", s.inboxChecks, web.Doc{Summary: "What mail programs would mind about a mail", Out: []checkJSON{}}),
		feedback,
	}
}

// local hides a handler from the wider network.
func local(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		o := web.OriginOf(r.Context())
		if !o.Addr.IsLoopback() && !o.Addr.IsPrivate() && !o.Identity.Can("console:read") {
			return web.ErrNotFound
		}
		return h(w, r)
	}
}

// inboxEvents tells a page that something in the inbox changed.
func (s *System) inboxEvents(w http.ResponseWriter, r *http.Request) error {
	changed := s.DB.Listen(InboxTopic)
	defer s.DB.Unlisten(InboxTopic, changed)
	return web.Stream(w, r, changed)
}

// mail reads the mail that a request names.
func (s *System) mail(r *http.Request) (inboxRow, error) {
	return store.Read(r.Context(), s.DB, func(tx *store.Tx) (inboxRow, error) { return inboxMessage(tx, r.PathValue("id")) })
}

func (s *System) inboxClear(w http.ResponseWriter, r *http.Request) error {
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		if err := clearInbox(tx); err != nil || s.Texts == nil {
			return err
		}
		return s.Texts.Clear(tx)
	})
	return s.gone(w, r, err)
}

func (s *System) inboxDelete(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		if !strings.HasPrefix(id, textID) {
			return deleteInbox(tx, id)
		}
		if s.Texts == nil {
			return store.ErrNotFound
		}
		tx.Notify(InboxTopic)
		return s.Texts.Delete(tx, id)
	})
	return s.gone(w, r, err)
}

// gone answers after something was removed, or could not be.
func (s *System) gone(w http.ResponseWriter, r *http.Request, err error) error {
	if err != nil {
		return err
	}
	if r.Method == http.MethodDelete || web.WantsJSON(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return web.SeeOther(w, r, inboxBase)
}

func (s *System) inboxUnread(w http.ResponseWriter, r *http.Request) error {
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error { return markUnread(tx, r.PathValue("id")) }); err != nil {
		return err
	}
	return web.SeeOther(w, r, inboxBase)
}
