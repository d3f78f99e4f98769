package email

import (
	"net/http"
	"slices"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

type notificationsData struct {
	Email, Done string
	Verified    bool
	None        bool
	Choices     []Choice
}

// notifications is the page of the account where somebody chooses what mail to get.
func (s *System) notifications(w http.ResponseWriter, r *http.Request) error {
	id := web.IdentityOf(r.Context())
	d := notificationsData{Email: id.Email, Verified: id.Verified, Done: linkDone[r.URL.Query().Get("done")]}
	who := s.readerOf(strings.ToLower(id.Email))
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if d.Choices, err = choices(tx, who, ""); err != nil {
			return err
		}
		off, err := optedOut(tx, who.hash)
		d.None = off[everyCategory]
		return err
	})
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "email/notifications", web.View{Title: "Notifications", Data: d})
}

type notificationsInput struct {
	Act string   `json:"act"`
	On  []string `json:"on"`
}

// notificationsForm saves the choice of whoever is signed in. It is for the owner of
// the address alone: an address that was not verified may be somebody else's, and
// nobody consents for the one he acts as.
func (s *System) notificationsForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[notificationsInput](r)
	if err != nil {
		return err
	}
	id := web.IdentityOf(r.Context())
	switch {
	case !slices.Contains([]string{"save", "all"}, in.Act):
		return web.BadRequest("bad_act", "This form does not say what to do. Open the page again.")
	case !id.Verified:
		return &web.Error{Status: http.StatusForbidden, Code: "unverified", Public: "Verify your email address first: what comes to it is for its owner to say."}
	case id.Impersonator != "":
		return &web.Error{Status: http.StatusForbidden, Code: "impersonating", Public: "You act as somebody else. Which mail to get is for the owner of the account alone to say."}
	}
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		return s.act(tx, s.readerOf(strings.ToLower(id.Email)), in.Act, "", in.On, saidBy(tx, "account"))
	})
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, "/-/account/notifications?done="+in.Act)
}
