package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/audit/merkle"
	"seaworthy/app/web"
	"seaworthy/store"
)

// pageSize is how many rows a list shows, shownExports how many exports beside it.
const pageSize, shownExports = 50, 5

// listData is the list page, of an org or of the whole installation.
type listData struct {
	Base         string // path of the list
	Org          web.Org
	Rows         []Row
	Kinds        []Kind
	Action       string
	Actor        string
	Target       string
	From, To     string // as days
	Narrow       bool
	Older, Newer string
	Exports      []Export
	Waiting      bool
	State        State
	Badge        badge
	Retention    Retention
	MayManage    bool
}

// badge says in one word and some sentences how far the log can be trusted.
type badge struct {
	Kind, Word string
	Says       []string
}

// newBadge explains the state to somebody who knows no Merkle tree.
func newBadge(st State, now time.Time) badge {
	b := badge{Kind: "ok", Word: "Verified", Says: []string{
		"Every event is sealed into a signed tree when it is recorded. Changing or removing one, even by whoever runs this service, would break the seal."}}
	v := st.Verified
	switch {
	case st.Broken != "":
		b.Kind, b.Word = "danger", "Broken"
		b.Says = append(b.Says, "The seal is broken: "+st.Broken+". New events are recorded, but not signed.")
		return b
	case v.Problem != "":
		b.Kind, b.Word = "danger", "Does not verify"
		b.Says = append(b.Says, "The last check found that "+v.Finding()+".")
		return b
	case v.At.IsZero():
		b.Kind, b.Word = "quiet", "Not checked yet"
		b.Says = append(b.Says, "The whole log is checked once a day. The first check has not run yet.")
	default:
		b.Says = append(b.Says, fmt.Sprintf("On %s the whole log was checked against its seal: %d events, none changed, none missing.", v.At.Format("2 Jan 2006, 15:04")+" UTC", v.Size))
	}
	switch {
	case st.SignedSize == 0:
		b.Says = append(b.Says, "Nothing is signed yet.")
	case st.Failing != "" && now.Sub(st.Since) > time.Minute:
		b.Kind, b.Word = "warn", "Not signed"
		b.Says = append(b.Says, fmt.Sprintf("The newest %d events wait for their signature since %s.", st.Unsigned(), st.Since.Format("15:04")+" UTC"))
	default:
		b.Says = append(b.Says, fmt.Sprintf("The last signature covers %d events, from %s.", st.SignedSize, st.SignedAt.Format("2 Jan 2006, 15:04:05")+" UTC"))
	}
	return b
}

// list renders the page of an org, or of everything if org is zero.
func (s *System) list(w http.ResponseWriter, r *http.Request, page, base string, org web.Org) error {
	q := r.URL.Query()
	f, err := parseFilter(q)
	if err != nil {
		return err
	}
	d := listData{Base: base, Org: org, Kinds: s.Actions(), Action: string(f.Action), Actor: f.Actor, Target: f.Target, From: q.Get("from"), To: q.Get("to"), Narrow: f.Narrow()}
	f.Org = org.ID
	f.Before, _ = strconv.ParseInt(q.Get("before"), 10, 64) // what is no number is no cursor
	f.Before, f.Limit, f.Brief = max(f.Before, 0), pageSize+1, true
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		entries, err := List(tx, f)
		if err != nil {
			return err
		}
		if len(entries) > pageSize {
			entries = entries[:pageSize]
			d.Older = d.href("before", strconv.FormatInt(entries[pageSize-1].Seq, 10))
		}
		if q.Get("before") != "" {
			d.Newer = d.href("", "")
		}
		d.Rows = s.Rows(entries, base)
		for i := range d.Rows {
			d.Rows[i].ActorLabel = s.branded(d.Rows[i].ActorLabel, org)
		}
		if d.Exports, err = exportsOf(tx, org.ID, shownExports); err != nil {
			return err
		}
		d.Retention, err = RetentionOf(tx, org.ID)
		return err
	})
	if err != nil {
		return err
	}
	if d.State, err = s.State(r.Context()); err != nil {
		return err
	}
	d.Badge = newBadge(d.State, s.DB.Now())
	for _, e := range d.Exports {
		d.Waiting = d.Waiting || e.State == "waiting"
	}
	id := web.IdentityOf(r.Context())
	d.MayManage = id.Can("org:settings") && org.ID != "" || id.Can(permManage)
	return s.Pages.Render(w, r, page, web.View{Title: "Audit log", Data: d})
}

// href is the list with its filters, and a cursor if name is not "".
func (d listData) href(name, value string) string {
	q := url.Values{}
	for k, v := range map[string]string{"action": d.Action, "actor": d.Actor, "target": d.Target, "from": d.From, "to": d.To} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if name != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return d.Base
	}
	return d.Base + "?" + q.Encode()
}

// Without is the list without one of its filters, for the chip that takes it away.
func (d listData) Without(name string) string {
	switch name {
	case "actor":
		d.Actor = ""
	case "target":
		d.Target = ""
	}
	return d.href("", "")
}

// eventData is the page of one event.
type eventData struct {
	Base      string
	Org       web.Org
	Event     Entry
	Title     string
	Label     string // of the actor
	Means     string
	Diff      []diffRow
	Details   []fact
	Personal  []fact
	Signed    bool
	Index     int64
	Leaf      string
	Proof     string // path of the .tlog-proof
	Name      string // what the file is called
	Key       string // verifier key
	Raw       string
	ShowAdmin bool
}

type diffRow struct{ Field, From, To string }

type fact struct{ Name, Value string }

// event renders one event, of an org or of everything if org is zero.
func (s *System) event(w http.ResponseWriter, r *http.Request, page, base string, org web.Org) error {
	d := eventData{Base: base, Org: org, ShowAdmin: org.ID == ""}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if d.Event, err = ByID(tx, r.PathValue("id")); err != nil {
			return err
		}
		if org.ID != "" && d.Event.Org != org.ID {
			return web.ErrNotFound
		}
		o, err := originOf(tx, d.Event.Seq)
		if err != nil {
			return err
		}
		d.Index = d.Event.Seq - o.first
		keys, err := verifierKeys(tx, o)
		if err != nil {
			return err
		}
		d.Key = strings.Join(keys, " ")
		d.Signed, err = isSigned(tx, d.Event.Seq)
		return err
	})
	if err != nil {
		return err
	}
	e := d.Event
	d.Title, d.Means, d.Label = s.Title(e.Action), s.catalog[e.Action].Means, s.branded(e.actorLabel(), org)
	for _, field := range slices.Sorted(maps.Keys(e.Changes)) {
		c := e.Changes[field]
		d.Diff = append(d.Diff, diffRow{field, readable(c.From), readable(c.To)})
	}
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		d.Details = append(d.Details, fact{name, readable(e.Details[name])})
	}
	for _, name := range slices.Sorted(maps.Keys(e.Personal)) {
		d.Personal = append(d.Personal, fact{strings.ReplaceAll(name, "_", " "), e.Personal[name]})
	}
	if !e.Dropped {
		leaf := merkle.Leaf(e.Body)
		d.Leaf = fmt.Sprintf("%x", leaf[:])
		d.Proof, d.Name = base+"/events/"+url.PathEscape(e.ID)+"/proof", e.ID+".tlog-proof"
		d.Raw = indented(e.Body)
	}
	return s.Pages.Render(w, r, page, web.View{Title: d.Title, Data: d})
}

// proofFile hands out the .tlog-proof of one event.
func (s *System) proofFile(w http.ResponseWriter, r *http.Request, org web.Org) error {
	var e Entry
	p, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (p merkle.Proof, err error) {
		if e, err = ByID(tx, r.PathValue("id")); err != nil {
			return p, err
		}
		if org.ID != "" && e.Org != org.ID {
			return p, web.ErrNotFound
		}
		return proofOf(tx, e, everything)
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+e.ID+`.tlog-proof"`)
	return plain(w, "text/plain; charset=utf-8", "private, no-store", []byte(p.String()))
}

// readable is a value as people read it: text as it is, the rest as JSON.
func readable(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// indented is a body as people read it, with its numbers as they are.
func indented(body []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") != nil {
		return string(body)
	}
	return out.String()
}
