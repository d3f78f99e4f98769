package email

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

// The bounds of what is taken over SMTP.
const (
	maxMail        = 25 << 20
	maxConnections = 50 // more wait until one is free
	maxRecipients  = 100
	maxLine        = 1 << 20 // RFC 5321 says 1000; programs that are wrong should see what they sent
	smtpIdle       = 5 * time.Minute
)

// Run tends the house, and takes mail over SMTP into the development inbox, until ctx
// ends.
func (s *System) Run(ctx context.Context) {
	var owned sync.WaitGroup
	owned.Go(func() { s.tendHouse(ctx) })
	s.listen(ctx)
	owned.Wait()
}

// listen takes mail over SMTP until ctx ends. A port that is taken is no reason not to
// start.
func (s *System) listen(ctx context.Context) {
	if !s.inbox || s.InboxSMTP == "" {
		return
	}
	l, err := net.Listen("tcp", s.InboxSMTP)
	if err != nil {
		s.Log.Warn("the development inbox takes no mail over SMTP; set SEAWORTHY_INBOX_SMTP to another address, or to off", "address", s.InboxSMTP, "err", err)
		return
	}
	s.ServeInbox(ctx, l)
}

// ServeInbox is Run on a listener, which it closes. It returns after the last mail
// that came in is stored.
func (s *System) ServeInbox(ctx context.Context, l net.Listener) {
	address := l.Addr().String()
	s.listener.Store(&address)
	defer s.listener.Store(nil)
	s.Log.Info("the development inbox takes mail over SMTP", "address", address)
	server := smtp.NewServer(&mailbox{system: s, ctx: ctx})
	server.Domain, server.MaxMessageBytes, server.MaxRecipients, server.MaxLineLength = "localhost", maxMail, maxRecipients, maxLine
	server.ReadTimeout, server.WriteTimeout = smtpIdle, time.Minute
	server.AllowInsecureAuth, server.EnableSMTPUTF8, server.EnableBINARYMIME, server.EnableDSN = true, true, true, true
	server.ErrorLog = slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)
	open := &connections{Listener: netutil.LimitListener(l, maxConnections), all: map[net.Conn]bool{}}
	served := make(chan error, 1)
	go func() { served <- server.Serve(open) }()
	select {
	case <-ctx.Done():
	case err := <-served:
		s.Log.Warn("the development inbox has stopped taking mail over SMTP", "err", err)
		served <- nil
	}
	open.hangUp()
	server.Shutdown(context.Background()) // waits for the sessions, which have nobody to talk to any more
	<-served
}

// connections are those that are open, so that whoever says nothing holds up no end.
type connections struct {
	net.Listener
	mu    sync.Mutex
	all   map[net.Conn]bool
	ended bool
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		conn.Close()
		return nil, net.ErrClosed
	}
	c.all[conn] = true
	return &connection{conn, c}, nil
}

func (c *connections) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for conn := range c.all {
		conn.Close()
	}
}

type connection struct {
	net.Conn
	of *connections
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.of.mu.Lock()
	delete(c.of.all, c.Conn)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// listening is where mail can be sent to; "" for nowhere.
func (s *System) listening() string {
	if address := s.listener.Load(); address != nil {
		return *address
	}
	return ""
}

// mailbox takes the sessions.
type mailbox struct {
	system *System
	ctx    context.Context // that of the listener
}

func (b *mailbox) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &incoming{box: b, conn: c}, nil
}

// incoming is one session. It relays nothing: whatever the recipient, the mail goes
// to the inbox.
type incoming struct {
	box  *mailbox
	conn *smtp.Conn
	from string
	to   []string
}

func (i *incoming) Reset()        { i.from, i.to = "", nil }
func (i *incoming) Logout() error { return nil }

func (i *incoming) Mail(from string, _ *smtp.MailOptions) error {
	i.from = from
	return nil
}

func (i *incoming) Rcpt(to string, _ *smtp.RcptOptions) error {
	i.to = append(i.to, to)
	return nil
}

// Data stores one mail. What it answers was committed.
func (i *incoming) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s, ctx := i.box.system, i.box.ctx
	f := s.faults.strike(fromSMTP)
	switch f.Kind {
	case faultTemporary:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The development inbox was told to refuse this for now"}
	case faultPermanent:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "The development inbox was told to refuse this"}
	case faultSlow:
		pause(ctx, f.Delay()) // at shutdown it is stored at once
	}
	if err := s.storeMail(context.WithoutCancel(ctx), readMail(raw, i.from, i.to)); err != nil {
		s.Log.Error("a mail that came over SMTP could not be stored", "err", err)
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The mail could not be stored"}
	}
	if f.Kind == faultTimeout {
		i.conn.Conn().Close()
	}
	return nil
}

// AuthMechanisms offers what programs know, and Auth believes all of it: there is
// nothing here to protect.
func (i *incoming) AuthMechanisms() []string {
	return []string{sasl.Plain, sasl.Login, "CRAM-MD5", sasl.OAuthBearer, "XOAUTH2"}
}

// Auth implements smtp.AuthSession.
func (i *incoming) Auth(mechanism string) (sasl.Server, error) {
	switch strings.ToUpper(mechanism) {
	case sasl.Login:
		return &anybody{challenges: []string{"Username:", "Password:"}}, nil
	case "CRAM-MD5":
		return &anybody{challenges: []string{"<1@localhost>"}}, nil
	case sasl.Plain, sasl.OAuthBearer, "XOAUTH2":
		return &anybody{challenges: []string{""}}, nil
	}
	return nil, errors.New("there is no such mechanism")
}

// anybody lets everybody in who answers its challenges.
type anybody struct {
	challenges []string
	answered   int
}

// Next implements sasl.Server. The first answer may come along with the command.
func (a *anybody) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil {
		a.answered++
	}
	if a.answered >= len(a.challenges) {
		return nil, true, nil
	}
	return []byte(a.challenges[a.answered]), false, nil
}
