package email

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"seaworthy/app/web"
	"seaworthy/store"
)

type suppressFormInput struct {
	Act      string `json:"act"`
	Address  string `json:"address"`
	Scope    string `json:"scope"`
	Category string `json:"category"`
}

func (s *System) suppressForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[suppressFormInput](r)
	if err != nil {
		return err
	}
	n := newSuppression{Address: in.Address, Scope: in.Scope, Category: in.Category}
	if n.Scope != string(ScopeCategory) {
		n.Category = "" // the field is there all the same
	}
	if err := n.check(); err != nil {
		return s.showSuppressions(w, r, http.StatusUnprocessableEntity, &web.Form{Err: web.AsError(err),
			Values: map[string]string{"act": "add", "address": in.Address, "scope": in.Scope, "category": in.Category}})
	}
	fresh, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (bool, error) {
		_, fresh, err := s.hold(tx, n, "manual")
		return fresh, err
	})
	if err != nil {
		return err
	}
	done := "known"
	if fresh {
		done = "added"
	}
	return web.SeeOther(w, r, suppressionBase+"?done="+done)
}

type importFormInput struct {
	Act       string `json:"act"`
	Addresses string `json:"addresses"`
}

func (s *System) importForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[importFormInput](r)
	if err != nil {
		return err
	}
	out, err := s.importAll(r.Context(), []byte(in.Addresses), string(ScopeAll), "")
	if e := web.AsError(err); err != nil && e.Status < 500 {
		if e.Fields == nil {
			e = web.Invalid(web.Field{Field: "addresses", Code: e.Code, Message: e.Public})
		}
		return s.showSuppressions(w, r, http.StatusUnprocessableEntity, &web.Form{Err: e, Values: map[string]string{"act": "import", "addresses": in.Addresses}})
	}
	if err != nil {
		return err
	}
	q := url.Values{"added": {strconv.Itoa(out.Added)}, "known": {strconv.Itoa(out.Known)}, "refused": {strconv.Itoa(out.Refused)}}
	return web.SeeOther(w, r, suppressionBase+"?"+q.Encode())
}

type liftFormInput struct {
	Act    string `json:"act"`
	Reason string `json:"reason"`
}

func (s *System) liftForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[liftFormInput](r)
	if err != nil {
		return err
	}
	why := liftInput{in.Reason}
	if err := why.check(); err != nil {
		return s.showSuppression(w, r, http.StatusUnprocessableEntity, &web.Form{Err: web.AsError(err),
			Values: map[string]string{"act": "lift", "reason": in.Reason}})
	}
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error { return s.lift(tx, r.PathValue("id"), why.Reason) }); err != nil {
		return err
	}
	return web.SeeOther(w, r, suppressionBase+"?done=lifted")
}

// suppressionOne is the page of a suppression.
type suppressionOne struct {
	One           Suppression
	Manage, Audit bool
	Own           bool // its owner unsubscribed, so that nobody else lifts it
	Event         *Event
	Said          []string // what the provider said, "reason: …"
	Consents      []Consent
	More          bool
}

// recentConsents is how many entries of the consent log the page shows.
const recentConsents = 20

func (s *System) suppressionOnePage(w http.ResponseWriter, r *http.Request) error {
	return s.showSuppression(w, r, http.StatusOK, nil)
}

func (s *System) showSuppression(w http.ResponseWriter, r *http.Request, status int, form *web.Form) error {
	id := web.IdentityOf(r.Context())
	d := suppressionOne{Manage: id.Can(permManage), Audit: id.Can("audit:read")}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if d.One, err = suppressionByID(tx, r.PathValue("id")); err != nil {
			return err
		}
		if d.One.Event != "" {
			e, err := scanEvent(tx.QueryRow(eventColumns+`WHERE id = ?`, d.One.Event))
			if err != nil && !isGone(err) {
				return err
			}
			if err == nil {
				d.Event = &e
			}
		}
		d.Consents, err = consentsOf(tx, d.One.Hash, "", recentConsents+1)
		return err
	})
	if err != nil {
		return err
	}
	if d.More = len(d.Consents) > recentConsents; d.More {
		d.Consents = d.Consents[:recentConsents]
	}
	d.Own = d.One.byOwner()
	if d.Event != nil {
		for name, v := range d.Event.Details {
			d.Said = append(d.Said, fmt.Sprintf("%s: %v", name, v))
		}
		slices.Sort(d.Said)
	}
	title := d.One.Address
	if title == "" {
		title = "Erased address"
	}
	return s.Pages.Render(w, r, "email/suppression", web.View{Title: title, Status: status, Data: d, Form: form})
}
