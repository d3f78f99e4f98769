package observe

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// statuses are what a list of issues can be narrowed to.
var statuses = []string{"open", "resolved", "ignored"}

// IssuePage is one page of issues.
type IssuePage struct {
	Errors []Issue `json:"errors"`
	Next   string  `json:"next_cursor,omitempty"` // of the next, older page; none on the last
}

// Issues lists issues, those seen last first.
func (s *System) Issues(ctx context.Context, f IssueFilter) (page IssuePage, err error) {
	seen, id, err := f.position()
	if err != nil {
		return page, err
	}
	limit := f.Limit
	f.Limit++
	page.Errors = []Issue{}
	err = s.issues(ctx, func(tx *store.Tx) error {
		all, err := listIssues(tx, f, seen, id)
		page.Errors = append(page.Errors, all...)
		return err
	})
	if len(page.Errors) > limit {
		page.Errors = page.Errors[:limit]
		last := page.Errors[limit-1]
		page.Next = strconv.FormatInt(last.LastSeen.UnixMilli(), 10) + "." + last.ID
	}
	return page, err
}

// position checks a filter and reads its cursor.
func (f IssueFilter) position() (seen int64, id string, err error) {
	var c web.Check
	c.Fault(f.Status == "" || slices.Contains(statuses, f.Status), "status", "unknown", "One of open, resolved and ignored.")
	c.Fault(f.Limit >= 1 && f.Limit <= mostHits, "limit", "range", "From 1 to 200.")
	if f.Before == "" {
		return math.MaxInt64, "", c.Err()
	}
	ms, id, ok := strings.Cut(f.Before, ".")
	seen, err = strconv.ParseInt(ms, 10, 64)
	_, isID := store.IDTime(id)
	c.Fault(ok && err == nil && isID, "cursor", "form", "Use next_cursor of the page before.")
	return seen, id, c.Err()
}

// IssueDetail is an issue with what is known of single occurrences. Those between the first
// and the last are samples, and end with the files that hold them.
type IssueDetail struct {
	Issue
	First  Event    `json:"first"`
	Last   Event    `json:"last"`
	Events []Sample `json:"events"`
}

// Sample is one occurrence.
type Sample struct {
	Seq int64 `json:"seq"`
	Event
}

// maxSamples bounds how many occurrences are shown.
const maxSamples = 20

// Detail returns an issue and its occurrences, the newest first, or store.ErrNotFound.
func (s *System) Detail(ctx context.Context, id string) (d IssueDetail, err error) {
	if d.Issue, err = s.Issue(ctx, id); err != nil {
		return d, err
	}
	var first, last string
	err = s.issues(ctx, func(tx *store.Tx) (err error) {
		first, last, err = issueBodies(tx, id)
		return err
	})
	if err != nil {
		return d, err
	}
	if err := errors.Join(json.Unmarshal([]byte(first), &d.First), json.Unmarshal([]byte(last), &d.Last)); err != nil {
		return d, err
	}
	d.Events = []Sample{}
	err = s.files.each(ctx, func(tx *store.Tx) (bool, error) {
		rows, err := segmentBodies(tx, id, maxSamples-len(d.Events))
		for _, row := range rows {
			one := Sample{Seq: row.seq}
			if err := json.Unmarshal([]byte(row.body), &one.Event); err != nil {
				return false, err
			}
			d.Events = append(d.Events, one)
		}
		return len(d.Events) < maxSamples, err
	})
	return d, err
}
