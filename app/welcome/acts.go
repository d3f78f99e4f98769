package welcome

import (
	"net/http"
	"strings"

	"seaworthy/app/billing"
	"seaworthy/app/web"
)

// after leads on when an act went well, or shows the step with what is wrong.
func (s *System) after(w http.ResponseWriter, r *http.Request, step, to string, values map[string]string, err error) error {
	if err == nil {
		s.forget() // the next page shows how far it is now, not how far it was
		return web.SeeOther(w, r, base+to)
	}
	if e := web.AsError(err); e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusConflict {
		return s.showStep(w, r, step, values, e)
	}
	return err
}

func (s *System) skipForm(w http.ResponseWriter, r *http.Request) error {
	step, err := stepOf(r)
	if err != nil {
		return err
	}
	next := "/done"
	for i, known := range steps {
		if known.Key == step && i+1 < len(steps) {
			next = "/" + steps[i+1].Key
		}
	}
	return s.after(w, r, step, next+"?done=skipped", nil, s.putOff(r.Context(), step))
}

func (s *System) resumeForm(w http.ResponseWriter, r *http.Request) error {
	step, err := stepOf(r)
	if err != nil {
		return err
	}
	return s.after(w, r, step, "/"+step+"?done=resumed", nil, s.takeUp(r.Context(), step))
}

func (s *System) closeForm(w http.ResponseWriter, r *http.Request) error {
	return s.wholly(w, r, "dismissed", s.putOff(r.Context(), whole))
}

func (s *System) openForm(w http.ResponseWriter, r *http.Request) error {
	return s.wholly(w, r, "restored", s.takeUp(r.Context(), whole))
}

// wholly leads to the start, also when it was so already.
func (s *System) wholly(w http.ResponseWriter, r *http.Request, done string, err error) error {
	if err != nil && web.AsError(err).Status != http.StatusConflict {
		return err
	}
	return web.SeeOther(w, r, base+"?done="+done)
}

type brandIn struct {
	Version int    `json:"version"`
	Name    string `json:"name"`
	Accent  string `json:"accent"`
}

// brandForm changes name and colour, and leaves all else of the brand as it is.
func (s *System) brandForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[brandIn](r)
	if err != nil {
		return err
	}
	b := s.Email.BrandInUse()
	b.Version, b.Name = in.Version, in.Name
	if !strings.EqualFold(strings.TrimSpace(in.Accent), b.Accent) {
		b.Accent, b.Dark = in.Accent, "" // a variant of another colour is none of this one
	}
	return s.after(w, r, "brand", "/brand?done=saved", map[string]string{"name": in.Name, "accent": in.Accent}, s.Email.SetBrand(r.Context(), b))
}

type tryIn struct {
	Address string `json:"address"`
}

func (s *System) tryForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[tryIn](r)
	if err != nil {
		return err
	}
	return s.after(w, r, "app", "/app#trial", map[string]string{"address": in.Address}, s.Try(r.Context(), in.Address))
}

type testIn struct {
	Provider string `json:"provider"`
	To       string `json:"to"`
}

func (s *System) testForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[testIn](r)
	if err != nil {
		return err
	}
	id, err := s.Email.Test(r.Context(), in.Provider, in.To)
	return s.after(w, r, "providers", "/providers?done=sent&message="+id, map[string]string{"to": in.To}, err)
}

type planIn struct {
	Name     string `json:"name"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Interval string `json:"interval"`
	Trial    int64  `json:"trial_days"`
}

func (s *System) planForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[planIn](r)
	if err != nil {
		return err
	}
	_, err = s.Billing.MakeFirst(r.Context(), billing.FirstPlan(in))
	return s.after(w, r, "plans", "/plans?done=made", map[string]string{"name": in.Name, "amount": in.Amount, "currency": in.Currency, "interval": in.Interval, "trial_days": itoa(in.Trial)}, err)
}

func (s *System) readForm(w http.ResponseWriter, r *http.Request) error {
	return s.after(w, r, "plans", "/plans#import", nil, s.Billing.ReadPlans(r.Context()))
}
