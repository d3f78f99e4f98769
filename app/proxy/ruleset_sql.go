package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"seaworthy/store"
)

const rulesColumns = `SELECT version, rules, created_at, created_by, comment FROM proxy_ruleset `

func scanRules(r store.Scanner) (set ruleset, err error) {
	var raw string
	var at int64
	if err := r.Scan(&set.version, &raw, &at, &set.by, &set.comment); err != nil {
		return set, err
	}
	set.made = time.UnixMilli(at).UTC()
	var rules []Rule
	if err := json.Unmarshal([]byte(raw), &rules); err != nil {
		return set, fmt.Errorf("version %d of the access rules: %w", set.version, err)
	}
	set.rules = compile(rules)
	return set, nil
}

// newestRules are those in use; version 0 without any.
func newestRules(tx *store.Tx) (ruleset, error) {
	set, err := scanRules(tx.QueryRow(rulesColumns + `WHERE version > 0 ORDER BY version DESC LIMIT 1`))
	if errors.Is(err, store.ErrNotFound) {
		return ruleset{}, nil
	}
	return set, err
}

func rulesOf(tx *store.Tx, version int64) (ruleset, error) {
	return scanRules(tx.QueryRow(rulesColumns+`WHERE version = ?`, version))
}

// versionsBefore are versions, newest first.
func versionsBefore(tx *store.Tx, before int64, limit int) ([]ruleset, error) {
	return store.All(tx, scanRules, rulesColumns+`WHERE version < ? ORDER BY version DESC LIMIT ?`, before, limit)
}

func insertRules(tx *store.Tx, set ruleset, raw string) error {
	_, err := tx.Exec(`INSERT INTO proxy_ruleset (version, rules, created_at, created_by, comment) VALUES (?, ?, ?, ?, ?)`, set.version, raw, tx.Now().UnixMilli(), set.by, set.comment)
	return err
}
