package billing

import (
	"net/http"

	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) settingsPage(w http.ResponseWriter, r *http.Request) error {
	v, err := store.Read(r.Context(), s.DB, settingsOf)
	if err != nil {
		return err
	}
	return s.showSettings(w, r, v, nil)
}

func (s *System) settingsForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[Settings](r)
	if err != nil {
		return err
	}
	if err := s.PutSettings(r.Context(), in); err != nil {
		return s.showSettings(w, r, in, err)
	}
	return web.SeeOther(w, r, "/-/admin/billing/settings?done=rules")
}

func (s *System) showSettings(w http.ResponseWriter, r *http.Request, in Settings, failed error) error {
	v := web.View{Title: "Billing rules", Form: &web.Form{Values: map[string]string{settingPause: itoa(in.PauseDays)}},
		Data: struct {
			Settings Settings
			Done     string
		}{in, deskDone[r.URL.Query().Get("done")]}}
	if failed != nil {
		e := web.AsError(failed)
		if e.Status >= 500 {
			return failed
		}
		v.Status, v.Form.Err = e.Status, e
	}
	return s.Pages.Render(w, r, "billing/settings", v)
}
