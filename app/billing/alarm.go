package billing

import (
	"errors"
	"strings"
	"time"

	"seaworthy/store"
)

// What a person must look at.
const (
	alarmMode     = "other_mode"     // events of Stripe's other mode come
	alarmVersion  = "api_version"    // events of another version of the API come
	alarmUnmapped = "unmapped_price" // a subscription is to a price that belongs to no plan
	alarmStatus   = "unknown_status" // a subscription is in a state that we do not know
	alarmStranger = "unknown_customer"
	alarmDispute  = "dispute"
	alarmLimit    = "over_limit" // more is used than the plan allows
	alarmCheck    = "setup"      // what the look at Stripe at the start found
	alarmTwice    = "two_subscriptions"
	alarmLeft     = "event_left"       // what Stripe told of is not taken over, and no job will
	alarmMissing  = "customer_missing" // Stripe knows nothing of what we know
	alarmUntold   = "notice_untold"    // a mail was decided, and no job will write it
)

// alarm is something that a person must look at, once however often it comes.
type alarm struct {
	Kind   string
	Object string // what it is about, with which the kind makes the key; "" for the installation
	About  string // a sentence or two
	Org    string
	N      int
	First  time.Time
	Last   time.Time
}

func (a alarm) key() string { return a.Kind + ":" + a.Object }

// raise notes an alarm. One that is open is counted on.
func raise(tx *store.Tx, a alarm) error {
	now := tx.Now().UnixMilli()
	_, err := tx.Exec(`INSERT INTO billing_alarm (key, kind, about, org_id, n, first_at, last_at, cleared_at) VALUES (?, ?, ?, ?, 1, ?, ?, NULL)
		ON CONFLICT (key) DO UPDATE SET about = excluded.about, n = CASE WHEN billing_alarm.cleared_at IS NULL THEN billing_alarm.n + 1 ELSE 1 END,
		first_at = CASE WHEN billing_alarm.cleared_at IS NULL THEN billing_alarm.first_at ELSE excluded.first_at END, last_at = excluded.last_at, cleared_at = NULL`,
		a.key(), a.Kind, a.About, a.Org, now, now)
	return err
}

// clearAlarm ends an alarm, if it is open.
func clearAlarm(tx *store.Tx, kind, object string) error {
	_, err := tx.Exec(`UPDATE billing_alarm SET cleared_at = ? WHERE key = ? AND cleared_at IS NULL`, tx.Now().UnixMilli(), alarm{Kind: kind, Object: object}.key())
	return err
}

// mostAlarms bounds how many are shown.
const mostAlarms = 50

// openAlarms are those that nobody has cleared, the newest first.
func openAlarms(tx *store.Tx) ([]alarm, error) {
	return store.All(tx, scanAlarm, alarmColumns+`WHERE cleared_at IS NULL ORDER BY last_at DESC LIMIT ?`, mostAlarms)
}

// urgentAlarms are those of them that stand above every page of the console, the newest
// first. They are asked for by themselves: many orgs that are over a limit must not
// crowd out that no money comes in.
func urgentAlarms(tx *store.Tx) ([]alarm, error) {
	return store.All(tx, scanAlarm, alarmColumns+`WHERE cleared_at IS NULL AND kind IN ('setup', 'api_version', 'other_mode', 'customer_missing', 'dispute') ORDER BY last_at DESC LIMIT ?`, mostAlarms)
}

const alarmColumns = `SELECT key, kind, about, org_id, n, first_at, last_at FROM billing_alarm `

func scanAlarm(r store.Scanner) (a alarm, err error) {
	var key string
	var first, last int64
	err = r.Scan(&key, &a.Kind, &a.About, &a.Org, &a.N, &first, &last)
	a.Object, a.First, a.Last = strings.TrimPrefix(key, a.Kind+":"), at(first), at(last)
	return a, err
}

// at is a time as the tables hold it; zero for 0.
func at(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// ms is a time for a column that may be NULL.
func ms(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
