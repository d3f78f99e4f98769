package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"seaworthy/queue"
	"seaworthy/store"
)

// Bounds of what an endpoint may ask for by Retry-After.
const (
	shortestRetry = time.Second
	longestRetry  = time.Hour
	// patience is for how long after the first such answer attempts are refunded. Then
	// each counts, so that a job which is always put off ends some day as a dead letter.
	patience = 24 * time.Hour
)

// judge does what an answer says (spec/jobs.md section 3, push protocol): 2xx is done,
// 422 or Seaworthy-No-Retry never will be, 410 is an endpoint that wants no more jobs,
// 429 and 503 with Retry-After are "later", which costs no attempt. The rest, redirects too,
// failed and is tried again.
func (s *System) judge(ctx context.Context, e endpoint, job queue.Job[json.RawMessage], a answer, err error) error {
	ctx = context.WithoutCancel(ctx) // what was found out is stored, though the time is up
	if a.status != 0 {
		job.Answer(a.status, a.snippet())
	}
	if err != nil {
		s.tell(ctx, e, false)
		return err
	}
	failed := fmt.Errorf("the endpoint answered %d %s", a.status, http.StatusText(a.status))
	if a.status >= 300 && a.status < 400 {
		failed = fmt.Errorf("%w: redirects are not followed", failed)
	}
	switch {
	case a.good():
		s.tell(ctx, e, true)
		if !a.tooLong {
			job.Output(a.body)
		}
		return nil
	case a.status == http.StatusGone:
		if err := s.gone(ctx, e, job.ID); err != nil {
			return err
		}
		return queue.Snooze(time.Minute)
	case a.status == http.StatusUnprocessableEntity || isYes(a.header.Get("Seaworthy-No-Retry")):
		s.tell(ctx, e, true)
		return queue.Bury(failed)
	case a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable:
		if wait, ok := retryAfter(a.header.Get("Retry-After"), s.DB.Now()); ok {
			return s.putOff(ctx, job, wait, failed)
		}
	}
	s.tell(ctx, e, !faultOfEndpoint(a.status))
	return failed
}

// faultOfEndpoint tells answers that are about the endpoint from those about one job.
func faultOfEndpoint(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return status < 400 || status >= 500
}

func isYes(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "true", "yes":
		return true
	}
	return false
}

// retryAfter reads seconds or an HTTP date (RFC 9110 section 10.2.3), within bounds.
func retryAfter(text string, now time.Time) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	var wait time.Duration
	if digits := strings.Trim(text, "0123456789") == "" && text != ""; digits {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			n = int64(longestRetry / time.Second) // more seconds than fit
		}
		wait = time.Duration(n) * time.Second
	} else {
		at, err := http.ParseTime(text)
		if err != nil {
			return 0, false
		}
		wait = at.Sub(now)
	}
	return min(max(wait, shortestRetry), longestRetry), true
}

// putOff makes the next attempt after wait; this one does not count, unless the job
// has been put off for long.
func (s *System) putOff(ctx context.Context, job queue.Job[json.RawMessage], wait time.Duration, err error) error {
	history, readErr := store.Read(ctx, s.DB, func(tx *store.Tx) ([]queue.Attempt, error) { return queue.Attempts(tx, job.ID, maxAttempts) })
	if readErr != nil {
		return readErr
	}
	for _, past := range history {
		off := past.Outcome == "snoozed" && (past.Status == http.StatusTooManyRequests || past.Status == http.StatusServiceUnavailable)
		if off && s.DB.Now().Sub(past.Started) > patience {
			return queue.RetryAfter(wait, fmt.Errorf("%w, for more than %v", err, patience))
		}
	}
	return queue.Snooze(wait)
}

// gone disables an endpoint that answered 410; its jobs wait until it is enabled.
func (s *System) gone(ctx context.Context, e endpoint, job string) error {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		now, err := findEndpoint(tx, e.id)
		if err != nil || now.disabledAt != nil || now.url != e.url {
			return err
		}
		at := tx.Now().UnixMilli()
		now.disabledAt, now.disabledWhy = &at, "gone"
		if err := updateEndpoint(tx, now); err != nil {
			return err
		}
		return s.record(tx, actDisabled, now, nil, map[string]any{"why": now.disabledWhy, "job": job})
	})
	if err == nil {
		s.Log.Warn("disabled a job endpoint that answered 410 Gone; its jobs wait", "endpoint", e.name, "job", job)
	}
	return err
}
