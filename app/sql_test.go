package app_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/observe"
	"seaworthy/store"
)

// statement is a SQL text in the program.
type statement struct{ where, text string }

// callee are the functions that take SQL, and which argument it is.
var callee = map[string]int{"Exec": 0, "ExecOne": 0, "Query": 0, "QueryRow": 0, "All": 2}

// statements finds every SQL text that is handed to a Tx, and fails the test for
// one that is not a constant: SQL is never built from strings.
func statements(t *testing.T) []statement {
	t.Helper()
	byFolder := map[string][]string{}
	for _, file := range sources(t) {
		// The offline Stripe keeps a file of its own, with a schema of its own; examples bring tables of their own.
		if !strings.Contains(file, "/examples/") && !strings.HasSuffix(file, "_test.go") && !strings.Contains(file, "apptest") && filepath.Base(filepath.Dir(file)) != "stripesim" {
			byFolder[filepath.Dir(file)] = append(byFolder[filepath.Dir(file)], file)
		}
	}
	var all []statement
	for folder, files := range byFolder {
		fset := token.NewFileSet()
		consts := map[string]string{}
		var parsed []*ast.File
		for _, f := range files {
			file, err := parser.ParseFile(fset, f, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, file)
			collectConsts(file, consts)
		}
		for _, file := range parsed {
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				arg := sqlArgument(call, filepath.Base(folder))
				if arg == nil {
					return true
				}
				where := fset.Position(call.Pos()).String()
				text, ok := evaluate(arg, consts)
				if !ok {
					t.Errorf("%s: SQL that is not a constant", where)
				}
				all = append(all, statement{where, text})
				return true
			})
		}
	}
	return all
}

// sqlArgument is the SQL of a call on something named tx, or of store.All.
func sqlArgument(call *ast.CallExpr, folder string) ast.Expr {
	fun := call.Fun
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	on, ok := sel.X.(*ast.Ident)
	i, known := callee[sel.Sel.Name]
	if !ok || !known || len(call.Args) <= i {
		return nil
	}
	if sel.Sel.Name == "All" && on.Name == "store" || sel.Sel.Name != "All" && on.Name == "tx" && folder != "store" {
		return call.Args[i]
	}
	return nil
}

func collectConsts(file *ast.File, into map[string]string) {
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			v := spec.(*ast.ValueSpec)
			for i, name := range v.Names {
				if i < len(v.Values) {
					if text, ok := evaluate(v.Values[i], into); ok {
						into[name.Name] = text
					}
				}
			}
		}
	}
}

func evaluate(e ast.Expr, consts map[string]string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.Ident:
		text, ok := consts[e.Name]
		return text, ok
	case *ast.BinaryExpr:
		a, ok1 := evaluate(e.X, consts)
		b, ok2 := evaluate(e.Y, consts)
		return a + b, ok1 && ok2
	}
	return "", false
}

// forbidden are the constructs that PostgreSQL does not share, or that make a
// page cost a scan (spec/storage.md section 6, the portable rules).
var forbidden = map[string]string{
	`(?i)\bAUTOINCREMENT\b|\browid\b|last_insert_rowid`:                        "rule 1: ids come from the program",
	`(?i)\b(datetime|strftime|julianday|unixepoch|CURRENT_TIMESTAMP|now)\s*\(`: "rule 2: times come from the program",
	`(?i)\bINSERT\s+OR\b|\bREPLACE\s+INTO\b`:                                   "rule 3: ON CONFLICT with a named target",
	`(?i)\bUPDATE\b[^()]*\bLIMIT\b`:                                            "rule 3: no UPDATE … LIMIT",
	`(?i)INSERT\s+INTO\s+\w+\s+(VALUES|SELECT)`:                                "rule 4: name the columns",
	`(?i)SELECT\s+\*|,\s*\*`:                                                   "rule 4: name the columns",
	`"`:                                                                        "rule 4: no double quotes",
	`(?i)json_|->`:                                                             "rule 5: JSON is opaque",
	`(?i)COLLATE\s+NOCASE`:                                                     "rule 7: store a normalised column",
	`(?i)\bOFFSET\b`:                                                           "rule 9: keyset pages",
	`(?i)SELECT\s+count\(\*\)\s+FROM\s+\w`:                                     "rule 9: count only within a bounded subselect",
}

func TestSQLIsPortable(t *testing.T) {
	t.Parallel()
	all := statements(t)
	if len(all) < 40 {
		t.Fatalf("only %d statements found: the search is broken", len(all))
	}
	for pattern, rule := range forbidden {
		re := regexp.MustCompile(pattern)
		for _, s := range all {
			if re.MatchString(s.text) && !strings.Contains(s.text, "sqlite_schema") {
				t.Errorf("%s: %s\n%s", s.where, rule, s.text)
			}
		}
	}
}

// scans are the statements that may read a whole table, and why.
var scans = map[string]string{
	"DELETE FROM email_inbox":                             "the development inbox is emptied",
	"AND recipients LIKE ? ESCAPE":                        "the development inbox is searched, and bounded",
	"FROM sqlite_schema":                                  "the schema is small",
	"FROM queue_job WHERE state = 'running' AND lease <>": "once at start, over running jobs alone",
}

func TestEveryStatementPreparesAndUsesAnIndex(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	side := telemetry(t)
	for _, s := range statements(t) {
		plan, err := explain(a, s.text)
		if strings.Contains(s.where, "/app/observe/") && !strings.Contains(s.where, "/project_sql.go") && !strings.Contains(s.where, "/observe/alert") { // its tables are in files of their own
			plan, err = explainIn(t, side, s.text)
		}
		if err != nil {
			t.Errorf("%s: %v", s.where, err)
			continue
		}
		excused := false
		for part := range scans {
			excused = excused || strings.Contains(s.text, part)
		}
		for _, step := range plan {
			if strings.HasPrefix(step, "SCAN ") && !strings.Contains(step, "INDEX") && !strings.HasPrefix(step, "SCAN (subquery") &&
				!strings.HasPrefix(step, "SCAN CONSTANT") && !excused && !ordered(s.text, step) {
				t.Errorf("%s: %s\n%s", s.where, step, s.text)
			}
			if strings.Contains(step, "TEMP B-TREE") && !small(s.text) {
				t.Errorf("%s: sorts: %s\n%s", s.where, step, s.text)
			}
		}
	}
}

// ordered allows a walk along the primary key that a LIMIT ends.
func ordered(text, step string) bool {
	return strings.Contains(text, "ORDER BY id DESC LIMIT ?") && strings.Contains(step, "SCAN email_inbox")
}

// small names the queries whose sort is over one person's or one event's rows.
func small(text string) bool {
	for _, part := range []string{"FROM auth_role_binding b JOIN", "FROM auth_membership m JOIN", "ORDER BY s.last_seen_at DESC, s.id DESC LIMIT ?", "e.email_norm = ? AND e.verified_at IS NULL",
		"e.email_norm >= ? AND e.email_norm < ?", "SELECT id FROM queue_job WHERE finished_at IS NOT NULL", "lease <> ? ORDER BY lease", "FROM queue_job WHERE uniq = ?",
		"AND action = ? AND seq < ?", "FROM auth_role_permission p WHERE p.role_id = ?", "FROM auth_role r WHERE r.org_id IS NULL"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// telemetry is a file with the tables of both kinds of telemetry files.
func telemetry(t *testing.T) *store.Side {
	t.Helper()
	main, segment := observe.Schemas()
	side, err := store.OpenSide(filepath.Join(t.TempDir(), "side.db"), store.SideOptions{Schema: append(slices.Clone(main), segment...)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { side.Close() })
	return side
}

func explainIn(t *testing.T, side *store.Side, text string) (plan []string, err error) {
	t.Helper()
	err = side.Read(t.Context(), func(tx *store.Tx) (err error) {
		plan, err = planOf(tx, text)
		return err
	})
	return plan, err
}

func explain(a *apptest.App, text string) ([]string, error) {
	return store.Read(a.T.Context(), a.DB, func(tx *store.Tx) ([]string, error) { return planOf(tx, text) })
}

func planOf(tx *store.Tx, text string) ([]string, error) {
	args := make([]any, strings.Count(text, "?"))
	return store.All(tx, func(r store.Scanner) (detail string, err error) {
		var id, parent, unused int
		return detail, r.Scan(&id, &parent, &unused, &detail)
	}, "EXPLAIN QUERY PLAN "+text, args...)
}

// Who runs the installation is found from the role. The planner knows no figures of ours and would rather
// walk all who are active, or all who hold anything, which a hundred thousand users make slow.
func TestOperatorsAreFoundByTheirRole(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	looked := 0
	for _, s := range statements(t) {
		if !strings.Contains(s.text, "FROM auth_role_binding b JOIN auth_user u ON u.id = b.principal_id") && !strings.Contains(s.text, "FROM auth_role_binding h JOIN") || strings.Contains(s.text, "JOIN auth_role ") {
			continue
		}
		looked++
		plan, err := explain(a, s.text)
		a.Must(err)
		if text := strings.Join(plan, "\n"); !strings.Contains(text, "auth_role_binding_holder (role_id=?") && !strings.Contains(text, "auth_role_binding_role (role_id=?") {
			t.Errorf("%s does not begin with the role:\n%s\n%s", s.where, text, s.text)
		}
	}
	if looked < 5 {
		t.Errorf("only %d such statements were found: the search is broken", looked)
	}
}
