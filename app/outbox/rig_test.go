package outbox

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/audit"
	"seaworthy/queue"
	"seaworthy/store"
)

// rig is a database of ours, a file of the app's, and the relay between them.
type rig struct {
	t    *testing.T
	db   *store.DB
	path string // of the app's file
	w    *watch
	stop func()

	audit *audit.Log

	mu   sync.Mutex
	log  bytes.Buffer
	seen map[string]time.Time // when a row's job was durable, by id
}

func (r *rig) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *rig) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func openStore(t testing.TB, path string) *store.DB {
	t.Helper()
	db, err := store.Open(path, store.Options{})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = store.Migrate(context.Background(), db, store.MigrateOptions{})
	must(t, err)
	return db
}

func auditOf(db *store.DB, dir string) (*audit.Log, error) {
	s := audit.New(audit.Deps{DB: db, Logger: slog.New(slog.DiscardHandler), URL: "https://app.example.com", Keys: filepath.Join(dir, "keys"),
		Vaults: []audit.Vault{audit.Folder(filepath.Join(dir, "audit"))}})
	if err := s.Declare(Actions...); err != nil {
		return nil, err
	}
	return s.Log, s.Open(context.Background())
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, db: openStore(t, filepath.Join(dir, "seaworthy.db")), path: filepath.Join(dir, "app.db"), seen: map[string]time.Time{}}
	var err error
	r.audit, err = auditOf(r.db, dir)
	must(t, err)
	r.w = newWatch(Deps{DB: r.db, Audit: r.audit, Log: slog.New(slog.NewTextHandler(r, nil)), Enqueue: r.enqueue}, File{Name: "app", Path: r.path})
	return r
}

// start runs the relay until the test or r.stop ends it.
func (r *rig) start() *rig {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.w.run(ctx) }()
	r.stop = func() { cancel(); <-done }
	r.t.Cleanup(func() {
		r.stop()
		if r.t.Failed() {
			r.t.Logf("status: %+v\nlog:\n%s", r.status(), r.logged())
		}
	})
	return r
}

func (r *rig) status() FileStatus { return r.w.status.read(time.Now()) }

// enqueue is what the queue does, reduced to what is told apart here.
func (r *rig) enqueue(tx *store.Tx, source string, row Row) (bool, error) {
	tx.AfterCommit(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if _, again := r.seen[row.ID]; !again {
			r.seen[row.ID] = time.Now()
		}
	})
	return insert(tx, source, row)
}

func insert(tx *store.Tx, source string, row Row) (added bool, err error) {
	opts := []queue.Option{queue.From(source, row.ID, row.Fingerprint()), queue.ToEndpoint(cmp.Or(row.Endpoint, "default")),
		queue.On(cmp.Or(row.Queue, "default")), queue.Priority(row.Priority), queue.At(row.RunAt)}
	if row.Key != "" {
		opts = append(opts, queue.Key(row.Key, 1))
	}
	ticket, err := queue.EnqueueRaw(tx, row.Kind, row.Args, opts...)
	if errors.Is(err, queue.ErrFingerprint) {
		return false, Reused()
	}
	return !ticket.Duplicate && err == nil, err
}

// jobs are the ids of the rows that are jobs, in the order in which they became that.
func jobs(t testing.TB, db *store.DB) (ids []string) {
	t.Helper()
	ids, err := store.Read(context.Background(), db, func(tx *store.Tx) ([]string, error) {
		return store.All(tx, func(s store.Scanner) (id string, err error) { return id, s.Scan(&id) }, `SELECT idem FROM queue_job ORDER BY id`)
	})
	must(t, err)
	return ids
}

func (r *rig) jobs() string { r.t.Helper(); return strings.Join(jobs(r.t, r.db), " ") }

func (r *rig) count(query string) (n int) {
	r.t.Helper()
	must(r.t, r.db.Read(context.Background(), func(tx *store.Tx) error { return tx.QueryRow(query).Scan(&n) }))
	return n
}

// wants waits until exactly these rows are jobs, in this order.
func (r *rig) wants(ids string) {
	r.t.Helper()
	eventually(r.t, "jobs "+ids, func() bool { return r.jobs() == ids })
}

// app is the app's own connection to its file.
type app struct {
	t    testing.TB
	pool *sql.DB
}

func openApp(t testing.TB, path, mode string) *app {
	t.Helper()
	u := url.URL{Path: path, RawQuery: url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(" + mode + ")"}, "_txlock": {"immediate"}}.Encode()}
	pool, err := sql.Open("sqlite", "file:"+u.String())
	must(t, err)
	pool.SetMaxOpenConns(1)
	a := &app{t, pool}
	t.Cleanup(func() { pool.Close() })
	// A change to WAL fails at once if somebody else has the file open: on a machine so
	// slow that we have come by then, the app tries again, as one does at its start.
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if err = pool.Ping(); err == nil || time.Since(began) > 10*time.Second || !strings.Contains(err.Error(), "locked") {
			must(t, err)
			return a
		}
	}
}

// newApp makes the file with its table.
func (r *rig) newApp() *app {
	r.t.Helper()
	a := openApp(r.t, r.path, "wal")
	a.exec(DDL)
	return a
}

func (a *app) exec(query string, args ...any) {
	a.t.Helper()
	_, err := a.pool.Exec(query, args...)
	must(a.t, err)
}

func (a *app) add(id string) {
	a.t.Helper()
	a.exec(`INSERT INTO seaworthy_outbox (id, kind, args) VALUES (?, 'test.do', '{"n":1}')`, id)
}

func (a *app) text(query string) (s string) {
	a.t.Helper()
	must(a.t, a.pool.QueryRow(query).Scan(&s))
	return s
}

// rows are what is left in the table: id and error of each.
func (a *app) rows() string {
	a.t.Helper()
	return a.text(`SELECT coalesce(group_concat(coalesce(id, 'NULL') || coalesce(': ' || error, ''), '; '), '') FROM (SELECT id, error FROM seaworthy_outbox ORDER BY _rowid_)`)
}

// empties waits until the relay has removed everything.
func (a *app) empties() {
	a.t.Helper()
	eventually(a.t, "the table is empty", func() bool { return a.rows() == "" })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for something that happens within moments; the bound is for
// machines that do much else.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for tick := time.Tick(3 * time.Millisecond); !is(); {
		select {
		case <-tick:
		case <-limit:
			t.Fatalf("not within two minutes: %s", what)
		}
	}
}

// is waits for a state.
func (r *rig) is(state State, problem string) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("state %q, %q", state, problem), func() bool {
		s := r.status()
		return s.State == state && strings.Contains(s.Problem, problem)
	})
}
