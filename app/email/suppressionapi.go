package email

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) suppressionRoutes() []web.Route {
	const all, page = "/-/api/v1/email/suppressions", suppressionBase
	read, manage := web.Permission(permRead), web.Permission(permManage)
	return []web.Route{
		{Method: "GET", Pattern: all, Access: read, Handler: s.suppressionsAPI, Doc: web.Doc{Summary: "List addresses that get no mail, or not all of it: q, reason, lifted, cursor, limit", Out: suppressionList{}}},
		{Method: "POST", Pattern: all, Access: manage, Handler: s.suppressAPI, Audit: []string{string(actSuppressed)},
			Doc: web.Doc{Summary: "Suppress an address; 200 if it was already", In: newSuppression{}, Out: suppressionJSON{}, Status: http.StatusCreated}},
		{Method: "GET", Pattern: all + "/export", Access: manage, Handler: s.exportSuppressions, Audit: []string{string(actExported)}, Doc: web.Doc{Summary: "All suppressions that hold, as CSV"}},
		{Method: "POST", Pattern: all + "/import", Access: manage, Body: maxImport, Handler: s.importAPI, Audit: []string{string(actImported)},
			Doc: web.Doc{Summary: "Suppress many addresses: CSV with a head, or one a line, as text/csv or text/plain; scope and category as parameters", Out: imported{}}},
		{Method: "GET", Pattern: all + "/{id}", Access: read, Handler: s.suppressionAPI, Doc: web.Doc{Summary: "One suppression", Out: suppressionJSON{}}},
		{Method: "POST", Pattern: all + "/{id}/lift", Access: manage, Handler: s.liftAPI, Audit: []string{string(actLifted)},
			Doc: web.Doc{Summary: "Let mail to an address out again", In: liftInput{}, Out: suppressionJSON{}}},
		{Method: "GET", Pattern: page, Access: read, Handler: web.InConsole(s.suppressionPage)},
		{Method: "POST", Pattern: page, Access: manage, Handler: web.InConsole(s.suppressForm), Audit: []string{string(actSuppressed)}},
		{Method: "POST", Pattern: page + "/import", Access: manage, Body: 2 * maxImport, Handler: web.InConsole(s.importForm), Audit: []string{string(actImported)}},
		{Method: "GET", Pattern: page + "/{id}", Access: read, Handler: web.InConsole(s.suppressionOnePage)},
		{Method: "POST", Pattern: page + "/{id}/lift", Access: manage, Handler: web.InConsole(s.liftForm), Audit: []string{string(actLifted)}},
	}
}

type suppressionJSON struct {
	ID        string     `json:"id"`
	Address   string     `json:"address"` // "" once erased
	Scope     string     `json:"scope"`
	Category  string     `json:"category,omitempty"`
	Reason    string     `json:"reason"`
	Event     string     `json:"event,omitempty"`
	By        string     `json:"created_by,omitempty"`
	Created   time.Time  `json:"created_at"`
	Lifted    *time.Time `json:"lifted_at,omitempty"`
	LiftedBy  string     `json:"lifted_by,omitempty"`
	LiftedWhy string     `json:"lifted_why,omitempty"`
}

type suppressionList struct {
	Suppressions []suppressionJSON `json:"suppressions"`
	Next         string            `json:"next_cursor,omitempty"`
}

func (p Suppression) json() suppressionJSON {
	out := suppressionJSON{ID: p.ID, Address: p.Address, Scope: string(p.Scope), Category: p.Category, Reason: p.Reason, Event: p.Event, By: p.By,
		Created: p.Created, LiftedBy: p.LiftedBy, LiftedWhy: p.LiftedWhy}
	if !p.Lifted.IsZero() {
		out.Lifted = &p.Lifted
	}
	return out
}

// reasons are why addresses are suppressed.
var reasons = []string{"bounce", "complaint", "unsubscribe", "manual", "provider"}

// filterOf reads the filter of a list. What is not known narrows nothing.
func (s *System) filterOf(r *http.Request) suppressionFilter {
	q := r.URL.Query()
	f := suppressionFilter{query: strings.ToLower(web.CleanText(strings.TrimSpace(q.Get("q")), 320)), reason: q.Get("reason"), lifted: q.Get("lifted") == "1" || q.Get("lifted") == "true",
		after: web.CleanText(q.Get("cursor"), 400)}
	if !slices.Contains(reasons, f.reason) {
		f.reason = ""
	}
	if norm, ok := normalAddress(f.query); ok {
		f.hash = s.addressHash(norm)
	}
	return f
}

// next is the cursor behind a row.
func (f suppressionFilter) next(p Suppression) string {
	if f.query != "" && f.hash == nil {
		return p.Address + " " + p.ID
	}
	return p.ID
}

// cutCursor is where a search goes on: at its beginning without a cursor.
func cutCursor(cursor, query string) (address, id string) {
	if address, id, ok := strings.Cut(cursor, " "); ok && strings.HasPrefix(address, query) {
		return address, id
	}
	return query, ""
}

const pageSize, maxPage = 50, 200

func pageLimit(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return pageSize, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, web.BadRequest("bad_limit", "limit is a number from 1 to "+strconv.Itoa(maxPage)+".")
	}
	return n, nil
}

func (s *System) suppressionsAPI(w http.ResponseWriter, r *http.Request) error {
	limit, err := pageLimit(r)
	if err != nil {
		return err
	}
	f := s.filterOf(r)
	rows, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Suppression, error) { return suppressions(tx, f, limit+1) })
	if err != nil {
		return err
	}
	out := suppressionList{Suppressions: []suppressionJSON{}}
	if len(rows) > limit {
		rows = rows[:limit]
		out.Next = f.next(rows[limit-1])
	}
	for _, p := range rows {
		out.Suppressions = append(out.Suppressions, p.json())
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) suppressionAPI(w http.ResponseWriter, r *http.Request) error {
	p, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (Suppression, error) { return suppressionByID(tx, r.PathValue("id")) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, p.json())
}

func (s *System) suppressAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[newSuppression](r)
	if err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	status := http.StatusOK
	p, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (Suppression, error) {
		p, fresh, err := s.hold(tx, in, "manual")
		if err != nil || fresh {
			status = http.StatusCreated
			return p, err
		}
		status = http.StatusOK
		return heldAs(tx, p)
	})
	if err != nil {
		return err
	}
	return web.JSON(w, status, p.json())
}

// heldAs is the suppression that holds already where another was to be added.
func heldAs(tx *store.Tx, p Suppression) (Suppression, error) {
	return scanSuppression(tx.QueryRow(suppressionColumns+`WHERE address_hash = ? AND scope = ? AND category = ? AND lifted_at IS NULL`, p.Hash, string(p.Scope), p.Category))
}

type liftInput struct {
	Reason string `json:"reason" doc:"For the audit log"`
}

func (in *liftInput) check() error {
	var c web.Check
	in.Reason = c.Text("reason", in.Reason, 10, 300)
	return c.Err()
}

func (s *System) liftAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[liftInput](r)
	if err != nil {
		return err
	}
	if err := in.check(); err != nil {
		return err
	}
	p, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (Suppression, error) {
		if err := s.lift(tx, r.PathValue("id"), in.Reason); err != nil {
			return Suppression{}, err
		}
		return suppressionByID(tx, r.PathValue("id"))
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, p.json())
}
