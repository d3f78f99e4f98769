package observe

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Errors that people know to be one are merged: an issue of its own stands for them from then on, in
// lists, alerts and decisions. Each part keeps its hash and goes on counting for itself too, so that it can
// be taken out again, in any order, and nothing was lost.

// mostMerged bounds how many errors one stands for.
const mostMerged = 50

// Merge names the errors that are one.
type Merge struct {
	Errors []string `json:"errors"` // ids, at least two
}

// Unmerge names the part that is an error of its own again.
type Unmerge struct {
	Error string `json:"error"`
}

// Merge makes errors one, and returns what stands for them.
func (s *System) Merge(ctx context.Context, in Merge) (Issue, error) {
	var bad web.Check
	slices.Sort(in.Errors)
	ids := slices.Compact(in.Errors)
	bad.Fault(len(ids) >= 2 && len(ids) <= mostMerged, "errors", "number", "Choose from 2 to 50 errors.")
	if err := bad.Err(); err != nil {
		return Issue{}, err
	}
	var all []Issue
	for _, id := range ids {
		i, err := s.Issue(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return i, web.Invalid(web.Field{Field: "errors", Code: "unknown", Message: "One of them is not kept any more."})
		}
		if err != nil {
			return i, err
		}
		all = append(all, i)
	}
	e := audit.Event{Action: actMerged, Details: map[string]any{"errors": len(all), "title": all[0].Title}}
	for _, i := range all {
		e.Targets = append(e.Targets, audit.Ref{Type: "error", ID: i.ID})
	}
	return s.together(ctx, e, func(tx *store.Tx) (Issue, error) { return merge(tx, ids) })
}

// Unmerge takes a part out of what stands for it, with what was decided for both.
func (s *System) Unmerge(ctx context.Context, id string, in Unmerge) (Issue, error) {
	part, err := s.Issue(ctx, in.Error)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return part, err
	}
	if err != nil || part.MergedInto != id || part.N == 0 {
		return part, web.Invalid(web.Field{Field: "error", Code: "unknown", Message: "This error is not a part of that one."})
	}
	e := audit.Event{Action: actUnmerged, Details: map[string]any{"title": part.Title}, Targets: []audit.Ref{{Type: "error", ID: part.ID}, {Type: "error", ID: id}}}
	return s.together(ctx, e, func(tx *store.Tx) (Issue, error) { return unmerge(tx, id, in.Error) })
}

// errTrial rolls a change back that would do.
var errTrial = errors.New("this was a trial")

// together makes a change in telemetry's file, after its event in the business's: see Change. It is tried
// first, so that there is no event of what is refused.
func (s *System) together(ctx context.Context, e audit.Event, change func(*store.Tx) (Issue, error)) (i Issue, err error) {
	main, err := s.files.mainFile(s.now())
	if err != nil {
		return i, err
	}
	err = main.Write(ctx, func(tx *store.Tx) error {
		_, err := change(tx)
		return cmp.Or(err, errTrial)
	})
	if !errors.Is(err, errTrial) {
		return i, err
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { return s.Audit.Record(tx, e) }); err != nil {
		return i, err
	}
	err = main.Write(ctx, func(tx *store.Tx) (err error) {
		i, err = change(tx)
		return err
	})
	s.news.tell()
	return i, err
}

func merge(tx *store.Tx, ids []string) (whole Issue, err error) {
	var all []Issue
	wholes := map[string]bool{}
	for _, id := range ids {
		i, err := issueByID(tx, id)
		if err != nil {
			return i, err
		}
		if i.MergedInto != "" {
			return i, web.Invalid(web.Field{Field: "errors", Code: "merged", Message: "One of them was merged meanwhile."})
		}
		parts, err := partsOf(tx, id)
		if err != nil {
			return i, err
		}
		wholes[id] = len(parts) > 0
		all = append(all, i)
	}
	// What needs a look goes on needing one.
	lead := all[max(0, slices.IndexFunc(all, func(i Issue) bool { return i.Status == "open" }))]
	at := slices.IndexFunc(all, func(i Issue) bool { return wholes[i.ID] })
	if at >= 0 {
		whole = all[at]
	} else {
		whole = lead
		whole.ID = tx.NewID("iss")
		if err := insertIssue(tx, whole, merged, whole.ID, "{}"); err != nil {
			return whole, err
		}
	}
	whole.Status, whole.ResolvedAt, whole.ResolvedIn, whole.IgnoredUntil, whole.RegressedAt = lead.Status, lead.ResolvedAt, lead.ResolvedIn, lead.IgnoredUntil, lead.RegressedAt
	for _, i := range all {
		if whole.Assignee == "" {
			whole.Assignee = i.Assignee
		}
		if i.ID == whole.ID {
			continue
		}
		if wholes[i.ID] {
			if err := moveParts(tx, i.ID, whole.ID); err != nil {
				return whole, err
			}
			if err := emptyIssue(tx, i.ID, whole.ID); err != nil {
				return whole, err
			}
			continue
		}
		i.MergedInto, i.Status = whole.ID, "merged"
		if err := setMerged(tx, i); err != nil {
			return whole, err
		}
	}
	if err := setMerged(tx, whole); err != nil {
		return whole, err
	}
	return putTogether(tx, whole.ID)
}

// putTogether makes an issue what its parts are.
func putTogether(tx *store.Tx, id string) (whole Issue, err error) {
	if whole, err = issueByID(tx, id); err != nil {
		return whole, err
	}
	parts, err := partsOf(tx, id)
	if err != nil {
		return whole, err
	}
	if len(parts) > mostMerged {
		return whole, web.Invalid(web.Field{Field: "errors", Code: "number", Message: "One error stands for at most 50."})
	}
	if err := forgetParts(tx, id); err != nil {
		return whole, err
	}
	first, last := parts[0], parts[0]
	whole.N = 0
	for _, p := range parts {
		whole.N += p.N
		if p.FirstSeen.Before(first.FirstSeen) {
			first = p
		}
		if p.LastSeen.After(last.LastSeen) {
			last = p
		}
		if err := addPart(tx, id, p.ID); err != nil {
			return whole, err
		}
	}
	whole.FirstSeen, whole.FirstRelease = first.FirstSeen, first.FirstRelease
	whole.LastSeen, whole.LastRelease, whole.Level, whole.Project = last.LastSeen, last.LastRelease, last.Level, last.Project
	firstBody, _, err := issueBodies(tx, first.ID)
	if err != nil {
		return whole, err
	}
	_, lastBody, err := issueBodies(tx, last.ID)
	if err != nil {
		return whole, err
	}
	return whole, setWhole(tx, whole, firstBody, lastBody)
}

// unmerge returns the part that is by itself again. What stands for one error only is that error.
func unmerge(tx *store.Tx, id, part string) (Issue, error) {
	whole, err := issueByID(tx, id)
	if err != nil {
		return whole, err
	}
	free := func(i Issue) (Issue, error) {
		i.MergedInto, i.Status, i.Assignee = "", whole.Status, whole.Assignee
		i.ResolvedAt, i.ResolvedIn, i.IgnoredUntil, i.RegressedAt = whole.ResolvedAt, whole.ResolvedIn, whole.IgnoredUntil, whole.RegressedAt
		return i, setMerged(tx, i)
	}
	out, err := issueByID(tx, part)
	if err != nil {
		return out, err
	}
	if out.MergedInto != id {
		return out, store.ErrConflict
	}
	if out, err = free(out); err != nil {
		return out, err
	}
	rest, err := partsOf(tx, id)
	if err != nil {
		return out, err
	}
	switch len(rest) {
	case 0:
		return out, emptyIssue(tx, id, out.ID)
	case 1:
		last, err := free(rest[0])
		if err != nil {
			return out, err
		}
		return out, emptyIssue(tx, id, last.ID)
	}
	_, err = putTogether(tx, id)
	return out, err
}
