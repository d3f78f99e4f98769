package auth

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// shownExports is how many exports the page shows.
const shownExports = 5

// dataData is what the page about a person's data shows: its export, its end.
type dataData struct {
	Done      string
	Email     string
	Stale     bool // who this is has to be confirmed first
	Exports   []Export
	Waiting   bool
	DeleteAt  time.Time // if it were asked for now
	Obstacles obstacles
}

var dataDone = map[string]string{"export": "We are gathering your data. A mail tells you when it is ready."}

func (s *System) dataData(r *http.Request) (dataData, error) {
	id := web.IdentityOf(r.Context())
	return store.Read(r.Context(), s.DB, func(tx *store.Tx) (d dataData, err error) {
		d = dataData{Done: dataDone[r.URL.Query().Get("done")], Email: id.Email, Stale: s.stale(r.Context()), DeleteAt: tx.Now().Add(deletionGrace)}
		if d.Exports, err = exportsOf(tx, id.User, shownExports); err != nil {
			return d, err
		}
		for _, e := range d.Exports {
			d.Waiting = d.Waiting || e.State == exportWaiting
		}
		d.Obstacles, err = obstaclesOf(tx, id.User)
		return d, err
	})
}

func (s *System) dataPage(w http.ResponseWriter, r *http.Request) error {
	data, err := s.dataData(r)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/data", web.View{Title: "Your data", Data: data})
}

// dataAgain shows the page again with what is wrong.
func (s *System) dataAgain(w http.ResponseWriter, r *http.Request, failed error) error {
	data, err := s.dataData(r)
	if err != nil {
		return err
	}
	return s.again(w, r, "auth/data", web.View{Title: "Your data", Data: data}, map[string]string{}, failed)
}
