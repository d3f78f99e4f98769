package config

import (
	"net"
	"net/url"
	"strings"
)

// checkTexts finds what is wrong with how texts are sent.
func (c *Config) checkTexts(fault func(format string, args ...any)) {
	twilio := c.TwilioSID != "" || c.TwilioToken != "" || c.TwilioFrom != ""
	if twilio && (c.TwilioSID == "" || c.TwilioToken == "" || c.TwilioFrom == "") {
		fault("SEAWORTHY_TWILIO_SID, SEAWORTHY_TWILIO_TOKEN and SEAWORTHY_TWILIO_FROM must be set together")
	}
	if (c.SMSWebhook == "") != (c.SMSSecret == "") {
		fault("SEAWORTHY_SMS_WEBHOOK and SEAWORTHY_SMS_WEBHOOK_SECRET must be set together")
	}
	if twilio && c.SMSWebhook != "" {
		fault("SEAWORTHY_SMS_WEBHOOK must not be set beside SEAWORTHY_TWILIO_SID: only one can send texts")
	}
	if u, err := url.Parse(c.SMSWebhook); c.SMSWebhook != "" && (err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !onThisMachine(u.Hostname()))) {
		fault("SEAWORTHY_SMS_WEBHOOK must be an https:// address: codes are sent there")
	}
	if c.SMSDaily < 0 {
		fault("SEAWORTHY_SMS_DAILY must be 0 or more, not %d", c.SMSDaily)
	}
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
