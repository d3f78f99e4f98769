package email

import (
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// confirmFor is how long a yes can be confirmed, askAgain how long nobody is asked
// the same once more: whoever types somebody else's address into a form must not be
// able to fill his mailbox.
const confirmFor, askAgain = 7 * 24 * time.Hour, 10 * time.Minute

// ask mails somebody a link that confirms a yes (double opt-in). Until it is
// followed nothing is sent. To one who has the category already nothing happens.
func (s *System) ask(tx *store.Tx, who reader, c Category, how said) (changed bool, err error) {
	off, err := optedOut(tx, who.hash)
	if err != nil {
		return false, err
	}
	if has, err := consented(tx, who.hash, c.Key); err != nil || has && !off[c.Key] && !off[everyCategory] {
		return false, err
	}
	if before, err := lastAsked(tx, who.hash, c.Key); err != nil || before.ID != "" && tx.Now().Sub(before.At) < askAgain {
		return false, err
	}
	if how.textVersion == "" {
		how.textVersion = c.textVersion()
	}
	id, err := addConsent(tx, who.consent(asked, c.Key, how))
	if err != nil {
		return false, err
	}
	key, err := newestKey(tx)
	if err != nil {
		return false, err
	}
	token := s.sign(link{use: useConfirm, key: key, hash: who.hash, ref: id, subject: c.Key})
	if _, err := s.Send(tx, Message{To: who.address, Template: "email/consent", Vars: map[string]string{
		"Title": c.Title, "Description": c.Description, "URL": s.Pages.Site().URL + "/-/consent/" + token}}); err != nil {
		return false, err
	}
	return true, s.Audit.Record(tx, audit.Event{Action: actConsentAsked, Targets: []audit.Ref{{Type: "consent", ID: id}}, Details: map[string]any{"category": c.Key}})
}

var errOldLink = &web.Error{Status: http.StatusBadRequest, Code: "old_link",
	Public: "This link no longer works: it is older than a week, or you decided otherwise since. Ask for the mails again where you did before."}

type confirmData struct {
	Token, Title, Description string
	Done                      bool
}

// askedFor is the open question that a link answers; done says that it was answered.
func (s *System) askedFor(tx *store.Tx, token string) (c Category, q Consent, done bool, err error) {
	l, err := s.openLink(token, useConfirm)
	if err != nil {
		return c, q, false, err
	}
	q, err = consentByID(tx, l.ref)
	if isGone(err) {
		return c, q, false, errBadLink
	}
	if err != nil {
		return c, q, false, err
	}
	last, err := lastConsent(tx, l.hash, l.subject)
	if err != nil {
		return c, q, false, err
	}
	all, err := lastConsent(tx, l.hash, everyCategory)
	if err != nil {
		return c, q, false, err
	}
	c, err = categoryByKey(tx, l.subject)
	switch {
	case isGone(err):
		return c, q, false, errOldLink
	case err != nil:
		return c, q, false, err
	case last.ID > q.ID && last.Act == given && all.ID < last.ID:
		return c, q, true, nil
	case last.ID > q.ID, all.ID > q.ID, q.Address == "", tx.Now().Sub(q.At) > confirmFor, c.Archived:
		return c, q, false, errOldLink
	}
	return c, q, false, nil
}

// confirmPage asks for the button to be pressed: a link that is followed by a mail
// scanner is nobody's yes.
func (s *System) confirmPage(w http.ResponseWriter, r *http.Request) error {
	d := confirmData{Token: r.PathValue("token")}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		c, _, done, err := s.askedFor(tx, d.Token)
		d.Title, d.Description, d.Done = c.Title, c.Description, done
		return err
	})
	if err != nil {
		return err
	}
	w.Header().Set("X-Robots-Tag", "noindex")
	return s.Pages.Render(w, r, "email/consent", web.View{Title: "Confirm your subscription", Data: d})
}

func (s *System) confirmForm(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		c, q, done, err := s.askedFor(tx, token)
		if err != nil || done {
			return err
		}
		how := saidBy(tx, "confirmed")
		how.textVersion = q.TextVersion
		_, err = s.optIn(tx, reader{hash: q.Hash, address: q.Address}, c, how)
		return err
	})
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, "/-/consent/"+token)
}
