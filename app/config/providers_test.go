package config

import (
	"strings"
	"testing"
)

func TestProviders(t *testing.T) {
	t.Parallel()
	load := func(vars ...string) (Config, error) {
		all := map[string]string{"SEAWORTHY_DATA": t.TempDir()}
		for _, v := range vars {
			name, value, _ := strings.Cut(v, "=")
			all[name] = value
		}
		return Load(env(all))
	}
	none := func(string, ...any) { t.Error("a fault after Validate") }
	c, err := load("SEAWORTHY_GITHUB_CLIENT_ID=g", "SEAWORTHY_GITHUB_CLIENT_SECRET=s", "SEAWORTHY_OIDC=acme=https://login.acme.example/\tdex=http://127.0.0.1:5556/dex",
		"SEAWORTHY_OIDC_CLIENT_IDS=acme=one dex=two", "SEAWORTHY_OIDC_CLIENT_SECRETS=acme=a=b,c", "SEAWORTHY_OIDC_TRUSTED_DOMAINS=acme=Acme.example acme=bücher.example")
	if err != nil {
		t.Fatal(err)
	}
	all := c.Providers(none)
	if len(all) != 3 || all[0].Name != "github" || all[1].Issuer != "https://login.acme.example/" || all[1].ClientID != "one" || all[1].Secret != "a=b,c" ||
		strings.Join(all[1].Domains, " ") != "acme.example xn--bcher-kva.example" || all[1].Loopback || !all[2].Loopback || all[2].Secret != "" {
		t.Errorf("%+v", all)
	}
	if c.HasStandIn() {
		t.Error("there is a stand-in beside a configured provider")
	}
	for _, s := range []struct {
		vars string
		want bool
	}{{"", true}, {"SEAWORTHY_STAND_IN=off", false}, {"SEAWORTHY_STAND_IN=on", true}} {
		if c, err := load(s.vars); err != nil || c.HasStandIn() != s.want {
			t.Errorf("%q: %v, %v", s.vars, c.HasStandIn(), err)
		}
	}
	live := []string{"SEAWORTHY_URL=https://app.example.com", "SEAWORTHY_SMTP_URL=smtp://mail.example.com", "SEAWORTHY_MAIL_FROM=a@example.com"}
	if c, err := load(live...); err != nil || c.HasStandIn() {
		t.Errorf("in production: %v, %v", c.HasStandIn(), err)
	}
	for vars, want := range map[string]string{"SEAWORTHY_STAND_IN=on": "anybody could sign in as anybody", "SEAWORTHY_OIDC=dex=http://localhost:5556": "must be https in production"} {
		if _, err := load(append(live, vars)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s in production: %v", vars, err)
		}
	}
}

// What is wrong with a list of secrets is told without them.
func TestFaultsDoNotTellSecrets(t *testing.T) {
	t.Parallel()
	_, err := Load(env(map[string]string{"SEAWORTHY_DATA": t.TempDir(), "SEAWORTHY_OIDC_CLIENT_SECRETS": "hunter2 acme=hunter2"}))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
