package email

import (
	"context"

	"seaworthy/app/email/post"
	"seaworthy/store"
)

// What the tests outside of the package see of it.

func (s *System) Adopt(tx *store.Tx, message, provider, providerID string) error {
	return s.adopt(tx, message, provider, providerID)
}

func (s *System) Suppressed(tx *store.Tx, norm, class, category string) (Suppression, error) {
	return s.suppressed(tx, norm, class, category)
}

func (s *System) SuppressFor(tx *store.Tx, p Suppression) error {
	_, _, err := s.suppress(tx, p)
	return err
}

func MarkSent(tx *store.Tx, id, provider string, r post.Receipt) error {
	return markSent(tx, id, provider, r, "")
}

func Advance(tx *store.Tx, message string, kind EventKind) (bool, error) {
	return advance(tx, message, kind)
}

// Waiting is how many requests wait for mail.
func (s *System) Waiting() int { return len(s.waiting) }

// Listen takes mail over SMTP.
func (s *System) Listen(ctx context.Context) { s.listen(ctx) }
