package bench

import (
	"context"
	"net/http"

	"seaworthy/app"
	"seaworthy/app/audit"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// note is the smallest full write: one row, one audit event, one job.
type note struct {
	Text string `json:"text"`
}

// Kind implements queue.Args.
func (note) Kind() string { return "bench.note" }

const actNoted = "note.created"

// withNotes adds a route that writes notes.
func withNotes(_ *config.Config, o *app.Options) {
	o.Extend = func(a *app.App) app.Extension {
		write := func(w http.ResponseWriter, r *http.Request) error {
			in, err := web.Decode[note](r)
			if err != nil {
				return err
			}
			id, err := store.Write(r.Context(), a.DB, func(tx *store.Tx) (string, error) { return in.keep(tx, a.Audit.Log) })
			if err != nil {
				return err
			}
			return web.JSON(w, http.StatusCreated, map[string]string{"id": id})
		}
		return app.Extension{
			Routes:  []web.Route{{Method: "POST", Pattern: "/-/api/v1/notes", Access: web.Public, Handler: write, Audit: []string{actNoted}}},
			Jobs:    func(q *queue.Queue) { queue.Handle(q, func(context.Context, queue.Job[note]) error { return nil }) },
			Actions: []audit.Kind{{Action: actNoted, Title: "Note made", Means: "A note was written."}},
		}
	}
}

func (n note) keep(tx *store.Tx, log *audit.Log) (string, error) {
	id := tx.NewID("note")
	if err := store.SetMeta(tx, id, n.Text); err != nil {
		return "", err
	}
	if _, err := queue.Enqueue(tx, n); err != nil {
		return "", err
	}
	return id, log.Record(tx, audit.Event{Action: actNoted, Targets: []audit.Ref{{Type: "note", ID: id}}})
}
