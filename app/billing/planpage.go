package billing

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) plansPage(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, allPlans)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "billing/plans", web.View{Title: "Plans", Data: map[string]any{"Plans": all, "May": web.IdentityOf(r.Context()).Can(permRun), "Done": deskDone[r.URL.Query().Get("done")]}})
}

// planFormInput is a plan as the form sends it: lists are lines.
type planFormInput struct {
	Key      string `json:"key"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	About    string `json:"description"`
	Rank     int64  `json:"rank"`
	Trial    int64  `json:"trial_days"`
	Version  int64  `json:"version"`
	Features string `json:"features"`
	Limits   string `json:"limits"`
	Titles   string `json:"titles"`
	Prices   string `json:"prices"`
	Make     string `json:"make_prices"`
	Archived bool   `json:"archived"`
	Comment  string `json:"comment"`
}

func (s *System) planPage(w http.ResponseWriter, r *http.Request) error {
	key := r.URL.Query().Get("plan")
	if key == "" {
		return s.showPlan(w, r, planFormInput{Kind: kindPlan, Rank: 10, Limits: "seats = 5"}, nil)
	}
	p, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (Plan, error) { return planByKey(tx, key) })
	if err != nil {
		return err
	}
	return s.showPlan(w, r, formOf(p), nil)
}

// formOf is a plan as the form shows it.
func formOf(p Plan) planFormInput {
	in := planFormInput{Key: p.Key, Kind: p.Kind, Name: p.Name, About: p.About, Rank: p.Rank, Trial: p.Trial, Version: p.Version, Features: strings.Join(p.Features, "\n"), Archived: p.Archived}
	var limits, prices []string
	for _, name := range slices.Sorted(maps.Keys(p.Limits)) {
		l := p.Limits[name]
		switch {
		case l.Unlimited:
			limits = append(limits, name+" = unlimited")
		case l.PerUnit:
			limits = append(limits, fmt.Sprintf("%s = %d each", name, l.Value))
		default:
			limits = append(limits, fmt.Sprintf("%s = %d", name, l.Value))
		}
	}
	for _, price := range p.Prices {
		if price.Offered {
			prices = append(prices, price.ID)
		}
	}
	in.Limits, in.Prices = strings.Join(limits, "\n"), strings.Join(prices, "\n")
	for _, name := range slices.Sorted(maps.Keys(p.Titles)) {
		in.Titles += name + " = " + p.Titles[name] + "\n"
	}
	return in
}

// plan reads the lines of the form.
func (in planFormInput) plan() (PlanInput, error) {
	out := PlanInput{Key: strings.TrimSpace(in.Key), Kind: in.Kind, Name: in.Name, About: in.About, Rank: in.Rank, Trial: in.Trial, Version: in.Version,
		Features: strings.Fields(in.Features), Prices: strings.Fields(in.Prices), Archived: in.Archived, Comment: in.Comment, Limits: map[string]Limit{}}
	var c web.Check
	for _, line := range filled(in.Limits) {
		name, value, ok := strings.Cut(line, "=")
		l, err := limitFrom(strings.TrimSpace(value))
		c.Fault(ok && err == nil, "limits", "form", "One a line, as seats = 5, seats = 1 each, or projects = unlimited.")
		out.Limits[strings.TrimSpace(name)] = l
	}
	for _, line := range filled(in.Titles) {
		name, title, ok := strings.Cut(line, "=")
		c.Fault(ok, "titles", "form", "One a line, as sso = Single sign-on.")
		if out.Titles == nil {
			out.Titles = map[string]string{}
		}
		out.Titles[strings.TrimSpace(name)] = strings.TrimSpace(title)
	}
	for _, line := range filled(in.Make) {
		p, ok := priceFrom(strings.Fields(line))
		c.Fault(ok, "make_prices", "form", "One a line, as 49.00 eur month.")
		out.Make = append(out.Make, p)
	}
	return out, c.Err()
}

func filled(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func limitFrom(text string) (l Limit, err error) {
	if text == "unlimited" {
		return Limit{Unlimited: true}, nil
	}
	number, each := strings.CutSuffix(text, " each")
	l.PerUnit = each
	l.Value, err = strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	return l, err
}

// priceFrom reads an amount as people write it, a currency and an interval.
func priceFrom(words []string) (p NewPrice, ok bool) {
	if len(words) != 3 {
		return p, false
	}
	p = NewPrice{Currency: strings.ToLower(words[1]), Interval: words[2], Count: 1}
	p.Amount, ok = minor(words[0], p.Currency)
	return p, ok
}

func (s *System) planForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[planFormInput](r)
	if err != nil {
		return err
	}
	p, err := in.plan()
	if err == nil {
		_, err = s.PutPlan(r.Context(), p)
	}
	if err != nil {
		return s.showPlan(w, r, in, err)
	}
	return web.SeeOther(w, r, "/-/admin/billing/plans?done=saved")
}

func (s *System) showPlan(w http.ResponseWriter, r *http.Request, in planFormInput, failed error) error {
	title := "New plan"
	if in.Version > 0 {
		title = in.Name
	}
	v := web.View{Title: title, Data: in, Form: &web.Form{Values: map[string]string{"key": in.Key, "name": in.Name, "description": in.About, "rank": itoa(in.Rank), "trial_days": itoa(in.Trial), "comment": in.Comment}}}
	if failed != nil {
		e := web.AsError(failed)
		if e.Status >= 500 {
			return failed
		}
		v.Status, v.Form.Err = e.Status, e
	}
	return s.Pages.Render(w, r, "billing/plan", v)
}
