package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy/app/config"
	"seaworthy/app/email/post"
)

func mailConfig(t *testing.T, vars ...string) config.Config {
	t.Helper()
	all := map[string]string{"SEAWORTHY_DATA": t.TempDir(), "SEAWORTHY_MAIL_FROM": "Acme <hello@acme.example>"}
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		all[name] = value
	}
	cfg, err := config.Load(func(name string) (string, bool) { v, ok := all[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestMailProvidersOfTheConfiguration(t *testing.T) {
	t.Parallel()
	providers, streams, err := mailProviders(mailConfig(t, "POSTMARK_SERVER_TOKEN=t", "SENDGRID_API_KEY=k", "SEAWORTHY_SMTP_URL=smtp://mail.example.com",
		"SEAWORTHY_SES_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=AKIA1", "AWS_SECRET_ACCESS_KEY=s", "SEAWORTHY_MAIL_PROVIDERS=ses,smtp,postmark", "SEAWORTHY_MAIL_BROADCAST=sendgrid,ses"), post.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(streams[post.Transactional], " ") != "ses smtp postmark" || strings.Join(streams[post.Broadcast], " ") != "sendgrid ses" || len(streams) != 2 {
		t.Errorf("%v", streams)
	}
	for _, name := range []string{"postmark", "ses", "sendgrid"} {
		if p := providers[name]; p == nil || p.Name() != name {
			t.Errorf("%s: %v", name, p)
		}
	}
	if len(providers) != 3 {
		t.Errorf("%v", providers)
	}
	providers, streams, err = mailProviders(mailConfig(t), post.Options{})
	if err != nil || len(providers) != 0 || len(streams[post.Transactional])+len(streams[post.Broadcast]) != 0 {
		t.Errorf("with nothing configured: %v, %v, %v", providers, streams, err)
	}
}

func TestMailSignerOfTheConfiguration(t *testing.T) {
	t.Parallel()
	if s, err := mailSigner(mailConfig(t)); s != nil || err != nil {
		t.Errorf("without selectors: %v, %v", s, err)
	}
	cfg := mailConfig(t, "SEAWORTHY_DKIM_SELECTORS=s1,ed1", "SEAWORTHY_DKIM_KEYS=ed1="+filepath.Join(t.TempDir(), "ed1.pem"))
	var fault *config.FaultError
	if _, err := mailSigner(cfg); !errors.As(err, &fault) || !strings.Contains(err.Error(), "seaworthy email dkim --selector s1 --domain acme.example") {
		t.Errorf("without a key: %v", err)
	}
	if _, err := post.MakeKey(post.RSA, post.KeyFile(filepath.Join(cfg.Data, "keys"), "acme.example", "s1")); err != nil {
		t.Fatal(err)
	}
	_, other, _ := strings.Cut(cfg.DKIMKeys[0], "=")
	if _, err := post.MakeKey(post.Ed25519, other); err != nil {
		t.Fatal(err)
	}
	s, err := mailSigner(cfg)
	if err != nil || s.Domain() != "acme.example" || !s.Aligned(cfg.MailFrom) {
		t.Fatalf("%v, %v", s, err)
	}
	raw, err := s.Sign([]byte("From: hello@acme.example\r\n\r\nx\r\n"))
	if err != nil || strings.Count(string(raw), "DKIM-Signature:") != 2 || !strings.Contains(string(raw), "a=rsa-sha256;") || !strings.Contains(string(raw), "a=ed25519-sha256;") {
		t.Errorf("%s, %v", raw, err)
	}
	if err := os.WriteFile(other, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mailSigner(cfg); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a broken key: %v", err)
	}
}
