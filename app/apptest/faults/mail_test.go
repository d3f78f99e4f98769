//go:build faults

package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// takingServer is a mail server that takes every mail, and does something just before
// it says so.
type takingServer struct {
	mu     sync.Mutex
	got    []string // Message-IDs
	before func()
}

var messageID = regexp.MustCompile(`(?m)^Message-ID: (\S+)`)

func (s *takingServer) NewSession(*smtp.Conn) (smtp.Session, error) { return s, nil }
func (s *takingServer) Reset()                                      {}
func (s *takingServer) Logout() error                               { return nil }
func (s *takingServer) Mail(string, *smtp.MailOptions) error        { return nil }
func (s *takingServer) Rcpt(string, *smtp.RcptOptions) error        { return nil }

func (s *takingServer) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := messageID.FindSubmatch(raw); m != nil {
		s.got = append(s.got, string(m[1]))
	}
	if s.before != nil {
		s.before()
		s.before = nil
	}
	return nil
}

func (s *takingServer) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

// Fault 8 of mail: the process is killed after a mail server took a message and before
// that was stored. It is sent once more under the same Message-ID, and its timeline says
// that it may arrive twice; further restarts send nothing.
func TestKillBetweenAcceptAndStatus(t *testing.T) {
	server := &takingServer{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	mails := smtp.NewServer(server)
	mails.AllowInsecureAuth, mails.ErrorLog = true, log.New(io.Discard, "", 0)
	go mails.Serve(l)
	t.Cleanup(func() { mails.Close() })

	data := newData(t)
	serve(t, data).stop()
	key := newKey(t, data, "email:send")
	env := []string{"SEAWORTHY_SMTP_URL=smtp://" + l.Addr().String(), "SEAWORTHY_MAIL_FROM=Acme <hello@acme.example>"}
	c := start(t, stock, data, env...)
	acknowledged := make(chan struct{})
	server.before = func() { <-acknowledged; c.kill() }
	c.answers()
	body, _ := json.Marshal(map[string]string{"to": "ada@example.com", "subject": "Hello", "text": "Hello Ada"})
	var made struct{ Messages []struct{ ID string } }
	must(t, json.Unmarshal(ask(t, c, "POST", "/-/api/v1/email/send", key, body, http.StatusAccepted), &made))
	close(acknowledged)
	<-c.dead

	for run := range 3 {
		c = start(t, stock, data, env...)
		c.answers()
		var m struct {
			Status string
			Events []struct {
				Kind    string
				Details struct{ Lost bool }
			}
		}
		eventually(t, 30*time.Second, "the message is sent", func() bool {
			must(t, json.Unmarshal(ask(t, c, "GET", "/-/api/v1/email/messages/"+made.Messages[0].ID, key, nil, http.StatusOK), &m))
			return m.Status == "sent"
		})
		lost := 0
		for _, e := range m.Events {
			if e.Details.Lost {
				lost++
			}
		}
		if got := server.taken(); len(got) != 2 || got[0] != got[1] || lost != 1 {
			t.Fatalf("run %d: taken as %v, timeline %+v", run, got, m.Events)
		}
		c.kill()
	}
}

// ask makes a request with an API key and wants its status.
func ask(t *testing.T, c *child, method, path, key string, body []byte, status int) []byte {
	t.Helper()
	r, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+key)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := c.client.Do(r)
	must(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode != status {
		t.Fatalf("%s %s: status %d: %s", method, path, res.StatusCode, raw)
	}
	return raw
}
