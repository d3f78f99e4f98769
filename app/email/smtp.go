package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"seaworthy/app/email/post"
)

// SMTP sends through one mail server.
type SMTP struct {
	Signer *post.Signer // signs what leaves, where its domain is the sender's; nil: nobody does
	// Watch is told of each connection that is tried, and how it ended: the code of the server's reply, 0 for
	// none, and whether that is a fault of the server or of how it is reached. nil: nobody is.
	Watch func(ctx context.Context, host string) (ended func(code int, failed bool))

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

// Name implements post.Provider.
func (*SMTP) Name() string { return "smtp" }

// Limit implements post.Provider: most servers take 25 MB or a little more.
func (*SMTP) Limit() int64 { return 25_000_000 }

// UTF8 says that it may take addresses with letters beyond ASCII before the @; Send
// finds out whether the server does (RFC 6531).
func (*SMTP) UTF8() bool { return true }

// Send implements post.Provider. A permanent answer to this message or its recipient
// (a 5yz reply, RFC 5321 section 4.2.1) refuses it. A connection that breaks after the
// whole message was handed over leaves unknown whether it was taken (section 4.5.4.2).
func (s *SMTP) Send(ctx context.Context, m post.Message) (post.Receipt, error) {
	err := s.exchange(ctx, m)
	var failed *post.Error
	switch {
	case err == nil: // a mail server has no name for a message but the one that the message has itself
		return post.Receipt{ProviderID: m.MessageID, MessageID: m.MessageID}, nil
	case errors.As(err, &failed):
		failed.Reason = s.redact(failed.Reason)
		return post.Receipt{}, failed
	case ctx.Err() != nil:
		return post.Receipt{}, fmt.Errorf("mail server: %w: %s", context.Cause(ctx), s.redact(err.Error()))
	}
	return post.Receipt{}, &post.Error{Class: ofConfiguration(err), Status: replyCode(err), Reason: "mail server: " + s.redact(err.Error())}
}

// exchange is one connection. The end of ctx closes it, whatever it waits for.
func (s *SMTP) exchange(ctx context.Context, m post.Message) error {
	from, domain, err := envelope(m.From)
	if err != nil {
		return &post.Error{Class: post.Refused, Reason: "sender: " + err.Error()}
	}
	to, _, err := envelope(m.To)
	if err != nil {
		return &post.Error{Class: post.Refused, Reason: "recipient: " + err.Error()}
	}
	raw := m.Raw
	if s.Signer != nil && s.Signer.Aligned(m.From) {
		if raw, err = s.Signer.Sign(raw); err != nil {
			return &post.Error{Class: post.Refused, Reason: err.Error()}
		}
	}
	return s.watched(ctx, func() error { return s.converse(ctx, domain, from, to, raw) })
}

// watched tells who watches of a connection. A refusal of this message or its recipient is an answer.
func (s *SMTP) watched(ctx context.Context, connect func() error) error {
	if s.Watch == nil {
		return connect()
	}
	ended := s.Watch(ctx, s.host)
	err := connect()
	var refused *post.Error
	switch {
	case err == nil:
		ended(250, false)
	case errors.As(err, &refused):
		ended(refused.Status, refused.Class != post.Refused)
	default:
		ended(replyCode(err), true)
	}
	return err
}

// converse connects, says who we are, and hands the message over.
func (s *SMTP) converse(ctx context.Context, domain, from, to string, raw []byte) error {
	hangUp := func() {}
	defer func() { hangUp() }() // go-mail leaves the connection open when it fails early
	client, err := gomail.NewClient(s.host, s.options(domain, func(dialing context.Context, network, _ string) (net.Conn, error) {
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
	if utf8, _ := session.Extension("SMTPUTF8"); !utf8 && strings.ContainsFunc(to, func(r rune) bool { return r > 127 }) {
		return &post.Error{Class: post.Refused, Reason: "the mail server takes no address with letters beyond ASCII before the @ (SMTPUTF8)"}
	}
	return s.transact(session, from, to, raw)
}

// transact hands one message over. Whatever the server does after it has accepted the
// message is no error: it would be sent twice.
func (s *SMTP) transact(session *smtp.Client, from, to string, raw []byte) error {
	in := func(err error) error { return errors.Join(err, session.UpdateDeadline(s.timeout)) }
	if err := in(nil); err != nil {
		return err
	}
	if err := in(session.Mail(from)); err != nil {
		return err // a refused sender is a fault of the configuration
	}
	if err := in(session.Rcpt(to)); err != nil {
		return permanent(err)
	}
	w, err := session.Data()
	if err := in(err); err != nil {
		return permanent(err)
	}
	if _, err := w.Write(raw); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		if replyCode(err) == 0 {
			return &post.Error{Class: post.Unknown, Reason: "mail server: no answer after the whole message was handed over: " + err.Error()}
		}
		return permanent(err)
	}
	_ = session.Quit() // it has the message, whatever it says now
	return nil
}

// envelope is an address as RCPT and MAIL take it, and its domain.
func envelope(text string) (address, domain string, err error) {
	wire, domain, err := wireAddress(text)
	if err != nil {
		return "", "", err
	}
	a, err := mail.ParseAddress(wire)
	if err != nil {
		return "", "", err
	}
	text = (&mail.Address{Address: a.Address}).String() // with its local part quoted if it has to be
	return strings.Trim(text, "<>"), domain, nil
}

func (s *SMTP) options(domain string, dial gomail.DialContextFunc) []gomail.Option {
	opts := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.timeout), gomail.WithDialContextFunc(dial), gomail.WithTLSConfig(s.tls()),
		gomail.WithHELO(domain), gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithoutNoop(), gomail.WithoutRset(),
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

// permanent makes a refusal of a reply to RCPT or DATA that will be the same for ever.
// Replies that ask for another command or for authentication are faults of the
// configuration, not of this message.
func permanent(err error) error {
	code := replyCode(err)
	if code < 500 || slices.Contains([]int{502, 503, 504, 530, 534, 535, 538}, code) {
		return err
	}
	return &post.Error{Class: post.Refused, Status: code, Reason: err.Error()}
}

// replyCode is the code of a server's reply; 0: err is none.
func replyCode(err error) int {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return reply.Code
	}
	return 0
}

// ofConfiguration tells a password that is refused from what may pass.
func ofConfiguration(err error) post.Class {
	if slices.Contains([]int{530, 534, 535, 538}, replyCode(err)) {
		return post.Unauthorised
	}
	return post.Temporary
}

// redact takes the password out of what a server says, should it repeat it.
func (s *SMTP) redact(text string) string {
	if password, _ := s.user.Password(); len(password) > 3 {
		return strings.ReplaceAll(text, password, "***")
	}
	return text
}
