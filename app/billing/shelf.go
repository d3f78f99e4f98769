package billing

import (
	"sync"

	"seaworthy/store"
)

// maxCached bounds how many orgs are remembered.
const maxCached = 20_000

// shelf remembers entitlements. What was read before the last commit that changed any
// is not put there.
type shelf struct {
	mu      sync.RWMutex
	changed int64 // how many commits there were by then, as store.DB.Commits counts them
	of      map[string]*Entitlements
}

func (c *shelf) get(org string) *Entitlements {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.of[org]
}

// put remembers what a read found that sees so many commits; -1 for a write, whose
// findings may yet be rolled back.
func (c *shelf) put(org string, e *Entitlements, sees int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sees < c.changed {
		return
	}
	if c.of == nil || len(c.of) >= maxCached {
		c.of = map[string]*Entitlements{}
	}
	c.of[org] = e
}

// drop forgets an org, or all for "", after a commit.
func (c *shelf) drop(org string, commits int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed = commits
	if org == "" {
		c.of = nil
		return
	}
	delete(c.of, org)
}

// forget has what an org, "" for all, may use computed anew, once the transaction is durable.
func (s *System) forget(tx *store.Tx, org string) {
	tx.AfterCommit(func() { s.shelf.drop(org, s.DB.Commits()) })
}
