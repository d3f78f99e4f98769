package email

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"
)

// senderDomains are the domains that mail may be from, as the DNS knows them.
func senderDomains(d Deps) (map[string]bool, error) {
	_, own, err := wireAddress(d.From)
	if err != nil {
		return nil, fmt.Errorf("sender %q: %w", d.From, err)
	}
	all := map[string]bool{strings.ToLower(own): true}
	for _, name := range d.Domains {
		ascii, err := idna.Lookup.ToASCII(strings.ToLower(strings.TrimSpace(name)))
		if err != nil {
			return nil, fmt.Errorf("domain %q that mail may be from: %w", name, err)
		}
		all[ascii] = true
	}
	return all, nil
}
