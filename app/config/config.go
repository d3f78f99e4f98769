// Package config is the one table of options: each field of Config with its
// flag, environment variable, default, secrecy and help. Everything that can be
// set when the process starts is here; plans, roles, flags and branding live in
// the database (DESIGN section 6).
package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config is what a process is started with. The tags are the table: name (the
// flag), var (the environment variable), default, help, secret.
type Config struct {
	Addr           string         `name:"addr" var:"SEAWORTHY_ADDR" default:"127.0.0.1:8080" help:"Address to listen on."`
	URL            string         `name:"url" var:"SEAWORTHY_URL" help:"Public address of this installation. https:// means production; empty means http:// on the listen address."`
	TLS            string         `name:"tls" var:"SEAWORTHY_TLS" default:"off" help:"TLS without a proxy in front: auto has a certificate made by Let's Encrypt, which needs ports 443 and 80 of the public address; or two paths, as cert.pem,key.pem, which are read again when they change. Then the default of --addr is :443."`
	Redirect       string         `name:"redirect-addr" var:"SEAWORTHY_REDIRECT_ADDR" help:"Where plain HTTP is sent on to https, with TLS. Default: :80; off for nowhere."`
	ACMEDirectory  string         `name:"acme-directory" var:"SEAWORTHY_ACME_DIRECTORY" help:"Directory of another certificate authority that speaks ACME. Default: Let's Encrypt."`
	ACMEEmail      string         `name:"acme-email" var:"SEAWORTHY_ACME_EMAIL" help:"Address that the authority may write to."`
	Data           string         `name:"data" var:"SEAWORTHY_DATA" default:"data" help:"Folder for the database, its keys and backups."`
	ConfigFile     string         `name:"config-file" var:"SEAWORTHY_CONFIG_FILE" help:"File of plans, roles, flags, brand, access rules and the like, which is applied at every start; 'off' for none. Default: seaworthy.yml in the data folder, if there is one."`
	Replica        string         `name:"replica" var:"SEAWORTHY_REPLICA" help:"Litestream configuration to replicate with; 'off' to replicate nowhere. Default: litestream.yml in the data or current folder, or else a file replica in the data folder."`
	FirstInstall   bool           `name:"first-install" var:"SEAWORTHY_FIRST_INSTALL" help:"Allow a new database to be made beside an empty remote replica."`
	NewKeys        bool           `name:"new-keys" var:"SEAWORTHY_NEW_KEYS" help:"Make a new master key for a database whose own is lost. What was sealed with it, such as second factors and the secrets of providers, stays unreadable and must be set up again."`
	Upstream       string         `name:"upstream" var:"SEAWORTHY_UPSTREAM" help:"Your app, as http://127.0.0.1:3000, unix:/run/app.sock, or h2c://127.0.0.1:3000 for HTTP/2 in the clear as gRPC wants it: whatever is not under /-/ goes there, with who asks in its headers."`
	UpstreamHealth string         `name:"upstream-health" var:"SEAWORTHY_UPSTREAM_HEALTH" help:"Path of your app that answers 2xx while it is well, as /healthz. Without one it is only seen whether it listens."`
	UpstreamTime   time.Duration  `name:"upstream-timeout" var:"SEAWORTHY_UPSTREAM_TIMEOUT" default:"1m" help:"How long your app may take to begin its answer."`
	ClientSilence  time.Duration  `name:"upstream-silence" var:"SEAWORTHY_UPSTREAM_SILENCE" default:"1m" help:"How long a client may be silent in the middle of what it sends to your app, before your app begins its answer."`
	TrustedProxies []netip.Prefix `name:"trusted-proxies" var:"SEAWORTHY_TRUSTED_PROXIES" placeholder:"CIDR" help:"Networks of the proxies whose X-Forwarded-For is believed."`
	SMTPURL        string         `name:"smtp-url" var:"SEAWORTHY_SMTP_URL" secret:"" help:"Mail server, as smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465. In development mail goes to the inbox at /-/dev/inbox when empty."`
	InboxSMTP      string         `name:"inbox-smtp" var:"SEAWORTHY_INBOX_SMTP" default:"auto" help:"Where the development inbox takes your app's mail over SMTP, as 127.0.0.1:1025, or off. auto: there, in development, when mail goes to the inbox. Any user and password will do; nothing is passed on."`
	MailFrom       string         `name:"mail-from" var:"SEAWORTHY_MAIL_FROM" help:"Sender of all mail, as 'Acme <hello@acme.example>'."`
	MailProviders  []string       `name:"mail-providers" var:"SEAWORTHY_MAIL_PROVIDERS" placeholder:"NAME,..." help:"Who delivers mail, in the order in which they are tried: postmark, ses, sendgrid, smtp, with commas between them. Default: each that is configured, in this order. inbox: nobody, in development alone."`
	MailRates      []string       `name:"mail-rates" var:"SEAWORTHY_MAIL_RATES" placeholder:"NAME=N" help:"Most messages in a second by provider, as postmark=10,ses=14. A provider that answers that it is too much is slowed down in any case."`
	MailBroadcast  []string       `name:"mail-broadcast" var:"SEAWORTHY_MAIL_BROADCAST" placeholder:"NAME,..." help:"Who delivers mail to many, if not the same in the same order."`
	MailDomains    []string       `name:"mail-domains" var:"SEAWORTHY_MAIL_DOMAINS" placeholder:"DOMAIN,..." help:"Further domains that your app's mail may be from, beside that of SEAWORTHY_MAIL_FROM. Your mail provider has to know them too."`
	MailDays       int            `name:"mail-days" var:"SEAWORTHY_MAIL_DAYS" default:"90" help:"Days for which messages are listed with what became of them; 0 for ever. What they say is deleted sooner: that of our own mails when they are sent, that of your app's a week later."`
	Brand          string         `name:"brand" var:"SEAWORTHY_BRAND" default:"Seaworthy" help:"Name of your product on pages and in mail."`
	PostmarkHook   string         `name:"postmark-webhook" var:"SEAWORTHY_POSTMARK_WEBHOOK" secret:"" help:"User and password, as user:password, that Postmark's webhooks come with. Give Postmark the address https://user:password@<your host>/-/webhooks/postmark for bounces, complaints, deliveries and changes of subscription."`
	PostmarkFrom   string         `name:"postmark-webhook-from" var:"SEAWORTHY_POSTMARK_WEBHOOK_FROM" placeholder:"PLACES" help:"Addresses or networks that Postmark's webhooks come from, separated by blanks; any when empty."`
	SESTopics      string         `name:"ses-topics" var:"SEAWORTHY_SES_TOPICS" placeholder:"ARNS" help:"Topics of Amazon SNS by which SES tells what became of mail, as ARNs separated by blanks. Subscribe <url>/-/webhooks/ses to each by https, without raw message delivery; it confirms itself."`
	SendGridHook   string         `name:"sendgrid-webhook-key" var:"SENDGRID_WEBHOOK_KEY" help:"Verification key of SendGrid's signed event webhook, which posts to <url>/-/webhooks/sendgrid."`
	SendGridSkew   int            `name:"sendgrid-webhook-skew" var:"SENDGRID_WEBHOOK_SKEW" default:"300" help:"Seconds that the time of SendGrid's signature may be away from now, 1 to 86400."`
	LogLevel       string         `name:"log-level" var:"SEAWORTHY_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"Least severe log line to write: debug, info, warn or error."`
	LogFormat      string         `name:"log-format" var:"SEAWORTHY_LOG_FORMAT" enum:"auto,json,text" default:"auto" help:"How log lines are written: json for programs, text for people, auto: text on a terminal and json elsewhere."`
	OTLPEndpoint   string         `name:"otlp-endpoint" var:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"Collector that takes traces by OTLP over HTTP, as https://collector.example.com:4318: what is kept here goes there as well."`
	OTLPTraces     string         `name:"otlp-traces-endpoint" var:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" help:"The whole address for traces, in place of the collector's with /v1/traces behind it."`
	OTLPHeaders    string         `name:"otlp-headers" var:"OTEL_EXPORTER_OTLP_HEADERS" secret:"" help:"What else the collector is told, as name=value,name=value with values percent-encoded."`
	OTLPProtocol   string         `name:"otlp-protocol" var:"OTEL_EXPORTER_OTLP_PROTOCOL" help:"http/protobuf, the only one that is spoken here."`
	ServiceName    string         `name:"service-name" var:"OTEL_SERVICE_NAME" default:"seaworthy" help:"What exported traces call this program."`
	SentryDSN      string         `name:"sentry-dsn" var:"SENTRY_DSN" secret:"" help:"Errors of this program are reported there as well, and what those projects report that are set to."`
	Environment    string         `name:"sentry-environment" var:"SENTRY_ENVIRONMENT" default:"production" help:"The environment that reported errors are of."`
	SlowQuery      time.Duration  `name:"slow-query" var:"SEAWORTHY_SLOW_QUERY" default:"50ms" help:"From when a statement, or a wait for the database's writer, is kept as slow with its plan, 1ms to 1m."`
	Grace          time.Duration  `name:"grace" var:"SEAWORTHY_GRACE" default:"20s" help:"How long running requests and jobs may take to finish at shutdown."`
	RateLimits     string         `name:"rate-limits" var:"SEAWORTHY_RATE_LIMITS" enum:"on,off" default:"on" help:"Limits on sign-up, sign-in and the like; 'off' is for load tests and refused in production."`
	RefreshGrace   int            `name:"refresh-grace" var:"SEAWORTHY_REFRESH_GRACE" default:"30" help:"Seconds for which a refresh token that was used may be shown again and gets the same answer, 0 to 300: an answer can be lost, and two tabs can ask at once. Later it counts as stolen."`
	GeoIP          string         `name:"geoip" var:"SEAWORTHY_GEOIP" help:"Database in MaxMind's format (.mmdb) that says roughly where an address is, for the list of devices. Without one no place is shown."`
	TwilioSID      string         `name:"twilio-sid" var:"SEAWORTHY_TWILIO_SID" help:"Account SID at Twilio, which sends texts (SMS) with codes. Without a provider nobody can set up texts; in development they go to the inbox."`
	TwilioToken    string         `name:"twilio-token" var:"SEAWORTHY_TWILIO_TOKEN" secret:"" help:"Auth token at Twilio."`
	TwilioFrom     string         `name:"twilio-from" var:"SEAWORTHY_TWILIO_FROM" help:"Sender of texts at Twilio: a number like +15005550006, or a messaging service (MG...)."`
	SMSWebhook     string         `name:"sms-webhook" var:"SEAWORTHY_SMS_WEBHOOK" help:"Address that texts are posted to instead, as JSON signed as Standard Webhooks says, for any other provider."`
	SMSSecret      string         `name:"sms-webhook-secret" var:"SEAWORTHY_SMS_WEBHOOK_SECRET" secret:"" help:"What the webhook's signature is made with: whsec_ and 24 to 64 bytes in base64."`
	SMSDaily       int            `name:"sms-daily" var:"SEAWORTHY_SMS_DAILY" default:"500" help:"Most texts in 24 hours, all together: somebody may try to make you pay for them."`
	EmailSignIn    string         `name:"email-sign-in" var:"SEAWORTHY_EMAIL_SIGN_IN" enum:"on,off" default:"on" help:"Sign-in by a link or a code that is mailed: on or off."`
	HIBP           string         `name:"hibp" var:"SEAWORTHY_HIBP" enum:"on,off" default:"off" help:"Ask Have I Been Pwned whether a new password was stolen anywhere; of the password only the first 20 bits of its SHA-1 leave this machine. Without an answer within a second the password is taken."`
	AppJobsURL     string         `name:"app-jobs-url" var:"SEAWORTHY_APP_JOBS_URL" help:"Address of your app that its jobs are posted to, as http://127.0.0.1:3000/jobs: the endpoint named default. It may be on this machine or in your network."`
	AppJobsSecret  string         `name:"app-jobs-secret" var:"SEAWORTHY_APP_JOBS_SECRET" secret:"" help:"What its jobs are signed with: whsec_ and 24 to 64 bytes in base64. When it changes, the old one signs beside it for a day. Without one a secret is made, and shown when it is rotated."`
	JobsAllow      string         `name:"jobs-allow" var:"SEAWORTHY_JOBS_ALLOW" placeholder:"PLACES" help:"Further places of your own network that jobs may be posted to, as host:port or 10.0.0.0/8 separated by blanks. All others must be of the public network."`
	FlagsOrigins   []string       `name:"flags-origins" var:"SEAWORTHY_FLAGS_ORIGINS" placeholder:"ORIGIN" help:"Other sites whose pages may ask for flags with a key, as https://www.example.com; * for all. In development all may."`
	AlertsAllow    string         `name:"alerts-allow" var:"SEAWORTHY_ALERTS_ALLOW" placeholder:"PLACES" help:"Places of your own network that alerts may be posted to and reports of projects forwarded to, as host:port or 10.0.0.0/8 separated by blanks. All others must be of the public network."`
	HeartbeatURL   string         `name:"heartbeat-url" var:"SEAWORTHY_HEARTBEAT_URL" secret:"" help:"Address outside of this machine that is asked every minute while all is well: the database takes a write, the replica is in step, telemetry is kept. Whoever is behind it tells you when a beat is missing, as a process that is dead tells nobody."`
	HeartbeatPost  bool           `name:"heartbeat-post" var:"SEAWORTHY_HEARTBEAT_POST" help:"Beat by POST instead of GET."`
	Outbox         []string       `name:"outbox" var:"SEAWORTHY_OUTBOX" placeholder:"NAME=PATH" help:"SQLite files of your app whose table seaworthy_outbox is relayed: paths with commas between them, each perhaps with a name before it, as shop=/srv/shop/shop.db. A name must stay the same; without one it is the file's."`
	MetricsToken   string         `name:"metrics-token" var:"SEAWORTHY_METRICS_TOKEN" secret:"" help:"Bearer token for /-/metrics; without one only this machine may read it."`

	// Providers of mail and DKIM, see mail.go.
	PostmarkToken     string   `name:"postmark-server-token" var:"POSTMARK_SERVER_TOKEN" secret:"" help:"Token of a server at Postmark, to deliver mail by it."`
	PostmarkStream    string   `name:"postmark-stream" var:"SEAWORTHY_POSTMARK_STREAM" default:"outbound" help:"Message stream at Postmark of mail that somebody waits for."`
	PostmarkBroadcast string   `name:"postmark-broadcast" var:"SEAWORTHY_POSTMARK_BROADCAST" default:"broadcast" help:"Message stream at Postmark of mail to many."`
	SendGridKey       string   `name:"sendgrid-api-key" var:"SENDGRID_API_KEY" secret:"" help:"API key at SendGrid, to deliver mail by it."`
	SendGridRegion    string   `name:"sendgrid-region" var:"SEAWORTHY_SENDGRID_REGION" enum:"global,eu" default:"global" help:"Region of the account at SendGrid: global or eu."`
	SESRegion         string   `name:"ses-region" var:"SEAWORTHY_SES_REGION" placeholder:"REGION" help:"Region of Amazon SES, as eu-west-1, to deliver mail by it with the AWS access key. Without it the key is for replicas alone."`
	SESSet            string   `name:"ses-configuration-set" var:"SEAWORTHY_SES_CONFIGURATION_SET" help:"Configuration set at SES; bounces and complaints are told of mail in one."`
	AWSKeyID          string   `name:"aws-access-key-id" var:"AWS_ACCESS_KEY_ID" help:"Access key of AWS that may send by SES (ses:SendEmail, ses:SendRawEmail)."`
	AWSSecret         string   `name:"aws-secret-access-key" var:"AWS_SECRET_ACCESS_KEY" secret:"" help:"Secret that belongs to it."`
	AWSToken          string   `name:"aws-session-token" var:"AWS_SESSION_TOKEN" secret:"" help:"Session token, if the access key is a temporary one."`
	DKIMDomain        string   `name:"dkim-domain" var:"SEAWORTHY_DKIM_DOMAIN" help:"Domain that signs mail sent by SMTP. Default: that of SEAWORTHY_MAIL_FROM."`
	DKIMSelectors     []string `name:"dkim-selectors" var:"SEAWORTHY_DKIM_SELECTORS" placeholder:"SELECTOR,..." help:"Selectors of the keys that sign mail sent by SMTP, with commas between them; 'seaworthy email dkim' makes one. Without any such mail is not signed here."`
	DKIMKeys          []string `name:"dkim-keys" var:"SEAWORTHY_DKIM_KEYS" placeholder:"SELECTOR=PATH" help:"Files of private keys in PEM that lie elsewhere than in the folder keys of the data, as s1=/etc/dkim/s1.pem with commas between them."`

	// Stripe, see stripe.go.
	StripeKey     string `name:"stripe-secret-key" var:"STRIPE_SECRET_KEY" secret:"" help:"Secret or restricted key of your account at Stripe: sk_live_... in production. Without it, in development, an offline Stripe takes its place."`
	StripeHooks   string `name:"stripe-webhook-secrets" var:"STRIPE_WEBHOOK_SECRETS" placeholder:"SECRETS" secret:"" help:"Secrets (whsec_...) that events from Stripe are signed with, separated by blanks; each perhaps with a name before it and an end after it, as old=whsec_...@2026-12-01. auto: the endpoint is made at Stripe at the start, and its secret kept sealed."`
	StripeSim     string `name:"stripe-sim" var:"SEAWORTHY_STRIPE_SIM" enum:"auto,on,off" default:"auto" help:"Offline Stripe that takes the place of the real one; in development alone. auto: there, without a key of Stripe's."`
	StripeMinimum int64  `name:"stripe-minimum" var:"SEAWORTHY_STRIPE_MINIMUM" default:"100" help:"Amounts that are due below this, in cents or the like, limit nobody."`

	// Daily copies, see copies.go.
	Copies           string `name:"copies" var:"SEAWORTHY_COPIES" placeholder:"PLACE" help:"Where a copy of the whole database goes every night, beside the replica and independent of it: a folder on another disk, or s3://bucket/prefix?endpoint=https://...&region=..."`
	CopiesRecipients string `name:"copies-recipients" var:"SEAWORTHY_COPIES_RECIPIENTS" placeholder:"RECIPIENTS" help:"Who can read the copies: recipients of age (age1...), separated by blanks. Needed for a bucket."`
	CopiesDays       int    `name:"copies-days" var:"SEAWORTHY_COPIES_DAYS" default:"30" help:"Days for which copies are kept; the last two always are."`
	CopiesKeyID      string `name:"copies-key-id" var:"SEAWORTHY_COPIES_KEY_ID" help:"Access key of the bucket for copies; that of the machine or AWS_ACCESS_KEY_ID when empty."`
	CopiesSecret     string `name:"copies-secret" var:"SEAWORTHY_COPIES_SECRET" secret:"" help:"Secret that belongs to it."`

	// Signing in with a provider, see providers.go.
	GoogleClientID     string `name:"google-client-id" var:"SEAWORTHY_GOOGLE_CLIENT_ID" help:"Client id for signing in with Google, from console.cloud.google.com. The redirect address to register there is <url>/-/login/google/callback."`
	GoogleClientSecret string `name:"google-client-secret" var:"SEAWORTHY_GOOGLE_CLIENT_SECRET" secret:"" help:"Client secret that belongs to it."`
	GitHubClientID     string `name:"github-client-id" var:"SEAWORTHY_GITHUB_CLIENT_ID" help:"Client id of an OAuth app at GitHub, for signing in with GitHub. The callback to register there is <url>/-/login/github/callback."`
	GitHubClientSecret string `name:"github-client-secret" var:"SEAWORTHY_GITHUB_CLIENT_SECRET" secret:"" help:"Client secret that belongs to it."`
	OIDC               string `name:"oidc" var:"SEAWORTHY_OIDC" placeholder:"NAME=ISSUER" help:"OpenID Connect issuers to sign in with, as name=issuer separated by blanks: acme=https://login.acme.example. The redirect address to register there is <url>/-/login/<name>/callback."`
	OIDCClientIDs      string `name:"oidc-client-ids" var:"SEAWORTHY_OIDC_CLIENT_IDS" placeholder:"NAME=ID" help:"Client id at each issuer, as name=id separated by blanks."`
	OIDCClientSecrets  string `name:"oidc-client-secrets" var:"SEAWORTHY_OIDC_CLIENT_SECRETS" placeholder:"NAME=SECRET" secret:"" help:"Client secret at each issuer, as name=secret separated by blanks; none for a public client."`
	OIDCTrustedDomains string `name:"oidc-trusted-domains" var:"SEAWORTHY_OIDC_TRUSTED_DOMAINS" placeholder:"NAME=DOMAIN" help:"Mail domains whose verified addresses an issuer is trusted to know the owners of, as name=domain separated by blanks: such a person gets the account with that address. Others are asked to sign in as before and link."`
	StandIn            string `name:"stand-in" var:"SEAWORTHY_STAND_IN" enum:"auto,on,off" default:"auto" help:"Identity provider of made-up people, to try signing in with a provider offline; in development alone. auto: when no other is configured."`
}

// Production reports whether the public address is https://.
func (c Config) Production() bool { return strings.HasPrefix(c.URL, "https://") }

// Validate checks the values and fills in what follows from others. Its error
// says what to set, in a sentence for each fault.
func (c *Config) Validate() error {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	if c.URL == "" {
		c.URL = "http://" + c.Addr
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		fault("SEAWORTHY_URL must look like https://app.example.com, not %q", c.URL)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		fault("SEAWORTHY_URL must be the address alone, without a path: %s://%s", u.Scheme, u.Host)
	default:
		c.URL = u.Scheme + "://" + strings.ToLower(u.Host)
	}
	c.checkMail(fault)
	c.checkUpstream(u, fault)
	c.checkTelemetry(u, fault)
	if c.Production() && c.RateLimits == "off" {
		fault("SEAWORTHY_RATE_LIMITS must not be off in production: passwords could be guessed without end")
	}
	if c.SlowQuery != 0 && (c.SlowQuery < time.Millisecond || c.SlowQuery > time.Minute) {
		fault("SEAWORTHY_SLOW_QUERY must be from 1ms to 1m, not %s", c.SlowQuery)
	}
	if c.RefreshGrace < 0 || c.RefreshGrace > 300 {
		fault("SEAWORTHY_REFRESH_GRACE must be from 0 to 300 seconds, not %d", c.RefreshGrace)
	}
	c.checkInbox(fault)
	c.Providers(fault)
	if c.Production() && c.StandIn == "on" {
		fault("SEAWORTHY_STAND_IN must not be on in production: anybody could sign in as anybody")
	}
	c.checkTexts(fault)
	c.checkFeedback(fault)
	c.checkJobs(fault)
	c.checkHeartbeat(fault)
	c.Outboxes(fault)
	c.checkFlags(fault)
	c.checkStripe(fault)
	c.checkTLS(u, fault)
	c.checkCopies(fault)
	c.checkManifest(fault)
	if c.MailFrom == "" {
		c.MailFrom = senderOf(c.Brand)
	}
	if len(faults) > 0 {
		return &FaultError{Faults: faults}
	}
	return nil
}

// FaultError lists everything that is wrong with a configuration.
type FaultError struct{ Faults []string }

func (e *FaultError) Error() string { return strings.Join(e.Faults, "\n") }
