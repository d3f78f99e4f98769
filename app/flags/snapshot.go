package flags

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"seaworthy/app/flags/rule"
	"seaworthy/app/web"
	"seaworthy/store"
)

// topic is what the store tells of when a change of flags is committed.
const topic = "flags.changed"

// What a change touches beside the flags that it names; no flag has such a key.
const (
	killChanged     = "$kill"
	segmentsChanged = "$segments"
)

// dirty are the keys whose change is committed and not yet in the snapshot.
type dirty struct {
	mu   sync.Mutex
	keys map[string]bool
}

func (d *dirty) add(keys ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys == nil {
		d.keys = map[string]bool{}
	}
	for _, k := range keys {
		d.keys[k] = true
	}
}

func (d *dirty) take() (keys []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for k := range d.keys {
		keys = append(keys, k)
	}
	d.keys = nil
	slices.Sort(keys)
	return keys
}

// touched has a flag compiled again once the transaction is durable. Whoever made
// the change waits for that; Run does it for those who did not come to it.
func (s *System) touched(tx *store.Tx, key string) {
	tx.AfterCommit(func() { s.dirty.add(key) })
	tx.Notify(topic)
}

// Snapshot is what all flags say now. It never changes: whoever evaluates several
// flags from one sees no mix of versions.
func (s *System) Snapshot() *rule.Set { return s.set.Load() }

// refresh brings the snapshot up to what is committed, compiling what changed. It
// returns when the caller's own change can be seen.
func (s *System) refresh(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // a client that went away leaves no old snapshot behind
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	keys := s.dirty.take()
	if len(keys) == 0 {
		return nil
	}
	next, err := store.Read(ctx, s.DB, func(tx *store.Tx) (*rule.Set, error) { return s.rebuild(tx, s.set.Load(), keys) })
	if err != nil {
		s.dirty.add(keys...)
		return fmt.Errorf("take a change of flags over: %w", err)
	}
	s.set.Store(next)
	s.tell()
	return nil
}

// rebuild is a snapshot in which some keys are what the database says.
func (s *System) rebuild(tx *store.Tx, set *rule.Set, keys []string) (*rule.Set, error) {
	if slices.Contains(keys, segmentsChanged) {
		if err := s.readSegments(tx); err != nil {
			return nil, err
		}
	}
	for _, key := range keys {
		switch key {
		case segmentsChanged:
		case killChanged:
			k, err := KillState(tx)
			if err != nil {
				return nil, err
			}
			set = set.WithKill(rule.Kill{All: k.All, Tags: k.Tags})
			s.killed.Store(&k)
		default:
			next, err := s.replace(tx, set, key)
			if err != nil {
				return nil, err
			}
			set = next
		}
	}
	return set, nil
}

// replace is a snapshot with one flag as the database has it.
func (s *System) replace(tx *store.Tx, set *rule.Set, key string) (*rule.Set, error) {
	f, err := FlagByKey(tx, key)
	if isNotFound(err) || err == nil && f.State == Archived {
		return set.Without(key), nil
	}
	if err != nil {
		return nil, err
	}
	overrides, err := Overrides(tx, key, "", maxOverrides)
	if err != nil {
		return nil, err
	}
	compiled, err := s.compile(key, f.Definition, overrides)
	if compiled == nil {
		return nil, err
	}
	return set.With(compiled), nil // one with a fault answers PARSE_ERROR
}

// readSegments keeps the rules that flags share, for compiling.
func (s *System) readSegments(tx *store.Tx) error {
	all, err := Segments(tx)
	if err != nil {
		return err
	}
	rules := map[string][]byte{}
	for _, seg := range all {
		rules[seg.Name] = []byte(seg.Rule)
	}
	s.segments.Store(&rules)
	return nil
}

// compile makes a definition ready to be evaluated. The error is a 422 that names
// the path; the flag is there all the same and answers PARSE_ERROR.
func (s *System) compile(key, definition string, overrides []Override) (*rule.Flag, error) {
	full, err := overridden(definition, overrides)
	if err != nil {
		full = definition
	}
	f, err := rule.CompileFlag(key, []byte(full), *s.segments.Load())
	return f, faulty(err)
}

// faulty is a fault of the compiler as a 422 that names where.
func faulty(err error) error {
	var f *rule.Fault
	if err == nil || !errors.As(err, &f) {
		return err
	}
	path := strings.ReplaceAll(f.Path, "/", ".")
	if path == "" {
		path = "definition"
	}
	return web.Invalid(web.Field{Field: path, Code: "rule", Message: f.Message + "."})
}

// open makes the first snapshot. A faulty flag is logged and answers PARSE_ERROR;
// it never stops the start.
func (s *System) open(ctx context.Context) error {
	return s.DB.Read(ctx, func(tx *store.Tx) error {
		if err := s.readSegments(tx); err != nil {
			return err
		}
		raw, err := document(tx, func(f Flag) (string, error) {
			overrides, err := Overrides(tx, f.Key, "", maxOverrides)
			if err != nil {
				return "", err
			}
			return overridden(f.Definition, overrides)
		})
		if err != nil {
			return err
		}
		doc, err := rule.Parse(raw)
		if err != nil {
			return fmt.Errorf("read what is stored of flags: %w", err)
		}
		set, faults := doc.Compile(rule.Options{Clock: s.DB.Now})
		for _, f := range faults {
			s.Log.Warn("a flag cannot be evaluated", slog.String("flag", f.Flag), slog.String("path", f.Path), slog.String("fault", f.Message))
		}
		k, err := KillState(tx)
		if err != nil {
			return err
		}
		s.killed.Store(&k)
		s.set.Store(set.WithKill(rule.Kill{All: k.All, Tags: k.Tags}))
		return nil
	})
}

// watchers hear of new snapshots.
type watchers struct {
	mu  sync.Mutex
	all map[chan struct{}]bool
}

// Watch returns a channel that receives after each new snapshot; signals that come
// while one is pending are one. stop ends it.
func (s *System) Watch() (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	w := &s.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[chan struct{}]bool{}
	}
	w.all[c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, c)
	}
}

func (s *System) tell() {
	s.news.tell()
	s.watchers.mu.Lock()
	defer s.watchers.mu.Unlock()
	for c := range s.watchers.all {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
