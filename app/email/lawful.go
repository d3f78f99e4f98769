package email

import (
	"context"
	"errors"
	"slices"

	"seaworthy/app/web"
	"seaworthy/store"
)

// lawful refuses a message that must not be sent the way it was asked for: mail that
// nobody needs goes only to those who can end it, says who sends it, and is signed by
// the domain that it comes from (CAN-SPAM; Gmail's and Yahoo's rules for senders).
func (s *System) lawful(ctx context.Context, in sendIn, m *messageRow) error {
	if in.Category != "" {
		c, err := store.Read(ctx, s.DB, func(tx *store.Tx) (Category, error) { return categoryByKey(tx, in.Category) })
		if errors.Is(err, store.ErrNotFound) || err == nil && c.Archived {
			return badField("category", "unknown", "There is no such category. Make it in the console first: people choose by it what they get.")
		}
		if err != nil {
			return err
		}
		if m.class == "security" {
			return badField("category", "security", "Nobody can unsubscribe from mail of class security. Leave the category out.")
		}
		if c.Kind == "marketing" {
			m.class = "marketing"
			m.stream = in.stream(m.class)
		}
	}
	if m.class != "marketing" {
		return nil
	}
	var check web.Check
	check.Fault(in.Category != "", "category", "required", "Marketing needs a category, so that people can unsubscribe from it.")
	check.Fault(s.brand.Load().address != "", "category", "postal_address", "Marketing must say who sends it. Set the postal address of the brand in the console first.")
	if server, ok := s.Providers["smtp"].(*SMTP); ok && slices.Contains(s.Streams[m.stream], "smtp") {
		from := in.From
		if from == "" {
			from = s.from.String()
		}
		check.Fault(server.Signer != nil && server.Signer.Aligned(from), "from", "dkim",
			"Marketing must be signed by the domain it comes from: set SEAWORTHY_DKIM_SELECTORS for it, or send it by another provider.")
	}
	return check.Err()
}
