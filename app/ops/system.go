package ops

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"seaworthy/app/audit"
	"seaworthy/app/config"
	"seaworthy/app/email"
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

	// Of the launch checklist:
	Config  *config.Config
	Sources []Source          // in the order in which they are shown
	TXT     email.TXT         // how the DNS is asked
	Outside http.RoundTripper // how the public address is called; the network if nil
	Clock   *Timepiece        // compared with others
	Mail    *email.System
	Alerted func(tx *store.Tx) (time.Time, error) // when an alert last reached an operator, zero for never; nil: only test alerts count
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
	// The alerts and the machine are ops' own; they come last.
	s.Sources = append(slices.Clip(d.Sources), Source{"alerts", s.alertChecks})
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

	actLook      audit.Action = "launch.look_requested"
	actDismissed audit.Action = "launch.dismissed"
	actRestored  audit.Action = "launch.restored"
	actAlerted   audit.Action = "launch.alert_tested"

	permRead   = "backups:read"
	permManage = "backups:manage"

	permConsole = "console:read" // who sees the console sees how far the installation is
	permLaunch  = "launch:manage"
)

// Actions are what the audit log says of backups.
var Actions = []audit.Kind{
	{Action: actCopied, Title: "Copy made", Means: "A copy of the database was made and stored elsewhere, or that failed."},
	{Action: actDrilled, Title: "Restore tried", Means: "The replica was restored to a temporary file and everything in it was verified, or that failed."},
	{Action: actAsked, Title: "Backup requested", Means: "Somebody asked for a copy or for a trial restore now."},
	{Action: actLook, Title: "Launch checklist looked anew", Means: "Somebody had the DNS and the public address asked again."},
	{Action: actDismissed, Title: "Launch check dismissed", Means: "Somebody decided that a point of the launch checklist is not for this installation."},
	{Action: actRestored, Title: "Launch check counted again", Means: "Somebody took back that a point of the launch checklist is not for this installation."},
	{Action: actAlerted, Title: "Test alert sent", Means: "Somebody had a test of alerts mailed to every operator."},
}

// Permissions are of the console and the API.
var Permissions = []web.PermissionKind{
	{Name: permRead, Title: "See backups", Means: "See the replica, the copies and whether they can be restored.", Scope: web.ScopeInstance},
	{Name: permManage, Title: "Run backups", Means: "Have a copy made, and have a restore tried.", Scope: web.ScopeInstance},
	{Name: permLaunch, Title: "Manage the launch checklist", Means: "Have checks made again, dismiss them, and have a test alert sent.", Scope: web.ScopeInstance},
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
	s.lookJobs(q)
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
