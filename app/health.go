package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"seaworthy/app/console"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Health reads what can be well or not. Danger means the work cannot be done.
func (a *App) Health() []console.Health {
	return append([]console.Health{a.databaseHealth(), a.replicaHealth(), a.queueHealth(), a.auditHealth(), a.telemetryHealth()}, slices.Concat(a.outboxHealth(), a.billingHealth(), a.backupHealth(), a.heartbeatHealth())...)
}

func (a *App) databaseHealth() console.Health {
	h := console.Health{Name: "Database", Kind: "ok", Word: "Writable"}
	stats := a.DB.Stats()
	switch err := a.probe.check(a.DB, stats.LastFailure != nil); {
	case a.DB.FailErr() != nil:
		h.Kind, h.Word, h.Detail = "danger", "Failed", "the file must not be written any more; the process restarts"
	case err != nil:
		h.Kind, h.Word, h.Detail = "danger", "Not writable", web.AsError(err).Public
	case stats.LockWait > 2*time.Second:
		h.Kind, h.Word, h.Detail = "danger", "Locked", fmt.Sprintf("another process has held the write lock for %.0f s", stats.LockWait.Seconds())
	case stats.HeldFor > time.Second:
		h.Kind, h.Word, h.Detail = "warn", "Held", fmt.Sprintf("%s has held the writer for %.0f s", stats.Holder, stats.HeldFor.Seconds())
	default:
		h.Detail = fmt.Sprintf("%.1f MB of log, %d writes in %d commits since the start", float64(stats.WALBytes)/1e6, stats.Writes, stats.Groups)
	}
	return h
}

func (a *App) replicaHealth() console.Health {
	if a.replica == nil {
		return console.Health{Name: "Replica", Kind: "warn", Word: "Off", Detail: "nothing is replicated"}
	}
	s := a.replica.Status()
	h := console.Health{Name: "Replica", Kind: "ok", Word: "In step", Detail: fmt.Sprintf("%s, epoch %s", s.Location, s.Epoch)}
	switch {
	case s.Stale:
		h.Kind, h.Word = "danger", "Behind"
		h.Detail = fmt.Sprintf("the newest %.0f s of commits are only on this machine", s.LagSeconds)
	case s.LagSeconds > 10:
		h.Kind, h.Word = "warn", "Catching up"
	}
	return h
}

// queueHealth tells a queue that is behind, which more of us would not help, from
// one in which nothing starts any more.
func (a *App) queueHealth() console.Health {
	h := console.Health{Name: "Jobs", Kind: "ok", Word: "Flowing", Detail: fmt.Sprintf("%d running", a.Queue.Running())}
	lines, err := store.Read(context.Background(), a.DB, func(tx *store.Tx) ([]queue.Line, error) { return queue.Lines(tx, 1) })
	age, halted := queue.Oldest(lines), a.Queue.Halted(lines, 5*time.Minute)
	switch {
	case err != nil:
		h.Kind, h.Word, h.Detail = "danger", "Unreadable", "the queue cannot be read"
	case len(halted) > 0:
		h.Kind, h.Word = "danger", "Stuck"
		h.Detail = fmt.Sprintf("no job of %s has started for five minutes, and the oldest has waited %s", halted[0], age.Round(time.Second))
	case a.Queue.Stuck() > 0:
		h.Kind, h.Word, h.Detail = "warn", "Hindered", fmt.Sprintf("%d jobs ignore the end of their time and keep a worker each", a.Queue.Stuck())
	case age > 30*time.Second:
		h.Kind, h.Word, h.Detail = "warn", "Behind", fmt.Sprintf("the oldest ready job has waited %s", age.Round(time.Second))
	}
	return h
}

// auditHealth never says that the work cannot be done: events are recorded even
// when they cannot be signed.
func (a *App) auditHealth() console.Health {
	h := console.Health{Name: "Audit", Kind: "ok", Word: "Signed"}
	st, err := a.Audit.State(context.Background())
	switch {
	case err != nil:
		h.Kind, h.Word, h.Detail = "warn", "Unreadable", "the state of the log cannot be read"
	case st.Broken != "":
		h.Kind, h.Word, h.Detail = "warn", "Broken", st.Broken
	case st.Verified.Problem != "":
		h.Kind, h.Word, h.Detail = "warn", "Not verified", st.Verified.Problem
	case st.Failing != "" && a.DB.Now().Sub(st.Since) > time.Minute:
		h.Kind, h.Word, h.Detail = "warn", "Not signed", fmt.Sprintf("%d events wait for a signature", st.Unsigned())
	case st.SignedSize == 0:
		h.Kind, h.Word, h.Detail = "quiet", "Not signed yet", "the first checkpoint follows within seconds of the first event"
	default:
		h.Detail = fmt.Sprintf("%d of %d events under a signed checkpoint", st.SignedSize, st.Size)
	}
	return h
}

// telemetryHealth never says danger: without telemetry the business goes on.
func (a *App) telemetryHealth() console.Health {
	st := a.Observe.Status()
	h := console.Health{Name: "Telemetry", Kind: "ok", Word: "Kept", Detail: fmt.Sprintf("%.1f MB in %d segments", float64(st.Bytes)/1e6, st.Segments)}
	lost := int64(0)
	for _, n := range st.Dropped {
		lost += n
	}
	switch {
	case st.Problem != "":
		h.Kind, h.Word, h.Detail = "warn", "Not kept", st.Problem
	case lost > 0:
		h.Kind, h.Word = "warn", "Kept in part"
		h.Detail += fmt.Sprintf("; %d lines or bodies were not kept since the start", lost)
	}
	return h
}
