package advisor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"modernc.org/sqlite"
	"modernc.org/sqlite/vtab"
)

// wish is what one way of reading a table could use: columns that are compared for equality,
// columns that are bounded, and an order.
type wish struct {
	table  string
	equal  []string
	bounds []string
	order  []term
}

// term is a column of an index.
type term struct {
	column string
	desc   bool
}

// table is a table as it is described to the planner.
type table struct {
	name    string
	columns []string
	types   []string
}

func tablesOf(ctx context.Context, o *opened) (all []table, err error) {
	rows, err := o.QueryContext(ctx, `SELECT m.name, c.name, c.type FROM sqlite_schema m, pragma_table_xinfo(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY m.name, c.cid`)
	if err != nil {
		return nil, fmt.Errorf("read the tables: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, column, kind string
		if err := rows.Scan(&name, &column, &kind); err != nil {
			return nil, fmt.Errorf("read the tables: %w", err)
		}
		if len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, table{name: name})
		}
		t := &all[len(all)-1]
		t.columns, t.types = append(t.columns, column), append(t.types, kind)
	}
	return all, rows.Err()
}

// listener is a module whose tables have no rows and write down what the planner asks of them.
type listener struct {
	tables map[string]table
	wishes []wish
}

// wishesOf has the planner look at a statement over tables that listen.
func wishesOf(ctx context.Context, tables []table, statement string) ([]wish, error) {
	l := &listener{tables: map[string]table{}}
	d := &sqlite.Driver{}
	if err := d.RegisterModule("listener", l); err != nil {
		return nil, fmt.Errorf("listen to the planner: %w", err)
	}
	o, err := open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	for _, t := range tables {
		l.tables[t.name] = t
		if _, err := o.ExecContext(ctx, "CREATE VIRTUAL TABLE "+quote(t.name)+" USING listener"); err != nil {
			return nil, fmt.Errorf("listen to the planner: %w", err)
		}
	}
	l.wishes = nil
	if _, err := plan(ctx, o, statement); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAdvice, err)
	}
	return l.wishes, nil
}

// Create implements vtab.Module.
func (l *listener) Create(ctx vtab.Context, args []string) (vtab.Table, error) {
	return l.Connect(ctx, args)
}

// Connect implements vtab.Module. args are module, database, table.
func (l *listener) Connect(ctx vtab.Context, args []string) (vtab.Table, error) {
	t := l.tables[strings.Trim(args[2], `"`)]
	columns := make([]string, len(t.columns))
	for i, c := range t.columns {
		columns[i] = quote(c) + " " + t.types[i]
	}
	return &listening{l, t}, ctx.Declare("CREATE TABLE x (" + strings.Join(columns, ", ") + ")")
}

// listening is one such table.
type listening struct {
	l *listener
	t table
}

// BestIndex implements vtab.Table: it writes down what the planner could use.
func (t *listening) BestIndex(info *vtab.IndexInfo) error {
	w := wish{table: t.t.name}
	for _, c := range info.Constraints {
		if !c.Usable || c.Column < 0 || c.Column >= len(t.t.columns) {
			continue
		}
		name := t.t.columns[c.Column]
		switch c.Op {
		case vtab.OpEQ, vtab.OpIS, vtab.OpISNULL:
			if !slices.Contains(w.equal, name) {
				w.equal = append(w.equal, name)
			}
		case vtab.OpGT, vtab.OpGE, vtab.OpLT, vtab.OpLE:
			if !slices.Contains(w.bounds, name) {
				w.bounds = append(w.bounds, name)
			}
		}
	}
	for _, by := range info.OrderBy {
		if by.Column < 0 || by.Column >= len(t.t.columns) {
			w.order = nil
			break
		}
		w.order = append(w.order, term{t.t.columns[by.Column], by.Desc})
	}
	t.l.wishes = append(t.l.wishes, w)
	info.EstimatedCost = 1e6 / float64(1+10*len(w.equal)+len(w.bounds))
	return nil
}

// Open implements vtab.Table. Nothing is ever read.
func (t *listening) Open() (vtab.Cursor, error) { return nil, ErrNoAdvice }

// Disconnect implements vtab.Table.
func (t *listening) Disconnect() error { return nil }

// Destroy implements vtab.Table.
func (t *listening) Destroy() error { return nil }

// Insert implements vtab.Updater, so that statements that write can be planned.
func (t *listening) Insert([]vtab.Value, *int64) error { return ErrNoAdvice }

// Update implements vtab.Updater.
func (t *listening) Update(int64, []vtab.Value, *int64) error { return ErrNoAdvice }

// Delete implements vtab.Updater.
func (t *listening) Delete(int64) error { return ErrNoAdvice }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
