package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// param is a parameter of a query.
type param struct{ name, note string }

// query are the summary of an operation and the parameters that it names at its end:
// "List jobs; query: state, queue (of the endpoint), cursor, limit".
func (d Doc) query() (summary string, all []param) {
	summary, list, _ := strings.Cut(d.Summary, "; query: ")
	for list != "" {
		cut, depth := len(list), 0
		for i, c := range list {
			switch {
			case c == '(':
				depth++
			case c == ')':
				depth--
			}
			if depth == 0 && (c == ',' || strings.HasPrefix(list[i:], " or ")) {
				cut = i
				break
			}
		}
		name, note, _ := strings.Cut(list[:cut], " (")
		all = append(all, param{strings.TrimSpace(name), strings.TrimSuffix(note, ")")})
		list = strings.TrimPrefix(strings.TrimLeft(list[cut:], ", "), "or ")
	}
	return summary, all
}

// inPath says what stands in the place of a parameter of a path.
func inPath(name string) string {
	return cmp.Or(map[string]string{
		"id": "Its id, as lists show it", "key": "Its key", "name": "Its name", "org": "Id of the organization, org_…", "user": "Id of the user, usr_…", "role": "Id of the role, rol_…",
		"endpoint": "Id or name of the endpoint", "queue": "Whole name of the queue, as lists show it", "project": "Number of the project", "kind": "Kind of the rule", "session": "Id of the session, ses_…",
		"system": "The system that the mail is of, as auth", "target": "user:usr_… or org:org_…", "what": "copy or drill", "n": "Number of the part", "slug": "Name of the monitor",
	}[name], everywhere(name))
}

// inQuery says what a parameter of a list narrows it to.
func inQuery(name string) string {
	return map[string]string{
		"action": "Only of this action", "actor": "Only by this actor, as type:id", "target": "Only about this, as type:id", "from": "From this time or day on", "to": "Up to this time or day",
		"state": "Only in this state", "status": "Only with this status", "kind": "Only of this kind", "endpoint": "Only for this endpoint, by id or name", "recipient": "Only to this address",
		"template": "Only from this template", "stream": "Only of this stream, transactional or broadcast", "tag": "Only with this tag", "user": "Only about this user, usr_…", "org": "Only of this organization, by id",
		"version": "The one in use, so that nobody undoes what another did meanwhile", "class": "ours, app, job or call", "name": "Of the route, kind or host", "q": "Words to look for", "project": "Only of this project, by number",
		"address": "Mail address", "level": "Only this severe or more",
	}[name]
}

func parametersOf(r Route, query []param) (all []any) {
	text := map[string]any{"type": "string"}
	for _, m := range pathParameter.FindAllStringSubmatch(r.Pattern, -1) {
		p := map[string]any{"name": m[1], "in": "path", "required": true, "schema": text}
		if words := inPath(m[1]); words != "" {
			p["description"] = words
		}
		all = append(all, p)
	}
	for _, q := range query {
		kind := text
		if q.name == "limit" {
			kind = map[string]any{"type": "integer"}
		}
		p := map[string]any{"name": q.name, "in": "query", "schema": kind}
		if words := cmp.Or(q.note, inQuery(q.name), everywhere(q.name)); words != "" {
			p["description"] = strings.ToUpper(words[:1]) + words[1:]
		}
		all = append(all, p)
	}
	if r.Method == http.MethodPost && !strings.HasPrefix(r.Pattern, "/-/dev/") {
		all = append(all, map[string]any{"name": "Idempotency-Key", "in": "header", "schema": map[string]any{"type": "string", "maxLength": 255},
			"description": "Whoever repeats the request with the same key gets the first answer, and nothing is done twice"})
	}
	return all
}

// tags are the systems with their titles and what they are about, in the order in which
// they are read.
var tags = []struct{ name, words string }{
	{"auth", "Sign-in and accounts: signing up and in, sessions, tokens, factors, identities, one's own account"},
	{"orgs", "Organizations and roles: members, invitations, roles, permissions, API keys"},
	{"users", "People, for operators: finding, suspending, signing out, acting as somebody"},
	{"billing", "Billing: plans, subscriptions, invoices, and what operators do for customers"},
	{"jobs", "Jobs: work handed in, endpoints that it is delivered to, queues, schedules"},
	{"email", "Email: sending, messages and their fate, templates, brand, suppressions, consents"},
	{"flags", "Feature flags: definitions, segments, overrides, the kill switch"},
	{"audit", "Audit log: events of Seaworthy and of your app, proofs, exports, erasures"},
	{"observe", "Observability: logs, errors, performance, traces, alerts, monitors"},
	{"access", "Access rules: who may make which requests to the app behind"},
	{"ops", "Operations: the launch checklist, backups"},
	{"server", "The server: its description"},
	{"development", "Development: the inbox and other help that production does not have"},
}

// tagOf is the system that a route is listed under.
func tagOf(r Route) string {
	if strings.HasPrefix(r.Pattern, "/-/dev/") {
		return "development"
	}
	return cmp.Or(r.Doc.System, "server")
}

// tagList describes those tags that are used. One that we do not know is a program's
// that embeds the app.
func tagList(used map[string]bool) (all []any) {
	for _, t := range tags {
		if used[t.name] {
			all = append(all, map[string]any{"name": t.name, "description": t.words})
			delete(used, t.name)
		}
	}
	var own []string
	for name := range used {
		own = append(own, name)
	}
	slices.Sort(own)
	for _, name := range own {
		all = append(all, map[string]any{"name": name, "description": strings.ToUpper(name[:1]) + name[1:]})
	}
	return all
}

// faults are the answers that are none, once for all operations.
func faults() map[string]any {
	all := map[string]any{}
	for code, words := range map[string]string{
		"default": "What went wrong, as RFC 9457 problem details",
		"400":     "It could not be read: code malformed_json, malformed_form, bad_field and the like",
		"401":     "Nobody is known to ask: code signed_out, or bad_token; confirm_first where a fresh proof is needed",
		"402":     "Payment has narrowed the organization: code restricted, with a link to pay",
		"403":     "Whoever asks may not: code forbidden names the permission that is missing",
		"404":     "There is nothing by that name, or nothing that whoever asks may know of: code not_found",
		"409":     "It does not fit to how things stand: the code says what is in the way",
		"413":     "The body is larger than is taken here: code too_large",
		"415":     "The body is neither JSON nor a form: code unsupported_media_type",
		"422":     "It was understood and refused: code invalid, and errors names each field with its own code",
		"429":     "Too many of these: code too_many_requests; Retry-After says when to try again",
		"503":     "Nothing was saved because the server cannot write at the moment: code busy; try again",
	} {
		all[code] = map[string]any{"description": words, "content": body("application/problem+json", map[string]any{"$ref": "#/components/schemas/Problem"})}
	}
	return all
}

// faultsOf are those that a route can answer with, as far as its data say.
func faultsOf(r Route) (codes []string) {
	add := func(on bool, more ...string) {
		if on {
			codes = append(codes, more...)
		}
	}
	changes := r.Method != http.MethodGet
	_, query := r.Doc.query()
	add(r.Doc.In != nil || len(query) > 0, "400")
	add(r.Access != Public, "401")
	add(r.Access.inOrg && changes && !r.Narrow, "402")
	add(r.Access != Public, "403")
	add(strings.Contains(r.Pattern, "{"), "404")
	add(changes && len(r.Audit) > 0, "409")
	add(r.Doc.In != nil, "413", "415", "422")
	add(r.Limit.Burst > 0, "429")
	add(changes && len(r.Audit) > 0, "503")
	return codes
}
