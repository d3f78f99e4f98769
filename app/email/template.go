package email

import (
	"context"
	"fmt"

	"seaworthy/app/email/compose"
)

// template finds what a message of this template is rendered with: the customer's
// own, his words for one of ours, or ours. An archived one still serves the
// messages that wait; see sendable.
func (s *System) template(_ context.Context, name string) (*compose.Template, error) {
	ours, own := s.templates[name], s.library.get(name)
	switch {
	case own != nil && own.parsed != nil && (own.archived.IsZero() || ours == nil):
		return own.parsed, nil
	case ours != nil:
		return ours, nil
	}
	return nil, fmt.Errorf("there is no mail template %q", name)
}

// sendable finds what the values of a new message are checked against: not an
// archived template, and for a mail of ours always ours, so that no words of the
// console can keep somebody from signing up.
func (s *System) sendable(ctx context.Context, name string) (*compose.Template, error) {
	if ours := s.templates[name]; ours != nil {
		return ours, nil
	}
	if own := s.library.get(name); own != nil && !own.archived.IsZero() {
		return nil, fmt.Errorf("the mail template %q is archived", name)
	}
	return s.template(ctx, name)
}

// render makes the mail of a message. Whatever is wrong with the customer's words
// for a mail of ours, the mail itself goes out, in ours: it may be what somebody
// waits for to get into his account. unsubscribe is what its foot links to, "" for
// what nobody can unsubscribe from.
func (s *System) render(ctx context.Context, name string, vars compose.Vars, unsubscribe string) (compose.Mail, error) {
	return s.renderIn(ctx, s.brandNow(ctx), name, vars, unsubscribe)
}

// renderIn fills in a template in a brand.
func (s *System) renderIn(ctx context.Context, brand compose.Brand, name string, vars compose.Vars, unsubscribe string) (compose.Mail, error) {
	t, err := s.template(ctx, name)
	if err != nil {
		return compose.Mail{}, err
	}
	brand.Unsubscribe = unsubscribe
	made, err := t.RenderVars(brand, vars)
	if ours := s.templates[name]; err != nil && ours != nil && t != ours {
		s.Log.Warn("a mail goes out in our words, because the template of the console could not be filled in", "template", name, "error", err.Error())
		return ours.RenderVars(brand, vars)
	}
	return made, err
}
