//go:build faults

package faults

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger is what the world outside was told: who was acknowledged and who was
// refused. It outlives the processes of one data folder.
type ledger struct {
	mu      sync.Mutex
	people  []person
	refused []refusal
	errs    []error // of requests that got no answer
	last    atomic.Int64
}

// refusal is a sign-up that was answered with something else than 201.
type refusal struct {
	email string
	answer
}

// address is one that nobody has used. All are equally long, so that none is
// part of another.
func (l *ledger) address() string { return fmt.Sprintf("p%07d@example.com", l.last.Add(1)) }

func (l *ledger) note(email string, p person, a answer, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.errs = append(l.errs, err)
	case p.user != "":
		l.people = append(l.people, p)
	default:
		l.refused = append(l.refused, refusal{email, a})
	}
}

func (l *ledger) acknowledged() []person {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.people)
}

func (l *ledger) refusals() []refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.refused)
}

func (l *ledger) failures() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.errs)
}

// reaches waits until n sign-ups have been acknowledged in all.
func (l *ledger) reaches(t *testing.T, n int) {
	t.Helper()
	eventually(t, 30*time.Second, fmt.Sprintf("%d sign-ups are acknowledged", n), func() bool { return len(l.acknowledged()) >= n })
}

// signUps makes one sign-up for the ledger.
func (l *ledger) signUp(c *child) {
	email := l.address()
	p, a, err := c.signUp(email)
	l.note(email, p, a, err)
}

// crowd is a number of clients that sign up one person after another.
type crowd struct {
	quit    chan struct{}
	clients sync.WaitGroup
}

// rush begins to sign people up. A client stops at its first request without an
// answer.
func rush(c *child, l *ledger) *crowd {
	cr := &crowd{quit: make(chan struct{})}
	for range *clients {
		cr.clients.Go(func() {
			for {
				select {
				case <-cr.quit:
					return
				default:
				}
				email := l.address()
				p, a, err := c.signUp(email)
				l.note(email, p, a, err)
				if err != nil {
					return
				}
			}
		})
	}
	return cr
}

// wait returns when every client has stopped on its own.
func (cr *crowd) wait() { cr.clients.Wait() }
