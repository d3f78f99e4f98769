package ops

import (
	"net/http"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

type pageData struct {
	State
	Manage bool
	Done   string
	Fault  string
	Stale  bool // the last good drill is older than a night
	NoCopy bool // the last good copy is older than a night
}

var done = map[string]string{
	kindCopy:  "A copy is being made. It is listed below when it is done.",
	kindDrill: "The replica is being restored to a file that is deleted again. The result is listed below when it is done.",
}

// freshFor is how old the last good drill or copy may be: a night, and two hours for it to take.
const freshFor = 26 * time.Hour

func (s *System) page(w http.ResponseWriter, r *http.Request) error {
	return s.show(w, r, http.StatusOK, "")
}

func (s *System) show(w http.ResponseWriter, r *http.Request, status int, fault string) error {
	st, err := s.State(r.Context())
	if err != nil {
		return err
	}
	now := s.DB.Now()
	d := pageData{State: st, Manage: web.IdentityOf(r.Context()).Can(permManage), Done: done[r.URL.Query().Get("done")], Fault: fault,
		Stale: now.Sub(st.GoodDrill) > freshFor, NoCopy: now.Sub(st.GoodCopy) > freshFor}
	return s.Pages.Render(w, r, "ops/backups", web.View{Title: "Backups", Status: status, Data: d})
}

func (s *System) askForm(w http.ResponseWriter, r *http.Request) error {
	what := r.PathValue("what")
	if _, err := s.request(r.Context(), what); err != nil {
		if e := web.AsError(err); e.Status == http.StatusConflict {
			return s.show(w, r, e.Status, e.Public)
		}
		return err
	}
	return web.SeeOther(w, r, base+"?done="+what)
}

// Freshness says whether what is done every night was done.
type Freshness struct {
	Tried bool
	At    time.Time // of the last good drill, or of the last good copy where nothing is replicated
	Fault string    // what a person should look at; "" for nothing
}

// Fresh reads it.
func (s *System) Fresh(tx *store.Tx) (f Freshness, err error) {
	var faults []string
	for _, kind := range []string{kindDrill, kindCopy} {
		if kind == kindDrill && s.Replica == nil || kind == kindCopy && s.Shelf == nil {
			continue
		}
		runs, err := newestRuns(tx, kind, 1)
		if err != nil {
			return f, err
		}
		if len(runs) == 0 {
			continue // none is due before the first night
		}
		good, err := lastGood(tx, kind)
		if err != nil {
			return f, err
		}
		if f.At.IsZero() {
			f.Tried, f.At = true, good
		}
		word := map[string]string{kindDrill: "trial restore", kindCopy: "copy"}[kind]
		switch {
		case !runs[0].Good():
			faults = append(faults, "the last "+word+" failed: "+runs[0].Fault)
		case tx.Now().Sub(good) > freshFor:
			faults = append(faults, "the last "+word+" is more than a night old")
		}
	}
	f.Fault = strings.Join(faults, "; ")
	return f, nil
}
