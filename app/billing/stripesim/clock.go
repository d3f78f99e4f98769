package stripesim

import (
	"context"
	"fmt"
	"time"
)

// Advance moves the virtual clock on, step by step: whatever falls due on the way is
// done at its own instant and in order, and its webhooks are delivered.
func (s *Sim) Advance(ctx context.Context, d time.Duration) error {
	s.turns.Lock()
	defer s.turns.Unlock()
	return s.advance(ctx, d)
}

// advance goes from one thing that falls due to the next, here or in the program that
// sells. To jump straight to the end would have both do a month's work at one instant,
// in whatever order: reminders that are days apart would come together.
func (s *Sim) advance(ctx context.Context, d time.Duration) error {
	until := s.Now().Add(d)
	for ctx.Err() == nil {
		if err := s.settled(ctx); err != nil {
			return err
		}
		now := s.Now()
		if !now.Before(until) {
			return nil
		}
		to, err := s.upcoming(ctx, now, until)
		if err != nil {
			return err
		}
		err = s.change(ctx, func() error {
			s.offset += to.Sub(now)
			s.moved = true
			return nil
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// mostRounds is how often the two wait for each other at one instant: two that answer
// each other for ever would never let time pass.
const mostRounds = 10

// settled does what is due now, and lets the program do what that brings, until neither
// has anything more for the other.
func (s *Sim) settled(ctx context.Context) error {
	for range mostRounds {
		if err := s.run(ctx, s.Now()); err != nil {
			return err
		}
		if s.Life.Settled == nil {
			return nil
		}
		if err := s.Life.Settled(ctx); err != nil {
			return fmt.Errorf("let the program do its part: %w", err)
		}
		s.mu.Lock()
		at, _, act := s.next("")
		sent, now := s.nextDelivery(), s.now()
		s.mu.Unlock()
		if (act == nil || at.After(now)) && (sent == nil || when(sent.num("due")).After(now)) {
			return nil
		}
	}
	return nil
}

// upcoming is when something happens next after now, until at the latest.
func (s *Sim) upcoming(ctx context.Context, now, until time.Time) (time.Time, error) {
	first := until
	sooner := func(at time.Time) {
		if at.After(now) && at.Before(first) {
			first = at
		}
	}
	s.mu.Lock()
	if at, _, act := s.next(""); act != nil {
		sooner(at)
	}
	if sent := s.nextDelivery(); sent != nil {
		sooner(when(sent.num("due")))
	}
	s.mu.Unlock()
	if s.Life.Due != nil {
		at, err := s.Life.Due(ctx)
		if err != nil {
			return first, fmt.Errorf("ask what is due in the program: %w", err)
		}
		if !at.IsZero() {
			sooner(at.Add(time.Second - 1).Truncate(time.Second)) // the clock here has seconds
		}
	}
	return first, nil
}

// AdvanceToNext moves the clock to the next thing that happens; false: nothing will.
func (s *Sim) AdvanceToNext(ctx context.Context) (bool, error) {
	s.turns.Lock()
	defer s.turns.Unlock()
	now := s.Now()
	until := now.Add(furthest)
	s.mu.Lock()
	at, _, act := s.next("")
	s.mu.Unlock()
	if act != nil && !at.After(now) {
		return true, s.advance(ctx, 0)
	}
	to, err := s.upcoming(ctx, now, until)
	if err != nil || to.Equal(until) {
		return false, err
	}
	return true, s.advance(ctx, to.Sub(now))
}

// Settle does what is due now, and delivers it.
func (s *Sim) Settle(ctx context.Context) error {
	s.turns.Lock()
	defer s.turns.Unlock()
	return s.run(ctx, s.Now())
}

// Run does what falls due, until ctx ends.
func (s *Sim) Run(ctx context.Context) error {
	for {
		if err := s.Settle(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.Error("the Stripe simulator", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-time.After(time.Second):
		}
	}
}

// run does all that is due by until, each at its own instant. What happens at an instant
// is done before the webhooks that are due then, as they tell of it.
func (s *Sim) run(ctx context.Context, until time.Time) error {
	for ctx.Err() == nil {
		s.mu.Lock()
		at, _, act := s.next("")
		sent := s.nextDelivery()
		s.mu.Unlock()
		switch {
		case sent != nil && !when(sent.num("due")).After(until) && (act == nil || when(sent.num("due")).Before(at)):
			if err := s.deliver(ctx, when(sent.num("due"))); err != nil {
				return err
			}
		case act != nil && !at.After(until):
			if err := s.stepAt(ctx, at, act); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return ctx.Err()
}

// stepAt does one thing at its instant.
func (s *Sim) stepAt(ctx context.Context, at time.Time, act func()) error {
	return s.change(ctx, func() error {
		s.step = at
		defer func() { s.step = time.Time{} }()
		act()
		return nil
	})
}
