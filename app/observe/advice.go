package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
	"seaworthy/store/advisor"
)

// Advice is what would help a statement. Nothing is ever done by itself.
type Advice struct {
	Indexes []IndexAdvice `json:"indexes"`
	Before  string        `json:"plan_before,omitempty"`
	After   string        `json:"plan_after,omitempty"`
	Note    string        `json:"note,omitempty"` // what else to know, or why there is no index
}

// IndexAdvice is an index that would help.
type IndexAdvice struct {
	SQL    string `json:"sql"`
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`    // about how many the table has; 0 where it cannot be told
	Bytes  int64  `json:"bytes"`   // about how large the index would be
	LockMS Millis `json:"lock_ms"` // about how long making it holds every write up
}

// Size is how large the index would be, as people read it.
func (i IndexAdvice) Size() string {
	switch {
	case i.Bytes >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(i.Bytes)/(1<<20))
	case i.Bytes >= 1<<10:
		return fmt.Sprintf("%d KB", i.Bytes>>10)
	}
	return fmt.Sprintf("%d bytes", i.Bytes)
}

// indexRate is how many rows a second an index takes in while it is made (BenchmarkCreateIndex in
// store; the machine decides).
const indexRate = 400_000

// Advise looks for indexes that would help a statement, or returns store.ErrNotFound.
func (s *System) Advise(ctx context.Context, id string) (a Advice, err error) {
	a.Indexes = []IndexAdvice{}
	found, ok := s.shapes.byID.Load(id)
	if !ok {
		return a, store.ErrNotFound
	}
	h := found.(*shape)
	if !h.explicable() || s.DB == nil {
		a.Note = "This statement reads no rows that an index could find faster."
		return a, nil
	}
	statements, stats, err := s.DB.Schema(ctx)
	if err != nil {
		return a, err
	}
	schema := advisor.Schema{Statements: statements}
	for _, one := range stats {
		schema.Stats = append(schema.Stats, advisor.Stat{Table: one[0], Index: one[1], Stat: one[2]})
	}
	said, err := advisor.Advise(ctx, schema, h.sql)
	if errors.Is(err, advisor.ErrNoAdvice) {
		a.Note = "A statement that resolves conflicts cannot be advised on."
		return a, nil
	}
	if err != nil {
		return a, fmt.Errorf("look for indexes: %w", err)
	}
	a.Before, a.After = said.Before, said.After
	for _, i := range said.Indexes {
		size, err := s.DB.SizeOf(ctx, i.Table, i.Columns)
		if err != nil {
			return a, fmt.Errorf("size of %s: %w", i.Table, err)
		}
		a.Indexes = append(a.Indexes, IndexAdvice{SQL: i.SQL, Table: i.Table, Rows: size.Rows, Bytes: size.Bytes, LockMS: Millis(size.Rows) * 1000 / indexRate})
		if stale(stats, i.Table, size.Rows) {
			a.Note = "The statistics of " + i.Table + " are of another size. Run ANALYZE " + i.Table + " first and look again: the plan may change by itself."
		}
	}
	if len(a.Indexes) == 0 {
		a.Note = "What there is serves this statement: no index would let it read less. If it is slow, it waits, or it reads as much as it asks for."
	}
	return a, nil
}

// stale reports whether statistics exist that count a quarter of the rows, or four times as many.
func stale(stats [][3]any, table string, rows int64) bool {
	for _, one := range stats {
		if fmt.Sprint(one[0]) != table {
			continue
		}
		first, _, _ := strings.Cut(fmt.Sprint(one[2]), " ")
		if n, err := strconv.ParseInt(first, 10, 64); err == nil && rows > 1000 && (n > 4*rows || 4*n < rows) {
			return true
		}
	}
	return false
}

// AnalyseInput are the values for a query that is run again, in the order of its marks: one a
// line. A line of digits is a number, NULL is none, anything else a text; 'quoted' always is one.
type AnalyseInput struct {
	Values string `json:"values" doc:"For its parameters, one a line"`
}

// Analysis is what running a query again came to. What it found is not told.
type Analysis struct {
	Rows     int64  `json:"rows"`
	MS       Millis `json:"ms"`
	CutShort bool   `json:"cut_short"` // at two seconds
}

// analyseLimit is how long a query that is run again may take.
const analyseLimit = 2 * time.Second

func valuesOf(text string, marks int) ([]any, error) {
	var c web.Check
	var values []any
	if text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"); text != "" || marks == 1 {
		for line := range strings.SplitSeq(text, "\n") {
			values = append(values, valueOf(line))
		}
	}
	c.Fault(len(text) <= 8<<10, "values", "too_long", "At most 8 KB of values.")
	c.Fault(len(values) == marks, "values", "count", fmt.Sprintf("The query has %d values, one a line; there are %d.", marks, len(values)))
	return values, c.Err()
}

func valueOf(line string) any {
	if line == "NULL" {
		return nil
	}
	if len(line) >= 2 && line[0] == '\'' && line[len(line)-1] == '\'' {
		return line[1 : len(line)-1]
	}
	if n, err := strconv.ParseInt(line, 10, 64); err == nil {
		return n
	}
	if f, err := strconv.ParseFloat(line, 64); err == nil {
		return f
	}
	return line
}

var errNotAQuery = &web.Error{Status: http.StatusConflict, Code: "not_a_query", Public: "Only a query can be run again: this statement changes something."}

// Analyse runs a query of the program again. What is no query is refused.
func (s *System) Analyse(ctx context.Context, id string, in AnalyseInput) (a Analysis, err error) {
	found, ok := s.shapes.byID.Load(id)
	if !ok {
		return a, store.ErrNotFound
	}
	h := found.(*shape)
	if !h.reads() {
		return a, errNotAQuery
	}
	values, err := valuesOf(in.Values, strings.Count(h.sql, "?"))
	if err != nil {
		return a, err
	}
	done, err := s.DB.Analyse(ctx, h.sql, values, analyseLimit)
	if errors.Is(err, store.ErrNotRead) {
		return a, errNotAQuery
	}
	if errors.Is(err, store.ErrValues) {
		var c web.Check
		c.Fault(false, "values", "refused", "The query does not run with these values: one is a text where a number is wanted, or no JSON where JSON is read.")
		return a, c.Err()
	}
	if err != nil {
		return a, fmt.Errorf("analyse: %w", err)
	}
	a = Analysis{done.Rows, millis(done.Took), done.CutShort}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		return s.Audit.Record(tx, audit.Event{Action: actAnalysed, Targets: []audit.Ref{{Type: "query", ID: id}}, Details: map[string]any{"ms": float64(a.MS), "rows": a.Rows}})
	})
	return a, err
}
