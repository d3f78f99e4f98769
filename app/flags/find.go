package flags

import (
	"context"
	"errors"
	"strings"

	"seaworthy/app/find"
	"seaworthy/store"
)

// FindFlags finds flags whose key has the text in it, those that begin with it first, and an
// archived one by its whole key. All that are evaluated are in memory.
func (s *System) FindFlags(_ context.Context, tx *store.Tx, q find.Query) (hits []find.Hit, err error) {
	var within []string
	for _, key := range s.Snapshot().Keys() {
		switch i := strings.Index(key, q.Lower); {
		case i == 0 && len(hits) < q.Limit:
			hits = append(hits, hitOf(key, "on", "ok"))
		case i > 0 && len(within) < q.Limit:
			within = append(within, key)
		}
	}
	for _, key := range within[:min(len(within), q.Limit-len(hits))] {
		hits = append(hits, hitOf(key, "on", "ok"))
	}
	for i := range hits {
		f, err := FlagByKey(tx, hits[i].Title)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			hits[i] = hitOf(f.Key, string(f.State), stateKind(f.State))
		}
	}
	if len(hits) > 0 {
		return hits, nil
	}
	f, err := FlagByKey(tx, q.Text)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return []find.Hit{hitOf(f.Key, string(f.State), stateKind(f.State))}, err
}

func hitOf(key, word, kind string) find.Hit {
	return find.Hit{ID: key, Title: key, Path: "/-/admin/flags/" + key, Word: word, Kind: kind}
}

func stateKind(s State) string {
	switch s {
	case Killed:
		return "danger"
	case Faulty:
		return "warn"
	case Archived, Off:
		return "quiet"
	}
	return "ok"
}
