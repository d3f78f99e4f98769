package config

import "testing"

func TestInboxAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config Config
		want   string
		fault  bool
	}{
		{Config{InboxSMTP: "auto"}, "127.0.0.1:1025", false},
		{Config{InboxSMTP: "off"}, "", false},
		{Config{}, "", false},
		{Config{InboxSMTP: "localhost:2525"}, "localhost:2525", false},
		{Config{InboxSMTP: "[::1]:2525"}, "[::1]:2525", false},
		{Config{InboxSMTP: "auto", SMTPURL: "smtp://mail.example.com"}, "", false},
		{Config{InboxSMTP: "auto", PostmarkToken: "t"}, "", false},
		{Config{InboxSMTP: "auto", SMTPURL: "smtp://mail.example.com", MailProviders: []string{"inbox"}}, "127.0.0.1:1025", false},
		{Config{InboxSMTP: "auto", URL: "https://app.example.com"}, "", false},
		{Config{InboxSMTP: "off", URL: "https://app.example.com"}, "", false},
		{Config{InboxSMTP: "127.0.0.1:1025", URL: "https://app.example.com"}, "", true},
		{Config{InboxSMTP: "0.0.0.0:1025"}, "0.0.0.0:1025", true},
		{Config{InboxSMTP: ":1025"}, ":1025", true},
		{Config{InboxSMTP: "10.0.0.1:1025"}, "10.0.0.1:1025", true},
		{Config{InboxSMTP: "127.0.0.1"}, "127.0.0.1", true},
		{Config{InboxSMTP: "127.0.0.1:"}, "127.0.0.1:", true},
	} {
		faults := 0
		c.config.checkInbox(func(string, ...any) { faults++ })
		if got := c.config.InboxAddress(); got != c.want || faults > 0 != c.fault {
			t.Errorf("%+v: %q with %d faults", c.config, got, faults)
		}
	}
}
