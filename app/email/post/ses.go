package post

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// SES sends by Amazon SES: POST /v2/email/outbound-emails (SendEmail of the SES API v2), signed with Signature Version 4.
type SES struct {
	region, set string
	credentials aws.Credentials
	signer      *v4.Signer
	api         *api
}

// SESKey is an access key of AWS. Token is of a temporary one.
type SESKey struct{ ID, Secret, Token string }

var awsRegion = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)

// NewSES sends in one region. Events are published for mail of a configuration set alone; set may be "".
func NewSES(region, set string, key SESKey, o Options) (*SES, error) {
	if !awsRegion.MatchString(region) {
		return nil, fmt.Errorf("%q is no region of AWS", region)
	}
	own := "https://email." + region + ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		own += ".cn"
	}
	a, err := newAPI(own, o, key.Secret, key.Token)
	if err != nil {
		return nil, err
	}
	return &SES{region: region, set: set, api: a, signer: v4.NewSigner(),
		credentials: aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret, SessionToken: key.Token}}, nil
}

// Name implements Provider.
func (*SES) Name() string { return "ses" }

// Limit implements Provider: 40 MB with attachments, as they are once encoded.
func (*SES) Limit() int64 { return 40_000_000 }

type sesTag struct{ Name, Value string }

// sesMail is the body of SendEmail with a raw message.
type sesMail struct {
	FromEmailAddress string
	Destination      struct{ ToAddresses []string }
	Content          struct{ Raw struct{ Data []byte } }
	EmailTags        []sesTag `json:",omitempty"`
	Set              string   `json:"ConfigurationSetName,omitempty"`
}

// Send implements Provider. It sends Raw, and nothing else of the message's content.
func (s *SES) Send(ctx context.Context, m Message) (Receipt, error) {
	mail, err := s.mail(m)
	if err != nil {
		return Receipt{}, err
	}
	body, err := encode(mail)
	if err != nil {
		return Receipt{}, err
	}
	r, err := s.api.request(ctx, "/v2/email/outbound-emails", body)
	if err != nil {
		return Receipt{}, err
	}
	sum := sha256.Sum256(body)
	if err := s.signer.SignHTTP(ctx, s.credentials, r, hex.EncodeToString(sum[:]), "ses", s.region, s.api.now().UTC()); err != nil {
		return Receipt{}, fmt.Errorf("sign the request: %w", err)
	}
	got, err := s.api.do(r, body)
	if err != nil {
		return Receipt{}, err
	}
	return s.read(got)
}

func (s *SES) mail(m Message) (mail sesMail, err error) {
	if err := m.check(s.Limit()); err != nil {
		return mail, err
	}
	if len(m.Raw) == 0 {
		return mail, &Error{Class: Refused, Reason: "the message was not compiled"}
	}
	from, err := sender(m.From)
	if err != nil {
		return mail, err
	}
	to, err := addresses("to", m.To)
	if err != nil {
		return mail, err
	}
	mail.FromEmailAddress = headerAddress(from)
	for _, a := range to {
		mail.Destination.ToAddresses = append(mail.Destination.ToAddresses, a.Address)
	}
	mail.Content.Raw.Data = unsigned(m.Raw)
	mail.Set = s.set
	if id := sesTagValue(m.ID); id != "" {
		mail.EmailTags = append(mail.EmailTags, sesTag{idKey, id})
	}
	if tag := sesTagValue(m.Tag); tag != "" {
		mail.EmailTags = append(mail.EmailTags, sesTag{"tag", tag})
	}
	return mail, nil
}

// sesTagValue has only what a tag may have: ASCII letters, digits, _ and -, at most 256.
func sesTagValue(s string) string {
	return cut(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, s), 256)
}

// unsigned is a message without the DKIM signatures in front of it. SES puts another Message-ID and Date into a message, which
// breaks a signature over them, and signs by itself.
func unsigned(raw []byte) []byte {
	name := []byte("dkim-signature:")
	for len(raw) > len(name) && bytes.EqualFold(raw[:len(name)], name) {
		for {
			end := bytes.IndexByte(raw, '\n')
			if end < 0 {
				return nil
			}
			raw = raw[end+1:]
			if len(raw) == 0 || raw[0] != ' ' && raw[0] != '\t' {
				break
			}
		}
	}
	return raw
}

// read sorts an answer: the errors of SendEmail and those that all services of AWS have in common. The kind of error is in a
// header or in the body, perhaps between a namespace and an address, as AWS's restJson1 protocol says.
func (s *SES) read(got answer) (Receipt, error) {
	var said struct {
		MessageID string `json:"MessageId"`
		Type      string `json:"__type"`
		Code      string `json:"code"`
		Message   string `json:"message"`
	}
	readable := decode(got.body, &said)
	if success(got.status) {
		id := cleanID(said.MessageID)
		if !readable || id == "" {
			return Receipt{}, s.api.unread(got)
		}
		return Receipt{ProviderID: id, MessageID: "<" + id + "@" + s.host() + ">"}, nil
	}
	kind := got.header.Get("X-Amzn-Errortype")
	for _, more := range []string{said.Code, said.Type} {
		if kind == "" {
			kind = more
		}
	}
	kind, _, _ = strings.Cut(kind, ":")
	if at := strings.LastIndexByte(kind, '#'); at >= 0 {
		kind = kind[at+1:]
	}
	reason := said.Message
	if kind != "" {
		reason = strings.TrimSpace(kind + " " + reason)
	}
	return Receipt{}, s.api.fail(sesClass(kind, strings.ToLower(said.Message), got.status), got, reason)
}

// host is the domain of the Message-IDs that SES makes.
func (s *SES) host() string {
	if s.region == "us-east-1" {
		return "email.amazonses.com"
	}
	return s.region + ".amazonses.com"
}

func sesClass(kind, said string, status int) Class {
	switch kind {
	case "TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException":
		if strings.Contains(said, "quota") {
			return Quota // of 24 hours
		}
		return Limited
	case "AccountSuspendedException", "SendingPausedException", "NotFoundException": // the last is the configuration set
		return Unauthorised
	case "MailFromDomainNotVerifiedException":
		return Temporary // people can have it confirmed
	case "MessageRejected":
		if strings.Contains(said, "not verified") {
			return Temporary // likewise; in the sandbox recipients too
		}
		return Refused
	case "BadRequestException":
		return Refused
	case "AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch",
		"IncompleteSignature", "MissingAuthenticationTokenException", "ExpiredTokenException", "ExpiredToken", "RequestExpired", "OptInRequired", "NotAuthorized":
		return Unauthorised
	}
	return byStatus(status)
}
