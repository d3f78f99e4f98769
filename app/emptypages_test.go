package app_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"seaworthy/app/apptest"
)

// What is not set up says what it needs and leads there: on an installation on which
// nothing was done, every link of the console leads to a page.
func TestWhatIsNotSetUpLeadsThere(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	op.Post("/-/account/orgs/new", "name", "Rockets", "slug", "rockets").Want(200)
	seen := map[string]bool{}
	for path, want := range map[string][]string{
		"/-/admin":                    {"Set-up: 1 of 6"},
		"/-/admin/billing":            {"Stripe is not connected", "/-/admin/welcome/providers", "/-/docs/billing"},
		"/-/admin/billing/plans":      {"No plans yet", "/-/docs/billing"},
		"/-/admin/email/providers":    {"No mail leaves this machine", "/-/admin/welcome/providers", "/-/docs/email"},
		"/-/admin/email/categories":   {"No categories yet", "/-/docs/email"},
		"/-/admin/email/suppressions": {"Every address gets its mail", "/-/docs/email"},
		"/-/admin/access":             {"No app stands behind yet", "/-/admin/welcome/app", "/-/docs/proxy"},
		"/-/admin/backups":            {"Nothing is replicated", "No copies are made", "/-/admin/welcome/backups", "/-/docs/backups", `data-copy="seaworthy keys export kit.age"`},
		"/-/admin/flags":              {"No flags yet", "/-/admin/flags/-/new", "/-/docs/flags"},
		"/-/admin/flags/-/segments":   {"No segments yet", "/-/docs/flags"},
		"/-/admin/jobs/new-schedule":  {"No endpoint to deliver to", "SEAWORTHY_APP_JOBS_URL", "/-/docs/jobs"},
		"/-/admin/errors":             {"no app of yours reports here yet", "/-/admin/errors/projects", "/-/docs/observe"},
		"/-/admin/errors/projects":    {"No projects yet", "/-/docs/observe"},
		"/-/admin/errors/monitors":    {"No job has checked in", "/-/docs/observe"},
		"/-/admin/alerts":             {"Nothing fires", "/-/docs/observe"},
		"/-/admin/launch":             {"Not ready for customers"},
		"/-/pricing":                  {"Nothing is sold here yet", "/-/admin/welcome/plans"},
		"/-/org/rockets/billing":      {"Nothing is sold here yet", "/-/admin/welcome/providers"},
	} {
		p := op.Get(path).Want(200, want...)
		root, err := html.Parse(strings.NewReader(p.Body))
		a.Must(err)
		for n := range nodes(root, "a") {
			to, _, _ := strings.Cut(attr(n, "href"), "#")
			if to == "" || seen[to] || strings.HasPrefix(to, "http") {
				continue
			}
			seen[to] = true
			if strings.HasPrefix(to, "?") {
				to = path + to
			}
			if got := op.Get(to); got.Status != 200 {
				t.Errorf("%s leads to %s, which answers %d", path, to, got.Status)
			}
		}
	}
	bob := a.Verified("bob@example.com")
	bob.Get("/-/pricing").Want(200, "Nothing is sold here yet").Without("/-/admin")
}
