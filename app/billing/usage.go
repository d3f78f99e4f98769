package billing

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

// permReport is what the app's key needs to tell what is used.
const permReport = "payments:report"

// maxUsage bounds how many limits one request tells of, and one org has.
const maxUsage = 100

type usageInput struct {
	Org  string           `json:"org" doc:"Id or slug of the organization"`
	Used map[string]int64 `json:"used" doc:"By limit: how much of it is used now, not what was added"`
}

type usageOutput struct {
	Over []string `json:"over_limit"` // limits of which more is used than the plan gives
}

func (s *System) usageRoutes() []web.Route {
	return []web.Route{{Method: "PUT", Pattern: "/-/api/v1/billing/usage", Access: web.Permission(permReport), Handler: s.usageAPI,
		Exempt: "a figure of the app's, told whenever it changes: it decides nothing by itself",
		Doc:    web.Doc{Summary: "Tell how much of its limits an org uses, so that no smaller plan is chosen than fits", In: usageInput{}, Out: usageOutput{}}}}
}

func (s *System) usageAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[usageInput](r)
	if err != nil {
		return err
	}
	var c web.Check
	c.Fault(in.Org != "", "org", "required", "Say which organization, by its id.")
	c.Fault(len(in.Used) > 0 && len(in.Used) <= maxUsage, "used", "range", "From 1 to 100 limits.")
	for name, n := range in.Used {
		c.Fault(keyForm.MatchString(name) && name != limitSeats, "used", "form", "A limit is named in small letters, digits, dots, hyphens and underscores; seats are counted here.")
		c.Fault(n >= 0 && n <= 1<<50, "used", "range", "From 0 on.")
	}
	if err := c.Err(); err != nil {
		return err
	}
	out, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (usageOutput, error) { return s.keepUsage(tx, in) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) keepUsage(tx *store.Tx, in usageInput) (out usageOutput, err error) {
	org, err := auth.FindOrg(tx, in.Org)
	if isNotFound(err) {
		return out, web.Invalid(web.Field{Field: "org", Code: "unknown", Message: "There is no such organization."})
	}
	if err != nil {
		return out, err
	}
	used, err := usedOf(tx, org.ID)
	if err != nil {
		return out, err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Used)) {
		if used[name] = in.Used[name]; len(used) > maxUsage+1 {
			return out, web.Invalid(web.Field{Field: "used", Code: "too_many", Message: "An organization has at most 100 limits."})
		}
		if _, err := tx.Exec(`INSERT INTO billing_usage (org_id, name, used, told_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (org_id, name) DO UPDATE SET used = excluded.used, told_at = excluded.told_at`, org.ID, name, in.Used[name], tx.Now().UnixMilli()); err != nil {
			return out, err
		}
	}
	e, err := entitlementsOf(tx, org.ID)
	if err != nil {
		return out, err
	}
	if out.Over = over(e.Limits, used); !s.On() {
		return out, nil
	}
	return out, s.checkLimits(tx, org.ID)
}

// usedOf is how much an org uses of what is limited: its members, and what the app told.
func usedOf(tx *store.Tx, org string) (map[string]int64, error) {
	seats, err := auth.Seats(tx, org)
	if err != nil {
		return nil, err
	}
	type row struct {
		name string
		used int64
	}
	all, err := store.All(tx, func(r store.Scanner) (v row, err error) { return v, r.Scan(&v.name, &v.used) },
		`SELECT name, used FROM billing_usage WHERE org_id = ? ORDER BY name`, org)
	used := map[string]int64{limitSeats: seats}
	for _, one := range all {
		used[one.name] = one.used
	}
	return used, err
}

// over are the limits of which more is used than they give, sorted.
func over(limits map[string]Limit, used map[string]int64) []string {
	all := []string{}
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if l, limited := limits[name]; limited && !l.Unlimited && used[name] > l.Value {
			all = append(all, name)
		}
	}
	return all
}

// overWords says what is used more than is given: "12 projects of 3".
func overWords(limits map[string]Limit, used map[string]int64) string {
	var all []string
	for _, name := range over(limits, used) {
		what := plainName(name)
		if name == limitSeats {
			what = "members"
		}
		all = append(all, itoa(used[name])+" "+what+" where "+itoa(limits[name].Value)+" are paid for")
	}
	return strings.Join(all, ", ")
}

// limitsOf are the limits of a plan, for a quantity.
func limitsOf(p Plan, quantity int64) map[string]Limit {
	all := map[string]Limit{}
	for name, l := range p.Limits {
		all[name] = Limit{Value: l.total(quantity, true), Unlimited: l.Unlimited}
	}
	return all
}

// limitsFit refuses a plan that gives less than is used already: fewer seats than
// there are members, or less of what the app told.
func limitsFit(tx *store.Tx, org string, plan Plan, quantity int64) error {
	if plan.Kind == kindAddon {
		return nil
	}
	if err := seatsFit(tx, org, plan, quantity); err != nil {
		return err
	}
	used, err := usedOf(tx, org)
	if err != nil {
		return err
	}
	delete(used, limitSeats)
	limits := limitsOf(plan, quantity)
	if len(over(limits, used)) == 0 {
		return nil
	}
	return &web.Error{Status: http.StatusConflict, Code: "limit_used",
		Public: "More is used than " + plan.Name + " gives: " + overWords(limits, used) + ". Remove some first, or choose a larger plan."}
}

// usageView is a limit with what is used of it, as a page shows it.
type usageView struct {
	Name string
	usage
}

// usageViews are the limits of which the app told what is used; seats stand by themselves.
func usageViews(tx *store.Tx, org string, e *Entitlements) (all []usageView, err error) {
	used, err := usedOf(tx, org)
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if l, limited := e.Limits[name]; name != limitSeats && limited {
			all = append(all, usageView{capital(plainName(name)), usage{Used: used[name], Limit: l.Value, Limited: !l.Unlimited, Over: !l.Unlimited && used[name] > l.Value}})
		}
	}
	return all, err
}
