package docs

// entry is a page in the contents.
type entry struct {
	Name, Title, Summary string
	Made                 bool // rendered from data, not written
}

// section is a part of the contents.
type section struct {
	Title   string
	Entries []entry
}

// contents are all pages in the order in which they are read.
func contents() []section {
	return []section{
		{"Begin", []entry{
			{Name: "start", Title: "Start", Summary: "What it is, and your first ten minutes with it."},
			{Name: "concepts", Title: "Concepts", Summary: "In front, beside, inside; and the one transaction that all of it follows from."},
			{Name: "console", Title: "The console", Summary: "What operators see, and how to find anything in it."},
		}},
		{"Systems", []entry{
			{Name: "auth", Title: "Sign-in and accounts", Summary: "Passwords, links, providers, two steps, devices, tokens, accounts."},
			{Name: "orgs", Title: "Organizations and roles", Summary: "Members, invitations, roles, permissions of your own, API keys."},
			{Name: "billing", Title: "Billing", Summary: "Plans, checkout, changes, reminders, what payment narrows, the offline Stripe."},
			{Name: "jobs", Title: "Jobs and the outbox", Summary: "Work in the background, signed deliveries, schedules, your own transaction."},
			{Name: "email", Title: "Email", Summary: "Providers, templates, bounces, unsubscribing, the development inbox."},
			{Name: "flags", Title: "Feature flags", Summary: "Who gets what, rollouts, the kill switch, OpenFeature."},
			{Name: "audit", Title: "The audit log", Summary: "Who did what, and why nobody can rewrite it unseen."},
			{Name: "observe", Title: "Observability", Summary: "Logs, errors, performance, slow queries, traces, alerts."},
			{Name: "proxy", Title: "In front of your app", Summary: "Identity headers, the signed assertion, access rules."},
		}},
		{"Recipes", []entry{
			{Name: "nextjs", Title: "Next.js", Summary: "Identity, flags, jobs and errors in a Next.js app."},
			{Name: "node", Title: "Node", Summary: "The same with nothing but Node’s own modules."},
			{Name: "django", Title: "Django", Summary: "A middleware that signs people in, jobs, flags, mail."},
			{Name: "rails", Title: "Rails", Summary: "A concern that signs people in, jobs, flags, mail."},
			{Name: "go", Title: "Go", Summary: "A Go server behind Seaworthy, with nothing but its standard library."},
			{Name: "embed", Title: "Inside a Go program", Summary: "Routes, tables, jobs and pages of your own in one binary."},
		}},
		{"Production", []entry{
			{Name: "install", Title: "Install", Summary: "One command: user, units, keys, settings, TLS."},
			{Name: "manifest", Title: "Configuration as a file", Summary: "Plans, roles, flags and rules in seaworthy.yml instead of clicks."},
			{Name: "backups", Title: "Replica, copies, keys", Summary: "What survives the loss of the machine, and of the keys."},
			{Name: "launch", Title: "Launch checklist", Summary: "What must be so before customers come."},
			{Name: "upgrade", Title: "Upgrade", Summary: "One command, signed, tried first; no request is refused. And back."},
		}},
		{"When something is wrong", []entry{
			{Name: "slow", Title: "Slow at 2 am", Summary: "From “it is slow” to the statement and its index."},
			{Name: "lost-machine", Title: "The machine is gone", Summary: "A new machine from the replica."},
			{Name: "go-back", Title: "Back to a moment", Summary: "Somebody deleted something that matters."},
			{Name: "lost-key", Title: "A key is lost", Summary: "master.key, audit.key, the recovery kit."},
			{Name: "leaked", Title: "A key or token leaked", Summary: "What to revoke, and how to see what was done with it."},
			{Name: "erasure", Title: "A request for erasure", Summary: "Delete a person, and what stays."},
			{Name: "stripe-trouble", Title: "Stripe trouble", Summary: "Events that do not arrive, customers that differ, disputes."},
			{Name: "mail-trouble", Title: "Mail does not arrive", Summary: "From the message to the provider to the DNS."},
			{Name: "disk-full", Title: "The disk is full", Summary: "What stops, what goes on, what may be deleted."},
			{Name: "bad-upgrade", Title: "An upgrade went wrong", Summary: "The old binary, the database from before."},
			{Name: "locked-out", Title: "Locked out", Summary: "No operator can sign in any more."},
		}},
		{"Reference", []entry{
			{Name: "api", Title: "API", Summary: "Every operation: what it needs, takes and answers.", Made: true},
			{Name: "config", Title: "Configuration", Summary: "Every option with its variable and default.", Made: true},
			{Name: "commands", Title: "Commands", Summary: "The command line.", Made: true},
			{Name: "errors", Title: "Errors", Summary: "How failures are told, and what the codes mean."},
			{Name: "permissions", Title: "Permissions", Summary: "What roles and keys can give.", Made: true},
			{Name: "actions", Title: "Audit actions", Summary: "Everything that is recorded.", Made: true},
			{Name: "metrics", Title: "Metrics", Summary: "What Prometheus can read.", Made: true},
		}},
	}
}

// contentsWith are the contents as a page shows them beside itself.
func contentsWith(here string) []navSection {
	var all []navSection
	for _, sec := range contents() {
		nav := navSection{Title: sec.Title}
		for _, e := range sec.Entries {
			nav.Items = append(nav.Items, navItem{link{e.Title, base + "/" + e.Name}, e.Summary, e.Name == here})
		}
		all = append(all, nav)
	}
	return all
}

// neighbours are the pages before and after one, nil at the ends.
func neighbours(here string) (prev, next *link) {
	var last *link
	found := false
	for _, sec := range contents() {
		for _, e := range sec.Entries {
			l := &link{e.Title, base + "/" + e.Name}
			switch {
			case found:
				return prev, l
			case e.Name == here:
				prev, found = last, true
			}
			last = l
		}
	}
	return prev, nil
}
