package email

import (
	"context"

	"seaworthy/app/email/post"
	"seaworthy/store"
)

// listHeaders are the headers by which mail programs offer to unsubscribe (RFC 2369
// section 3.2, RFC 8058 section 3.1), for messages of a category. Mail that nobody
// can unsubscribe from has none. DKIM has to cover both.
func (s *System) listHeaders(m messageRow) []post.Header {
	url := s.unsubscribeURL(m)
	if url == "" {
		return nil
	}
	return []post.Header{{Name: "List-Unsubscribe", Value: "<" + url + ">"}, {Name: "List-Unsubscribe-Post", Value: "List-Unsubscribe=One-Click"}}
}

// unsubscribeURL is where the recipient of a message ends its category; "" for one
// without a category. It is also what a mail's footer links to.
func (s *System) unsubscribeURL(m messageRow) string {
	if m.category == "" || m.class == "security" {
		return ""
	}
	key, err := store.Read(context.Background(), s.DB, newestKey)
	if err != nil {
		key = 1 // which verifies as well: no such mail leaves without a way out
	}
	return s.Pages.Site().URL + "/-/unsubscribe/" + s.sign(link{use: useUnsubscribe, key: key, hash: s.addressHash(m.norm), ref: m.id, subject: m.category})
}
