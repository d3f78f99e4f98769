package email

import (
	"fmt"
	"strings"

	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/store"
)

// Checks are what must be so before mail is relied on. Those about the DNS are found
// out by LookUp.
func Checks(tx *store.Tx, c *config.Config) ([]launch.Check, error) {
	providers, _ := c.MailStreams(func(string, ...any) {})
	sends := launch.Check{Key: "email.provider", System: "email", Title: "Somebody delivers mail", Link: "/-/admin/email/providers", Blocks: true,
		Why: "Nobody can verify an address or reset a password otherwise.", Fix: "Set POSTMARK_SERVER_TOKEN, SENDGRID_API_KEY, SEAWORTHY_SES_REGION with an AWS key, or SEAWORTHY_SMTP_URL."}.
		Holds(len(providers) > 0, "By "+strings.Join(providers, ", then ")+".", "Mail stays in the development inbox.")
	all := []launch.Check{sends, senderCheck(c)}
	works, err := workingCheck(tx, providers)
	if err != nil {
		return nil, err
	}
	taken, err := acceptedCheck(tx, providers)
	if err != nil {
		return nil, err
	}
	told, err := feedbackCheck(tx, c, providers)
	if err != nil {
		return nil, err
	}
	return append(append(all, works, taken, told), domainChecks(c, len(providers) > 0)...), nil
}

// senderDomain is the domain that mail is from; "" while it is none that could be.
func senderDomain(c *config.Config) string {
	domain, err := config.MailDomain("", c.MailFrom)
	if err != nil || domain == "example.com" || strings.HasSuffix(domain, ".localhost") || strings.HasSuffix(domain, ".local") {
		return ""
	}
	return domain
}

func senderCheck(c *config.Config) launch.Check {
	domain := senderDomain(c)
	return launch.Check{Key: "email.sender", System: "email", Title: "Mail is from your own domain", Blocks: true,
		Why: "Mail from an address that nobody owns is rejected, and answers to it are lost.", Fix: "Set SEAWORTHY_MAIL_FROM, as 'Acme <hello@acme.example>'."}.
		Holds(domain != "", "It is from "+domain+".", "It is from "+c.MailFrom+".")
}

func workingCheck(tx *store.Tx, providers []string) (launch.Check, error) {
	c := launch.Check{Key: "email.working", System: "email", Title: "Mail providers take mail", Link: "/-/admin/email/providers", Blocks: true,
		Why: "Mail waits, and is given up when it is no use any more.", Fix: "Look at the last error under Email, Providers; mend the key or the account, and press Try again."}
	if len(providers) == 0 {
		return c.Is(launch.NotApplicable, "There is none."), nil
	}
	var ill []string
	for _, name := range providers {
		h, err := healthOf(tx, name)
		if err != nil {
			return c, err
		}
		if h.state != stateWorking && h.state != statePaused {
			ill = append(ill, name+" ("+h.state+")")
		}
	}
	switch {
	case len(ill) == 0:
		return c.Is(launch.Done, "All work."), nil
	case len(ill) < len(providers):
		c.Blocks = false
		return c.Is(launch.Warn, "Not "+strings.Join(ill, ", ")+"; others take its place."), nil
	}
	return c.Is(launch.Todo, "Not "+strings.Join(ill, ", ")+"."), nil
}

func acceptedCheck(tx *store.Tx, providers []string) (launch.Check, error) {
	c := launch.Check{Key: "email.accepted", System: "email", Title: "Every provider has taken a mail", Link: "/-/admin/email/providers",
		Why: "A key that was never used may be for another account or not allowed to send, and the second provider is needed when the first fails.", Fix: "Send a test by each under Email, Providers."}
	if len(providers) == 0 {
		return c.Is(launch.NotApplicable, "There is none."), nil
	}
	var never []string
	for _, name := range providers {
		has, err := hasAccepted(tx, name)
		if err != nil {
			return c, err
		}
		if !has {
			never = append(never, name)
		}
	}
	return c.Holds(len(never) == 0, "Each has.", "Not "+strings.Join(never, ", ")+"."), nil
}

func hasAccepted(tx *store.Tx, provider string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT id FROM email_message WHERE provider = ? AND provider_id > '' LIMIT 1`, provider).Scan(&id)
	if isGone(err) {
		return false, nil
	}
	return err == nil, err
}

// feedbackCheck looks whether bounces and complaints are heard of.
func feedbackCheck(tx *store.Tx, c *config.Config, providers []string) (launch.Check, error) {
	k := launch.Check{Key: "email.feedback", System: "email", Title: "Bounces and complaints are heard of", Link: "/-/admin/email/suppressions",
		Why: "Whoever goes on writing to dead mailboxes and to people who complained is taken for a spammer, and the provider closes the account.",
		Fix: "Set up the provider's webhook: SEAWORTHY_POSTMARK_WEBHOOK, SEAWORTHY_SES_TOPICS or SENDGRID_WEBHOOK_KEY, and send a test event."}
	set := map[string]bool{"postmark": c.PostmarkHook != "", "ses": c.SESTopics != "", "sendgrid": c.SendGridHook != ""}
	var unset, silent []string
	tells := false
	for _, name := range providers {
		configured, can := set[name]
		if !can {
			continue // a mail server tells by mail to the sender
		}
		tells = true
		heard, err := heardOf(tx, name)
		switch {
		case err != nil:
			return k, err
		case !configured:
			unset = append(unset, name)
		case !heard:
			silent = append(silent, name)
		}
	}
	switch {
	case !tells:
		return k.Is(launch.NotApplicable, "No provider in use has webhooks. A mail server sends bounces to the sender's address: read them."), nil
	case len(unset) > 0:
		k.Blocks = true
		return k.Is(launch.Todo, "No webhook is set up for "+strings.Join(unset, ", ")+"."), nil
	}
	return k.Holds(len(silent) == 0, "Each has told something.", fmt.Sprintf("Nothing has come from %s yet.", strings.Join(silent, ", "))), nil
}

// heardOf reports whether a provider ever told what became of a message: keys of its
// events begin with its name.
func heardOf(tx *store.Tx, provider string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT id FROM email_event WHERE dedupe > ? AND dedupe < ? LIMIT 1`, provider+":", provider+";").Scan(&id)
	if isGone(err) {
		return false, nil
	}
	return err == nil, err
}

// domainChecks are of what the DNS says about the sender; sends: mail leaves this machine.
func domainChecks(c *config.Config, sends bool) []launch.Check {
	domain := senderDomain(c)
	all := []launch.Check{
		{Key: keySPF, Title: "SPF allows your provider to send", Why: "Without it mail lands among spam; Google and Yahoo refuse much of it.",
			Fix: "Publish one TXT record at the domain, as 'v=spf1 include:<your provider's> -all', with at most ten lookups in all (RFC 7208)."},
		{Key: keyDKIM, Title: "Mail is signed with DKIM", Why: "A signature is what survives forwarding, and what DMARC goes by.",
			Fix: "Publish the record that your provider shows for the domain; for SEAWORTHY_SMTP_URL make a key with 'seaworthy email dkim' and set SEAWORTHY_DKIM_SELECTORS."},
		{Key: keyDMARC, Title: "DMARC protects your domain", Why: "Without a policy anybody can write to your customers in your name, and large receivers refuse senders without one.",
			Fix: "Publish a TXT record at _dmarc.<domain>, first as 'v=DMARC1; p=none; rua=mailto:you@...', later with p=quarantine or reject (RFC 7489)."},
	}
	for i, k := range all {
		k.System, k.Blocks, k.Looked = "email", k.Key != keyDMARC, domain
		switch {
		case !sends || domain == "":
			k.Looked = ""
			k = k.Is(launch.NotApplicable, "There is no domain that mail is sent from yet.")
		default:
			k = k.Is(launch.Unknown, "The DNS was not asked yet.")
		}
		all[i] = k
	}
	return all
}
