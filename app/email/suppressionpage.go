package email

import (
	"net/http"
	"net/url"
	"strconv"

	"seaworthy/app/web"
	"seaworthy/store"
)

const suppressionBase = "/-/admin/email/suppressions"

type suppressionPageData struct {
	Done         string
	Manage       bool
	Query        string
	Clear        string
	Chips        []chip
	Rows         []Suppression
	Narrowed     bool
	Newer, Older string
	Import       string // what was typed into the list that was refused
}

var suppressionDone = map[string]string{
	"added": "The address is suppressed.", "known": "The address was suppressed already.", "lifted": "The suppression is lifted.",
}

func (s *System) suppressionPage(w http.ResponseWriter, r *http.Request) error {
	return s.showSuppressions(w, r, http.StatusOK, nil)
}

func suppressionPath(f suppressionFilter, cursor string) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("q", f.query)
	set("reason", f.reason)
	set("cursor", cursor)
	if f.lifted {
		q.Set("lifted", "1")
	}
	return withQuery(suppressionBase, q)
}

func (s *System) showSuppressions(w http.ResponseWriter, r *http.Request, status int, form *web.Form) error {
	f := s.filterOf(r)
	q := r.URL.Query()
	d := suppressionPageData{Manage: web.IdentityOf(r.Context()).Can(permManage), Query: f.query, Done: suppressionDone[q.Get("done")], Narrowed: f.query != "" || f.reason != "" || f.lifted}
	if n, err := strconv.Atoi(q.Get("added")); err == nil && n >= 0 {
		d.Done = importDone(n, q.Get("known"), q.Get("refused"))
	}
	if form != nil {
		d.Import = form.Value("addresses")
	}
	var err error
	if d.Rows, err = store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Suppression, error) { return suppressions(tx, f, pageSize+1) }); err != nil {
		return err
	}
	if len(d.Rows) > pageSize {
		d.Rows = d.Rows[:pageSize]
		d.Older = suppressionPath(f, f.next(d.Rows[pageSize-1]))
	}
	if f.after != "" {
		d.Newer = suppressionPath(f, "")
	}
	d.Clear = suppressionPath(suppressionFilter{reason: f.reason, lifted: f.lifted}, "")
	d.Chips = []chip{{"All that hold", suppressionPath(suppressionFilter{query: f.query}, ""), f.reason == "" && !f.lifted}}
	for _, reason := range reasons {
		d.Chips = append(d.Chips, chip{reasonWord[reason], suppressionPath(suppressionFilter{query: f.query, reason: reason}, ""), f.reason == reason && !f.lifted})
	}
	d.Chips = append(d.Chips, chip{"Lifted", suppressionPath(suppressionFilter{query: f.query, lifted: true}, ""), f.lifted})
	return s.Pages.Render(w, r, "email/suppressions", web.View{Title: "Suppressions", Status: status, Data: d, Form: form})
}

var reasonWord = map[string]string{"bounce": "Bounced", "complaint": "Complained", "unsubscribe": "Unsubscribed", "manual": "By hand", "provider": "By the provider"}

// Word is the reason as people read it.
func (p Suppression) Word() string { return reasonWord[p.Reason] }

// Holds is what is held back, in words.
func (p Suppression) Holds() string {
	switch {
	case p.Scope == ScopeNonSecurity:
		return "all but security mail"
	case p.Scope == ScopeCategory && p.Category == everyCategory:
		return "every category"
	case p.Scope == ScopeCategory:
		return p.Category
	}
	return "all mail"
}

func importDone(added int, known, refused string) string {
	text := strconv.Itoa(added) + " added"
	if n, err := strconv.Atoi(known); err == nil && n > 0 {
		text += ", " + strconv.Itoa(n) + " suppressed already"
	}
	if n, err := strconv.Atoi(refused); err == nil && n > 0 {
		text += ", " + strconv.Itoa(n) + " were no addresses and left out"
	}
	return text + "."
}
