package console

import (
	"net/http"
	"strconv"
	"strings"

	"seaworthy/app/flags"
	"seaworthy/app/web"
	"seaworthy/store"
)

// rulesForm is targeting as a person fills it in: conditions, each of a rule by its
// number, and what each rule serves. Empty conditions and rules are left out.
type rulesForm struct {
	Of         []string `json:"of,omitempty"` // number of the rule that a condition is of
	Attributes []string `json:"attributes,omitempty"`
	Operators  []string `json:"operators,omitempty"`
	Values     []string `json:"values,omitempty"` // several with commas
	Order      []string `json:"order,omitempty"`  // of the rules
	Serves     []string `json:"serves,omitempty"` // a variant, or "rollout"
	Splits     []string `json:"splits,omitempty"` // of a rollout: on 25, off 75
	Comment    string   `json:"comment"`
	Version    string   `json:"version"`
}

// conditionRow and ruleRow are what the form shows.
type conditionRow struct{ Attribute, Operator, Values string }

type ruleRow struct {
	Number       int // from 1
	Serve, Split string
	Conditions   []conditionRow // with an empty one to add to
	New          bool
}

type rulesData struct {
	Key, Path, Back string
	Plain           bool
	Rules           []ruleRow
	Operators       []flags.Operator
	Variants        []string
	Segments        []string
	Known           []string // attributes that need no app
}

// known are the attributes that the installation fills in itself.
var known = []string{"targetingKey", "email", "org", "org_slug", "plan", "roles", "signed_up_at", "email_verified"}

const byRollout = "rollout"

func (s *System) rules(w http.ResponseWriter, r *http.Request) error {
	f, err := s.Flags.Flag(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	d, _ := flags.ReadDefinition(f.Definition)
	plan, ok := flags.ReadPlan(d.Targeting)
	return s.showRules(w, r, d, rowsOf(plan), ok, &web.Form{Values: map[string]string{"version": versionText(f)}})
}

func versionText(f flags.Flag) string { return strconv.Itoa(f.Version) }

// rowsOf are a plan's rules as the form shows them.
func rowsOf(p flags.Plan) (rows []ruleRow) {
	for i, rule := range p.Rules {
		row := ruleRow{Number: i + 1, Serve: rule.Serve.Variant}
		if len(rule.Serve.Split) > 0 {
			var parts []string
			for _, one := range rule.Serve.Split {
				parts = append(parts, one.Variant+" "+strconv.Itoa(one.Weight))
			}
			row.Serve, row.Split = byRollout, strings.Join(parts, ", ")
			if rule.Serve.By != "" {
				row.Split += " by " + rule.Serve.By
			}
		}
		for _, c := range rule.All {
			row.Conditions = append(row.Conditions, conditionRow{c.Attribute, c.Operator, strings.Join(c.Values, ", ")})
		}
		rows = append(rows, row)
	}
	return rows
}

// showRules renders the form. Each rule gets an empty condition, and the end an empty
// rule, so that nothing has to be added by script.
func (s *System) showRules(w http.ResponseWriter, r *http.Request, def flags.Definition, rows []ruleRow, plain bool, form *web.Form) error {
	key := r.PathValue("key")
	d := rulesData{Key: key, Path: flagsBase + "/" + key + "/rules", Back: flagsBase + "/" + key, Plain: plain, Operators: flags.Operators, Variants: def.VariantNames(), Known: known}
	for i := range rows {
		rows[i].Conditions = append(rows[i].Conditions, conditionRow{Operator: "is"})
	}
	d.Rules = append(rows, ruleRow{Number: len(rows) + 1, New: true, Conditions: []conditionRow{{Operator: "is"}, {Operator: "is"}}})
	all, err := store.Read(r.Context(), s.DB, flags.Segments)
	if err != nil {
		return err
	}
	for _, seg := range all {
		d.Segments = append(d.Segments, seg.Name)
	}
	v := web.View{Title: "Rules of " + key, Form: form, Data: d}
	if form.Err != nil {
		v.Status = form.Err.Status
	}
	return s.Pages.Render(w, r, "flags/rules", v)
}

func (s *System) saveRules(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[rulesForm](r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	f, err := s.Flags.Flag(r.Context(), key)
	if err != nil {
		return err
	}
	d, _ := flags.ReadDefinition(f.Definition)
	was, plain := flags.ReadPlan(d.Targeting)
	rows, err := in.rows()
	if err != nil {
		return err
	}
	plan, err := planOf(rows, was.Else)
	if err == nil && !plain {
		err = web.Invalid(web.Field{Field: "rules", Code: "no_words", Message: "This flag’s targeting is not made of plain rules. Change it as JSON."})
	}
	if err == nil {
		_, err = s.Flags.SetPlan(r.Context(), key, plan, versionOf(in.Version), in.Comment)
	}
	if err == nil {
		return web.SeeOther(w, r, flagsBase+"/"+key+"?done=changed")
	}
	if e, ok := mendable(err); ok {
		return s.showRules(w, r, d, filled(rows), plain, &web.Form{Values: map[string]string{"version": in.Version, "comment": in.Comment}, Err: e})
	}
	return err
}

// rows are the rules that were typed, in the order that was asked for.
func (in rulesForm) rows() ([]ruleRow, error) {
	if len(in.Of) != len(in.Attributes) || len(in.Of) != len(in.Operators) || len(in.Of) != len(in.Values) || len(in.Order) != len(in.Serves) || len(in.Order) != len(in.Splits) {
		return nil, web.BadRequest("bad_field", "The form is not whole.")
	}
	var rows []ruleRow
	for i := range in.Order {
		row := ruleRow{Serve: strings.TrimSpace(in.Serves[i]), Split: strings.TrimSpace(in.Splits[i])}
		row.Number, _ = strconv.Atoi(strings.TrimSpace(in.Order[i])) // what is no number comes first
		for k, of := range in.Of {
			if of != strconv.Itoa(i+1) {
				continue
			}
			row.Conditions = append(row.Conditions, conditionRow{strings.TrimSpace(in.Attributes[k]), in.Operators[k], strings.TrimSpace(in.Values[k])})
		}
		rows = append(rows, row)
	}
	return rows, nil
}
