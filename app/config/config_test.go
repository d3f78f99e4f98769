package config

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func env(vars map[string]string) Lookup {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	c, err := Load(env(map[string]string{"SEAWORTHY_DATA": t.TempDir()}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.URL != "http://127.0.0.1:8080" || c.Production() || c.Grace.Seconds() != 20 {
		t.Errorf("got %+v", c)
	}
}

func TestSourcesInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "token")
	os.WriteFile(secret, []byte("from-file\n"), 0o600)
	os.WriteFile(filepath.Join(dir, "seaworthy.env"), []byte("# a comment\nSEAWORTHY_BRAND=\"Acme Corp\"\nexport SEAWORTHY_ADDR=127.0.0.1:1\n"), 0o600)
	c, err := Load(env(map[string]string{
		"SEAWORTHY_DATA": dir, "SEAWORTHY_ADDR": "127.0.0.1:2", "SEAWORTHY_METRICS_TOKEN_FILE": secret,
		"SEAWORTHY_TRUSTED_PROXIES": "10.0.0.0/8,192.168.1.1/32",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Brand != "Acme Corp" || c.Addr != "127.0.0.1:2" || c.MetricsToken != "from-file" || len(c.TrustedProxies) != 2 {
		t.Errorf("got %+v", c)
	}
}

func TestRefusesWithASentence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ vars, want string }{
		"no mail in production": {"SEAWORTHY_URL=https://app.example.com", "SEAWORTHY_SMTP_URL"},
		"bad url":               {"SEAWORTHY_URL=ftp://x", "SEAWORTHY_URL"},
		"url with path":         {"SEAWORTHY_URL=http://x/app", "without a path"},
		"bad sender":            {"SEAWORTHY_MAIL_FROM=nobody", "SEAWORTHY_MAIL_FROM"},
		"smtp without sender":   {"SEAWORTHY_SMTP_URL=smtp://mail.example.com", "SEAWORTHY_MAIL_FROM"},
		"bad smtp":              {"SEAWORTHY_SMTP_URL=mail.example.com", "SEAWORTHY_SMTP_URL"},
		"grace too long":        {"SEAWORTHY_REFRESH_GRACE=301", "0 to 300"},
		"grace below zero":      {"SEAWORTHY_REFRESH_GRACE=-1", "0 to 300"},
		"postmark from nobody":  {"SEAWORTHY_POSTMARK_WEBHOOK_FROM=10.0.0.0/8", "SEAWORTHY_POSTMARK_WEBHOOK must be set"},
		"sim in production":     {"SEAWORTHY_STRIPE_SIM=maybe", "stripe-sim"},
		"skew of a week":        {"SENDGRID_WEBHOOK_SKEW=604800", "1 to 86400"},
		"odd mail rate":         {"SEAWORTHY_MAIL_RATES=pigeon=3", "postmark=10"},
		"bad level":             {"SEAWORTHY_LOG_LEVEL=loud", "log-level"},
		"bad network":           {"SEAWORTHY_TRUSTED_PROXIES=ten", "trusted-proxies"},
		"half of google":        {"SEAWORTHY_GOOGLE_CLIENT_ID=x", "must be set both"},
		"stand-in in live":      {"SEAWORTHY_STAND_IN=maybe", "stand-in"},
		"oidc without id":       {"SEAWORTHY_OIDC=acme=https://login.acme.example", "SEAWORTHY_OIDC_CLIENT_IDS must have the client id of acme, as acme="},
		"oidc over http":        {"SEAWORTHY_OIDC=acme=http://login.acme.example", "must be https"},
		"oidc no url":           {"SEAWORTHY_OIDC=acme=login.acme.example", "must look like"},
		"oidc no pair":          {"SEAWORTHY_OIDC=https://login.acme.example", "must be a list of name=value"},
		"oidc taken name":       {"SEAWORTHY_OIDC=google=https://login.acme.example", "cannot be a provider's name"},
		"oidc odd name":         {"SEAWORTHY_OIDC=Acme/x=https://login.acme.example", "cannot be a provider's name"},
		"oidc any tenant":       {"SEAWORTHY_OIDC=ms=https://login.microsoftonline.com/common/v2.0", "must name one tenant"},
		"oidc twice":            {"SEAWORTHY_OIDC=acme=https://a.example acme=https://b.example", "is given twice"},
		"secret of nobody":      {"SEAWORTHY_OIDC_CLIENT_SECRETS=acme=x", "which SEAWORTHY_OIDC does not name"},
		"missing secret file":   {"SEAWORTHY_METRICS_TOKEN_FILE=/nonexistent", "SEAWORTHY_METRICS_TOKEN_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, v, _ := strings.Cut(c.vars, "=")
			_, err := Load(env(map[string]string{k: v, "SEAWORTHY_DATA": t.TempDir()}))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "seaworthy.env"), []byte("SEAWORTHY_BRAN=x\n"), 0o600)
	if _, err := Load(env(map[string]string{"SEAWORTHY_DATA": dir})); err == nil || !strings.Contains(err.Error(), "SEAWORTHY_BRAN") {
		t.Errorf("a misspelt option passes: %v", err)
	}
}

func TestEveryOptionIsDocumented(t *testing.T) {
	t.Parallel()
	for _, o := range Options() {
		usual := slices.ContainsFunc([]string{"POSTMARK_", "SENDGRID_", "AWS_", "STRIPE_", "OTEL_", "SENTRY_"}, func(p string) bool { return strings.HasPrefix(o.Var, p) })
		if o.Flag == "" || !usual && !strings.HasPrefix(o.Var, "SEAWORTHY_") || o.Help == "" {
			t.Errorf("%+v", o)
		}
	}
}

func TestStripeIsRefusedWithoutASecret(t *testing.T) {
	t.Parallel()
	live := "https://app.example.com"
	for name, c := range map[string]struct {
		url, key, hooks, want string
	}{
		"no secret":           {live, "sk_live_x", "", "STRIPE_WEBHOOK_SECRETS must be set"},
		"an empty one":        {live, "sk_live_x", "whsec_", "begins with whsec_"},
		"an empty named one":  {live, "sk_live_x", "old=", "begins with whsec_"},
		"one without a key":   {live, "", "whsec_0123456789", "STRIPE_SECRET_KEY must be set"},
		"no key of Stripe's":  {live, "pk_live_x", "whsec_0123456789", "must begin with sk_live_"},
		"live in development": {"http://x", "sk_live_x", "whsec_0123456789", "must not be a live key"},
		"auto in development": {"http://x", "sk_test_x", "auto", "must not be auto"},
		"an odd end":          {live, "sk_live_x", "whsec_0123456789@soon", "no end of a secret"},
		"fine":                {live, "rk_live_x", "whsec_0123456789 old=whsec_9876543210@2026-12-01", ""},
		"made by us":          {live, "sk_live_x", "auto", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var faults []string
			cfg := Config{URL: c.url, StripeKey: c.key, StripeHooks: c.hooks}
			cfg.checkStripe(func(format string, args ...any) { faults = append(faults, format) })
			all := strings.Join(faults, "\n")
			if c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("got %q", all)
			}
		})
	}
	all := Config{StripeHooks: "whsec_0123456789 old=whsec_9876543210@2026-12-01"}.StripeSecrets(func(string, ...any) {})
	if len(all) != 2 || all[1].Label != "old" || all[1].Expires.Day() != 2 || !all[0].Expires.IsZero() {
		t.Errorf("%+v", all)
	}
}

// Where telemetry is sent on is read strictly.
func TestTelemetryPlaces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config Config
		traces string
		sentry string
		faults int
	}{
		"nowhere":         {Config{}, "", "", 0},
		"collector":       {Config{OTLPEndpoint: "http://127.0.0.1:4318/", OTLPHeaders: "api-key=a%20b, x=1"}, "http://127.0.0.1:4318/v1/traces", "", 0},
		"whole address":   {Config{OTLPEndpoint: "http://127.0.0.1:4318", OTLPTraces: "https://t.example.com/in"}, "https://t.example.com/in", "", 0},
		"no address":      {Config{OTLPEndpoint: "localhost:4317"}, "", "", 1},
		"gRPC":            {Config{OTLPEndpoint: "http://127.0.0.1:4317", OTLPProtocol: "grpc"}, "http://127.0.0.1:4317/v1/traces", "", 1},
		"broken headers":  {Config{OTLPEndpoint: "http://127.0.0.1:4318", OTLPHeaders: "nothing"}, "", "", 1},
		"sentry":          {Config{SentryDSN: "https://key@sentry.example.com/sub/7"}, "", "https://sentry.example.com/sub/api/7/envelope/", 0},
		"sentry, no key":  {Config{SentryDSN: "https://sentry.example.com/7"}, "", "", 1},
		"sentry, no end":  {Config{SentryDSN: "https://key@sentry.example.com/"}, "", "", 1},
		"sentry, oneself": {Config{SentryDSN: "https://key@app.example.com/-/1"}, "", "https://app.example.com/-/api/1/envelope/", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var faults []string
			c.config.checkTelemetry(&url.URL{Scheme: "https", Host: "app.example.com"}, func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) })
			none := func(string, ...any) {}
			traces, _ := c.config.Traces(none)
			sentry, _ := c.config.Sentry(none)
			if len(faults) != c.faults || traces.URL != c.traces || sentry.URL != c.sentry {
				t.Errorf("%v, %+v, %+v", faults, traces, sentry)
			}
			if name == "collector" && (traces.Header["api-key"] != "a b" || traces.Header["x"] != "1") {
				t.Errorf("%v", traces.Header)
			}
		})
	}
}
