package observe

import (
	"errors"
	"math"
	"time"

	"seaworthy/store"
)

// The tables of alerts are in the business database: that one fires, and that somebody is told,
// is one transaction.

const alertColumns = `id, rule, subject, critical, title, detail, number, before, app_release, path, told, fired_at,
	coalesce(calm_at, 0), coalesce(acked_at, 0), acked_by, coalesce(resolved_at, 0)`

func scanAlert(r store.Scanner) (a Alert, err error) {
	var fired, calm, acked, resolved int64
	err = r.Scan(&a.ID, &a.Rule, &a.Subject, &a.Critical, &a.Title, &a.Detail, &a.Number, &a.Before, &a.Release, &a.Path, &a.told, &fired, &calm, &acked, &a.AckedBy, &resolved)
	a.FiredAt, a.calmAt, a.AckedAt, a.ResolvedAt = at(fired), at(calm), at(acked), at(resolved)
	return a, err
}

// openAlerts are those that are not resolved, the newest first.
func openAlerts(tx *store.Tx, limit int) ([]Alert, error) {
	return openAlertsBefore(tx, math.MaxInt64, "", limit)
}

// openAlertsBefore are those that fired before one that is at a place in that order.
func openAlertsBefore(tx *store.Tx, fired int64, id string, limit int) ([]Alert, error) {
	return store.All(tx, scanAlert, `SELECT `+alertColumns+` FROM observe_alert WHERE resolved_at IS NULL AND (fired_at, id) < (?, ?) ORDER BY fired_at DESC, id DESC LIMIT ?`, fired, id, limit)
}

// pastAlerts are all, by when they fired, those before an id.
func pastAlerts(tx *store.Tx, before string, limit int) ([]Alert, error) {
	return store.All(tx, scanAlert, `SELECT `+alertColumns+` FROM observe_alert WHERE id < ? ORDER BY id DESC LIMIT ?`, before, limit)
}

func alertByID(tx *store.Tx, id string) (Alert, error) {
	return scanAlert(tx.QueryRow(`SELECT `+alertColumns+` FROM observe_alert WHERE id = ?`, id))
}

func insertAlert(tx *store.Tx, a Alert) error {
	_, err := tx.Exec(`INSERT INTO observe_alert (id, rule, subject, critical, title, detail, number, before, app_release, path, told, fired_at, acked_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '')`, a.ID, a.Rule, a.Subject, bit(a.Critical), a.Title, a.Detail, a.Number, a.Before, a.Release, a.Path, a.FiredAt.UnixMilli())
	return err
}

func updateAlert(tx *store.Tx, a Alert) error {
	return tx.ExecOne(`UPDATE observe_alert SET critical = ?, detail = ?, number = ?, told = ?, calm_at = ?, acked_at = ?, acked_by = ?, resolved_at = ? WHERE id = ?`,
		bit(a.Critical), a.Detail, a.Number, bit(a.told), msOf(a.calmAt), msOf(a.AckedAt), a.AckedBy, msOf(a.ResolvedAt), a.ID)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func addAlertEvent(tx *store.Tx, alert, kind, actor, note string) error {
	_, err := tx.Exec(`INSERT INTO observe_alert_event (id, alert, at, kind, actor, note) VALUES (?, ?, ?, ?, ?, ?)`, tx.NewID("ale"), alert, tx.Now().UnixMilli(), kind, actor, note)
	return err
}

func alertEvents(tx *store.Tx, alert string) ([]AlertEvent, error) {
	return store.All(tx, func(r store.Scanner) (e AlertEvent, err error) {
		var ms int64
		err = r.Scan(&ms, &e.Kind, &e.Actor, &e.Note)
		e.At = at(ms)
		return e, err
	}, `SELECT at, kind, actor, note FROM observe_alert_event WHERE alert = ? ORDER BY id LIMIT 100`, alert)
}

// ruleSettings are the rules with what people have set.
func ruleSettings(tx *store.Tx) ([]Rule, error) {
	all := rules()
	for i := range all {
		r := &all[i]
		err := tx.QueryRow(`SELECT enabled, critical, bound, minutes, factor FROM observe_rule WHERE kind = ?`, r.Kind).Scan(&r.Enabled, &r.Critical, &r.Bound, &r.Minutes, &r.Factor)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		r.Changed = err == nil
	}
	return all, nil
}

func putRule(tx *store.Tx, r Rule) error {
	if !r.Changed {
		_, err := tx.Exec(`DELETE FROM observe_rule WHERE kind = ?`, r.Kind)
		return err
	}
	_, err := tx.Exec(`INSERT INTO observe_rule (kind, enabled, critical, bound, minutes, factor, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (kind) DO UPDATE SET enabled = excluded.enabled, critical = excluded.critical, bound = excluded.bound, minutes = excluded.minutes, factor = excluded.factor,
		changed_at = excluded.changed_at`, r.Kind, bit(r.Enabled), bit(r.Critical), r.Bound, r.Minutes, r.Factor, tx.Now().UnixMilli())
	return err
}

func scanSilence(r store.Scanner) (s Silence, err error) {
	var until, created int64
	err = r.Scan(&s.ID, &s.Rule, &s.Subject, &until, &s.Note, &s.By, &created)
	s.Until, s.CreatedAt = at(until), at(created)
	return s, err
}

func activeSilences(tx *store.Tx) ([]Silence, error) {
	return store.All(tx, scanSilence, `SELECT id, rule, subject, until, note, made_by, created_at FROM observe_silence WHERE until > ? ORDER BY until, id LIMIT ?`, tx.Now().UnixMilli(), maxSilences)
}

func insertSilence(tx *store.Tx, s Silence) error {
	_, err := tx.Exec(`INSERT INTO observe_silence (id, rule, subject, until, note, made_by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		s.ID, s.Rule, s.Subject, s.Until.UnixMilli(), s.Note, s.By, s.CreatedAt.UnixMilli())
	return err
}

func endSilence(tx *store.Tx, id string) error {
	return tx.ExecOne(`UPDATE observe_silence SET until = ? WHERE id = ? AND until > ?`, tx.Now().UnixMilli(), id, tx.Now().UnixMilli())
}

// forgetAlerts deletes some of what is too old to be asked for.
func forgetAlerts(tx *store.Tx, before time.Time) error {
	old, err := store.All(tx, func(r store.Scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT id FROM observe_alert WHERE resolved_at IS NOT NULL AND resolved_at < ? ORDER BY resolved_at LIMIT 200`, before.UnixMilli())
	if err != nil {
		return err
	}
	for _, id := range old {
		if _, err := tx.Exec(`DELETE FROM observe_alert_event WHERE alert = ?`, id); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM observe_notice WHERE alert = ?`, id); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM observe_alert WHERE id = ?`, id); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`DELETE FROM observe_alert_mail WHERE delivery IN (SELECT id FROM observe_delivery WHERE created_at < ? LIMIT 200)`, before.UnixMilli()); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM observe_delivery WHERE id IN (SELECT d.id FROM observe_delivery d WHERE d.created_at < ? AND NOT EXISTS (SELECT m.message FROM observe_alert_mail m WHERE m.delivery = d.id) LIMIT 200)`, before.UnixMilli()); err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM observe_silence WHERE until < ?`, before.UnixMilli())
	return err
}

// Delivered is when an alert, or a test of one, last reached a channel; zero for never.
func Delivered(tx *store.Tx) (at time.Time, err error) {
	var ms int64
	err = tx.QueryRow(`SELECT ended_at FROM observe_delivery WHERE state = 'sent' AND ended_at IS NOT NULL ORDER BY created_at DESC LIMIT 1`).Scan(&ms)
	if errors.Is(err, store.ErrNotFound) {
		return at, nil
	}
	return time.UnixMilli(ms).UTC(), err
}
