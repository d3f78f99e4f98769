package main

import (
	"context"
	"net/http"

	"seaworthy/app"
	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// What changes of the guest book are recorded as, and who may moderate it.
const (
	actWritten = "guestbook.entry_written"
	actHidden  = "guestbook.entry_hidden"
	moderate   = "guestbook:moderate"
)

// book is the guest book, over the systems of the app that it stands in.
type book struct{ app *app.App }

// extend is all that the guest book adds to the app.
func extend(a *app.App) app.Extension {
	b := &book{a}
	return app.Extension{
		Routes: []web.Route{
			{Method: "GET", Pattern: "/guestbook", Access: web.Public, Handler: b.page},
			{Method: "POST", Pattern: "/guestbook", Access: web.Person, Handler: b.write, Limit: web.PerMinute(10), Audit: []string{actWritten}},
			{Method: "POST", Pattern: "/guestbook/{id}/hide", Access: web.Permission(moderate), Handler: b.hide, Audit: []string{actHidden}},
		},
		Jobs: func(q *queue.Queue) { queue.Handle(q, b.thank) },
		Actions: []audit.Kind{
			{Action: actWritten, Title: "Entry written", Means: "Somebody wrote into the guest book."},
			{Action: actHidden, Title: "Entry hidden", Means: "A moderator hid an entry of the guest book."},
		},
		Permissions: []auth.NewPermission{{PermissionKind: web.PermissionKind{Name: moderate, Title: "Moderate the guest book", Means: "Hide entries.", Scope: web.ScopeInstance}}},
	}
}

// shown is how many entries a page has.
const shown = 50

type bookData struct {
	Entries   []entry
	Moderates bool
	Older     string // cursor of the next page; "" on the last
}

func (b *book) page(w http.ResponseWriter, r *http.Request) error {
	return b.show(w, r, http.StatusOK, &web.Form{})
}

func (b *book) show(w http.ResponseWriter, r *http.Request, status int, form *web.Form) error {
	all, err := store.Read(r.Context(), b.app.DB, func(tx *store.Tx) ([]entry, error) {
		return listEntries(tx, r.URL.Query().Get("cursor"), shown+1)
	})
	if err != nil {
		return err
	}
	data := bookData{Entries: all, Moderates: web.IdentityOf(r.Context()).Can(moderate)}
	if len(all) > shown {
		data.Entries = all[:shown]
		data.Older = all[shown-1].ID
	}
	return b.app.Pages.Render(w, r, "guestbook/book", web.View{Title: "Guest book", Status: status, Data: data, Form: form})
}

type entryInput struct {
	Text string `json:"text"`
}

// write stores an entry, its event and the job that thanks for it: all or none.
func (b *book) write(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[entryInput](r)
	if err != nil {
		return err
	}
	var c web.Check
	text := c.Text("text", in.Text, 1, 500)
	if err := c.Err(); err != nil {
		return b.show(w, r, http.StatusUnprocessableEntity, &web.Form{Values: map[string]string{"text": in.Text}, Err: web.AsError(err)})
	}
	who := web.IdentityOf(r.Context())
	err = b.app.DB.Write(r.Context(), func(tx *store.Tx) error {
		e := entry{ID: tx.NewID("gbe"), User: who.User, Name: who.Name, Text: text, At: tx.Now()}
		if err := insertEntry(tx, e); err != nil {
			return err
		}
		if _, err := queue.Enqueue(tx, thank{Entry: e.ID, To: who.Email}); err != nil {
			return err
		}
		return b.app.Audit.Record(tx, audit.Event{Action: actWritten, Targets: []audit.Ref{{Type: "entry", ID: e.ID}}})
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/guestbook", http.StatusSeeOther)
	return nil
}

func (b *book) hide(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	err := b.app.DB.Write(r.Context(), func(tx *store.Tx) error {
		if err := hideEntry(tx, id); err != nil {
			return err
		}
		return b.app.Audit.Record(tx, audit.Event{Action: actHidden, Targets: []audit.Ref{{Type: "entry", ID: id}}})
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/guestbook", http.StatusSeeOther)
	return nil
}

// thank is the job that mails the writer of an entry.
type thank struct {
	Entry string `json:"entry"`
	To    string `json:"to"`
}

// Kind implements queue.Args.
func (thank) Kind() string { return "guestbook.thank" }

// thank hands the mail in and is done in one transaction: it is sent once, whatever
// process dies when.
func (b *book) thank(ctx context.Context, job queue.Job[thank]) error {
	return job.Complete(ctx, func(tx *store.Tx) error {
		e, err := findEntry(tx, job.Args.Entry)
		if err != nil {
			return err
		}
		_, err = b.app.Email.Send(tx, email.Message{To: job.Args.To, Template: "guestbook/thanks", User: e.User,
			Vars: map[string]string{"Name": e.Name, "Text": e.Text, "URL": b.app.Config.URL + "/guestbook"}})
		return err
	})
}
