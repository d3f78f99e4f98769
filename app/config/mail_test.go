package config

import (
	"net/mail"
	"path/filepath"
	"strings"
	"testing"
)

func mailConfig(t *testing.T, vars ...string) (Config, error) {
	t.Helper()
	all := map[string]string{"SEAWORTHY_DATA": "/srv/data"}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		all[name] = value
	}
	return Load(env(all))
}

func TestMailStreams(t *testing.T) {
	t.Parallel()
	from, aws := "SEAWORTHY_MAIL_FROM=Acme <hello@Büro.example>", []string{"AWS_ACCESS_KEY_ID=AKIA1", "AWS_SECRET_ACCESS_KEY=s/e+c"}
	for name, c := range map[string]struct {
		vars                     []string
		transactional, broadcast string
	}{
		"nobody":             {nil, "", ""},
		"postmark alone":     {[]string{"POSTMARK_SERVER_TOKEN=t"}, "postmark", "postmark"},
		"all, in our order":  {append(aws, "SENDGRID_API_KEY=k", "SEAWORTHY_SMTP_URL=smtp://mail.example.com", "SEAWORTHY_SES_REGION=eu-west-1", "POSTMARK_SERVER_TOKEN=t"), "postmark ses sendgrid smtp", "postmark ses sendgrid smtp"},
		"in another order":   {append(aws, "SEAWORTHY_SES_REGION=us-gov-west-1", "POSTMARK_SERVER_TOKEN=t", "SEAWORTHY_MAIL_PROVIDERS=ses, postmark"), "ses postmark", "ses postmark"},
		"many by another":    {append(aws, "SEAWORTHY_SES_REGION=eu-west-1", "POSTMARK_SERVER_TOKEN=t", "SEAWORTHY_MAIL_PROVIDERS=postmark", "SEAWORTHY_MAIL_BROADCAST=ses"), "postmark", "ses"},
		"key of the replica": {aws, "", ""},
		"kept in the inbox":  {[]string{"POSTMARK_SERVER_TOKEN=t", "SEAWORTHY_MAIL_PROVIDERS=inbox"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := mailConfig(t, append(c.vars, from)...)
			if err != nil {
				t.Fatal(err)
			}
			one, many := cfg.MailStreams(func(format string, args ...any) { t.Errorf("a fault after Validate: "+format, args...) })
			if strings.Join(one, " ") != c.transactional || strings.Join(many, " ") != c.broadcast || cfg.HasMail() != (c.transactional != "") {
				t.Errorf("%q, %q, %v", one, many, cfg.HasMail())
			}
		})
	}
}

// Whatever a product is called, there is a sender that can be read back.
func TestSenderOfAnyBrand(t *testing.T) {
	t.Parallel()
	for _, brand := range []string{"Seaworthy", "Acme, Inc.", `The "Best" <One>`, "Büro@Home", ""} {
		cfg, err := mailConfig(t, "SEAWORTHY_BRAND="+brand)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := mail.ParseAddress(cfg.MailFrom); err != nil || a.Address != "no-reply@localhost" || a.Name != cfg.Brand {
			t.Errorf("%q: %q, %v, %v", brand, cfg.MailFrom, a, err)
		}
	}
}

func TestProductionNeedsSomebodyWhoDeliversMail(t *testing.T) {
	t.Parallel()
	live := []string{"SEAWORTHY_URL=https://app.example.com", "SEAWORTHY_MAIL_FROM=a@example.com"}
	for vars, want := range map[string]string{
		"": "people could not verify their address", "SEAWORTHY_MAIL_PROVIDERS=inbox": "people could not verify their address",
		"POSTMARK_SERVER_TOKEN=t": "", "SENDGRID_API_KEY=k": "", "SEAWORTHY_SMTP_URL=smtp://mail.example.com": "",
	} {
		_, err := mailConfig(t, append(live, vars)...)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", vars, err)
		}
	}
}

func TestMailFaultsAreSentencesWithoutSecrets(t *testing.T) {
	t.Parallel()
	for vars, want := range map[string]string{
		"POSTMARK_SERVER_TOKEN=hunter2":                                                             "SEAWORTHY_MAIL_FROM must name the sender when POSTMARK_SERVER_TOKEN is set",
		"SEAWORTHY_MAIL_PROVIDERS=mailgun":                                                          `there is no provider "mailgun"`,
		"SEAWORTHY_MAIL_PROVIDERS=ses":                                                              "names ses, which needs SEAWORTHY_SES_REGION",
		"SEAWORTHY_MAIL_PROVIDERS=sendgrid|SEAWORTHY_MAIL_BROADCAST=smtp":                           "SEAWORTHY_MAIL_BROADCAST names smtp, which needs SEAWORTHY_SMTP_URL",
		"SENDGRID_API_KEY=hunter2|SEAWORTHY_MAIL_PROVIDERS=sendgrid,sendgrid":                       "has sendgrid twice",
		"SENDGRID_API_KEY=hunter2|SEAWORTHY_MAIL_PROVIDERS=inbox|SEAWORTHY_MAIL_BROADCAST=sendgrid": "must name who delivers other mail",
		"SENDGRID_API_KEY=hunter2|SEAWORTHY_SENDGRID_REGION=mars":                                   "sendgrid-region",
		"SEAWORTHY_SES_REGION=eu-west-1":                                                            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set",
		"SEAWORTHY_SES_REGION=evil.example/":                                                        "must be a region of AWS",
		"SEAWORTHY_SES_CONFIGURATION_SET=a b":                                                       "SEAWORTHY_SES_CONFIGURATION_SET must have letters",
		"SEAWORTHY_POSTMARK_STREAM=a\nb":                                                            "SEAWORTHY_POSTMARK_STREAM must have letters",
		"POSTMARK_SERVER_TOKEN=hunter2 hunter2":                                                     "POSTMARK_SERVER_TOKEN has a blank",
		"AWS_SECRET_ACCESS_KEY=hunter2\r\nX: y":                                                     "AWS_SECRET_ACCESS_KEY has a blank",
		"SEAWORTHY_DKIM_SELECTORS=s1":                                                               "SEAWORTHY_DKIM_DOMAIN must be the domain",
		"SEAWORTHY_DKIM_SELECTORS=s1|SEAWORTHY_DKIM_DOMAIN=localhost":                               `"localhost" is no domain`,
		"SEAWORTHY_DKIM_SELECTORS=../x|SEAWORTHY_DKIM_DOMAIN=a.example":                             "cannot be a selector",
		"SEAWORTHY_DKIM_SELECTORS=s1,s1|SEAWORTHY_DKIM_DOMAIN=a.example":                            "given twice",
		"SEAWORTHY_DKIM_KEYS=s1=/x":                                                                 "SEAWORTHY_DKIM_SELECTORS must name",
		"SEAWORTHY_DKIM_SELECTORS=s1|SEAWORTHY_DKIM_DOMAIN=a.example|SEAWORTHY_DKIM_KEYS=s2=/x":     "must be selector=path",
	} {
		_, err := mailConfig(t, strings.Split(vars, "|")...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", vars, err)
		}
	}
}

func TestDKIMKeys(t *testing.T) {
	t.Parallel()
	cfg, err := mailConfig(t, "SEAWORTHY_MAIL_FROM=Acme <hello@Büro.example>", "SEAWORTHY_DKIM_SELECTORS=s1, ed1", "SEAWORTHY_DKIM_KEYS=ed1=/etc/dkim/ed1.pem")
	if err != nil {
		t.Fatal(err)
	}
	domain, keys := cfg.DKIM(func(format string, args ...any) { t.Errorf(format, args...) })
	if domain != "xn--bro-hoa.example" || len(keys) != 2 || keys[0] != (DKIMKey{"s1", filepath.Join("/srv/data", "keys", "dkim-xn--bro-hoa.example-s1.pem")}) || keys[1] != (DKIMKey{"ed1", "/etc/dkim/ed1.pem"}) {
		t.Errorf("%s %+v", domain, keys)
	}
}
