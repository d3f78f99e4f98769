package app

import (
	"fmt"

	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/app/email/post"
)

// mailProviders makes those who deliver mail over HTTP, by their names, and lists who delivers each stream in the order in which
// they are tried. The list may name smtp, whose provider is email's; it is empty when mail stays in the inbox.
func mailProviders(cfg config.Config, o post.Options) (map[string]post.Provider, map[string][]string, error) {
	transactional, broadcast := cfg.MailStreams(func(string, ...any) {})
	providers := map[string]post.Provider{}
	for _, name := range append(transactional[:len(transactional):len(transactional)], broadcast...) {
		if providers[name] != nil || name == "smtp" {
			continue
		}
		p, err := mailProviderOf(name, cfg, o)
		if err != nil {
			return nil, nil, &config.FaultError{Faults: []string{fmt.Sprintf("mail provider %s: %v", name, err)}}
		}
		providers[name] = p
	}
	return providers, map[string][]string{post.Transactional: transactional, post.Broadcast: broadcast}, nil
}

func mailProviderOf(name string, cfg config.Config, o post.Options) (post.Provider, error) {
	switch name {
	case "postmark":
		return post.NewPostmark(cfg.PostmarkToken, map[string]string{post.Transactional: cfg.PostmarkStream, post.Broadcast: cfg.PostmarkBroadcast}, o)
	case "ses":
		return post.NewSES(cfg.SESRegion, cfg.SESSet, post.SESKey{ID: cfg.AWSKeyID, Secret: cfg.AWSSecret, Token: cfg.AWSToken}, o)
	case "sendgrid":
		return post.NewSendGrid(cfg.SendGridKey, cfg.SendGridRegion == "eu", o)
	}
	return nil, fmt.Errorf("there is none")
}

// mailSigner makes what signs mail sent by SMTP, or nil when no key is configured. A key that is missing is a fault: mail would
// leave unsigned, and nobody would know why it is taken for spam.
func mailSigner(cfg config.Config) (*post.Signer, error) {
	domain, files := cfg.DKIM(func(string, ...any) {})
	if len(files) == 0 {
		return nil, nil
	}
	keys := make([]post.Key, len(files))
	for i, f := range files {
		private, err := post.LoadKey(f.Path)
		if err != nil {
			return nil, &config.FaultError{Faults: []string{fmt.Sprintf("SEAWORTHY_DKIM_SELECTORS: the key of %s must be in %s, or named by SEAWORTHY_DKIM_KEYS; 'seaworthy email dkim --selector %s --domain %s' makes one: %v",
				f.Selector, f.Path, f.Selector, domain, err)}}
		}
		keys[i] = post.Key{Selector: f.Selector, Private: private}
	}
	s, err := post.NewSigner(domain, keys...)
	if err != nil {
		return nil, &config.FaultError{Faults: []string{err.Error()}}
	}
	return s, nil
}

// mailCarriers are all who deliver mail, the mail server that is spoken to by SMTP among them.
func (a *App) mailCarriers(cfg config.Config) (map[string]post.Provider, map[string][]string, error) {
	if len(a.o.Carriers) > 0 {
		all, order := map[string]post.Provider{}, []string{}
		for _, c := range a.o.Carriers {
			all[c.Name()] = c
			order = append(order, c.Name())
		}
		return all, map[string][]string{post.Transactional: order, post.Broadcast: order}, nil
	}
	all, streams, err := mailProviders(cfg, post.Options{Through: a.Observe.Outgoing})
	if err != nil || cfg.SMTPURL == "" {
		return all, streams, err
	}
	server, err := email.NewSMTP(cfg.SMTPURL)
	if err != nil {
		return nil, nil, err
	}
	if server.Signer, err = mailSigner(cfg); err != nil {
		return nil, nil, err
	}
	server.Watch = a.Observe.Mailed
	all["smtp"] = server
	return all, streams, nil
}
