package email

import (
	"context"

	"seaworthy/store"
)

// What the set-up of the installation does with mail: it looks, dresses and sends a test,
// by the same acts as the pages of mail.

// BrandInUse is the brand as it is set; fields that are empty are as configured.
func (s *System) BrandInUse() BrandInput { return s.asIs() }

// SetBrand saves the brand, unless another version than the one that was changed is in use.
func (s *System) SetBrand(ctx context.Context, in BrandInput) error { return s.setBrand(ctx, in) }

// Test has a test mail sent by one provider, to whoever asks if to is "", and returns the message.
func (s *System) Test(ctx context.Context, provider, to string) (message string, err error) {
	return s.testBy(ctx, provider, to)
}

// Deliverer is one who delivers mail, and how he does.
type Deliverer struct {
	Name, State string // the state as the providers API tells it
	Working     bool
}

// Deliverers are all who deliver mail, in the order in which they are tried; the
// development inbox when no mail leaves.
func (s *System) Deliverers(tx *store.Tx) (all []Deliverer, err error) {
	for _, name := range s.order() {
		h, err := healthOf(tx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, Deliverer{Name: name, State: h.state, Working: h.state == stateWorking})
	}
	return all, nil
}

// Inbox reports whether no mail leaves this machine.
func (s *System) Inbox() bool { return s.inbox }
