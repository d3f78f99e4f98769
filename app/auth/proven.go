package auth

import (
	"crypto/sha256"
	"sync"
)

// maxProven bounds each half of the tokens whose signature was found good.
const maxProven = 4096

// proven remembers access tokens whose signature was found good: computing it
// costs more than the rest of a request, and a program shows one token for five
// minutes. Whether it has expired and what its session says is asked every time.
type proven struct {
	mu         sync.RWMutex
	young, old map[[sha256.Size]byte]*accessClaims
}

// get is the token's claims, nil if it is not known. They are shared: change nothing.
func (p *proven) get(raw string) *accessClaims {
	key := sha256.Sum256([]byte(raw))
	p.mu.RLock()
	defer p.mu.RUnlock()
	if c := p.young[key]; c != nil {
		return c
	}
	return p.old[key]
}

// put remembers a token. When the young half is full it becomes the old one, and
// what was old is forgotten.
func (p *proven) put(raw string, c *accessClaims) {
	key := sha256.Sum256([]byte(raw))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.young == nil || len(p.young) >= maxProven {
		p.young, p.old = make(map[[sha256.Size]byte]*accessClaims), p.young
	}
	p.young[key] = c
}
