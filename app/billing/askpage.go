package billing

import (
	"net/http"

	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

// toOrgPage leads from the one address of billing to the page of an org: the one that
// is named, or the one in which the person works. Mails, refusals and the pricing page
// name this address and not the org's own, because whoever follows them may not be one
// who sees its billing: he is told whom to ask.
func (s *System) toOrgPage(w http.ResponseWriter, r *http.Request) error {
	org, has, err := s.orgOf(r)
	if err != nil {
		return err
	}
	if has.Can(permRead) {
		return web.SeeOther(w, r, pageOfOrg(org))
	}
	return s.showAsk(w, r, org, has)
}

// askData is what a member sees of billing who has no part in it.
type askData struct {
	Org    web.Org
	Plan   string // "" for none
	Narrow bool   // the org is read-only
	Paused bool   // because its plan rests, and not for want of money
	On     bool
	People []auth.Contact // who manages billing; their addresses are for those who may see members
}

// seesMembers is the permission with which a member sees who the others are.
const seesMembers = "org:read"

func (s *System) showAsk(w http.ResponseWriter, r *http.Request, org web.Org, has web.Identity) error {
	e, err := s.Entitlements(r.Context(), org.ID)
	if err != nil {
		return err
	}
	people, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]auth.Contact, error) { return auth.Holders(tx, org.ID, permManage) })
	if err != nil {
		return err
	}
	if !has.Can(seesMembers) {
		for i := range people {
			people[i].Email = ""
		}
	}
	data := askData{Org: org, Plan: e.PlanName, Narrow: e.Access == AccessRead, Paused: e.State == Paused, On: s.On(), People: people}
	return s.Pages.Render(w, r, "billing/ask", web.View{Title: "Billing", Data: data})
}
