package observe

import (
	"context"
	"encoding/json"
	"errors"
	"math/bits"
	"time"

	"seaworthy/store"
)

const (
	// newIssues is how many issues an hour may begin: beyond, something makes up errors, and
	// they are one issue.
	newIssues = 500
	// keepIssues is for how long an issue stays that is not seen any more.
	keepIssues = 90 * 24 * time.Hour
)

// writeIssues brings the issues up to what was counted, and keeps the bodies that are due.
func (s *System) writeIssues(batch map[string]*group) {
	if len(batch) == 0 {
		return
	}
	var bodies []stored
	var fresh []signal
	hour, begun := s.hour, s.begun
	write := func(tx *store.Tx) error {
		bodies, fresh = nil, nil
		s.hour, s.begun = hour, begun // it may be the second try
		rest := &group{}
		for hash, g := range batch {
			err := s.writeIssue(tx, hash, g, rest, &bodies, &fresh)
			if err != nil {
				return err
			}
		}
		if rest.n == 0 {
			return nil
		}
		return s.writeIssue(tx, overflow, rest, nil, &bodies, &fresh)
	}
	err := s.files.main.Write(context.Background(), write)
	if errors.Is(err, store.ErrFull) {
		if err = s.files.main.Write(context.Background(), dropOldIssues); err == nil {
			err = s.files.main.Write(context.Background(), write)
		}
	}
	if err != nil {
		s.errors.back(batch)
		if !errors.Is(err, store.ErrBusy) {
			s.own.Warn("issues cannot be written", "err", err)
			s.files.failed(err)
		}
		return
	}
	if _, err := s.files.append(nil, bodies); err != nil {
		s.drops.count("error_body", "segment", int64(len(bodies)))
	}
	s.signals.add(fresh)
	s.news.tell()
}

// writeIssue adds what one group counted. Where no more issues may begin it goes to rest.
func (s *System) writeIssue(tx *store.Tx, hash string, g, rest *group, bodies *[]stored, fresh *[]signal) error {
	have, err := issueByHash(tx, grouping, hash)
	switch {
	case errors.Is(err, store.ErrNotFound):
		if rest != nil && hash != overflow && !s.mayBegin(tx.Now()) {
			if rest.n == 0 {
				rest.first, rest.Event = g.first, overflowEvent(g.Event)
			}
			rest.n, rest.last = rest.n+g.n, g.last
			return nil
		}
		have = Issue{ID: tx.NewID("iss"), Status: "open", Kind: g.Kind, Title: g.title(), Culprit: g.Culprit, FirstSeen: g.first, FirstRelease: g.Release}
		if err := insertIssue(tx, have, grouping, hash, toJSON(g.firstEvent())); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	before := have.N
	if err := s.seenAgain(tx, &have, g, fresh); err != nil {
		return err
	}
	if have.MergedInto != "" { // what stands for it counts as well, and is what people are told of
		whole, err := issueByID(tx, have.MergedInto)
		if err == nil {
			err = s.seenAgain(tx, &whole, g, fresh)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	for i, b := range g.bodies {
		doubled := i == len(g.bodies)-1 && bits.Len64(uint64(before)) < bits.Len64(uint64(have.N))
		if before+b.at <= firstBodies || doubled {
			*bodies = append(*bodies, stored{seq: b.seq, issue: have.ID, at: b.At.UnixMilli(), body: toJSON(b.Event)})
		}
	}
	return nil
}

// seenAgain brings an issue up to what a group counted.
func (s *System) seenAgain(tx *store.Tx, i *Issue, g *group, fresh *[]signal) error {
	before, regressed := i.N, i.RegressedAt
	i.again(g)
	switch {
	case g.quiet || i.MergedInto != "":
	case before == 0:
		*fresh = append(*fresh, signal{rule: ruleNew, issue: *i, job: g.Job})
	case !i.RegressedAt.Equal(regressed):
		*fresh = append(*fresh, signal{rule: ruleRegressed, issue: *i, job: g.Job})
	}
	if err := updateIssue(tx, *i, toJSON(g.Event)); err != nil {
		return err
	}
	for t, at := range g.tags {
		if err := addTag(tx, i.ID, t, at); err != nil {
			return err
		}
	}
	return addHour(tx, i.ID, g.last.Truncate(time.Hour), g.n)
}

func (g *group) firstEvent() Event {
	if len(g.bodies) > 0 {
		return g.bodies[0].Event
	}
	return g.Event
}

// again brings an issue to what was seen once more: one that was resolved, or whose rest
// is over, is open again.
func (i *Issue) again(g *group) {
	i.N += g.n
	if g.last.After(i.LastSeen) {
		i.LastSeen = g.last
	}
	i.LastRelease, i.Level, i.Project = g.Release, "error", 0
	if g.App != nil {
		i.Level, i.Project = g.App.Level, g.App.Project
	}
	switch i.Status {
	case "resolved":
		if g.last.Before(i.ResolvedAt) || i.ResolvedIn != "" && i.ResolvedIn == g.Release {
			return // it was known to go on until the next release
		}
		i.Status, i.RegressedAt = "open", g.last
	case "ignored":
		if !i.IgnoredUntil.IsZero() && g.last.After(i.IgnoredUntil) {
			i.Status = "open"
		}
	}
}

// mayBegin counts an issue that is to begin; false: there were too many this hour.
func (s *System) mayBegin(now time.Time) bool {
	if hour := now.Truncate(time.Hour); !hour.Equal(s.hour) {
		s.hour, s.begun = hour, 0
	}
	s.begun++
	return s.begun <= newIssues
}

// maxBody bounds an event that is kept, in bytes.
const maxBody = 64 << 10

func toJSON(e Event) string {
	text, err := json.Marshal(e)
	if err == nil && len(text) > maxBody {
		e.Crumbs = nil
		text, err = json.Marshal(e)
	}
	if err == nil && len(text) > maxBody && e.App != nil {
		text, err = json.Marshal(e.lean())
	}
	if err != nil {
		return "{}"
	}
	return string(text)
}

// lean is an event that was received without what takes most.
func (e Event) lean() Event {
	app := *e.App
	app.Contexts, app.Extra, app.Headers, app.Chain = "", "", nil, nil
	for _, l := range e.App.Chain[:min(len(e.App.Chain), 2)] {
		l.Frames = append([]Frame(nil), l.Frames...)
		for i := range l.Frames {
			l.Frames[i].Source = nil
		}
		app.Chain = append(app.Chain, l)
	}
	e.App = &app
	return e
}

// writeDrops keeps what was not kept, as numbers.
func (s *System) writeDrops() {
	taken := s.drops.take()
	if len(taken) == 0 {
		return
	}
	hour := s.now().Truncate(time.Hour)
	err := s.files.main.Write(context.Background(), func(tx *store.Tx) error {
		for d, n := range taken {
			if err := addDrop(tx, hour, d, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.drops.back(taken)
	}
}

// tidy deletes, once an hour, what is too old to be asked for.
func (s *System) tidy() {
	now := s.now()
	if now.Sub(s.tidied) < time.Hour {
		return
	}
	s.tidied = now
	if err := s.files.main.Write(context.Background(), func(tx *store.Tx) error {
		return errors.Join(dropBefore(tx, now.Add(-keepIssues)), dropFigures(tx, now, 1), dropQueries(tx, now.Add(-keepQueriesFor)))
	}); err != nil {
		s.own.Warn("old issues cannot be deleted", "err", err)
	}
}
