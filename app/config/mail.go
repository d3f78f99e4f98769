package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// mailProvider is one who can deliver mail, and what has to be set for it.
type mailProvider struct {
	name, needs string
	configured  bool
}

func (c *Config) knownMailProviders() []mailProvider {
	return []mailProvider{
		{"postmark", "POSTMARK_SERVER_TOKEN", c.PostmarkToken != ""},
		{"ses", "SEAWORTHY_SES_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", c.SESRegion != "" && c.AWSKeyID != "" && c.AWSSecret != ""},
		{"sendgrid", "SENDGRID_API_KEY", c.SendGridKey != ""},
		{"smtp", "SEAWORTHY_SMTP_URL", c.SMTPURL != ""},
	}
}

// senderOf is who mail is from where nobody was named, as in development.
func senderOf(brand string) string {
	const address = "no-reply@localhost"
	plain := brand + " <" + address + ">"
	if _, err := mail.ParseAddress(plain); err != nil { // "Acme, Inc." has to be quoted (RFC 5322 section 3.2.4)
		return (&mail.Address{Name: brand, Address: address}).String()
	}
	return plain
}

// MailStreams are who delivers mail that somebody waits for and mail to many, in the order in which they are tried. In
// development nobody may: mail stays in the inbox. Faults are told to fault.
func (c *Config) MailStreams(fault func(format string, args ...any)) (transactional, broadcast []string) {
	transactional = c.mailList("SEAWORTHY_MAIL_PROVIDERS", c.MailProviders, fault)
	if len(c.MailProviders) == 0 {
		for _, known := range c.knownMailProviders() {
			if known.configured {
				transactional = append(transactional, known.name)
			}
		}
	}
	broadcast = c.mailList("SEAWORTHY_MAIL_BROADCAST", c.MailBroadcast, fault)
	switch {
	case len(c.MailBroadcast) == 0:
		broadcast = slices.Clone(transactional)
	case len(transactional) == 0 && len(broadcast) > 0:
		fault("SEAWORTHY_MAIL_PROVIDERS must name who delivers other mail when SEAWORTHY_MAIL_BROADCAST is set")
	}
	return transactional, broadcast
}

// HasMail reports whether mail leaves this machine; without, it goes to the inbox.
func (c *Config) HasMail() bool {
	transactional, _ := c.MailStreams(func(string, ...any) {})
	return len(transactional) > 0
}

func (c *Config) mailList(variable string, names []string, fault func(format string, args ...any)) (list []string) {
	if len(names) == 1 && strings.TrimSpace(names[0]) == "inbox" {
		return nil
	}
	known := c.knownMailProviders()
	for _, name := range names {
		name = strings.TrimSpace(name)
		at := slices.IndexFunc(known, func(p mailProvider) bool { return p.name == name })
		switch {
		case at < 0:
			fault("%s: there is no provider %q: postmark, ses, sendgrid and smtp are", variable, name)
		case slices.Contains(list, name):
			fault("%s has %s twice", variable, name)
		case !known[at].configured:
			fault("%s names %s, which needs %s", variable, name, known[at].needs)
		default:
			list = append(list, name)
		}
	}
	return list
}

// checkMail finds what is wrong with how mail is sent.
func (c *Config) checkMail(fault func(format string, args ...any)) {
	if c.MailFrom != "" {
		if _, err := mail.ParseAddress(c.MailFrom); err != nil {
			fault("SEAWORTHY_MAIL_FROM must look like 'Acme <hello@acme.example>', not %q", c.MailFrom)
		}
	}
	if c.SMTPURL != "" {
		if s, err := url.Parse(c.SMTPURL); err != nil || s.Hostname() == "" || s.Scheme != "smtp" && s.Scheme != "smtps" {
			fault("SEAWORTHY_SMTP_URL must look like smtp://user:password@mail.example.com:587")
		}
	}
	if c.SESRegion != "" && (c.AWSKeyID == "" || c.AWSSecret == "") {
		fault("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set when SEAWORTHY_SES_REGION is")
	}
	if c.SESRegion != "" && !awsRegion.MatchString(c.SESRegion) {
		fault("SEAWORTHY_SES_REGION must be a region of AWS, as eu-west-1, not %q", c.SESRegion)
	}
	c.checkMailNames(fault)
	for _, name := range c.MailDomains {
		if _, err := MailDomain(name, ""); err != nil || strings.TrimSpace(name) == "" {
			fault("SEAWORTHY_MAIL_DOMAINS must be domains such as mail.example.com, not %q", name)
		}
	}
	if c.MailDays < 0 || c.MailDays > 36500 {
		fault("SEAWORTHY_MAIL_DAYS must be from 0 to 36500")
	}
	transactional, broadcast := c.MailStreams(fault)
	for _, known := range c.knownMailProviders() {
		if c.MailFrom == "" && (slices.Contains(transactional, known.name) || slices.Contains(broadcast, known.name)) {
			fault("SEAWORTHY_MAIL_FROM must name the sender when %s is set", known.needs)
			break
		}
	}
	if c.Production() && len(transactional) == 0 {
		fault("SEAWORTHY_SMTP_URL must name a mail server in production, or POSTMARK_SERVER_TOKEN, SENDGRID_API_KEY or SEAWORTHY_SES_REGION another who delivers mail: people could not verify their address or reset a password")
	}
	c.DKIM(fault)
	c.MailRate(fault)
}

var (
	awsRegion  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
	streamName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	selector   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?)?$`)
)

// checkMailNames looks at what providers call things.
func (c *Config) checkMailNames(fault func(format string, args ...any)) {
	for _, n := range [][2]string{{"SEAWORTHY_POSTMARK_STREAM", c.PostmarkStream}, {"SEAWORTHY_POSTMARK_BROADCAST", c.PostmarkBroadcast}, {"SEAWORTHY_SES_CONFIGURATION_SET", c.SESSet}} {
		if n[1] != "" && !streamName.MatchString(n[1]) {
			fault("%s must have letters, digits, - and _ alone, not %q", n[0], n[1])
		}
	}
	for _, key := range [][2]string{{"POSTMARK_SERVER_TOKEN", c.PostmarkToken}, {"SENDGRID_API_KEY", c.SendGridKey}, {"AWS_ACCESS_KEY_ID", c.AWSKeyID},
		{"AWS_SECRET_ACCESS_KEY", c.AWSSecret}, {"AWS_SESSION_TOKEN", c.AWSToken}} {
		if strings.ContainsFunc(key[1], func(r rune) bool { return r <= ' ' || r > '~' }) {
			fault("%s has a blank or another character that no key has", key[0]) // and is not repeated: it is a secret
		}
	}
}

// DKIMKey is a key that signs mail sent by SMTP.
type DKIMKey struct{ Selector, Path string }

// DKIM is which domain signs mail sent by SMTP, as the DNS knows it, and with which keys; without selectors nothing is signed.
// Faults are told to fault.
func (c *Config) DKIM(fault func(format string, args ...any)) (domain string, keys []DKIMKey) {
	if len(c.DKIMSelectors) == 0 {
		if len(c.DKIMKeys) > 0 {
			fault("SEAWORTHY_DKIM_SELECTORS must name the keys of SEAWORTHY_DKIM_KEYS that sign")
		}
		return "", nil
	}
	domain, err := MailDomain(c.DKIMDomain, c.MailFrom)
	if err != nil {
		fault("SEAWORTHY_DKIM_DOMAIN must be the domain that signs mail: %v", err)
	}
	paths := map[string]string{}
	for _, text := range c.DKIMKeys {
		name, path, ok := strings.Cut(strings.TrimSpace(text), "=")
		if !ok || path == "" || !slices.ContainsFunc(c.DKIMSelectors, func(s string) bool { return strings.TrimSpace(s) == name }) {
			fault("SEAWORTHY_DKIM_KEYS must be selector=path, for selectors of SEAWORTHY_DKIM_SELECTORS, not %q", text)
			continue
		}
		paths[name] = path
	}
	for _, name := range c.DKIMSelectors {
		name = strings.TrimSpace(name)
		if !selector.MatchString(name) || slices.ContainsFunc(keys, func(k DKIMKey) bool { return k.Selector == name }) {
			fault("SEAWORTHY_DKIM_SELECTORS: %q cannot be a selector, or is given twice: use small letters, digits and dashes", name)
			continue
		}
		path := paths[name]
		if path == "" {
			path = filepath.Join(c.Data, "keys", "dkim-"+domain+"-"+name+".pem")
		}
		keys = append(keys, DKIMKey{Selector: name, Path: path})
	}
	return domain, keys
}

// MailDomain is a domain as the DNS knows it (RFC 5891), or that of a sender's address for none.
func MailDomain(domain, from string) (string, error) {
	if domain == "" {
		a, err := mail.ParseAddress(from)
		if err != nil {
			return "", fmt.Errorf("%q is no sender's address to take it from", from)
		}
		domain = a.Address[strings.LastIndexByte(a.Address, '@')+1:]
	}
	ascii, err := idna.Lookup.ToASCII(strings.ToLower(domain))
	if err != nil || !strings.Contains(ascii, ".") {
		return "", fmt.Errorf("%q is no domain", domain)
	}
	return ascii, nil
}

// MailRate is how many messages a second each provider takes at most; those that are
// not named take any number. Faults are told to fault.
func (c *Config) MailRate(fault func(format string, args ...any)) map[string]float64 {
	rates := map[string]float64{}
	for _, pair := range c.MailRates {
		name, number, _ := strings.Cut(pair, "=")
		rate, err := strconv.ParseFloat(number, 64)
		known := slices.ContainsFunc(c.knownMailProviders(), func(p mailProvider) bool { return p.name == name })
		if err != nil || !known || !(rate > 0 && rate <= 10_000) {
			fault("SEAWORTHY_MAIL_RATES must look like postmark=10,ses=14, not %q", pair)
			continue
		}
		rates[name] = rate
	}
	return rates
}
