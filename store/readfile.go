package store

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// ReadFile runs fn on a consistent snapshot of a database file, whether a server
// has it open or not, and changes nothing. It is for tools that look at a file:
// copies, restored backups, the file of a running server.
func ReadFile(ctx context.Context, path string, fn func(*Tx) error) error {
	useOFD()
	pool, err := connect(dsn(path, url.Values{"mode": {"ro"}}, "busy_timeout(10000)", "query_only(1)"), 1)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, translate(err))
	}
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, translate(err))
	}
	defer conn.Close()
	s := &statements{conn: conn}
	defer s.close()
	return s.snapshot(func() error {
		return fn(&Tx{ctx: ctx, db: &DB{clock: time.Now}, stmts: s, now: time.Now().UTC().Truncate(time.Millisecond)})
	})
}
