package email

import (
	"regexp"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Category is a kind of mail that people can have or not have.
type Category struct {
	Key         string // as messages name it
	Title       string
	Description string
	Kind        string // product, marketing
	Consent     bool   // only to those who said yes
	Created     time.Time
	Changed     time.Time
	Archived    bool // it can no longer be chosen; its old mails can still be unsubscribed from
}

// maxCategories bounds the list: people have to read it.
const maxCategories = 50

var categoryForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

const categoryColumns = `SELECT key, title, description, kind, needs_consent, created_at, changed_at, archived_at IS NOT NULL FROM email_category `

func scanCategory(r store.Scanner) (c Category, err error) {
	var created, changed int64
	var consent int
	err = r.Scan(&c.Key, &c.Title, &c.Description, &c.Kind, &consent, &created, &changed, &c.Archived)
	c.Consent, c.Created, c.Changed = consent == 1, time.UnixMilli(created).UTC(), time.UnixMilli(changed).UTC()
	return c, err
}

// categories are all of them by key.
func categories(tx *store.Tx) ([]Category, error) {
	return store.All(tx, scanCategory, categoryColumns+`ORDER BY key LIMIT ?`, maxCategories)
}

func categoryByKey(tx *store.Tx, key string) (Category, error) {
	return scanCategory(tx.QueryRow(categoryColumns+`WHERE key = ?`, key))
}

// check finds what is wrong with a category that somebody describes.
func (c *Category) check() error {
	var v web.Check
	v.Fault(categoryForm.MatchString(c.Key), "key", "form", "Up to 40 small letters, digits and hyphens, the first a letter.")
	c.Title = v.Text("title", c.Title, 1, 80)
	c.Description = v.Text("description", c.Description, 1, 300)
	v.Fault(c.Kind == "product" || c.Kind == "marketing", "kind", "choice", "Choose product or marketing.")
	return v.Err()
}

// putCategory makes or changes a category and records it; made is true for a new one.
func (s *System) putCategory(tx *store.Tx, c Category) (made bool, err error) {
	old, err := categoryByKey(tx, c.Key)
	if isGone(err) {
		all, err := categories(tx)
		if err != nil {
			return false, err
		}
		if len(all) >= maxCategories {
			return false, web.Invalid(web.Field{Field: "key", Code: "too_many", Message: "There are as many categories as people can be asked to read. Change one of them."})
		}
		if err := insertCategory(tx, c); err != nil {
			return false, err
		}
		return true, s.Audit.Record(tx, audit.Event{Action: actCategoryMade, Targets: categoryRef(c.Key), Details: map[string]any{"title": c.Title, "kind": c.Kind, "needs_consent": c.Consent}})
	}
	if err != nil {
		return false, err
	}
	changes := map[string]audit.Change{}
	note := func(name string, from, to any) {
		if from != to {
			changes[name] = audit.Change{From: from, To: to}
		}
	}
	note("title", old.Title, c.Title)
	note("description", old.Description, c.Description)
	note("kind", old.Kind, c.Kind)
	note("needs_consent", old.Consent, c.Consent)
	note("archived", old.Archived, c.Archived)
	if len(changes) == 0 {
		return false, nil
	}
	if err := updateCategory(tx, c); err != nil {
		return false, err
	}
	return false, s.Audit.Record(tx, audit.Event{Action: actCategoryChanged, Targets: categoryRef(c.Key), Changes: changes})
}

func categoryRef(key string) []audit.Ref { return []audit.Ref{{Type: "mail_category", ID: key}} }

func insertCategory(tx *store.Tx, c Category) error {
	now := tx.Now().UnixMilli()
	_, err := tx.Exec(`INSERT INTO email_category (key, title, description, kind, needs_consent, created_at, changed_at, archived_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		c.Key, c.Title, c.Description, c.Kind, oneIf(c.Consent), now, now, nowIf(tx, c.Archived))
	return err
}

func updateCategory(tx *store.Tx, c Category) error {
	return tx.ExecOne(`UPDATE email_category SET title = ?, description = ?, kind = ?, needs_consent = ?, changed_at = ?, archived_at = ? WHERE key = ?`,
		c.Title, c.Description, c.Kind, oneIf(c.Consent), tx.Now().UnixMilli(), nowIf(tx, c.Archived), c.Key)
}

func oneIf(is bool) int {
	if is {
		return 1
	}
	return 0
}

func nowIf(tx *store.Tx, is bool) *int64 {
	if !is {
		return nil
	}
	now := tx.Now().UnixMilli()
	return &now
}
