package email

import (
	"net/http"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

type providersData struct {
	Rows   []providerState
	Manage bool
	Inbox  bool   // mail stays in the development inbox
	To     string // whom a test goes to
	Done   string
	Fault  string
	Failed string // the provider whose test could not be sent
}

func (s *System) providersPage(w http.ResponseWriter, r *http.Request) error {
	return s.showProviders(w, r, http.StatusOK, providersData{}, nil)
}

func (s *System) showProviders(w http.ResponseWriter, r *http.Request, status int, d providersData, form *web.Form) error {
	me := web.IdentityOf(r.Context())
	d.Manage, d.Inbox = me.Can(permManage), s.inbox
	if d.To == "" {
		d.To = me.Email
	}
	if r.URL.Query().Get("done") == "retry" {
		d.Done = "The provider is tried again with the next message, and mail that waits looks again now."
	}
	var err error
	if d.Rows, err = store.Read(r.Context(), s.DB, s.states); err != nil {
		return err
	}
	return s.Pages.Render(w, r, "email/providers", web.View{Title: "Mail providers", Status: status, Data: d, Form: form})
}

func (s *System) retryProviderForm(w http.ResponseWriter, r *http.Request) error {
	err := s.tryAgain(r.Context(), r.PathValue("name"))
	if e := web.AsError(err); err != nil && e.Status == http.StatusConflict {
		return s.showProviders(w, r, e.Status, providersData{Fault: e.Public}, nil)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, consoleBase+"/providers?done=retry")
}

// testProviderForm shows the message afterwards: its timeline says what becomes of it.
func (s *System) testProviderForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[testIn](r)
	if err != nil {
		return err
	}
	id, err := s.testBy(r.Context(), r.PathValue("name"), strings.TrimSpace(in.To))
	if e := web.AsError(err); err != nil && e.Status == http.StatusUnprocessableEntity {
		return s.showProviders(w, r, e.Status, providersData{To: in.To, Failed: r.PathValue("name")}, &web.Form{Err: e, Values: map[string]string{"to": in.To}})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, consoleBase+"/messages/"+id+"?done=test")
}
