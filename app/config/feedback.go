package config

// checkFeedback finds what is wrong with who tells what became of mail. What the
// credentials, topics and keys look like is checked by those who use them.
func (c *Config) checkFeedback(fault func(format string, args ...any)) {
	if c.PostmarkFrom != "" && c.PostmarkHook == "" {
		fault("SEAWORTHY_POSTMARK_WEBHOOK must be set when SEAWORTHY_POSTMARK_WEBHOOK_FROM is")
	}
	if c.SendGridSkew < 0 || c.SendGridSkew > 86400 || c.SendGridHook != "" && c.SendGridSkew == 0 {
		fault("SENDGRID_WEBHOOK_SKEW must be from 1 to 86400 seconds, not %d", c.SendGridSkew)
	}
}
