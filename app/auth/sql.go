package auth

import (
	"errors"
	"time"

	"seaworthy/store"
)

// What the statements of this package have in common: how they take values and give
// them back.

// isNotFound reports whether a look-up found nothing.
func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// firstError is the error of a look-up, or else what its outcome means.
func firstError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// text scans a row of one column.
func text(r store.Scanner) (s string, err error) { return s, r.Scan(&s) }

// orNull is a column that has nothing in the place of "".
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// boolInt is a boolean as STRICT tables keep it.
func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// timeOrZero is the time of a column that is NULL, read as 0, for never.
func timeOrZero(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// millis is a time as columns keep it, 0 for never.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
