package config

import "net"

// inboxSMTP is where programs expect a mail catcher.
const inboxSMTP = "127.0.0.1:1025"

// checkInbox finds what is wrong with where the development inbox takes mail, which
// nobody has to show a password for.
func (c *Config) checkInbox(fault func(format string, args ...any)) {
	if c.InboxSMTP == "" || c.InboxSMTP == "auto" || c.InboxSMTP == "off" {
		return
	}
	host, port, err := net.SplitHostPort(c.InboxSMTP)
	switch {
	case c.Production():
		fault("SEAWORTHY_INBOX_SMTP must not be set in production: there is no development inbox")
	case err != nil || port == "":
		fault("SEAWORTHY_INBOX_SMTP must look like %s, not %q", inboxSMTP, c.InboxSMTP)
	case !onThisMachine(host):
		fault("SEAWORTHY_INBOX_SMTP must be on this machine, as %s: anybody can send there", inboxSMTP)
	}
}

// InboxAddress is where the development inbox takes mail over SMTP; "" for nowhere.
func (c Config) InboxAddress() string {
	switch {
	case c.Production() || c.HasMail() || c.InboxSMTP == "" || c.InboxSMTP == "off":
		return ""
	case c.InboxSMTP == "auto":
		return inboxSMTP
	}
	return c.InboxSMTP
}
