package post

import (
	"fmt"
	"mime"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
)

// addresses reads a list of addresses, with their domains as the DNS knows them (RFC 5891). Letters beyond ASCII before the @
// need SMTPUTF8 (RFC 6531), which the APIs do not have.
func addresses(field, list string) ([]*mail.Address, error) {
	all, err := mail.ParseAddressList(list)
	if err != nil {
		return nil, &Error{Class: Refused, Reason: fmt.Sprintf("%s: this is no address", field), Err: err}
	}
	for _, a := range all {
		at := strings.LastIndexByte(a.Address, '@') // a quoted local part may have one too
		local, domain := a.Address[:at], a.Address[at+1:]
		if strings.ContainsFunc(local, func(r rune) bool { return r > 126 || r < 33 }) {
			return nil, &Error{Class: Refused, Reason: fmt.Sprintf("%s: the provider takes no address with letters beyond ASCII before the @; a mail server with SMTPUTF8 might", field)}
		}
		if domain, err = idna.Lookup.ToASCII(domain); err != nil {
			return nil, &Error{Class: Refused, Reason: fmt.Sprintf("%s: the domain cannot be", field), Err: err}
		}
		a.Address = local + "@" + domain
		a.Name = strings.Join(strings.Fields(a.Name), " ")
	}
	return all, nil
}

// sender reads the one address that mail is from.
func sender(from string) (*mail.Address, error) {
	all, err := addresses("from", from)
	if err == nil && len(all) != 1 {
		err = &Error{Class: Refused, Reason: "from: there must be one address"}
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// plainList writes addresses for a JSON field whose reader knows UTF-8: names are quoted and not encoded.
func plainList(all []*mail.Address) string {
	parts := make([]string, len(all))
	for i, a := range all {
		parts[i] = a.Address
		if a.Name != "" {
			parts[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Name) + `" <` + a.Address + `>`
		}
	}
	return strings.Join(parts, ", ")
}

// headerAddress writes an address for a field whose reader wants it as in a header: a name beyond ASCII is encoded (RFC 2047), in
// base64, since the other way leaves characters in that a name cannot have.
func headerAddress(a *mail.Address) string {
	if !strings.ContainsFunc(a.Name, func(r rune) bool { return r > '~' }) {
		return plainList(oneOf(a))
	}
	return mime.BEncoding.Encode("utf-8", a.Name) + " <" + a.Address + ">"
}

func oneOf(a *mail.Address) []*mail.Address { return []*mail.Address{a} }

// stream is which of our streams a message is of.
func stream(m Message) string {
	if m.Stream == "" {
		return Transactional
	}
	return m.Stream
}
