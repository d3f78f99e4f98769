package proxy

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"seaworthy/app/web"
)

// decision is what the rules say of a request.
type decision struct {
	rule    int // that decided, from 0; -1: none did, so that everybody may
	why     string
	refusal *web.Error // nil: it may pass
}

// decide holds a request against the rules: the first that covers it decides. What no
// rule covers is public.
func (s *System) decide(rules []compiled, method, path string, v *visitor) (decision, error) {
	for i, r := range rules {
		if r.covers(method, path, r.pattern) {
			d, err := s.hold(r.Rule, v)
			d.rule = i
			return d, err
		}
	}
	return decision{rule: -1, why: "no rule is about it, so everybody may"}, nil
}

// hold asks for all that a rule demands, what is cheap to know first.
func (s *System) hold(r Rule, v *visitor) (decision, error) {
	refuse := func(err *web.Error, why string) (decision, error) { return decision{refusal: err, why: why}, nil }
	id := v.id
	if r.Who != WhoPublic && !id.Known() {
		return refuse(web.ErrSignedOut, "nobody is signed in")
	}
	if r.Who == WhoVerified && id.Person() && !id.Verified {
		return refuse(errUnverified, "the address is not verified")
	}
	if r.Permission != "" && !id.Can(r.Permission) {
		return refuse(web.Forbidden(r.Permission), "the permission "+r.Permission+" is missing")
	}
	if r.TwoFactors && id.Level < 2 {
		return refuse(errTwoFactors, "no second factor was shown in this session")
	}
	if r.MaxAge > 0 && id.Person() && s.DB.Now().Sub(id.Proven) > time.Duration(r.MaxAge)*time.Minute {
		return refuse(web.ErrStale, "it is a while since the person showed who he is")
	}
	if r.MaxAge > 0 && !id.Person() {
		return refuse(web.ErrPersonOnly, "a program cannot show who it is")
	}
	if d, err := s.holdOrg(r, v); err != nil || d.refusal != nil {
		return d, err
	}
	if r.Flag != "" {
		facts, err := v.facts()
		if err != nil {
			return decision{}, err
		}
		if !s.Flag(r.Flag, facts) {
			return refuse(web.ErrNotFound, "the flag "+r.Flag+" is off")
		}
	}
	return decision{why: "all that the rule asks for holds"}, nil
}

// holdOrg holds a visitor to what a rule asks of roles, and of what his org pays for.
func (s *System) holdOrg(r Rule, v *visitor) (decision, error) {
	refuse := func(err *web.Error, why string) (decision, error) { return decision{refusal: err, why: why}, nil }
	if len(r.Roles)+len(r.Plans)+len(r.Features)+len(r.Limits) == 0 && !r.Paid {
		return decision{}, nil
	}
	if _, err := v.facts(); err != nil {
		return decision{}, err
	}
	if len(r.Roles) > 0 && !slices.ContainsFunc(r.Roles, func(name string) bool { return containsFold(v.roles, name) }) {
		return refuse(errRole, "none of the roles "+strings.Join(r.Roles, ", ")+" is held")
	}
	if len(r.Plans) > 0 && !containsFold(r.Plans, v.plan) {
		return refuse(v.noPlan(), "the org is on no plan of "+strings.Join(r.Plans, ", "))
	}
	for _, name := range r.Features {
		if !containsFold(v.gives, name) {
			return refuse(v.noPlan(), "the plan of the org does not give "+name)
		}
	}
	if d, err := v.holdLimits(r); err != nil || d.refusal != nil || !r.Paid {
		return d, err
	}
	err := v.open(v.id.Org)
	if e := web.AsError(err); err != nil && e.Status == http.StatusPaymentRequired {
		return refuse(e, "the org may only read until it has paid, and the rule asks for one that has")
	}
	return decision{}, err
}

// holdLimits holds the visitor's org to how much its plan gives.
func (v *visitor) holdLimits(r Rule) (decision, error) {
	if len(r.Limits) == 0 {
		return decision{}, nil
	}
	p, err := v.pays(v.id.Org)
	if err != nil {
		return decision{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Limits)) {
		if has := p.Limits[name]; has != Unlimited && has < r.Limits[name] {
			return decision{refusal: v.noPlan(), why: fmt.Sprintf("the plan of the org gives %s of %d, and %d are asked for", name, has, r.Limits[name])}, nil
		}
	}
	return decision{}, nil
}

// noPlan leads to the plans of the visitor's org.
func (v *visitor) noPlan() *web.Error {
	e := *errPlan
	if v.orgSlug != "" {
		e.Link, e.LinkText = "/-/billing?org="+v.orgSlug, "See the plans"
	}
	return &e
}

// restrain adds to a decision that passes whether payment has narrowed the org of whoever asks
// to reading. A rule can except what a person needs in order to go, such as an export.
func (s *System) restrain(ctx context.Context, d decision, except bool, method string, v *visitor) (decision, error) {
	if d.refusal != nil || except || s.Changeable == nil || !v.id.Known() || method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions {
		return d, nil
	}
	if _, err := v.facts(); err != nil { // they say in which org a person works
		return d, err
	}
	if v.id.Org == "" {
		return d, nil
	}
	err := s.Changeable(ctx, v.id.Org)
	if e := web.AsError(err); err != nil && e.Status == http.StatusPaymentRequired {
		d.refusal, d.why = e, "the org may only read until it has paid"
		return d, nil
	}
	return d, err
}

func containsFold(all []string, name string) bool {
	return name != "" && slices.ContainsFunc(all, func(one string) bool { return strings.EqualFold(one, name) })
}

var (
	errForeign    = &web.Error{Status: http.StatusForbidden, Code: "cross_origin", Public: "This request came from another site and was refused. Open the page here and try again."}
	errUnverified = &web.Error{Status: http.StatusForbidden, Code: "unverified", Public: "Verify your email address first. The link is in the mail that you got; your account page sends another."}
	errTwoFactors = &web.Error{Status: http.StatusForbidden, Code: "two_factors", Public: "This needs a second factor. Set one up under Account, Security, and sign in with it."}
	errRole       = &web.Error{Status: http.StatusForbidden, Code: "role", Public: "Your role does not allow this. Ask whoever manages your organization."}
	errPlan       = &web.Error{Status: http.StatusPaymentRequired, Code: "plan", Public: "The plan of your organization does not include this."}
)
