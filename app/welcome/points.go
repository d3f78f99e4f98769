package welcome

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"seaworthy/app/billing"
	"seaworthy/app/email"
	"seaworthy/app/launch"
	"seaworthy/store"
)

// points are those of a step.
func (s *System) points(tx *store.Tx, step string, checks map[string]launch.Check) ([]Point, error) {
	switch step {
	case "operator":
		return []Point{of(checks, "auth.operator_mfa", true).at("/-/account/security", "Set up two-step sign-in"), of(checks, "auth.operator_spare", false).at("/-/account/security", "Recovery codes")}, nil
	case "brand":
		return s.brandPoints(checks), nil
	case "app":
		return s.appPoints(tx, checks)
	case "providers":
		return s.providerPoints(tx, checks)
	case "plans":
		return []Point{s.planPoint(checks)}, nil
	}
	return s.backupPoints(checks), nil
}

// of is a point of the launch checklist. One that was dismissed there is not needed here.
func of(checks map[string]launch.Check, key string, needed bool) Point {
	c, ok := checks[key]
	if !ok {
		return Point{Title: titles[key], State: launch.NotApplicable, Detail: "Not needed here."}
	}
	p := Point{Title: c.Title, Detail: c.Detail, State: c.State, Needed: needed && c.State != launch.NotApplicable, Path: c.Link, Act: "Go there"}
	if c.State != launch.Done && c.State != launch.NotApplicable {
		p.Why = c.Why
	}
	return p
}

// titles are those of points whose check is not there.
var titles = map[string]string{"auth.operator_mfa": "Second factors of operators", "auth.operator_spare": "Losing one phone", "email.sender": "The sender of mail", "access.rules": "Access rules",
	"access.health": "Whether the app is well", "email.provider": "Delivery of mail", "email.accepted": "Every provider has taken a mail", "billing.key": "The key of Stripe", "billing.webhook": "Events of Stripe",
	"billing.prices": "Plans that are sold", "backups.replica": "The replica", "backups.copy": "A copy every night", "backups.drill": "A trial restore", "backups.kit": "The recovery kit"}

// at leads to where a point is done.
func (p Point) at(path, act string) Point {
	p.Path, p.Act = path, act
	return p
}

// with adds what has to be set for a point.
func (p Point) with(lines ...Line) Point {
	p.Lines = lines
	return p
}

func (s *System) brandPoints(checks map[string]launch.Check) []Point {
	in := s.Email.BrandInUse()
	name, _ := s.Config.Value("SEAWORTHY_BRAND")
	own := Point{Title: "Pages and mails have a look of their own", Needed: true, State: launch.Todo, Detail: "They have our name and colour."}
	dress := s.Email.Dress()
	var has []string
	if in.Name != "" || name != "" && name != "Seaworthy" {
		has = append(has, "the name "+dress.Name)
	}
	if in.Accent != "" {
		has = append(has, "the colour "+in.Accent)
	}
	if dress.Logo != "" {
		has = append(has, "a logo")
	}
	if len(has) > 0 {
		own.State, own.Detail = launch.Done, "They have "+strings.Join(has, " and ")+"."
	}
	sender := of(checks, "email.sender", false).at("", "").with(s.line("SEAWORTHY_MAIL_FROM", fmt.Sprintf("'%s <hello@example.com>'", dress.Name)))
	return []Point{own, sender}
}

func (s *System) appPoints(tx *store.Tx, checks map[string]launch.Check) ([]Point, error) {
	b := s.Behind()
	p := Point{Title: "Requests reach your app", Needed: true, State: launch.Todo, Detail: "No app is set: whatever is not under /-/ gets a small home page.",
		Why: "Without it Seaworthy stands beside your app, which then asks by the API. If that is what you want, skip this step."}
	t, err := s.Trial(tx)
	if err != nil {
		return nil, err
	}
	example := "http://127.0.0.1:3000"
	if t.State == "answers" {
		example = t.Address
	}
	switch {
	case s.Inside:
		p.State, p.Detail = launch.Done, "The app is part of this program."
	case b.Address == "":
	case !b.Known:
		p.State, p.Detail = launch.Unknown, b.Address+" was not looked at yet."
	case b.Fault != "":
		p.State, p.Detail = launch.Todo, b.Address+" does not answer: "+b.Fault
	default:
		p.State, p.Detail = launch.Done, b.Address+" answers."
	}
	if !s.Inside {
		p = p.with(s.line("SEAWORTHY_UPSTREAM", example))
	}
	return []Point{p, of(checks, "access.rules", false).at("/-/admin/access", "Access rules"), of(checks, "access.health", false).at("", "").with(s.line("SEAWORTHY_UPSTREAM_HEALTH", "/healthz"))}, nil
}

func (s *System) providerPoints(tx *store.Tx, checks map[string]launch.Check) ([]Point, error) {
	mail := of(checks, "email.provider", true).at("/-/admin/email/providers", "Mail providers").with(
		s.line("POSTMARK_SERVER_TOKEN", "..."), s.line("SENDGRID_API_KEY", "SG...."), s.line("SEAWORTHY_SES_REGION", "eu-west-1"), s.line("SEAWORTHY_SMTP_URL", "smtp://user:password@smtp.example.com:587"))
	mail.Any = true
	tried := of(checks, "email.accepted", false).at("", "")
	hooks := "auto"
	if !s.Config.Production() {
		hooks = "whsec_..."
	}
	stripe := of(checks, "billing.key", false).at("/-/admin/billing/settings", "Billing rules").with(s.line("STRIPE_SECRET_KEY", "sk_live_..."), s.line("STRIPE_WEBHOOK_SECRETS", hooks))
	if !s.Config.Production() {
		stripe.Lines[0].Example = "sk_test_..."
	}
	heard := of(checks, "billing.webhook", false).at("", "")
	if s.Billing.On() && heard.State != launch.Done {
		heard.Detail += " Its address at Stripe is " + s.Config.URL + "/-/webhooks/stripe."
	}
	return append([]Point{mail, tried, stripe, heard}, s.signInPoint()), nil
}

func (s *System) signInPoint() Point {
	p := Point{Title: "People can sign in with an account they have", State: launch.NotApplicable, Detail: "No provider is set up. People sign in with a password or by mail, which is enough to begin with."}
	var names []string
	for _, one := range s.Config.Providers(func(string, ...any) {}) {
		names = append(names, one.Name)
	}
	if len(names) > 0 {
		p.State, p.Detail = launch.Done, "With "+strings.Join(names, ", ")+"."
	}
	if len(names) == 0 {
		p.Why = "Register " + s.Config.URL + "/-/login/google/callback at console.cloud.google.com, or " + s.Config.URL + "/-/login/github/callback at github.com/settings/developers, and set both lines of one."
	}
	return p.with(s.line("SEAWORTHY_GOOGLE_CLIENT_ID", "...apps.googleusercontent.com"), s.line("SEAWORTHY_GOOGLE_CLIENT_SECRET", "..."), s.line("SEAWORTHY_GITHUB_CLIENT_ID", "..."), s.line("SEAWORTHY_GITHUB_CLIENT_SECRET", "..."))
}

func (s *System) planPoint(checks map[string]launch.Check) Point {
	if !s.Billing.On() {
		return Point{Title: "There is a plan to buy", Needed: true, State: launch.Todo, Detail: "Nothing can be sold: there is no key of Stripe's.", Why: "If you do not sell here, skip this step."}
	}
	return of(checks, "billing.prices", true).at("/-/admin/billing/plans", "All plans")
}

func (s *System) backupPoints(checks map[string]launch.Check) []Point {
	const page = "/-/admin/backups"
	kept := of(checks, "backups.replica", true).at(page, "Backups").with(s.line("AWS_ACCESS_KEY_ID", "...").meaning("Access key that may list, read, write and delete in the bucket."), s.line("AWS_SECRET_ACCESS_KEY", "..."))
	if kept.State == launch.Warn { // it is elsewhere on this machine, which may be another disk
		kept.Needed = false
	}
	return []Point{kept, of(checks, "backups.drill", false).at(page, "Try a restore"),
		of(checks, "backups.copy", false).at("", "").with(s.line("SEAWORTHY_COPIES", "s3://other-bucket/copies?region=eu-central-1"), s.line("SEAWORTHY_COPIES_RECIPIENTS", "age1...")),
		of(checks, "backups.kit", false).at("", "")}
}

// patience is how long the page waits for a job that was asked for.
const patience = 30 * time.Second

// facts are what a step's page shows beside its points.
type facts struct {
	Brand   email.BrandInput
	Mail    []email.Deliverer
	Inbox   bool
	Trial   Trial
	Waits   bool // for a job that was asked for a moment ago
	Import  billing.Import
	Plans   []billing.Plan
	Sells   bool
	Offline bool // the offline Stripe takes the place of the real one
	Embeds  bool
	Example string // what to try
}

func (s *System) facts(tx *store.Tx, step string) (f facts, err error) {
	switch step {
	case "brand":
		f.Brand = s.Email.BrandInUse()
	case "app":
		f.Embeds = s.Inside
		f.Trial, err = s.Trial(tx)
		f.Waits = f.Trial.State == "waiting" && tx.Now().Sub(f.Trial.Asked) < patience
		f.Example = cmp.Or(f.Trial.Address, s.Behind().Address, "http://127.0.0.1:3000")
	case "providers":
		f.Inbox = s.Email.Inbox()
		f.Mail, err = s.Email.Deliverers(tx)
	case "plans":
		f.Sells, f.Offline = s.Billing.On(), s.Config.HasStripeSim()
		if f.Plans, err = billing.SoldPlans(tx); err != nil {
			return f, err
		}
		f.Import, err = billing.LastImport(tx)
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		f.Waits = f.Import.State == billing.ImportWaiting && tx.Now().Sub(f.Import.Asked) < patience
	}
	return f, err
}
