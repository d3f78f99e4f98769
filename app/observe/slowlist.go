package observe

import (
	"context"
	"math"
	"strconv"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Slow is a statement that was slow ("slow"), a write that waited ("wait"), or a statement that
// one request ran again and again ("n+1"). Times are ms.
type Slow struct {
	Seq      int64     `json:"seq"`
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	Query    string    `json:"query,omitempty"`
	Source   string    `json:"source,omitempty"` // class and name
	Trace    string    `json:"trace_id,omitempty"`
	Request  string    `json:"request_id,omitempty"`
	Job      string    `json:"job,omitempty"`
	Caller   string    `json:"caller,omitempty"`
	GateMS   Millis    `json:"gate_ms"`
	LockMS   Millis    `json:"lock_ms"`
	RunMS    Millis    `json:"run_ms"`
	CommitMS Millis    `json:"commit_ms"`
	Rows     int64     `json:"rows"`
	Times    int       `json:"times"`
	Blocker  string    `json:"blocker,omitempty"`
	Plan     string    `json:"plan,omitempty"` // as it was then
}

// SlowFilter narrows the list.
type SlowFilter struct {
	Query  string
	Before int64 // seq; 0 for the newest
	Limit  int
}

// SlowPage is one page of it.
type SlowPage struct {
	Slow []Slow `json:"slow"`
	Next string `json:"next_cursor,omitempty"`
}

const slowColumns = `seq, at, kind, query, source, trace, request, job, caller, gate_us, lock_us, run_us, commit_us, rows, n, blocker, plan`

func scanSlow(r store.Scanner) (one Slow, err error) {
	var at, gate, lock, run, commit int64
	err = r.Scan(&one.Seq, &at, &one.Kind, &one.Query, &one.Source, &one.Trace, &one.Request, &one.Job, &one.Caller, &gate, &lock, &run, &commit, &one.Rows, &one.Times, &one.Blocker, &one.Plan)
	one.At = time.UnixMilli(at).UTC()
	one.GateMS, one.LockMS, one.RunMS, one.CommitMS = Millis(gate)/1000, Millis(lock)/1000, Millis(run)/1000, Millis(commit)/1000
	return one, err
}

func slowOf(tx *store.Tx, query string, before int64, limit int) ([]Slow, error) {
	return store.All(tx, scanSlow, `SELECT `+slowColumns+` FROM observe_slow WHERE query = ? AND seq < ? ORDER BY seq DESC LIMIT ?`, query, before, limit)
}

func slowAll(tx *store.Tx, before int64, limit int) ([]Slow, error) {
	return store.All(tx, scanSlow, `SELECT `+slowColumns+` FROM observe_slow WHERE seq < ? ORDER BY seq DESC LIMIT ?`, before, limit)
}

// Slow lists what was slow, the newest first.
func (s *System) Slow(ctx context.Context, f SlowFilter) ([]Slow, error) {
	if f.Before == 0 {
		f.Before = math.MaxInt64
	}
	all := []Slow{}
	err := s.files.each(ctx, func(tx *store.Tx) (bool, error) {
		if known, err := hasTraces(tx); err != nil || !known {
			return true, err
		}
		var rows []Slow
		var err error
		if f.Query != "" {
			rows, err = slowOf(tx, f.Query, f.Before, f.Limit-len(all))
		} else {
			rows, err = slowAll(tx, f.Before, f.Limit-len(all))
		}
		all = append(all, rows...)
		return len(all) < f.Limit, err
	})
	return all, err
}

// slowPage reads one page.
func (s *System) slowPage(ctx context.Context, cursor string, limit int) (page SlowPage, err error) {
	var c web.Check
	checkLimit(&c, limit)
	before := seqCursor(&c, cursor)
	if err := c.Err(); err != nil {
		return page, err
	}
	if page.Slow, err = s.Slow(ctx, SlowFilter{Before: before, Limit: limit + 1}); len(page.Slow) > limit {
		page.Slow = page.Slow[:limit]
		page.Next = strconv.FormatInt(page.Slow[limit-1].Seq, 10)
	}
	return page, err
}

// seqCursor reads a cursor that is the number of a row; 0 for none.
func seqCursor(c *web.Check, cursor string) int64 {
	if cursor == "" {
		return 0
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	c.Fault(err == nil && n > 0, "cursor", "form", "Use next_cursor of the page before.")
	return n
}
