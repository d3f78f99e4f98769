package audit_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/audit/verify"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/store"
)

// event is an event as the API gives it, as far as these tests look.
type event struct {
	ID, Action, Source, Org string
	Seq, OrgSeq             int64             `json:"-"`
	Actor                   audit.Ref         `json:"actor"`
	OnBehalfOf              *audit.Ref        `json:"on_behalf_of"`
	Personal                map[string]string `json:"personal"`
	Details                 map[string]any    `json:"details"`
	Dropped                 bool              `json:"dropped"`
}

type page struct {
	Events []event `json:"events"`
	Next   string  `json:"next_cursor"`
}

// Case 13: to org A, nothing of org B exists: no event, no proof, no list, no
// export, no entry; and what an event says cannot be guessed from its hash.
func TestOrgsDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	ada, bob := a.SignUp("ada@example.com"), a.SignUp("bob@example.com")
	a.Must(a.Audit.Checkpoint(t.Context()))
	orgA, orgB := a.PersonalOrg("ada@example.com"), a.PersonalOrg("bob@example.com")
	slugB := a.Query(`SELECT slug FROM auth_org WHERE id = ?`, orgB)
	ofB := a.Query(`SELECT id FROM audit_event WHERE org = ?`, orgB)
	ofNobody := a.Query(`SELECT id FROM audit_event WHERE org IS NULL LIMIT 1`)
	var export struct{ ID string }
	bob.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv"}).Want(202).JSON(&export)
	a.RunJobs()
	for _, id := range []string{ofB, ofNobody, "evt_none"} {
		for _, path := range []string{"", "/proof"} {
			ada.Get("/-/api/v1/audit/events/"+id+path).WantProblem(404, "not_found")
		}
	}
	ada.Get("/-/api/v1/audit/events?org="+orgB).WantProblem(404, "not_found")
	ada.Get("/-/api/v1/audit/exports/"+export.ID).WantProblem(404, "not_found")
	ada.Get("/-/api/v1/audit/exports/"+export.ID+"/file").WantProblem(404, "not_found")
	ada.PostJSON("/-/api/v1/audit/exports", map[string]string{"format": "csv", "org": orgB}).WantProblem(404, "not_found")
	for _, path := range []string{"/-/org/" + slugB + "/audit", "/-/org/" + slugB + "/audit/events/" + ofB, "/-/org/" + slugB + "/audit/events/" + ofB + "/proof", "/-/org/" + slugB + "/audit/exports/" + export.ID} {
		ada.Get(path).Want(404)
	}
	slugA := a.Query(`SELECT slug FROM auth_org WHERE id = ?`, orgA)
	ada.Get("/-/org/" + slugA + "/audit/events/" + ofB).Want(404)
	ada.Get("/-/org/" + slugA + "/audit/events/" + ofNobody).Want(404)
	ada.Get("/-/org/" + slugA + "/audit/exports/" + export.ID).Want(404)
	ada.Get("/-/admin/audit").Want(403)
	bob.Get("/-/api/v1/audit/exports/"+export.ID+"/file").Want(200, "user.signed_up", "bob@example.com").Without("ada@example.com")
	bob.Get("/-/api/v1/audit/events/" + ofB + "/proof").Want(200)
	var list page
	ada.Get("/-/api/v1/audit/events").Want(200).JSON(&list)
	if len(list.Events) != 1 || list.Events[0].Org != orgA {
		t.Errorf("ada sees %+v", list.Events)
	}

	ada.Header.Set("Accept", "application/json")
	ada.Get("/-/audit/log/tile/entries/000.p/3").WantProblem(403, "forbidden")
	a.Browser().Get("/-/audit/log/tile/0/000.p/3").Want(200)
	a.Key("audit:read").Get("/-/audit/log/tile/entries/000.p/3").Want(200, "user.signed_up")
	for _, spelt := range []string{"tile%2Fentries/000.p/3", "tile/entries%2F000.p/3", "tile%2fentries%2f000.p%2f3", "%74ile/entries/000.p/3", "tile//entries/000.p/3", "x/../tile/entries/000.p/3"} {
		if p := a.Browser().Do(http.MethodGet, "/-/audit/log/"+spelt, "", ""); p.Status == 200 && strings.Contains(p.Body, "user.signed_up") {
			t.Errorf("%s gives the entries to everybody", spelt)
		}
	}
	body := a.Query(`SELECT body FROM audit_event WHERE id = ?`, ofB)
	var nonce struct{ Nonce string }
	a.Must(json.Unmarshal([]byte(body), &nonce))
	if len(nonce.Nonce) != 22 {
		t.Errorf("nonce %q is not 128 bits", nonce.Nonce)
	}
}

// Case 18: only what a trusted proxy has added to X-Forwarded-For is believed.
func TestSpoofedForwardedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		trusted []netip.Prefix
		want    string
	}{{nil, "127.0.0.1"}, {apptest.Loopback, "198.51.100.7"}} {
		a := apptest.New(t, func(cfg *config.Config, _ *app.Options) { cfg.TrustedProxies = c.trusted })
		b := a.Browser()
		b.Header.Set("X-Forwarded-For", "203.0.113.66, 198.51.100.7")
		b.Post("/-/signup", "name", "Ada", "email", "ada@example.com", "password", apptest.Password).Want(200)
		if got := a.Events(1)[0].Personal["ip"]; got != c.want {
			t.Errorf("trusting %v: recorded %s, want %s", c.trusted, got, c.want)
		}
	}
}

// Case 20: an impersonator is the actor, the user whom he acts for stands beside,
// and the org sees both.
func TestImpersonation(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada := a.SignUp("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	ctx := web.WithOrigin(t.Context(), &web.Origin{RequestID: "req_x", Addr: netip.MustParseAddr("203.0.113.5"),
		Identity: web.Identity{User: "usr_ada", Email: "ada@example.com", Impersonator: "usr_admin", Session: "ses_x"}})
	a.Must(a.DB.Write(ctx, func(tx *store.Tx) error {
		return a.Audit.Record(tx, audit.Event{Action: "session.revoked", Org: org})
	}))
	var list page
	ada.Get("/-/api/v1/audit/events?action=session.revoked").Want(200).JSON(&list)
	e := list.Events[0]
	if e.Actor != audit.User("usr_admin") || e.OnBehalfOf == nil || *e.OnBehalfOf != audit.User("usr_ada") || e.Personal["actor_email"] != "" {
		t.Errorf("%+v", e)
	}
	slug := a.Query(`SELECT slug FROM auth_org WHERE id = ?`, org)
	ada.Get("/-/org/"+slug+"/audit").Want(200, "for user:usr_ada")
}

// Filters, pages and times of the list.
func TestListing(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Clock.Advance(time.Hour)
	record(t, a, 120, "org_a")
	a.Clock.Advance(24 * time.Hour)
	record(t, a, 70, "org_b")
	a.Clock.Advance(24 * time.Hour)
	record(t, a, 50, "org_a")
	key := a.Key("audit:read")
	all := func(query string) (ids []string) {
		t.Helper()
		cursor := ""
		for {
			var p page
			key.Get("/-/api/v1/audit/events?limit=40&" + query + "&cursor=" + cursor).Want(200).JSON(&p)
			for _, e := range p.Events {
				ids = append(ids, e.ID)
			}
			if cursor = p.Next; cursor == "" {
				return ids
			}
		}
	}
	for query, want := range map[string]int{
		"org=org_a": 170, "org=org_b": 70, "org=org_none": 0, "action=session.created": 240, "action=session.created&org=org_b": 70,
		"actor=user:usr_5": 4, "actor=user:usr_5&org=org_a": 3, "target=session:7": 3, "target=session:7&org=org_b": 1, "target=session:7&action=x.y": 0,
		"from=2026-11-23": 121, "to=2026-11-22": 121, "from=2026-11-23&to=2026-11-23": 70, "from=2026-11-23&to=2026-11-23&org=org_a": 0,
		"org=org_a&to=2026-11-23": 120, "org=org_a&from=2026-11-24T00:00:00Z": 50, "from=2027-01-01": 0, "": 242,
	} {
		ids := all(query)
		seen := map[string]bool{}
		for _, id := range ids {
			seen[id] = true
		}
		if len(ids) != want || len(seen) != want {
			t.Errorf("%s: %d events, %d different, want %d", query, len(ids), len(seen), want)
		}
	}
	for query, field := range map[string]string{"limit=0": "limit", "limit=201": "limit", "limit=x": "limit", "cursor=x": "cursor", "from=x": "from", "to=x": "to"} {
		key.Get("/-/api/v1/audit/events?"+query).WantProblem(422, "invalid", field)
	}
	var actions struct{ Actions []audit.Kind }
	key.Get("/-/api/v1/audit/actions").Want(200).JSON(&actions)
	if len(actions.Actions) < 20 || actions.Actions[0].Means == "" {
		t.Errorf("catalogue %+v", actions)
	}
	// What somebody did who is busy elsewhere is found in an org's own log.
	for range 60 {
		a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
			for i := range 20 {
				e := audit.Event{Action: "session.revoked", Actor: audit.Ref{Type: "system", ID: "busy"}, Targets: []audit.Ref{{Type: "thing", ID: "busy"}}, Org: "org_c"}
				if i == 7 {
					e.Org = "org_a"
				}
				if err := a.Audit.Record(tx, e); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for query, want := range map[string]int{"org=org_a&actor=system:busy": 60, "org=org_a&target=thing:busy": 60, "org=org_b&actor=system:busy": 0, "org=org_a&actor=system:busy&action=session.created": 0,
		"org=org_a&target=thing:busy&actor=system:busy&action=session.revoked": 60, "org=org_a&target=thing:busy&actor=user:usr_5": 0, "org=org_c&target=thing:busy": 1140} {
		if ids := all(query); len(ids) != want {
			t.Errorf("%s: %d events, want %d", query, len(ids), want)
		}
	}
	operator := a.Operator("grace@example.com")
	operator.Get("/-/admin/audit?action=session.created&actor=user:usr_5").Want(200, "by user:usr_5", "Signed in")
	operator.Get("/-/admin/audit").Want(200, "Older")
	operator.Get("/-/admin/audit?before=50").Want(200, "Newer")
	operator.Get("/-/admin/audit?target=session:none").Want(200, "No events match")
}

// A log at an address is verified over HTTP, with the entries by key.
func TestVerifyOverHTTP(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	record(t, a, 700, "org_a")
	a.Browser().Get("/-/audit/log/checkpoint").Want(404) // nothing is signed yet
	a.Must(a.Audit.Checkpoint(t.Context()))
	record(t, a, 5, "org_a")
	p := a.Browser().Get("/-/audit/log/checkpoint").Want(200, "/-/audit/log\n701\n")
	if got := p.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("content type %s", got)
	}
	_, secret, err := a.Auth.MakeKey(t.Context(), authKey("audit:read"))
	a.Must(err)
	src := verify.NewWeb(a.URL+"/-/audit/log", secret)
	r, err := verify.Tiles(t.Context(), src, verify.Options{Keys: keysOf(t, a)})
	if err != nil || !r.OK() || r.Events != 701 {
		t.Errorf("%+v, %v", r, err)
	}
	src.Token = ""
	if _, err := verify.Tiles(t.Context(), src, verify.Options{}); err == nil || !strings.Contains(err.Error(), "audit:read") {
		t.Errorf("without a key: %v", err)
	}
	b := a.Browser()
	for path, status := range map[string]int{"tile/0/000": 200, "tile/0/001": 200, "tile/0/002.p/189": 200, "tile/0/002.p/190": 404, "tile/0/002": 404, "tile/1/000.p/2": 200, "tile/1/000.p/3": 404,
		"tile/2/000": 404, "tile/0/003": 404, "tile/0/0": 404, "2/checkpoint": 404, "1/checkpoint": 404, "keys": 200, "tile/0/000.p/17": 200, "nothing": 404} {
		p := b.Do(http.MethodGet, "/-/audit/log/"+path, "", "")
		if p.Status != status {
			t.Errorf("%s: %d, want %d", path, p.Status, status)
		}
		if status == 200 && strings.HasPrefix(path, "tile/") && !strings.Contains(p.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %q", path, p.Header.Get("Cache-Control"))
		}
	}
}
