package jobs

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"seaworthy/app/find"
	"seaworthy/queue"
	"seaworthy/store"
)

// FindJobs finds jobs by how an id begins, and kinds of jobs by how their name does.
func FindJobs(_ context.Context, tx *store.Tx, q find.Query) (hits []find.Hit, err error) {
	if strings.HasPrefix(q.Lower, "job_") {
		all, err := queue.WithIDs(tx, q.Lower, find.End(q.Lower), q.Limit)
		for _, j := range all {
			hits = append(hits, find.Hit{ID: j.ID, Title: j.Kind, Detail: j.ID, Path: "/-/admin/jobs/" + j.ID, Kind: stateKind(j.State), Word: string(j.State)})
		}
		return hits, err
	}
	for from := q.Text; len(hits) < q.Limit; {
		kind, err := queue.NextKind(tx, from, find.End(q.Text))
		if errors.Is(err, store.ErrNotFound) {
			return hits, nil
		}
		if err != nil {
			return hits, err
		}
		hits = append(hits, find.Hit{Title: kind, Detail: "all jobs of this kind", Path: "/-/admin/jobs?kind=" + url.QueryEscape(kind)})
		from = kind + "\x00"
	}
	return hits, nil
}

func stateKind(s queue.State) string {
	switch s {
	case queue.Completed:
		return "ok"
	case queue.Dead:
		return "danger"
	case queue.Retryable:
		return "warn"
	}
	return "quiet"
}
