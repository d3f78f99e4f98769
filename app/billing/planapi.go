package billing

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// PlanInput is a plan as people write it. Version is the one that was changed, so
// that nobody undoes what another did meanwhile; 0 for a new plan.
type PlanInput struct {
	Key      string            `json:"key"`
	Kind     string            `json:"kind"`
	Name     string            `json:"name"`
	About    string            `json:"description"`
	Rank     int64             `json:"rank"`
	Trial    int64             `json:"trial_days"`
	Version  int64             `json:"version"`
	Features []string          `json:"features"`
	Limits   map[string]Limit  `json:"limits"`
	Titles   map[string]string `json:"titles"` // what features and limits are called on pages, by their key; missing: by the key
	Prices   []string          `json:"prices"` // ids of prices at Stripe, which are offered; others of the plan stay for those who have them
	Make     []NewPrice        `json:"make_prices"`
	Archived bool              `json:"archived"`
	Comment  string            `json:"comment"`
}

// NewPrice is a price that is to be made at Stripe.
type NewPrice struct {
	Currency string `json:"currency"`
	Amount   int64  `json:"unit_amount"`
	Interval string `json:"interval"`
	Count    int64  `json:"interval_count"` // 1 if 0
}

// Most of each that a plan can have.
const (
	maxFeatures = 200
	maxPrices   = 40
	maxAmount   = 99_999_999 // Stripe's
)

func (s *System) planRoutes() []web.Route {
	changes := []string{string(actPlanMade), string(actPlanChanged), string(actPlanArchived), string(actPlanReopened)}
	return []web.Route{
		{Method: "GET", Pattern: "/-/api/v1/billing/plans", Access: web.Permission(permSee), Handler: s.plansAPI,
			Doc: web.Doc{Summary: "List the plans with what they give and their prices", Out: plansOutput{}}},
		{Method: "PUT", Pattern: "/-/api/v1/billing/plans", Access: web.Permission(permRun), Handler: s.putPlanAPI, Audit: changes,
			Doc: web.Doc{Summary: "Make a plan, or give it a new version", In: PlanInput{}, Out: Plan{}}},
		{Method: "GET", Pattern: apiImport, Access: web.Permission(permSee), Handler: s.importAPI,
			Doc: web.Doc{Summary: "What came of the last reading of plans from Stripe", Out: importJSON{}}},
		{Method: "POST", Pattern: apiImport, Access: web.Permission(permRun), Handler: s.askImportAPI, Audit: []string{string(actImportAsked)},
			Doc: web.Doc{Summary: "Have plans made of what is sold at Stripe; those that are known stay as they are", Out: importJSON{}, Status: http.StatusAccepted}},
	}
}

type plansOutput struct {
	Data []Plan `json:"data"`
}

func (s *System) plansAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, allPlans)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, plansOutput{append([]Plan{}, all...)})
}

func (s *System) putPlanAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[PlanInput](r)
	if err != nil {
		return err
	}
	p, err := s.PutPlan(r.Context(), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, p)
}

// check finds what is wrong with a plan by itself.
func (in *PlanInput) check() error {
	var c web.Check
	c.Fault(keyForm.MatchString(in.Key), "key", "form", "Small letters, digits, dots, hyphens and underscores, at most 40, and a letter first.")
	c.Fault(slices.Contains([]string{kindFree, kindPlan, kindAddon}, in.Kind), "kind", "unknown", "A plan is free, plan or addon.")
	in.Name = c.Text("name", in.Name, 1, 60)
	in.About = c.Text("description", in.About, 0, 300)
	in.Comment = c.Text("comment", in.Comment, 0, 300)
	c.Fault(in.Rank >= 0 && in.Rank <= 1_000_000, "rank", "range", "From 0 to 1000000.")
	c.Fault(in.Trial >= 0 && in.Trial <= 730, "trial_days", "range", "From 0 to 730 days.")
	c.Fault(len(in.Features) <= maxFeatures && len(in.Limits) <= maxFeatures, "features", "too_many", "At most 200 features and 200 limits.")
	for _, f := range in.Features {
		c.Fault(keyForm.MatchString(f), "features", "form", "A feature is written in small letters, digits, dots, hyphens and underscores.")
	}
	for name, l := range in.Limits {
		c.Fault(keyForm.MatchString(name), "limits", "form", "A limit is named in small letters, digits, dots, hyphens and underscores.")
		c.Fault(l.Value >= 0 && l.Value <= 1<<50 && (!l.Unlimited || l.Value == 0 && !l.PerUnit), "limits", "range", "A limit is 0 or more, or unlimited and then without a value.")
	}
	c.Fault(len(in.Titles) <= 2*maxFeatures, "titles", "too_many", "At most 400 names.")
	for key, title := range in.Titles {
		_, limit := in.Limits[key]
		c.Fault(limit || slices.Contains(in.Features, key), "titles", "unknown", "Only features and limits of this plan have a name here; "+web.CleanText(key, 40)+" is neither.")
		in.Titles[key] = c.Text("titles", title, 1, 60)
	}
	c.Fault(len(in.Prices)+len(in.Make) <= maxPrices, "prices", "too_many", "At most 40 prices.")
	c.Fault(in.Kind != kindFree || len(in.Prices)+len(in.Make) == 0, "prices", "free", "A free plan has no prices.")
	for _, id := range in.Prices {
		c.Fault(idForm.MatchString(id), "prices", "form", "Give the ids of prices at Stripe: price_...")
	}
	for i := range in.Make {
		p := &in.Make[i]
		p.Count = max(p.Count, 1)
		p.Currency = strings.ToLower(p.Currency)
		c.Fault(currencyForm.MatchString(p.Currency), "make_prices", "currency", "A currency is three letters, as eur.")
		c.Fault(p.Amount > 0 && p.Amount <= maxAmount, "make_prices", "amount", "An amount is in the currency's minor unit: 4900 for 49.00.")
		c.Fault(slices.Contains([]string{"day", "week", "month", "year"}, p.Interval) && p.Count <= 12, "make_prices", "interval", "Every 1 to 12 of day, week, month or year.")
	}
	in.Features = slices.Compact(slices.Sorted(slices.Values(in.Features)))
	in.Prices = slices.Compact(slices.Sorted(slices.Values(in.Prices)))
	return c.Err()
}

var errPlanChanged = &web.Error{Status: http.StatusConflict, Code: "changed_meanwhile", Public: "Somebody changed this plan meanwhile. Look at it again, then change it."}

const apiImport = "/-/api/v1/billing/plans/import"

type importJSON struct {
	State  string     `json:"state"` // waiting, done or failed; never if none was asked for
	Detail string     `json:"detail,omitempty"`
	Asked  *time.Time `json:"asked_at,omitempty"`
	Ended  *time.Time `json:"ended_at,omitempty"`
}

func (s *System) tellImport(w http.ResponseWriter, r *http.Request, status int) error {
	i, err := store.Read(r.Context(), s.DB, LastImport)
	if isNotFound(err) {
		return web.JSON(w, status, importJSON{State: "never"})
	}
	if err != nil {
		return err
	}
	out := importJSON{State: i.State, Detail: i.Detail, Asked: &i.Asked}
	if !i.Ended.IsZero() {
		out.Ended = &i.Ended
	}
	return web.JSON(w, status, out)
}

func (s *System) importAPI(w http.ResponseWriter, r *http.Request) error {
	return s.tellImport(w, r, http.StatusOK)
}

func (s *System) askImportAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.ReadPlans(r.Context()); err != nil {
		return err
	}
	return s.tellImport(w, r, http.StatusAccepted)
}
