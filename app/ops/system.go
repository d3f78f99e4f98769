package ops

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"seaworthy/app/audit"
	"seaworthy/app/redact"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
	"seaworthy/store/replica"
)

// Deps are what the keeping of backups needs of the rest.
type Deps struct {
	DB         *store.DB
	Audit      *audit.Log
	Pages      *web.Pages
	Log        *slog.Logger
	Keys       *seal.Keys
	Data       string          // the data folder
	Replica    *replica.Config // nil: nothing is replicated
	Status     func() (replica.Status, bool)
	Confirmed  func(context.Context) error          // returns when all that is committed is at the replica
	Events     func(context.Context) (int64, error) // how many the audit log has
	Shelf      Shelf                                // where the daily copy goes; nil: none is made
	Recipients []string                             // of age, who can read the copies
	Keep       time.Duration                        // how long copies stay
}

// System keeps backups and tries whether they can be restored.
type System struct {
	Deps
	recipients []age.Recipient
	one        sync.Mutex // one copy or drill at a time: each needs as much room as the database
}

// New makes the system.
func New(d Deps) (*System, error) {
	s := &System{Deps: d}
	var err error
	if s.recipients, err = parseRecipients(d.Recipients); err != nil {
		return nil, fmt.Errorf("recipients of the copies: %w", err)
	}
	return s, nil
}

// Kinds of runs.
const (
	kindCopy  = "copy"
	kindDrill = "drill"
)

const (
	actCopied  audit.Action = "backup.copied"
	actDrilled audit.Action = "backup.drilled"
	actAsked   audit.Action = "backup.requested"

	permRead   = "backups:read"
	permManage = "backups:manage"
)

// Actions are what the audit log says of backups.
var Actions = []audit.Kind{
	{Action: actCopied, Title: "Copy made", Means: "A copy of the database was made and stored elsewhere, or that failed."},
	{Action: actDrilled, Title: "Restore tried", Means: "The replica was restored to a temporary file and everything in it was verified, or that failed."},
	{Action: actAsked, Title: "Backup requested", Means: "Somebody asked for a copy or for a trial restore now."},
}

// Permissions are of the console and the API.
var Permissions = []web.PermissionKind{
	{Name: permRead, Title: "See backups", Means: "See the replica, the copies and whether they can be restored.", Scope: web.ScopeInstance},
	{Name: permManage, Title: "Run backups", Means: "Have a copy made, and have a restore tried.", Scope: web.ScopeInstance},
}

// Job asks for a copy or a drill.
type Job struct {
	What string `json:"what"` // copy, drill
}

// Kind implements queue.Args.
func (Job) Kind() string { return "ops.backup" }

// longest is how long a copy or a drill of a large database may take.
const longest = 2 * time.Hour

// Jobs declares what is done by itself: a copy and a trial restore every night.
func (s *System) Jobs(q *queue.Queue) {
	queue.Handle(q, func(ctx context.Context, job queue.Job[Job]) error { return s.do(ctx, job.Args.What) })
	if s.Shelf != nil {
		queue.CronFunc(q, "backup-copy", "17 3 * * *", "", queue.Once, func(ctx context.Context, _ queue.Job[queue.Tick]) error { return s.do(ctx, kindCopy) },
			queue.Timeout(longest), queue.MaxAttempts(3))
	}
	if s.Replica != nil {
		queue.CronFunc(q, "restore-drill", "47 3 * * *", "", queue.Once, func(ctx context.Context, _ queue.Job[queue.Tick]) error { return s.do(ctx, kindDrill) },
			queue.Timeout(longest), queue.MaxAttempts(3))
	}
}

// outcome is what a run found.
type outcome struct {
	name   string
	bytes  int64
	events int64
}

// do does it and stores how it went. A failure is stored as well, and tried again by the queue.
func (s *System) do(ctx context.Context, what string) error {
	s.one.Lock()
	defer s.one.Unlock()
	run, act := s.copy, actCopied
	if what == kindDrill {
		run, act = s.drill, actDrilled
	}
	began := time.Now()
	at := s.DB.Now()
	out, err := run(ctx)
	fault := ""
	if err != nil {
		s.Log.Error("a backup is not what it should be", "what", what, "err", err)
		fault = redact.Text(err.Error())
		fault = strings.ToValidUTF8(fault[:min(len(fault), 500)], "")
	}
	done := s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		r := Run{ID: tx.NewID("bak"), Kind: what, Began: at, Took: time.Since(began), Fault: fault, Name: out.name, Bytes: out.bytes, Events: out.events}
		if err := insertRun(tx, r); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: act, Targets: []audit.Ref{{Type: "backup", ID: r.ID}},
			Details: map[string]any{"name": r.Name, "bytes": r.Bytes, "fault": r.Fault}})
	})
	if err != nil {
		return err
	}
	return done
}
