package stripesim

import (
	"errors"
	"net/http"
	"time"

	"seaworthy/app/web"
)

// Path is where its pages are.
const Path = "/-/dev/stripe"

// Routes are the pages and the control API, for development alone.
func (s *Sim) Routes() []web.Route {
	const none = "money that is made up is nobody's business"
	get := func(path string, h web.Handler) web.Route {
		return web.Route{Method: "GET", Pattern: Path + path, Access: web.Public, Handler: h}
	}
	act := func(method, path string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: Path + path, Access: web.Public, Handler: h, Exempt: none}
	}
	return []web.Route{
		get("", s.deskPage), act("PUT", "/clock", s.putClock), act("POST", "/clock", s.clockForm), act("PUT", "/faults", s.putFaults), act("POST", "/faults", s.faultForm),
		act("POST", "/fail-next-payment", s.failNext), act("POST", "/reset", s.reset), act("POST", "/events/{id}/redeliver", s.redeliver),
		get("/checkout/{id}", s.checkoutPage), act("POST", "/checkout/{id}", s.checkoutForm),
		get("/portal/{id}", s.portalPage), act("POST", "/portal/{id}", s.portalForm),
		get("/invoices/{id}", s.invoicePage), get("/confirm/{id}", s.confirmPage), act("POST", "/confirm/{id}", s.confirmForm),
	}
}

// plainly is an error of the API's as an error of a page's.
func plainly(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	return &web.Error{Status: e.Status, Code: "stripe_" + e.Type, Public: e.Message}
}

// Moved is how the control API moves the clock: by seconds, to a time in seconds, or
// to the next thing that happens.
type Moved struct {
	Advance int64 `json:"advance_seconds,omitempty"`
	To      int64 `json:"to,omitempty"`
	Next    bool  `json:"next,omitempty"`
}

// furthest is how far the clock is moved at once: each renewal on the way is a step.
const furthest = 2 * 366 * 24 * time.Hour

// moveBy moves the clock. It never goes back: what has happened cannot unhappen.
func (s *Sim) moveBy(r *http.Request, m Moved) error {
	if m.Next {
		_, err := s.AdvanceToNext(r.Context())
		return err
	}
	d := time.Duration(min(m.Advance, int64(furthest/time.Second)+1)) * time.Second
	if m.To != 0 {
		d = time.Unix(m.To, 0).Sub(s.Now())
	}
	if d <= 0 || d > furthest {
		return web.BadRequest("clock_range", "The clock goes forward only, two years at most.")
	}
	return s.Advance(r.Context(), d)
}

func (s *Sim) putClock(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[Moved](r)
	if err == nil {
		err = s.moveBy(r, in)
	}
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, map[string]any{"now": s.Now().Unix()})
}

func (s *Sim) putFaults(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[Faults](r)
	if err != nil {
		return err
	}
	if err := s.SetFaults(r.Context(), in); err != nil {
		return web.BadRequest("fault_unknown", err.Error())
	}
	return web.JSON(w, http.StatusOK, s.Faults())
}

func (s *Sim) clockForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[struct {
		By string `json:"by,omitempty"`
		To string `json:"to,omitempty"`
	}](r)
	if err != nil {
		return err
	}
	m := Moved{}
	switch in.By {
	case "hour":
		m.Advance = 3600
	case "day":
		m.Advance = 24 * 3600
	case "week":
		m.Advance = 7 * 24 * 3600
	case "next":
		m.Next = true
	default:
		at, err := time.Parse("2006-01-02", in.To)
		if err != nil {
			return web.BadRequest("date_invalid", "Give a date as 2026-12-31.")
		}
		m.To = at.Unix()
	}
	if err := s.moveBy(r, m); err != nil {
		return err
	}
	return web.SeeOther(w, r, Path)
}

// faultForm switches on one fault of webhooks and one of the API.
func (s *Sim) faultForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[struct {
		API       string `json:"api,omitempty"`
		Body      string `json:"body,omitempty"`
		Secret    string `json:"secret,omitempty"`
		Time      string `json:"time,omitempty"`
		EndRule   string `json:"end_rule,omitempty"`
		Duplicate bool   `json:"duplicate,omitempty"`
		Reorder   bool   `json:"reorder,omitempty"`
	}](r)
	if err != nil {
		return err
	}
	f := s.Faults()
	f.API, f.Body, f.Secret, f.Time, f.EndRule, f.Duplicate, f.Reorder = in.API, in.Body, in.Secret, in.Time, in.EndRule, in.Duplicate, 0
	if in.Reorder {
		f.Reorder = 10
	}
	if err := s.SetFaults(r.Context(), f); err != nil {
		return web.BadRequest("fault_unknown", err.Error())
	}
	return web.SeeOther(w, r, Path)
}

// done answers an act: who asked for JSON gets some, a person the page again.
func done(w http.ResponseWriter, r *http.Request, err error) error {
	switch {
	case err != nil:
		return plainly(err)
	case web.WantsJSON(r):
		return web.JSON(w, http.StatusOK, map[string]bool{"ok": true})
	}
	return web.SeeOther(w, r, Path)
}

func (s *Sim) failNext(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[struct {
		Code string `json:"code,omitempty"`
	}](r)
	if err != nil {
		return err
	}
	var c web.Check
	code := c.Text("code", in.Code, 0, 40)
	if err := c.Err(); err != nil {
		return err
	}
	s.FailNextPayment(code)
	return done(w, r, nil)
}

func (s *Sim) reset(w http.ResponseWriter, r *http.Request) error {
	return done(w, r, s.Reset(r.Context()))
}

func (s *Sim) redeliver(w http.ResponseWriter, r *http.Request) error {
	return done(w, r, s.Redeliver(r.Context(), r.PathValue("id")))
}
