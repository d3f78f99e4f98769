package post

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/mail"
	netsmtp "net/smtp"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	gomail "github.com/wneessen/go-mail"
)

// oddParts are what bodies and headers are thrown together from: what canonical forms, dots and encodings stumble over.
var oddParts = []string{"a", "Hello", " ", "  ", "\t", "\r\n", "\n", "\r\n\r\n", "\r\n.\r\n", ".", "..", "\n.", "From ", "ü", "日本語", "🙂", "é\u0301", "\u00a0", "=", "=3D", "=\r\n", "=?utf-8?q?x?=",
	"<p>", "&amp;", "\"", "\\", ";", ":", ",", "@", strings.Repeat("x", 77), strings.Repeat("long ", 300), strings.Repeat("ß", 400), " \r\n", "\t\r\n \r\n", "--", "\u202e", "\u2028"}

func odd(r *rand.Rand, most int) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		b.WriteString(oddParts[r.IntN(len(oddParts))])
	}
	return b.String()
}

func oddLine(r *rand.Rand, most int) string {
	return strings.Join(strings.Fields(odd(r, most)), " ")
}

// oddName has no backslash: net/mail cannot read what it writes of one beside letters beyond ASCII.
func oddName(r *rand.Rand) string { return strings.ReplaceAll(oddLine(r, 4), `\`, "") }

// oddMessage is a message as email compiles them, of odd parts.
func oddMessage(t testing.TB, r *rand.Rand, n int) []byte {
	t.Helper()
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From((&mail.Address{Name: oddName(r), Address: "hello@acme.example"}).String()); err != nil {
		t.Fatal(err)
	}
	if err := msg.To((&mail.Address{Name: oddName(r), Address: fmt.Sprintf("ada+%d@xn--bro-hoa.example", n)}).String()); err != nil {
		t.Fatal(err)
	}
	msg.SetMessageIDWithValue(fmt.Sprintf("msg_%d@acme.example", n))
	msg.SetDateWithValue(clock())
	msg.Subject(oddLine(r, 12))
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Entity-Ref-ID", fmt.Sprintf("msg_%d", n))
	if r.IntN(2) == 0 {
		msg.SetGenHeader("List-Unsubscribe", "<https://acme.example/-/unsubscribe/"+strings.Repeat("t", r.IntN(300))+">")
		msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	if r.IntN(3) == 0 {
		if err := msg.ReplyTo("help@acme.example"); err != nil {
			t.Fatal(err)
		}
	}
	msg.SetBodyString(gomail.TypeTextPlain, odd(r, 30))
	if r.IntN(3) > 0 {
		msg.AddAlternativeString(gomail.TypeTextHTML, "<html>"+odd(r, 60)+"</html>")
	}
	for i := range r.IntN(3) {
		data := make([]byte, r.IntN(3000))
		for at := range data {
			data[at] = byte(r.IntN(256))
		}
		name := fmt.Sprintf("file %d %s.bin", i, strings.Map(func(c rune) rune {
			if strings.ContainsRune("\\/\";:", c) {
				return '_'
			}
			return c
		}, cut(oddLine(r, 2), 100)))
		if err := msg.AttachReader(name, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	var raw bytes.Buffer
	if _, err := msg.WriteTo(&raw); err != nil {
		t.Fatal(err)
	}
	return raw.Bytes()
}

const oddMessages = 400

// oddSigned are many odd messages, signed; the same in every run.
func oddSigned(t *testing.T) [][]byte {
	t.Helper()
	r, s := rand.New(rand.NewPCG(8, 2026)), testSigner(t)
	all := make([][]byte, oddMessages)
	for i := range all {
		raw := oddMessage(t, r, i)
		var err error
		if all[i], err = s.Sign(raw); err != nil {
			t.Fatalf("message %d: %v\n%q", i, err, raw)
		}
		if !bytes.HasSuffix(bytes.TrimSuffix(all[i], []byte("\r\n")), bytes.TrimSuffix(raw, []byte("\r\n"))) { // a last line without an end gets one
			t.Fatalf("message %d was changed\n%q", i, raw)
		}
	}
	return all
}

func TestEveryOddMessageVerifies(t *testing.T) {
	t.Parallel()
	for i, raw := range oddSigned(t) {
		if !valid(t, raw) {
			t.Errorf("message %d: %q", i, raw)
		}
		for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
			if len(line) > 998 {
				t.Errorf("message %d has a line of %d bytes (RFC 5322 section 2.1.1)", i, len(line))
			}
		}
	}
}

// dkimpy verifies messages from standard input, {"records": {name: text}, "messages": [base64]}, and writes for each whether its
// two signatures hold.
const dkimpy = `
import base64, json, sys
import dkim
work = json.load(sys.stdin)
def lookup(name, timeout=5):
    if isinstance(name, bytes):
        name = name.decode()
    return work["records"].get(name.rstrip("."), "").encode()
def holds(raw, at):
    try:
        return dkim.DKIM(raw).verify(idx=at, dnsfunc=lookup)
    except Exception as e:
        return repr(e)
json.dump([[holds(base64.b64decode(m), at) for at in (0, 1)] for m in work["messages"]], sys.stdout)
`

// TestEveryOddMessageVerifiesByDkimpy asks a verifier that shares nothing with what signs. CI installs it as
// Debian's python3-dkim, and fails without; pip's dkimpy with pynacl is the same.
func TestEveryOddMessageVerifiesByDkimpy(t *testing.T) {
	t.Parallel()
	python := ""
	for _, p := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(p, "-c", "import dkim, nacl").Run() == nil {
			python = p
			break
		}
	}
	switch {
	case python != "":
	case os.Getenv("CI") != "":
		t.Fatal("dkimpy is missing: apt-get install python3-dkim")
	default:
		t.Skip("SKIPPED, AND NO OTHER TEST ASKS A SECOND VERIFIER: dkimpy is missing: apt-get install python3-dkim")
	}
	messages := oddSigned(t)
	messages = append(messages, bytes.Replace(messages[0], []byte("hello@acme.example"), []byte("hell0@acme.example"), 1)) // one that must not
	work := struct {
		Records  map[string]string `json:"records"`
		Messages []string          `json:"messages"`
	}{Records: testRecords(t)}
	for _, m := range messages {
		work.Messages = append(work.Messages, base64.StdEncoding.EncodeToString(m))
	}
	in, err := json.Marshal(work)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", dkimpy)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got [][2]any
	if err := json.Unmarshal(out, &got); err != nil || len(got) != len(messages) {
		t.Fatalf("%v: %s", err, out)
	}
	for i, holds := range got {
		want := i < oddMessages
		if (holds[0] == true) != want || (holds[1] == true) != want {
			t.Errorf("message %d: dkimpy says %v\n%q", i, holds, messages[i])
		}
	}
}

// mailbox keeps what a mail server took.
type mailbox struct {
	mu   sync.Mutex
	mail [][]byte
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return m, nil }
func (*mailbox) Reset()                                        {}
func (*mailbox) Logout() error                                 { return nil }
func (*mailbox) Mail(string, *smtp.MailOptions) error          { return nil }
func (*mailbox) Rcpt(string, *smtp.RcptOptions) error          { return nil }
func (m *mailbox) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mail = append(m.mail, raw)
	return err
}

// TestSignaturesSurviveSMTP sends odd messages through a real mail server: what it takes out of the dots verifies still.
func TestSignaturesSurviveSMTP(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	server := smtp.NewServer(box)
	server.Domain, server.ReadTimeout, server.MaxLineLength = "mx.example", 5*time.Second, 2000
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	defer func() { server.Close(); <-done }()
	c, err := netsmtp.Dial(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	messages := oddSigned(t)[:100]
	for _, raw := range messages {
		if err := c.Mail("hello@acme.example"); err != nil {
			t.Fatal(err)
		}
		if err := c.Rcpt("ada@example.com"); err != nil {
			t.Fatal(err)
		}
		w, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	c.Quit()
	if len(box.mail) != len(messages) {
		t.Fatalf("%d arrived", len(box.mail))
	}
	for i, raw := range box.mail {
		if !valid(t, raw) {
			t.Errorf("message %d: %q", i, raw)
		}
	}
}
