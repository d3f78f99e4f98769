package ops

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
	"seaworthy/store/replica"
)

const (
	apiBackups = "/-/api/v1/backups"
	base       = "/-/admin/backups"
)

// Routes are backups and the launch checklist in the API and in the console.
func (s *System) Routes() []web.Route {
	read, manage := web.Permission(permRead), web.Permission(permManage)
	asked := []string{string(actAsked)}
	return append(s.launchRoutes(), []web.Route{
		{Method: "GET", Pattern: apiBackups, Access: read, Handler: s.list, Doc: web.Doc{Summary: "The replica, the copies, and whether they can be restored", Out: stateJSON{}}},
		{Method: "POST", Pattern: apiBackups + "/{what}", Access: manage, Handler: s.ask, Audit: asked,
			Doc: web.Doc{Summary: "Have it done now: copy, or drill, which restores the replica to a file that is deleted again; 202 with the job", Out: askedJSON{}}},
		{Method: "GET", Pattern: base, Access: read, Handler: web.InConsole(s.page)},
		{Method: "POST", Pattern: base + "/{what}", Access: manage, Handler: web.InConsole(s.askForm), Audit: asked},
	}...)
}

type replicaJSON struct {
	Location   string     `json:"location"`
	Epoch      string     `json:"epoch"`
	LagSeconds float64    `json:"lag_seconds"`
	Synced     *time.Time `json:"synced_at,omitempty"`
	Stale      bool       `json:"stale"`
}

type runJSON struct {
	ID     string     `json:"id"`
	At     time.Time  `json:"at"`
	TookMS int64      `json:"took_ms"`
	OK     bool       `json:"ok"`
	Fault  string     `json:"fault,omitempty"`
	Name   string     `json:"name,omitempty"`
	Bytes  int64      `json:"bytes,omitempty"`
	Events int64      `json:"audit_events,omitempty"`
	Gone   *time.Time `json:"deleted_at,omitempty"`
}

type stateJSON struct {
	Replica *replicaJSON `json:"replica"`
	Shelf   string       `json:"copies_at,omitempty"`
	Sealed  bool         `json:"copies_encrypted"`
	Copies  []runJSON    `json:"copies"`
	Drills  []runJSON    `json:"drills"`
	Kit     *time.Time   `json:"recovery_kit_made_at,omitempty"` // of the keys in use
}

type askedJSON struct {
	Job string `json:"job"`
}

// shownRuns is how many runs of a kind are listed.
const shownRuns = 30

// State is all that is known of backups.
type State struct {
	Replica        replica.Status
	Replicated     bool
	Shelf          string
	Sealed         bool
	Keep           time.Duration
	Copies, Drills []Run
	GoodCopy       time.Time // when the last one went well; zero for never
	GoodDrill      time.Time
	Kit            time.Time // when a kit was made of the keys in use; zero for never
}

// State reads it.
func (s *System) State(ctx context.Context) (st State, err error) {
	st.Replica, st.Replicated = s.Status()
	if s.Shelf != nil {
		st.Shelf, st.Sealed, st.Keep = s.Shelf.String(), len(s.recipients) > 0, s.Keep
	}
	st.Kit = kitMade(s.Data)
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if st.Copies, err = newestRuns(tx, kindCopy, shownRuns); err != nil {
			return err
		}
		if st.Drills, err = newestRuns(tx, kindDrill, shownRuns); err != nil {
			return err
		}
		if st.GoodCopy, err = lastGood(tx, kindCopy); err != nil {
			return err
		}
		st.GoodDrill, err = lastGood(tx, kindDrill)
		return err
	})
	return st, err
}

// kitMade is when a recovery kit was made of the keys that are in use.
func kitMade(data string) time.Time {
	folder := filepath.Join(data, "keys")
	text, err := os.ReadFile(filepath.Join(folder, kitNoteName))
	var note kitNote
	if err != nil || json.Unmarshal(text, &note) != nil {
		return time.Time{}
	}
	files, err := gatherKeys(folder)
	if err != nil || fingerprint(files) != note.Fingerprint {
		return time.Time{}
	}
	return note.Made
}

func (s *System) list(w http.ResponseWriter, r *http.Request) error {
	st, err := s.State(r.Context())
	if err != nil {
		return err
	}
	out := stateJSON{Shelf: st.Shelf, Sealed: st.Sealed, Copies: runsJSON(st.Copies), Drills: runsJSON(st.Drills), Kit: instant(st.Kit)}
	if st.Replicated {
		out.Replica = &replicaJSON{Location: st.Replica.Location, Epoch: st.Replica.Epoch, LagSeconds: st.Replica.LagSeconds,
			Synced: instant(st.Replica.LastSuccessfulSync), Stale: st.Replica.Stale}
	}
	return web.JSON(w, http.StatusOK, out)
}

func runsJSON(runs []Run) []runJSON {
	out := []runJSON{}
	for _, r := range runs {
		out = append(out, runJSON{ID: r.ID, At: r.Began, TookMS: r.Took.Milliseconds(), OK: r.Good(), Fault: r.Fault, Name: r.Name, Bytes: r.Bytes, Events: r.Events, Gone: instant(r.Gone)})
	}
	return out
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (s *System) ask(w http.ResponseWriter, r *http.Request) error {
	id, err := s.request(r.Context(), r.PathValue("what"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, askedJSON{Job: id})
}

// request enqueues a copy or a drill, unless one waits already.
func (s *System) request(ctx context.Context, what string) (job string, err error) {
	switch {
	case what != kindCopy && what != kindDrill:
		return "", web.ErrNotFound
	case what == kindCopy && s.Shelf == nil:
		return "", &web.Error{Status: http.StatusConflict, Code: "not_configured", Public: "No place for copies is configured: set SEAWORTHY_COPIES."}
	case what == kindDrill && s.Replica == nil:
		return "", &web.Error{Status: http.StatusConflict, Code: "not_configured", Public: "Nothing is replicated, so there is nothing to restore."}
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		ticket, err := queue.Enqueue(tx, Job{What: what}, queue.Unique(what, 0), queue.UniqueAmong(queue.Scheduled, queue.Blocked, queue.Available, queue.Retryable),
			queue.Timeout(longest), queue.MaxAttempts(1))
		if err != nil {
			return err
		}
		job = ticket.ID
		return s.Audit.Record(tx, audit.Event{Action: actAsked, Targets: []audit.Ref{{Type: "backup", ID: what}}})
	})
	return job, err
}
