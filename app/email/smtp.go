package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// SMTP sends through one mail server.
type SMTP struct {
	host string
	opts []gomail.Option
}

// NewSMTP reads smtp://user:password@host:587 (STARTTLS, which is demanded except
// on this machine) or smtps://user:password@host:465 (TLS from the start).
func NewSMTP(address string) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("mail server: not a valid address") // err would repeat the password
	}
	s := &SMTP{host: u.Hostname(), opts: []gomail.Option{gomail.WithTimeout(20 * time.Second), gomail.WithHELO("localhost")}}
	port := 587
	switch u.Scheme {
	case "smtps":
		port = 465
		s.opts = append(s.opts, gomail.WithSSL())
	case "smtp":
		policy := gomail.TLSMandatory
		if ip := net.ParseIP(s.host); s.host == "localhost" || ip != nil && ip.IsLoopback() {
			policy = gomail.TLSOpportunistic
		}
		s.opts = append(s.opts, gomail.WithTLSPolicy(policy))
	default:
		return nil, fmt.Errorf("mail server: %q is neither smtp nor smtps", u.Scheme)
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, fmt.Errorf("mail server: port: %w", err)
		}
	}
	s.opts = append(s.opts, gomail.WithPort(port))
	if u.User != nil {
		password, _ := u.User.Password()
		s.opts = append(s.opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	return s, nil
}

// Name implements Provider.
func (*SMTP) Name() string { return "smtp" }

// Send implements Provider. A permanent answer to this message or its recipient
// (a 5yz reply, RFC 5321 section 4.2.1) is a *RefusedError.
func (s *SMTP) Send(ctx context.Context, o Outgoing) (Receipt, error) {
	client, err := gomail.NewClient(s.host, s.opts...)
	if err != nil {
		return Receipt{}, fmt.Errorf("mail server: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, o.msg); err != nil {
		var failed *gomail.SendError
		if errors.As(err, &failed) && !failed.IsTemp() && failed.ErrorCode() >= 500 {
			return Receipt{}, &RefusedError{Reason: failed.Error()}
		}
		return Receipt{}, err
	}
	return Receipt{MessageID: o.MessageID}, nil
}
