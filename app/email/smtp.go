package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// SMTP sends through one mail server.
type SMTP struct {
	host     string
	port     int
	implicit bool           // TLS from the start
	local    bool           // on this machine: nothing to protect on the way
	user     *url.Userinfo  // nil: no authentication
	timeout  time.Duration  // of each step
	roots    *x509.CertPool // nil: the system's
}

// NewSMTP reads smtp://user:password@host:587 (STARTTLS, which is demanded except
// on this machine) or smtps://user:password@host:465 (TLS from the start). No
// error of it or of Send repeats the password.
func NewSMTP(address string) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("mail server: not a valid address") // err would repeat the password
	}
	s := &SMTP{host: u.Hostname(), port: 587, user: u.User, timeout: 20 * time.Second}
	switch u.Scheme {
	case "smtps":
		s.port, s.implicit = 465, true
	case "smtp":
		ip := net.ParseIP(s.host)
		s.local = s.host == "localhost" || ip != nil && ip.IsLoopback()
	default:
		return nil, errors.New("mail server: the address has to begin with smtp:// or smtps://")
	}
	if s.host == "" {
		return nil, errors.New("mail server: the address names no host")
	}
	if p := u.Port(); p != "" {
		if s.port, err = strconv.Atoi(p); err != nil || s.port < 1 || s.port > 65535 {
			return nil, fmt.Errorf("mail server: there is no port %s", p)
		}
	}
	return s, nil
}

// Name implements Provider.
func (*SMTP) Name() string { return "smtp" }

// Send implements Provider. A permanent answer to this message or its recipient
// (a 5yz reply, RFC 5321 section 4.2.1) is a *RefusedError. Whatever happens
// after the server has accepted the message is no error: it would be sent twice.
func (s *SMTP) Send(ctx context.Context, o Outgoing) (Receipt, error) {
	err := s.exchange(ctx, o.msg)
	var refused *RefusedError
	switch {
	case o.msg.IsDelivered():
		return Receipt{MessageID: o.MessageID}, nil
	case err == nil:
		return Receipt{}, errors.New("mail server: the message was not sent")
	case errors.As(err, &refused):
		return Receipt{}, &RefusedError{Reason: s.redact(refused.Reason)}
	case ctx.Err() != nil:
		return Receipt{}, fmt.Errorf("mail server: %w: %s", context.Cause(ctx), s.redact(err.Error()))
	}
	return Receipt{}, fmt.Errorf("mail server: %s", s.redact(err.Error()))
}

// exchange is one connection. The end of ctx closes it, whatever it waits for.
func (s *SMTP) exchange(ctx context.Context, msg *gomail.Msg) error {
	hangUp := func() {}
	defer func() { hangUp() }() // go-mail leaves the connection open when it fails early
	client, err := gomail.NewClient(s.host, s.options(msg, func(dialing context.Context, network, _ string) (net.Conn, error) {
		conn, err := s.dial(dialing, network)
		if err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		hangUp = func() { stop(); conn.Close() }
		return conn, nil
	})...)
	if err != nil {
		return err
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return err
	}
	if utf8, _ := session.Extension("SMTPUTF8"); !utf8 && !asciiRecipient(msg) {
		return &RefusedError{Reason: "the mail server takes no address with letters beyond ASCII before the @ (SMTPUTF8)"}
	}
	if err := client.SendWithSMTPClient(session, msg); err != nil {
		return permanent(err)
	}
	return client.CloseWithSMTPClient(session)
}

func (s *SMTP) options(msg *gomail.Msg, dial gomail.DialContextFunc) []gomail.Option {
	opts := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.timeout), gomail.WithDialContextFunc(dial), gomail.WithTLSConfig(s.tls()),
		gomail.WithHELO(helo(msg)), gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithoutNoop(), gomail.WithoutRset(),
	}
	mechanisms := []gomail.SMTPAuthType{gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin}
	if s.local {
		mechanisms = []gomail.SMTPAuthType{gomail.SMTPAuthPlainNoEnc, gomail.SMTPAuthLoginNoEnc}
	}
	if s.local || s.implicit {
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSOpportunistic)) // implicit: none on top of what dial begins with
	}
	if s.user != nil {
		password, _ := s.user.Password()
		opts = append(opts, gomail.WithOpportunisticSMTPAuth(mechanisms...), gomail.WithUsername(s.user.Username()), gomail.WithPassword(password))
	}
	return opts
}

func (s *SMTP) dial(ctx context.Context, network string) (net.Conn, error) {
	address := net.JoinHostPort(s.host, strconv.Itoa(s.port))
	if s.implicit {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

func (s *SMTP) tls() *tls.Config {
	// A mail server on this machine often has a certificate for another name or none
	// that anybody signed, and nobody can stand between.
	return &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.local}
}

// permanent tells what will be refused for ever from what can be tried again. A
// refused sender (MAIL FROM) and replies that ask for another command or for
// authentication are faults of the configuration, not of this message.
func permanent(err error) error {
	var failed *gomail.SendError
	if !errors.As(err, &failed) || failed.IsTemp() {
		return err
	}
	ofMessage := failed.Reason == gomail.ErrSMTPRcptTo || failed.Reason == gomail.ErrSMTPData || failed.Reason == gomail.ErrSMTPDataClose
	ofConfig := slices.Contains([]int{502, 503, 504, 530, 534, 535, 538}, failed.ErrorCode())
	if !ofMessage || ofConfig || failed.ErrorCode() < 500 {
		return err
	}
	reason, _, _ := strings.Cut(failed.Error(), ", affected recipient(s)")
	reason, _, _ = strings.Cut(reason, ", affected message ID")
	return &RefusedError{Reason: reason}
}

// helo is the name to introduce ourselves with: the sender's domain, which says
// more to a spam filter than "localhost" and less to strangers than a host name.
func helo(msg *gomail.Msg) string {
	from, err := msg.GetSender(false)
	if err != nil {
		return "localhost"
	}
	return strings.Trim(from[strings.LastIndexByte(from, '@')+1:], "<>")
}

func asciiRecipient(msg *gomail.Msg) bool {
	to, err := msg.GetRecipients()
	return err == nil && !strings.ContainsFunc(strings.Join(to, ""), func(r rune) bool { return r > 127 })
}

// redact takes the password out of what a server says, should it repeat it.
func (s *SMTP) redact(text string) string {
	if password, _ := s.user.Password(); len(password) > 3 {
		return strings.ReplaceAll(text, password, "***")
	}
	return text
}
