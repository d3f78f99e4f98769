package email

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"

	"seaworthy/app/config"
	"seaworthy/app/email/post"
	"seaworthy/app/launch"
)

// The keys of what LookUp finds out.
const (
	keySPF   = "email.spf"
	keyDKIM  = "email.dkim"
	keyDMARC = "email.dmarc"
)

// TXT asks the DNS for the text records of a name, as net.Resolver.LookupTXT does.
type TXT func(ctx context.Context, name string) ([]string, error)

// LookUp asks the DNS what it says about the domain that mail is from. It takes as long
// as that takes and belongs into a job.
func LookUp(ctx context.Context, txt TXT, c *config.Config) []launch.Finding {
	providers, _ := c.MailStreams(func(string, ...any) {})
	domain := senderDomain(c)
	if domain == "" || len(providers) == 0 {
		return nil
	}
	ask := asker{txt: txt}
	var all []launch.Finding
	add := func(key string, state launch.State, detail string) {
		all = append(all, launch.Finding{Key: key, State: state, Detail: detail, About: domain})
	}
	state, detail := ask.spf(ctx, domain, providers[0])
	add(keySPF, state, detail)
	state, detail = ask.dkim(ctx, c, domain, providers[0])
	add(keyDKIM, state, detail)
	state, detail = ask.dmarc(ctx, domain)
	add(keyDMARC, state, detail)
	return all
}

// asker asks; lookups counts what SPF makes receivers ask.
type asker struct {
	txt     TXT
	lookups int
}

// records are the text records of a name that begin with a tag. An answer that there is
// none is no error.
func (a *asker) records(ctx context.Context, name, tag string) (found []string, err error) {
	all, err := a.txt(ctx, name)
	if no := (*net.DNSError)(nil); errors.As(err, &no) && no.IsNotFound {
		return nil, nil
	}
	for _, text := range all {
		low := strings.ToLower(text)
		if low == tag || strings.HasPrefix(low, tag+" ") || strings.HasPrefix(low, tag+";") {
			found = append(found, text)
		}
	}
	return found, err
}

const (
	mostLookups = 10 // RFC 7208 section 4.6.4
	deepest     = 10 // includes within includes that are followed
)

// spf reads the policy of RFC 7208. Providers with an API send with a return path of
// their own, for which they publish SPF; DMARC then goes by DKIM.
func (a *asker) spf(ctx context.Context, domain, provider string) (launch.State, string) {
	found, err := a.records(ctx, domain, "v=spf1")
	switch {
	case err != nil:
		return launch.Unknown, "The DNS did not answer for " + domain + "."
	case len(found) == 0 && provider != "smtp":
		return launch.Warn, "There is no SPF record at " + domain + ". " + provider + " sends with a return path of its own, but some receivers ask for one all the same."
	case len(found) == 0:
		return launch.Todo, "There is no SPF record at " + domain + "."
	case len(found) > 1:
		return launch.Todo, "There are several SPF records at " + domain + ": receivers then take none (RFC 7208 section 4.5)."
	}
	p := parseSPF(found[0])
	if p.all == '+' {
		return launch.Todo, "The record ends in +all: everybody may send in your name."
	}
	if err := a.count(ctx, p, 0); err != nil {
		return launch.Unknown, "The DNS did not answer for what the record includes."
	}
	switch {
	case a.lookups > mostLookups:
		return launch.Todo, fmt.Sprintf("The record makes receivers look up more than %d names, which counts as an error (RFC 7208 section 4.6.4).", mostLookups)
	case p.all == 0 && p.redirect == "":
		return launch.Warn, "The record does not end in ~all or -all: it forbids nothing."
	}
	return launch.Done, fmt.Sprintf("One record, %d lookups.", a.lookups)
}

// count adds up what a policy makes receivers look up. It stops where it is too much.
func (a *asker) count(ctx context.Context, p spfPolicy, depth int) error {
	a.lookups += p.lookups
	if depth == deepest {
		return nil
	}
	for _, name := range p.includes {
		if a.lookups > mostLookups {
			return nil
		}
		found, err := a.records(ctx, name, "v=spf1")
		if err != nil {
			return err
		}
		if len(found) > 0 {
			if err := a.count(ctx, parseSPF(found[0]), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// dkim looks whether the key that signs is published. The names of other providers' keys
// are known to them alone.
func (a *asker) dkim(ctx context.Context, c *config.Config, domain, provider string) (launch.State, string) {
	switch provider {
	case "smtp":
		return a.ownKeys(ctx, c)
	case "sendgrid": // its automatic security publishes two
		for _, selector := range []string{"s1", "s2"} {
			_, err := a.published(ctx, selector, domain)
			if err == nil {
				return launch.Done, "SendGrid's key " + selector + " is published."
			}
			if !errors.Is(err, errNoKey) {
				return launch.Unknown, "The DNS did not answer for " + selector + "._domainkey." + domain + "."
			}
		}
		return launch.Todo, "Neither s1._domainkey." + domain + " nor s2 is published."
	}
	return launch.Unknown, "Only " + provider + " knows the name of its key. If its page shows the domain as verified, dismiss this point."
}

func (a *asker) ownKeys(ctx context.Context, c *config.Config) (launch.State, string) {
	domain, keys := c.DKIM(func(string, ...any) {})
	if len(keys) == 0 {
		return launch.Warn, "Mail is not signed here. If your mail server signs it, dismiss this point."
	}
	for _, k := range keys {
		at := k.Selector + "._domainkey." + domain
		private, err := post.LoadKey(k.Path)
		if err != nil {
			return launch.Todo, "The key of " + k.Selector + " cannot be read."
		}
		there, err := a.published(ctx, k.Selector, domain)
		if errors.Is(err, errNoKey) {
			return launch.Todo, "There is no key at " + at + "."
		}
		if err != nil {
			return launch.Unknown, "The DNS did not answer for " + at + "."
		}
		record, err := post.RecordOf(domain, k.Selector, private.Public())
		if err != nil || parseTags(record.Text)["p"] != there {
			return launch.Todo, "The key at " + at + " is another than the one that signs."
		}
	}
	return launch.Done, "Every key that signs is published."
}

var errNoKey = errors.New("no key is published")

// published is the public key in base64 at a selector (RFC 6376 section 3.6).
func (a *asker) published(ctx context.Context, selector, domain string) (string, error) {
	all, err := a.txt(ctx, selector+"._domainkey."+domain)
	if no := (*net.DNSError)(nil); errors.As(err, &no) && no.IsNotFound {
		return "", errNoKey
	}
	for _, text := range all {
		key := parseTags(text)["p"]
		if _, bad := base64.StdEncoding.DecodeString(key); bad == nil && key != "" {
			return key, nil
		}
	}
	if err == nil {
		err = errNoKey
	}
	return "", err
}

// dmarc finds the policy of a domain or of one above it (RFC 7489 section 6.6.3). Which
// of those is the organisation's is not decided: whoever has published one has meant it.
func (a *asker) dmarc(ctx context.Context, domain string) (launch.State, string) {
	for name := domain; strings.Contains(name, "."); _, name, _ = strings.Cut(name, ".") {
		found, err := a.records(ctx, "_dmarc."+name, "v=dmarc1")
		if err != nil {
			return launch.Unknown, "The DNS did not answer for _dmarc." + name + "."
		}
		if len(found) > 1 {
			return launch.Todo, "There are several DMARC records at _dmarc." + name + ": receivers then take none."
		}
		if len(found) == 0 {
			continue
		}
		tags := parseTags(found[0])
		policy := tags["p"]
		if sub := tags["sp"]; sub != "" && name != domain {
			policy = sub
		}
		switch strings.ToLower(policy) {
		case "quarantine", "reject":
			return launch.Done, "The policy of " + name + " is " + strings.ToLower(policy) + "."
		case "none":
			return launch.Warn, "The policy of " + name + " is none: it is watched, and nothing is refused. Change it once the reports show no mail of yours failing."
		}
		return launch.Todo, "The record at _dmarc." + name + " has no policy that receivers know."
	}
	return launch.Todo, "There is no DMARC record at _dmarc." + domain + "."
}
