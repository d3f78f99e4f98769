package feedback

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// SES takes what Amazon SES publishes to topics of Amazon SNS. Anybody can make a
// topic, and its messages are signed as well: the list of topics is what tells ours
// from theirs, and is looked at before anything else is done.
type SES struct {
	topics []string
	certs  *Certificates
}

// topicForm is the ARN of a topic: partition, region, account, name.
var topicForm = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)

// NewSES reads the ARNs of the topics, separated by blanks or commas.
func NewSES(topics string, certs *Certificates) (*SES, error) {
	s := &SES{certs: certs, topics: strings.FieldsFunc(topics, func(c rune) bool { return c == ' ' || c == ',' })}
	for _, t := range s.topics {
		if !topicForm.MatchString(t) {
			return nil, fmt.Errorf("%q is not the ARN of a topic, as arn:aws:sns:eu-west-1:123456789012:mail", t)
		}
	}
	if len(s.topics) == 0 {
		return nil, errors.New("it must name a topic")
	}
	return s, nil
}

// Envelope is a message of SNS, verified.
type Envelope struct {
	Type             string
	MessageID        string `json:"MessageId"`
	TopicArn         string
	Subject          *string
	Message          string
	Timestamp        string
	Token            string
	SubscribeURL     string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
}

// The types of SNS messages.
const (
	Notification = "Notification"
	Subscribed   = "SubscriptionConfirmation" // asks to be confirmed with its token
	Unhooked     = "UnsubscribeConfirmation"
)

// Open reads an envelope and verifies, in this order: that its topic is ours, that
// its certificate is where certificates of that region are, and its signature. Raw
// delivery has no envelope, so nothing could be verified: it is refused. An error
// that is none of this package's is a certificate that could not be had just now.
func (s *SES) Open(ctx context.Context, h http.Header, body []byte) (Envelope, error) {
	var e Envelope
	if h.Get("x-amz-sns-rawdelivery") == "true" {
		return e, fmt.Errorf("%w: raw message delivery is on for this subscription; switch it off", ErrMalformed)
	}
	if err := json.Unmarshal(body, &e); err != nil || !slices.Contains([]string{Notification, Subscribed, Unhooked}, e.Type) || e.MessageID == "" {
		return e, fmt.Errorf("%w: no envelope of Amazon SNS", ErrMalformed)
	}
	if !slices.Contains(s.topics, e.TopicArn) {
		return e, ErrForeign
	}
	address, err := certificateURL(e.SigningCertURL, e.TopicArn)
	if err != nil {
		return e, err
	}
	signature, err := base64.StdEncoding.DecodeString(e.Signature)
	if err != nil {
		return e, ErrUnauthorized
	}
	key, err := s.certs.key(ctx, address)
	if err != nil {
		return e, err
	}
	return e, e.check(key, signature)
}

// check verifies the signature: version 1 is RSA with SHA-1, version 2 with SHA-256
// (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html).
func (e Envelope) check(key *rsa.PublicKey, signature []byte) error {
	text := []byte(e.signed())
	var err error
	switch e.SignatureVersion {
	case "1":
		sum := sha1.Sum(text)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	case "2":
		sum := sha256.Sum256(text)
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	default:
		err = errors.New("unknown version")
	}
	if err != nil {
		return ErrUnauthorized
	}
	return nil
}

// signed is the text that is signed: names and values, a line each, in the order of
// their names.
func (e Envelope) signed() string {
	lines := []string{"Message", e.Message, "MessageId", e.MessageID}
	if e.Type == Notification {
		if e.Subject != nil {
			lines = append(lines, "Subject", *e.Subject)
		}
		lines = append(lines, "Timestamp", e.Timestamp)
	} else {
		lines = append(lines, "SubscribeURL", e.SubscribeURL, "Timestamp", e.Timestamp, "Token", e.Token)
	}
	lines = append(lines, "TopicArn", e.TopicArn, "Type", e.Type)
	return strings.Join(lines, "\n") + "\n"
}

// certificatePath is what the certificates of SNS are called.
var certificatePath = regexp.MustCompile(`^/SimpleNotificationService-[0-9a-f]{8,64}\.pem$`)

// snsHost is where SNS answers in the region of a topic.
func snsHost(topic string) string {
	m := topicForm.FindStringSubmatch(topic)
	if m == nil {
		return ""
	}
	host := "sns." + m[2] + ".amazonaws.com"
	if m[1] == "aws-cn" {
		host += ".cn"
	}
	return host
}

// certificateURL holds the address of a certificate against the one place where it
// can be: the SNS of the topic's own region. A look-alike, a bucket of somebody's, a
// query, a port or plain HTTP are refused before anything is asked.
func certificateURL(text, topic string) (string, error) {
	u, err := url.Parse(text)
	host := snsHost(topic)
	if err != nil || len(text) > 256 || u.Scheme != "https" || host == "" || u.Host != host || u.User != nil || u.RawQuery != "" || u.ForceQuery ||
		u.Fragment != "" || u.RawPath != "" || !certificatePath.MatchString(u.Path) || u.String() != text {
		return "", fmt.Errorf("%w: its certificate is not at Amazon's", ErrUnauthorized)
	}
	return text, nil
}

// tokenForm is the token of a confirmation; it is not longer than maxToken.
var tokenForm = regexp.MustCompile(`^[0-9A-Za-z]{16,}$`)

const maxToken = 1024

// ConfirmURL is the address that confirms a subscription, made from its topic and
// token: the one that the message names is whoever's who wrote the message.
func ConfirmURL(topic, token string) (string, error) {
	host := snsHost(topic)
	if host == "" || len(token) > maxToken || !tokenForm.MatchString(token) {
		return "", ErrMalformed
	}
	q := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {topic}, "Token": {token}, "Version": {"2010-03-31"}}
	return "https://" + host + "/?" + q.Encode(), nil
}
