package post

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// standIn is a provider on this machine that keeps what it was sent, byte for byte, and answers what it was told to. An answer
// of "" closes the connection instead, once the whole request has come.
type standIn struct {
	URL     string
	mu      sync.Mutex
	heard   []string // whole requests
	answers []string
}

func newStandIn(t *testing.T, answers ...string) *standIn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &standIn{URL: "http://" + l.Addr().String(), answers: answers}
	var conns sync.WaitGroup
	t.Cleanup(func() { l.Close(); conns.Wait() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { s.serve(c) })
		}
	}()
	return s
}

func (s *standIn) serve(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	var heard bytes.Buffer
	r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &heard)))
	if err == nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, heard.String())
	if err != nil || len(s.answers) == 0 {
		return
	}
	io.WriteString(c, s.answers[0])
	s.answers = s.answers[1:]
}

// request is the only one that was heard, with the stand-in's own address taken out.
func (s *standIn) request(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.heard) != 1 {
		t.Fatalf("%d requests were heard", len(s.heard))
	}
	return strings.ReplaceAll(s.heard[0], strings.TrimPrefix(s.URL, "http://"), "HOST")
}

func (s *standIn) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.heard)
}

// reply is an answer as it goes over the wire. header is in whole lines.
func reply(status, body string, header ...string) string {
	head := "HTTP/1.1 " + status + "\r\nConnection: close\r\n"
	for _, h := range header {
		head += h + "\r\n"
	}
	return head + "\r\n" + body
}

// clock stands still.
func clock() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

const (
	testToken  = "pm-token-0123456789"
	testKey    = "SG.key-0123456789"
	testSecret = "aws/secret+0123456789"
)

func postmark(t *testing.T, s *standIn) *Postmark {
	t.Helper()
	p, err := NewPostmark(testToken, map[string]string{Transactional: "outbound", Broadcast: "news"}, Options{URL: s.URL, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sendGrid(t *testing.T, s *standIn) *SendGrid {
	t.Helper()
	p, err := NewSendGrid(testKey, false, Options{URL: s.URL, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ses(t *testing.T, s *standIn) *SES {
	t.Helper()
	p, err := NewSES("eu-west-1", "events", SESKey{ID: "AKIA1", Secret: testSecret, Token: "session/token=="}, Options{URL: s.URL, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// all are the three providers over one stand-in.
func all(t *testing.T, s *standIn) []Provider {
	return []Provider{postmark(t, s), ses(t, s), sendGrid(t, s)}
}

// accepted is what a provider answers to a message it takes.
var accepted = map[string]string{
	"postmark": reply("200 OK", `{"To":"ada@example.com","SubmittedAt":"2026-03-01T12:00:00Z","MessageID":"0a129aee-e1cd-480d-b08d-4f48548ff48d","ErrorCode":0,"Message":"OK"}`),
	"ses":      reply("200 OK", `{"MessageId":"0102018f-1-000000"}`),
	"sendgrid": reply("202 Accepted", "", "X-Message-Id: 14c5d75ce93.dfd.64b469"),
}

// full has every field.
func full() Message {
	return Message{ID: "msg_1", Stream: Broadcast, From: `"Jörg \"J\"" <news@büro.example>`, To: "Ada <ada@example.com>", ReplyTo: "help@acme.example",
		Subject: "Zahlung für März <1>", HTML: `<p>a & b <img src="cid:logo"></p>`, Text: "a & b\n", Tag: "monthly report", MessageID: "<msg_1@acme.example>",
		Headers:     []Header{{"List-Unsubscribe", "<https://acme.example/-/unsubscribe/t>"}, {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"}, {"X-Note", "größer"}},
		Raw:         []byte("DKIM-Signature: v=1;\r\n b=x\r\nFrom: news@acme.example\r\nTo: ada@example.com\r\nSubject: S\r\n\r\nbody\r\n"),
		Attachments: []Attachment{{Name: "r.pdf", Type: "application/pdf", Data: []byte("%PDF")}, {Name: "l.png", Type: "image/png", ContentID: "logo", Data: []byte{0x89, 'P'}}}}
}

func plain() Message {
	return Message{ID: "msg_2", From: "a@acme.example", To: "ada@example.com", Subject: "S", Text: "t", Raw: []byte("From: a@acme.example\r\n\r\nt\r\n")}
}
