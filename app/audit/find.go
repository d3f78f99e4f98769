package audit

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"seaworthy/app/find"
	"seaworthy/store"
)

// targetTypes are the types of things by how their ids begin, so that an id alone leads to
// what happened to it.
var targetTypes = map[string]string{"usr": "user", "org": "org", "job": "job", "msg": "message", "ses": "session", "key": "key", "cus": "customer", "sub": "subscription"}

// FindEvents finds an event by its id, things that events are about by how "type:id" or a well-known
// id begins, and kinds of events by words of their title.
func (l *Log) FindEvents(_ context.Context, tx *store.Tx, q find.Query) (hits []find.Hit, err error) {
	const list = "/-/admin/audit"
	if strings.HasPrefix(q.Lower, "evt_") {
		e, err := ByID(tx, q.Text)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return []find.Hit{{ID: e.ID, Title: l.Title(e.Action), Detail: e.Actor.String(), Path: list + "/events/" + e.ID}}, err
	}
	target := q.Text
	if prefix, _, ok := strings.Cut(q.Lower, "_"); ok && targetTypes[prefix] != "" {
		target = targetTypes[prefix] + ":" + q.Text
	}
	if strings.Contains(target, ":") {
		for from := target; len(hits) < q.Limit; {
			one, err := nextTarget(tx, from, find.End(target))
			if errors.Is(err, store.ErrNotFound) {
				break
			}
			if err != nil {
				return nil, err
			}
			hits = append(hits, find.Hit{Title: one, Detail: "all that happened to it", Path: list + "?target=" + url.QueryEscape(one)})
			from = one + "\x00"
		}
		return hits, nil
	}
	for _, k := range l.Actions() {
		if len(hits) < q.Limit && (strings.Contains(strings.ToLower(k.Title), q.Lower) || strings.Contains(string(k.Action), q.Lower)) {
			hits = append(hits, find.Hit{Title: k.Title, Detail: "all events of this kind", Path: list + "?action=" + url.QueryEscape(string(k.Action))})
		}
	}
	return hits, nil
}

// nextTarget is the first target from one text on and before another: one look at the index each.
func nextTarget(tx *store.Tx, from, before string) (target string, err error) {
	err = tx.QueryRow(`SELECT target FROM audit_target WHERE target >= ? AND target < ? ORDER BY target LIMIT 1`, from, before).Scan(&target)
	return target, err
}
