package email

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailServer is a mail server on loopback that answers as a test wants.
type mailServer struct {
	host, port string
	roots      *x509.CertPool
	login      [2]string        // demanded, unless empty
	fail       map[string]error // by command: MAIL, RCPT, DATA
	hangs      chan struct{}    // closed when a script has come to its "hang"

	mu   sync.Mutex
	got  []letter
	seen []string // host names of HELO
}

type letter struct {
	from, to, user string
	body           []byte
	tls            bool
}

// serve starts it; configure may change the server before it listens.
func serve(t *testing.T, m *mailServer, withTLS bool, configure func(*smtp.Server)) *mailServer {
	t.Helper()
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{server: m, conn: c}, nil
	}))
	server.ErrorLog = log.New(io.Discard, "", 0)
	if withTLS {
		var cert tls.Certificate
		cert, m.roots = certificate(t)
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	l := m.listen(t)
	if configure != nil {
		configure(server)
	}
	if server.Addr == "implicit" {
		l = tls.NewListener(l, server.TLSConfig)
	}
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-done })
	return m
}

func (m *mailServer) listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.host, m.port, _ = net.SplitHostPort(l.Addr().String())
	return l
}

// provider is an SMTP for the server, which it takes to be remote unless local.
func (m *mailServer) provider(t *testing.T, scheme, user, password string, local bool) *SMTP {
	t.Helper()
	u := url.URL{Scheme: scheme, Host: net.JoinHostPort(m.host, m.port)}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	s, err := NewSMTP(u.String())
	if err != nil {
		t.Fatal(err)
	}
	s.local, s.roots = local, m.roots
	return s
}

func (m *mailServer) letters() []letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got
}

type mailSession struct {
	server *mailServer
	conn   *smtp.Conn
	letter letter
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if [2]string{user, password} != s.server.login {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no user " + user + " with the password " + password}
		}
		s.letter.user = user
		return nil
	}), nil
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.login[0] != "" && s.letter.user == "" {
		return smtp.ErrAuthRequired
	}
	_, s.letter.tls = s.conn.TLSConnectionState()
	s.letter.from = from
	s.server.mu.Lock()
	s.server.seen = append(s.server.seen, s.conn.Hostname())
	s.server.mu.Unlock()
	return s.server.fail["MAIL"]
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.to = to
	return s.server.fail["RCPT"]
}

func (s *mailSession) Data(r io.Reader) (err error) {
	if s.letter.body, err = io.ReadAll(r); err != nil {
		return err
	}
	if err := s.server.fail["DATA"]; err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.got = append(s.server.got, s.letter)
	return nil
}

// script is a server that answers each line it reads with the next reply, then
// hangs up; "hang" waits for the client to go, "" says nothing.
func script(t *testing.T, replies ...string) *mailServer {
	t.Helper()
	m := &mailServer{hangs: make(chan struct{})}
	l := m.listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for i, reply := range replies {
			if i > 0 {
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
			}
			if reply == "hang" {
				close(m.hangs)
				io.Copy(io.Discard, in)
				return
			}
			if strings.HasPrefix(reply, "354") { // read the message up to its final dot
				io.WriteString(conn, reply+"\r\n")
				for line := ""; line != ".\r\n"; {
					if line, err = in.ReadString('\n'); err != nil {
						return
					}
				}
				reply = "250 queued"
			}
			io.WriteString(conn, reply+"\r\n")
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return m
}

// certificate is for 127.0.0.1, with the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
