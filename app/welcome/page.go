package welcome

import (
	"net/http"
	"slices"

	"seaworthy/app/launch"
	"seaworthy/app/web"
	"seaworthy/store"
)

type startData struct {
	Setup   Setup
	Settled int
	Next    string // the first step that is open; "" for none
	Manage  bool
	Done    string
	First   bool // nothing was done yet
}

var startDone = map[string]string{"dismissed": "The console does not speak of the set-up any more. It stays here, at /-/admin/welcome.", "restored": "The console speaks of the set-up again."}

func (s *System) startPage(w http.ResponseWriter, r *http.Request) error {
	setup, err := store.Read(r.Context(), s.DB, s.Read)
	if err != nil {
		return err
	}
	s.keep(setup, s.DB.Now())
	d := startData{Setup: setup, Settled: setup.Settled(), Next: setup.Next(), Manage: web.IdentityOf(r.Context()).Can(permManage), Done: startDone[r.URL.Query().Get("done")]}
	d.First = d.Settled == 0
	return s.Pages.Render(w, r, "welcome/start", web.View{Title: "Set-up", Data: d})
}

type stepData struct {
	Step
	N, Of      int
	Steps      []Step
	Facts      facts
	Before     string // path of the step before, or of the start
	After      string // and of the next one, or of the end
	AfterTitle string
	Me         web.Identity
	Manage     bool
	Sent       string // message that was sent as a test
	DoneWord   string
	File       string // where lines of the environment go
}

var stepDone = map[string]string{"saved": "Saved. Every page for your customers and every mail wears it from now on.", "made": "The plan is made. Its price is made at Stripe within moments.",
	"skipped": "That step is put off. It stays in the list, where you can take it up.", "resumed": "The step counts again.", "sent": "A test mail is on its way."}

func (s *System) stepPage(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("step")
	if key == "done" {
		return s.endPage(w, r)
	}
	return s.showStep(w, r, key, nil, nil)
}

// showStep shows a step, with what was typed into its form and what is wrong with it.
func (s *System) showStep(w http.ResponseWriter, r *http.Request, key string, values map[string]string, fault *web.Error) error {
	n := slices.IndexFunc(steps, func(s Step) bool { return s.Key == key })
	if n < 0 {
		return web.ErrNotFound
	}
	d := stepData{N: n + 1, Of: len(steps), Before: base, After: base + "/done", AfterTitle: "What is left", Me: web.IdentityOf(r.Context()), File: s.Config.Data + "/seaworthy.env"}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		setup, err := s.Read(tx)
		if err != nil {
			return err
		}
		s.keep(setup, tx.Now())
		d.Steps, d.Step = setup.Steps, setup.Steps[n]
		d.Facts, err = s.facts(tx, key)
		return err
	})
	if err != nil {
		return err
	}
	if n > 0 {
		d.Before = base + "/" + steps[n-1].Key
	}
	if n+1 < len(steps) {
		d.After, d.AfterTitle = base+"/"+steps[n+1].Key, steps[n+1].Title
	}
	q := r.URL.Query()
	d.Manage, d.Sent, d.DoneWord = d.Me.Can(permManage), q.Get("message"), stepDone[q.Get("done")]
	if values == nil {
		values = d.Facts.values(d.Me)
	}
	v := web.View{Title: d.Title, Data: d, Form: &web.Form{Values: values, Err: fault}}
	if fault != nil {
		v.Status = fault.Status
	}
	return s.Pages.Render(w, r, "welcome/step", v)
}

// values are what stands in the form of a step before anybody typed.
func (f facts) values(me web.Identity) map[string]string {
	return map[string]string{"name": f.Brand.Name, "accent": f.Brand.Accent, "address": f.Example, "to": me.Email, "currency": "eur", "interval": "month", "trial_days": "14"}
}

type endData struct {
	Setup Setup
	Score launch.Score
	Open  []launch.Check // that block
	Rest  int            // further ones that are open
	Next  string
}

// endPage is what is left to do before customers come.
func (s *System) endPage(w http.ResponseWriter, r *http.Request) error {
	var d endData
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if d.Setup, err = s.Read(tx); err != nil {
			return err
		}
		checks, err := s.Checks(tx)
		d.Score, d.Open, d.Rest = launch.Rate(checks), nil, 0
		for _, c := range checks {
			switch open := c.State == launch.Todo || c.State == launch.Warn || c.State == launch.Unknown; {
			case open && c.Blocks && c.State == launch.Todo:
				d.Open = append(d.Open, c)
			case open:
				d.Rest++
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	d.Next = d.Setup.Next()
	return s.Pages.Render(w, r, "welcome/done", web.View{Title: "What is left", Data: d})
}
