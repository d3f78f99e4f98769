package observe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"seaworthy/store"
)

// statuses are what a list of issues can be narrowed to.
var statuses = []string{"open", "resolved", "ignored"}

// IssuePage is one page of issues.
type IssuePage struct {
	Errors []Issue `json:"errors"`
	Next   string  `json:"next_cursor,omitempty"` // of the next, older page; none on the last
}

// Issues lists issues, those seen last first. A page of what is narrowed may be short and yet not
// the last.
func (s *System) Issues(ctx context.Context, f IssueFilter) (page IssuePage, err error) {
	seen, id, err := f.check()
	if err != nil {
		return page, err
	}
	page.Errors = []Issue{}
	err = s.issues(ctx, func(tx *store.Tx) error {
		all, next, err := listIssues(tx, f, seen, id)
		page.Errors, page.Next = append(page.Errors, all...), next
		return err
	})
	return page, err
}

// IssueDetail is an issue with what is known of single occurrences. Those between the first
// and the last are samples, and end with the files that hold them.
type IssueDetail struct {
	Issue
	First  Event    `json:"first"`
	Last   Event    `json:"last"`
	Events []Sample `json:"events"`
	Parts  []Issue  `json:"merged,omitempty"` // the errors that were merged into this one
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
		if first, last, err = issueBodies(tx, id); err == nil {
			d.Parts, err = partsOf(tx, id)
		}
		return err
	})
	if err != nil {
		return d, err
	}
	if err := errors.Join(json.Unmarshal([]byte(first), &d.First), json.Unmarshal([]byte(last), &d.Last)); err != nil {
		return d, err
	}
	s.showSource(&d.First)
	s.showSource(&d.Last)
	d.Events = []Sample{}
	ids := []string{id}
	for _, p := range d.Parts {
		ids = append(ids, p.ID)
	}
	err = s.files.each(ctx, func(tx *store.Tx) (bool, error) {
		more, err := samplesOf(tx, ids, maxSamples-len(d.Events))
		d.Events = append(d.Events, more...)
		return len(d.Events) < maxSamples, err
	})
	return d, err
}

// samplesOf are the occurrences that a segment has of some issues, the newest first.
func samplesOf(tx *store.Tx, ids []string, limit int) (all []Sample, err error) {
	for _, id := range ids {
		rows, err := segmentBodies(tx, id, limit)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			one := Sample{Seq: row.seq}
			if err := json.Unmarshal([]byte(row.body), &one.Event); err != nil {
				return nil, err
			}
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b Sample) int { return cmp.Compare(b.Seq, a.Seq) })
	return all[:min(len(all), limit)], nil
}
