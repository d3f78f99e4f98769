package apptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/config"
)

// MailProviders are Postmark, Amazon SES and SendGrid as their webhooks call: each
// signs as the real one does. It is also the network that SNS's certificates and
// confirmations are fetched from, and remembers what was asked.
type MailProviders struct {
	T     testing.TB
	Topic string

	sendgrid *ecdsa.PrivateKey
	sns      *rsa.PrivateKey
	leaf     []byte // PEM
	between  []byte // DER: who issued it
	roots    *x509.CertPool

	mu    sync.Mutex
	asked []string
	fail  bool
}

// CertPath is where the certificate of SNS is.
const CertPath = "/SimpleNotificationService-01d088a6f77103d0fe307c0069e40ed6.pem"

// CertURL is the certificate's address, for the region of Topic.
const CertURL = "https://sns.eu-west-1.amazonaws.com" + CertPath

// postmarkCredentials are what Postmark's webhook comes with in tests.
const postmarkCredentials = "postmark:a-long-password-of-a-webhook"

// snsKeys are made once: RSA keys are slow to make.
var snsKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		keys[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return keys
})

// NewMailProviders makes the providers, with a root, an issuer and a certificate of
// their own.
func NewMailProviders(t testing.TB) *MailProviders {
	t.Helper()
	m := &MailProviders{T: t, Topic: "arn:aws:sns:eu-west-1:123456789012:mail", sns: snsKeys()[0]}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	m.sendgrid, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	authority := snsKeys()[1]
	template := func(n int64, name string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: name}, NotBefore: Epoch.Add(-time.Hour), NotAfter: Epoch.AddDate(1, 0, 0)}
	}
	root, issuer, leaf := template(1, "Root"), template(2, "Issuer"), template(3, "sns.amazonaws.com")
	for _, c := range []*x509.Certificate{root, issuer} {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}
	leaf.DNSNames, leaf.IssuingCertificateURL = []string{"sns.amazonaws.com"}, []string{"http://crt.r2m04.amazontrust.com/r2m04.cer"}
	sign := func(c, by *x509.Certificate, key *rsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, authority)
		must(err)
		made, err := x509.ParseCertificate(der)
		must(err)
		return made
	}
	root = sign(root, root, authority)
	issuer = sign(issuer, root, authority)
	leaf = sign(leaf, issuer, m.sns)
	m.roots = x509.NewCertPool()
	m.roots.AddCert(root)
	m.between = issuer.Raw
	m.leaf = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
	return m
}

// Configure is the Option that makes an app listen to them.
func (m *MailProviders) Configure(c *config.Config, o *app.Options) {
	der, err := x509.MarshalPKIXPublicKey(&m.sendgrid.PublicKey)
	if err != nil {
		m.T.Fatal(err)
	}
	c.PostmarkHook, c.SESTopics = postmarkCredentials, m.Topic
	c.SendGridHook, c.SendGridSkew = base64.StdEncoding.EncodeToString(der), 300
	o.Outside, o.OutsideRoots = m, m.roots
}

// RoundTrip is the network.
func (m *MailProviders) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, r.URL.String())
	if m.fail {
		return nil, fmt.Errorf("the network is down")
	}
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
	switch {
	case r.URL.String() == CertURL:
		return answer(200, string(m.leaf))
	case r.URL.String() == "http://crt.r2m04.amazontrust.com/r2m04.cer":
		return answer(200, string(m.between))
	case r.URL.Host == "sns.eu-west-1.amazonaws.com" && r.URL.Query().Get("Action") == "ConfirmSubscription":
		return answer(200, "<ConfirmSubscriptionResponse/>")
	}
	return answer(404, "not found")
}

// Asked are the addresses that were asked for since the last call.
func (m *MailProviders) Asked() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := m.asked
	m.asked = nil
	return asked
}

// Down makes the network fail, or work again.
func (m *MailProviders) Down(is bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = is
}

func (a *App) hook(path, kind, body string, header map[string]string) Page {
	a.T.Helper()
	b := a.Browser()
	b.UserAgent = "a mail provider"
	b.Header.Set("Sec-Fetch-Site", "")
	b.Header.Set("Accept", "*/*")
	for k, v := range header {
		b.Header.Set(k, v)
	}
	return b.Do("POST", "/-/webhooks/"+path, kind, body)
}

// Postmark calls the webhook with a record.
func (m *MailProviders) Postmark(a *App, record any) Page {
	a.T.Helper()
	body, _ := json.Marshal(record)
	return m.PostmarkAs(a, postmarkCredentials, string(body))
}

// PostmarkAs calls the webhook with other credentials.
func (m *MailProviders) PostmarkAs(a *App, credentials, body string) Page {
	a.T.Helper()
	return a.hook("postmark", "application/json", body, map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))})
}

// SendGrid calls the webhook with a batch, signed now.
func (m *MailProviders) SendGrid(a *App, batch any) Page {
	a.T.Helper()
	body, _ := json.Marshal(batch)
	return m.SendGridAs(a, string(body), m.SignSendGrid(a.Clock.Now(), string(body)))
}

// SignSendGrid are the headers of a batch.
func (m *MailProviders) SignSendGrid(at time.Time, body string) map[string]string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256([]byte(stamp + body))
	signature, err := ecdsa.SignASN1(rand.Reader, m.sendgrid, sum[:])
	if err != nil {
		m.T.Fatal(err)
	}
	return map[string]string{"X-Twilio-Email-Event-Webhook-Timestamp": stamp, "X-Twilio-Email-Event-Webhook-Signature": base64.StdEncoding.EncodeToString(signature)}
}

// SendGridAs calls the webhook with a body and headers as they are.
func (m *MailProviders) SendGridAs(a *App, body string, header map[string]string) Page {
	a.T.Helper()
	return a.hook("sendgrid", "application/json", body, header)
}

// SNS are the fields of an envelope of Amazon SNS, by name.
type SNS map[string]string

// Envelope wraps a notification of SES.
func (m *MailProviders) Envelope(id string, notification any) SNS {
	message, ok := notification.(string)
	if !ok {
		text, _ := json.Marshal(notification)
		message = string(text)
	}
	return SNS{"Type": "Notification", "MessageId": id, "TopicArn": m.Topic, "Message": message, "Timestamp": "2026-11-22T14:05:00.000Z",
		"SignatureVersion": "2", "SigningCertURL": CertURL}
}

// Sign adds the signature to an envelope.
func (m *MailProviders) Sign(e SNS) SNS {
	names := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if e["Type"] != "Notification" {
		names = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	text := ""
	for _, n := range names {
		if v, ok := e[n]; ok {
			text += n + "\n" + v + "\n"
		}
	}
	sum, hash := sha256.Sum256([]byte(text)), crypto.SHA256
	digest := sum[:]
	if e["SignatureVersion"] == "1" {
		old := sha1.Sum([]byte(text))
		digest, hash = old[:], crypto.SHA1
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, m.sns, hash, digest)
	if err != nil {
		m.T.Fatal(err)
	}
	e["Signature"] = base64.StdEncoding.EncodeToString(signature)
	return e
}

// SES calls the webhook with an envelope as it is.
func (m *MailProviders) SES(a *App, e SNS) Page {
	a.T.Helper()
	body, _ := json.Marshal(e)
	return a.hook("ses", "text/plain; charset=UTF-8", string(body), map[string]string{"X-Amz-Sns-Message-Type": e["Type"]})
}
