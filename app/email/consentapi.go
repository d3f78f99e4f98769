package email

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) consentRoutes() []web.Route {
	const all = "/-/api/v1/email/consents"
	return []web.Route{
		{Method: "GET", Pattern: all, Access: web.Permission(permRead), Handler: s.consentsAPI,
			Doc: web.Doc{Summary: "What an address said yes and no to, newest first: address, cursor, limit", Out: consentList{}}},
		{Method: "POST", Pattern: all, Access: web.Permission(permManage), Handler: s.consentAPI,
			Audit: []string{string(actConsentGiven), string(actConsentAsked), string(actUnsubscribed)},
			Doc:   web.Doc{Summary: "Record a yes or no; with double_opt_in the yes counts once it was confirmed from a mail", In: consentInput{}, Out: consentJSON{}, Status: http.StatusCreated}},
	}
}

type consentJSON struct {
	ID          string    `json:"id"`
	Address     string    `json:"address"` // "" once erased
	Category    string    `json:"category"`
	Act         string    `json:"act"`
	Source      string    `json:"source"`
	TextVersion string    `json:"text_version,omitempty"`
	IP          string    `json:"ip,omitempty"`
	UserAgent   string    `json:"user_agent,omitempty"`
	Actor       string    `json:"actor,omitempty"`
	Message     string    `json:"message,omitempty"`
	At          time.Time `json:"at"`
}

type consentList struct {
	Consents []consentJSON `json:"consents"`
	Next     string        `json:"next_cursor,omitempty"`
}

func (c Consent) json() consentJSON {
	return consentJSON{c.ID, c.Address, c.Category, c.Act, c.Source, c.TextVersion, c.IP, c.UserAgent, c.Actor, c.Message, c.At}
}

func (s *System) consentsAPI(w http.ResponseWriter, r *http.Request) error {
	limit, err := pageLimit(r)
	if err != nil {
		return err
	}
	norm, ok := normalAddress(r.URL.Query().Get("address"))
	if !ok {
		return web.Invalid(web.Field{Field: "address", Code: "address", Message: "Name one email address."})
	}
	hash, before := s.addressHash(norm), web.CleanText(r.URL.Query().Get("cursor"), 64)
	rows, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Consent, error) { return consentsOf(tx, hash, before, limit+1) })
	if err != nil {
		return err
	}
	out := consentList{Consents: []consentJSON{}}
	if len(rows) > limit {
		rows = rows[:limit]
		out.Next = rows[limit-1].ID
	}
	for _, c := range rows {
		out.Consents = append(out.Consents, c.json())
	}
	return web.JSON(w, http.StatusOK, out)
}

// consentInput is a yes or no that the app got from somebody. Where and with which
// browser the person said so is the app's to tell: the request comes from its server.
type consentInput struct {
	Address     string `json:"address" doc:"Whose yes or no it is"`
	Category    string `json:"category" doc:"Key of the category"`
	Given       bool   `json:"given" doc:"Yes or no"`
	TextVersion string `json:"text_version,omitempty" doc:"Of the words that were shown; the category's if left out"`
	IP          string `json:"ip,omitempty" doc:"From where it was given"`
	UserAgent   string `json:"user_agent,omitempty" doc:"With which browser"`
	Double      bool   `json:"double_opt_in,omitempty" doc:"A yes counts once it was confirmed from a mail"`
}

func (in *consentInput) check() error {
	var c web.Check
	norm, ok := normalAddress(in.Address)
	c.Fault(ok, "address", "address", "Write one email address, as ada@example.com.")
	in.Address = norm
	c.Fault(categoryForm.MatchString(in.Category) || in.Category == everyCategory && !in.Given, "category", "form", "Name a category; * for every one is for a no alone.")
	in.TextVersion = c.Text("text_version", in.TextVersion, 0, 100)
	in.IP = c.Text("ip", in.IP, 0, 64)
	in.UserAgent = c.Text("user_agent", in.UserAgent, 0, 512)
	c.Fault(in.Given || !in.Double, "double_opt_in", "unexpected", "A no needs no confirmation.")
	return c.Err()
}

func (s *System) consentAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[consentInput](r)
	if err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	who := s.readerOf(in.Address)
	status := http.StatusOK
	c, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (Consent, error) {
		changed, err := s.record(tx, who, in)
		if err != nil {
			return Consent{}, err
		}
		status = http.StatusOK
		if changed {
			status = http.StatusCreated
		}
		c, err := lastConsent(tx, who.hash, in.Category)
		if err == nil && c.ID == "" { // it holds as a part of a wish about all of them
			c, err = lastConsent(tx, who.hash, everyCategory)
		}
		if err != nil || !in.Double {
			return c, err
		}
		if q, err := lastAsked(tx, who.hash, in.Category); err != nil || q.ID > c.ID {
			return q, err
		}
		return c, nil
	})
	if err != nil {
		return err
	}
	return web.JSON(w, status, c.json())
}

// record writes what the app says of somebody's wish; one that holds already changes
// nothing.
func (s *System) record(tx *store.Tx, who reader, in consentInput) (changed bool, err error) {
	how := said{source: "api", textVersion: in.TextVersion, ip: in.IP, userAgent: in.UserAgent, actor: web.IdentityOf(tx.Context()).Actor()}
	if !in.Given {
		return s.optOut(tx, who, in.Category, how)
	}
	c, err := categoryByKey(tx, in.Category)
	if isGone(err) || err == nil && c.Archived {
		return false, web.Invalid(web.Field{Field: "category", Code: "unknown", Message: "There is no such category. Make it first."})
	}
	if err != nil {
		return false, err
	}
	if in.Double {
		return s.ask(tx, who, c, how)
	}
	return s.optIn(tx, who, c, how)
}
