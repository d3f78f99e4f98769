package email

import (
	"context"
	"strings"
	"time"

	"seaworthy/store"
)

// personPage is how many rows an export reads at once.
const personPage = 500

// Address is an address of a user's, as Deps.Addresses tells.
type Address struct {
	Typed, Norm string // as it was typed, and as accounts compare it
	Verified    bool
}

// norms are the forms in which mail may have kept the address.
func (a Address) norms() []string {
	typed := strings.ToLower(a.Typed)
	if typed == a.Norm {
		return []string{a.Norm}
	}
	return []string{a.Norm, typed}
}

// addressesOf are a user's addresses, in every form.
func (s *System) addressesOf(tx *store.Tx, user string, verified bool) (norms []string, err error) {
	if s.Addresses == nil {
		return nil, nil
	}
	all, err := s.Addresses(tx, user)
	for _, a := range all {
		if a.Verified || !verified {
			norms = append(norms, a.norms()...)
		}
	}
	return norms, err
}

// Forget erases at most limit rows of what is held on a user, and returns how many;
// fewer than limit says that nothing is left. Messages go. Of events, suppressions
// and the consent log what is needed stays, without the person: a hash still keeps
// mail from the address, and still finds the evidence for whoever names the address
// again. What the provider has is the provider's.
func (s *System) Forget(tx *store.Tx, user string, limit int) (int, error) {
	norms, err := s.addressesOf(tx, user, false)
	if err != nil {
		return 0, err
	}
	done := 0
	step := func(forget func(*store.Tx, string, int) (int64, error), what string) error {
		if done >= limit {
			return nil
		}
		n, err := forget(tx, what, limit-done)
		done += int(n)
		return err
	}
	for _, norm := range norms {
		for _, forget := range []func(*store.Tx, string, int) (int64, error){forgetEvents, forgetSuppressions, forgetConsents} {
			if err := step(forget, norm); err != nil {
				return 0, err
			}
		}
	}
	// An address that somebody only claims is another's, and so are the messages to it.
	if norms, err = s.addressesOf(tx, user, true); err != nil {
		return 0, err
	}
	for _, norm := range norms {
		if err := step(forgetMessagesTo, norm); err != nil {
			return 0, err
		}
	}
	return done, step(forgetMessages, user)
}

// forgetMessages deletes messages to or about a user, and empties their events,
// which may be of other addresses.
func forgetMessages(tx *store.Tx, user string, limit int) (int64, error) {
	rows, err := store.All(tx, twoTexts, `SELECT id, coalesce(request_id, '') FROM email_message WHERE user_id = ? ORDER BY id LIMIT ?`, user, limit)
	if err != nil {
		return 0, err
	}
	return forgetThese(tx, rows)
}

// forgetMessagesTo deletes messages to an address, whomever they are about.
func forgetMessagesTo(tx *store.Tx, norm string, limit int) (int64, error) {
	rows, err := store.All(tx, twoTexts, `SELECT id, coalesce(request_id, '') FROM email_message WHERE recipient_norm = ? ORDER BY id LIMIT ?`, norm, limit)
	if err != nil {
		return 0, err
	}
	return forgetThese(tx, rows)
}

func twoTexts(r store.Scanner) (p [2]string, err error) { return p, r.Scan(&p[0], &p[1]) }

// forgetThese deletes messages, and the requests of which none is left. Their events are
// nobody's then, and go with those that are parked: a provider may repeat one meanwhile.
func forgetThese(tx *store.Tx, rows [][2]string) (int64, error) {
	for _, row := range rows {
		if _, err := tx.Exec(`UPDATE email_event SET message_id = NULL, recipient_norm = '', raw = NULL, details = '{}' WHERE message_id = ?`, row[0]); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(`DELETE FROM email_message WHERE id = ?`, row[0]); err != nil {
			return 0, err
		}
		if err := dropRequest(tx, row[1]); err != nil {
			return 0, err
		}
	}
	return int64(len(rows)), nil
}

// forgetEvents empties events: what servers answer repeats the address.
func forgetEvents(tx *store.Tx, norm string, limit int) (int64, error) {
	return tx.Exec(`UPDATE email_event SET recipient_norm = '', raw = NULL, details = '{}' WHERE id IN
		(SELECT id FROM email_event WHERE recipient_norm = ? AND recipient_norm <> '' ORDER BY id LIMIT ?)`, norm, limit)
}

func forgetSuppressions(tx *store.Tx, norm string, limit int) (int64, error) {
	return tx.Exec(`UPDATE email_suppression SET address = NULL, lifted_why = NULL WHERE id IN
		(SELECT id FROM email_suppression WHERE address = ? ORDER BY id LIMIT ?)`, norm, limit)
}

func forgetConsents(tx *store.Tx, norm string, limit int) (int64, error) {
	return tx.Exec(`UPDATE email_consent SET address = NULL, ip = NULL, user_agent = NULL WHERE id IN
		(SELECT id FROM email_consent WHERE address = ? ORDER BY id LIMIT ?)`, norm, limit)
}

// personMail is a message as its person gets it in an export; the text is not
// kept once it has left.
type personMail struct {
	ID       string     `json:"id"`
	Template string     `json:"template"`
	Category string     `json:"category,omitempty"`
	To       string     `json:"to"`
	Subject  string     `json:"subject,omitempty"`
	Status   string     `json:"status"`
	Created  time.Time  `json:"created_at"`
	Sent     *time.Time `json:"sent_at"`
}

// ExportPerson hands over every message to or about a user, oldest first.
func (s *System) ExportPerson(ctx context.Context, user string, row func(any) error) error {
	return inPages(ctx, s.DB, row, func(tx *store.Tx, after string) ([]personMail, error) {
		return personMails(tx, user, after, personPage)
	},
		func(m personMail) string { return m.ID })
}

// inPages hands over rows, page by page, each read on its own.
func inPages[T any](ctx context.Context, db *store.DB, row func(any) error, page func(*store.Tx, string) ([]T, error), id func(T) string) error {
	for after := ""; ; {
		some, err := store.Read(ctx, db, func(tx *store.Tx) ([]T, error) { return page(tx, after) })
		if err != nil {
			return err
		}
		for _, v := range some {
			if err := row(v); err != nil {
				return err
			}
			after = id(v)
		}
		if len(some) < personPage {
			return nil
		}
	}
}

func personMails(tx *store.Tx, user, after string, limit int) ([]personMail, error) {
	return store.All(tx, func(r store.Scanner) (m personMail, err error) {
		var created, sent int64
		err = r.Scan(&m.ID, &m.Template, &m.Category, &m.To, &m.Subject, &m.Status, &created, &sent)
		m.Created = time.UnixMilli(created).UTC()
		if sent != 0 {
			at := time.UnixMilli(sent).UTC()
			m.Sent = &at
		}
		return m, err
	}, `SELECT id, template, category, recipient, coalesce(subject, ''), status, created_at, coalesce(sent_at, 0) FROM email_message
		WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?`, user, after, limit)
}
