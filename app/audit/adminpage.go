package audit

import (
	"net/http"
	"net/url"
	"strings"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

const adminBase = "/-/admin/audit"

// adminRoutes are the operator's view: all orgs, and the state of the chain. What
// they ask for is what the API asks for.
func (s *System) adminRoutes() []web.Route {
	read, manage := web.Permission(permRead), web.Permission(permManage)
	return []web.Route{
		{Method: "GET", Pattern: adminBase, Access: read, Handler: func(w http.ResponseWriter, r *http.Request) error {
			return s.list(w, r, "audit/admin", adminBase, web.Org{})
		}},
		{Method: "GET", Pattern: adminBase + "/events/{id}", Access: read, Handler: func(w http.ResponseWriter, r *http.Request) error {
			return s.event(w, r, "audit/adminevent", adminBase, web.Org{})
		}},
		{Method: "GET", Pattern: adminBase + "/events/{id}/proof", Access: read, Handler: func(w http.ResponseWriter, r *http.Request) error {
			return s.proofFile(w, r, web.Org{})
		}},
		{Method: "POST", Pattern: adminBase + "/exports", Access: read, Handler: func(w http.ResponseWriter, r *http.Request) error {
			return s.exportForm(w, r, "", adminBase)
		}, Audit: []string{string(actExportAsked)}},
		{Method: "GET", Pattern: adminBase + "/exports/{id}", Access: read, Handler: func(w http.ResponseWriter, r *http.Request) error {
			return s.filePage(w, r, "")
		}},
		{Method: "POST", Pattern: adminBase + "/retention", Access: manage, Handler: func(w http.ResponseWriter, r *http.Request) error {
			return s.retentionForm(w, r, "", adminBase)
		}, Audit: []string{string(actRetentionSet)}},
		{Method: "POST", Pattern: adminBase + "/verify", Access: manage, Handler: s.verifyForm, Audit: []string{string(actVerifyAsked)}},
		{Method: "POST", Pattern: adminBase + "/erase", Access: manage, Handler: s.eraseForm, Audit: []string{string(actRedacted)}},
	}
}

// verifyForm has the whole log verified now, by a job.
func (s *System) verifyForm(w http.ResponseWriter, r *http.Request) error {
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		if _, err := queue.Enqueue(tx, verifyJob{}, queue.Unique("all", 0)); err != nil {
			return err
		}
		return s.Record(tx, Event{Action: actVerifyAsked})
	})
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, adminBase)
}

type eraseInput struct {
	Subject string `json:"subject"`
	Confirm string `json:"confirm"`
}

// eraseForm erases a subject's personal data; the subject is typed twice,
// because nothing brings it back.
func (s *System) eraseForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[eraseInput](r)
	if err != nil {
		return err
	}
	var c web.Check
	c.Fault(in.Subject == in.Confirm, "confirm", "different", "Type the same subject again.")
	if err := c.Err(); err != nil {
		return err
	}
	subject := ParseRef(strings.TrimSpace(in.Subject))
	n, err := s.Erase(r.Context(), subject)
	if err == nil && n == 0 { // which a misspelt subject has, too
		err = web.Invalid(web.Field{Field: "subject", Code: "nothing", Message: "The log holds no personal data of " + subject.String() + "."})
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, adminBase+"?target="+url.QueryEscape(subject.String()))
}
