package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"seaworthy/app/email/compose"
	"seaworthy/store"
)

// kept is a template of the customer's as it is in use: one of his own, or his
// words for one of ours.
type kept struct {
	name      string
	version   int64
	archived  time.Time // zero: in use
	changed   time.Time
	source    string
	variables []Variable
	sample    compose.Vars
	parsed    *compose.Template // nil: it was saved by another release and cannot be read by this one
}

// library holds the customer's templates in memory, as they are committed.
type library struct {
	mu  sync.RWMutex
	own map[string]*kept
}

func (l *library) get(name string) *kept {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.own[name]
}

// put takes a template that was committed; commits come in their order.
func (l *library) put(k *kept) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own[k.name] = k
}

// all are those there are, by name.
func (l *library) all() []*kept {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var some []*kept
	for _, name := range slices.Sorted(maps.Keys(l.own)) {
		some = append(some, l.own[name])
	}
	return some
}

// openLibrary reads the brand and the templates in use.
func (s *System) openLibrary(ctx context.Context) error {
	var brand brandRow
	rows, err := store.Read(ctx, s.DB, func(tx *store.Tx) (_ []templateRow, err error) {
		if brand, err = brandOf(tx); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		return templatesInUse(tx)
	})
	if err != nil {
		return fmt.Errorf("mail templates: %w", err)
	}
	s.brand.Store(&brand)
	for _, row := range rows {
		k, err := s.keep(row)
		if err != nil {
			s.Log.Warn("a mail template cannot be read and is not used", "template", row.name, "version", row.version, "error", err.Error())
		}
		s.library.put(k)
	}
	return nil
}

// keep makes of a row what is kept of it in memory.
func (s *System) keep(row templateRow) (*kept, error) {
	k := &kept{name: row.name, version: row.version, source: row.source, changed: time.UnixMilli(row.changed).UTC(), archived: timeOrZero(row.archived)}
	if err := json.Unmarshal([]byte(row.variables), &k.variables); err != nil {
		return k, fmt.Errorf("variables: %w", err)
	}
	if err := json.Unmarshal([]byte(row.sample), &k.sample); err != nil {
		return k, fmt.Errorf("sample: %w", err)
	}
	parsed, err := s.readTemplate(k.name, k.source, k.variables)
	k.parsed = parsed
	return k, err
}
