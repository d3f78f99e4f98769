package post

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func failure(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *Error", err)
	}
	return e
}

// Every answer that the providers' documents list, and what it means to us.
func TestClassesOfAnswers(t *testing.T) {
	t.Parallel()
	pm := func(status string, code int, text string) string {
		return reply(status, fmt.Sprintf(`{"ErrorCode":%d,"Message":%q}`, code, text))
	}
	aws := func(status, kind, text string) string {
		return reply(status, fmt.Sprintf(`{"message":%q}`, text), "x-amzn-ErrorType: "+kind)
	}
	sg := func(status, text string, header ...string) string {
		return reply(status, fmt.Sprintf(`{"errors":[{"message":%q,"field":"from","help":null}]}`, text), header...)
	}
	const pmark, amazon, sgrid = 0, 1, 2
	for name, c := range map[string]struct {
		provider int
		answer   string
		class    Class
		wait     time.Duration
		says     string
	}{
		"postmark: token":             {pmark, pm("401 Unauthorized", 10, "No Account or Server API tokens were supplied"), Unauthorised, 0, "No Account"},
		"postmark: may not send":      {pmark, pm("422 Unprocessable Entity", 413, "Your account may not send"), Unauthorised, 0, ""},
		"postmark: bad address":       {pmark, pm("422 Unprocessable Entity", 300, "Error parsing 'To'"), Refused, 0, "Error parsing"},
		"postmark: inactive":          {pmark, pm("422 Unprocessable Entity", 406, "Found inactive addresses: ada@example.com."), Suppressed, 0, "inactive"},
		"postmark: attachment":        {pmark, pm("422 Unprocessable Entity", 411, "Forbidden attachment type"), Refused, 0, ""},
		"postmark: no credits":        {pmark, pm("422 Unprocessable Entity", 405, "Not allowed to send"), Quota, 0, ""},
		"postmark: sender":            {pmark, pm("422 Unprocessable Entity", 400, "The 'From' address is no Sender Signature"), Temporary, 0, "Sender Signature"},
		"postmark: pending":           {pmark, pm("422 Unprocessable Entity", 412, "Account is pending approval"), Temporary, 0, ""},
		"postmark: stream":            {pmark, pm("422 Unprocessable Entity", 1235, "The stream provided does not exist"), Temporary, 0, ""},
		"postmark: another code":      {pmark, pm("422 Unprocessable Entity", 777, "?"), Refused, 0, ""},
		"postmark: error with 200":    {pmark, pm("200 OK", 406, "inactive"), Suppressed, 0, ""},
		"postmark: new code with 200": {pmark, pm("200 OK", 888, "?"), Refused, 0, ""},
		"postmark: maintenance":       {pmark, pm("503 Service Unavailable", 100, "Maintenance"), Temporary, 0, "Maintenance"},
		"postmark: rate":              {pmark, reply("429 Too Many Requests", ""), Limited, 0, "Too Many Requests"},
		"postmark: rate, with a time": {pmark, reply("429 Too Many Requests", "", "Retry-After: 7"), Limited, 7 * time.Second, ""},
		"postmark: too large":         {pmark, reply("413 Payload Too Large", "<html>"), Refused, 0, ""},
		"postmark: 500":               {pmark, pm("500 Internal Server Error", 0, "lost"), Temporary, 0, "lost"},
		"postmark: unreadable":        {pmark, reply("200 OK", "<html>welcome</html>"), Unknown, 0, "welcome"},
		"postmark: no id":             {pmark, reply("200 OK", `{"ErrorCode":0}`), Unknown, 0, ""},

		"ses: rate":            {amazon, aws("429 Too Many Requests", "TooManyRequestsException:http://internal.amazon.com/coral/", "Maximum sending rate exceeded."), Limited, 0, "sending rate"},
		"ses: rate as 400":     {amazon, aws("400 Bad Request", "ThrottlingException", "Maximum sending rate exceeded."), Limited, 0, ""},
		"ses: quota":           {amazon, aws("429 Too Many Requests", "ThrottlingException", "Daily message quota exceeded."), Quota, 0, "quota"},
		"ses: limit":           {amazon, aws("400 Bad Request", "LimitExceededException", ""), Limited, 0, ""},
		"ses: suspended":       {amazon, aws("400 Bad Request", "AccountSuspendedException", "x"), Unauthorised, 0, "AccountSuspended"},
		"ses: paused":          {amazon, aws("400 Bad Request", "SendingPausedException", "x"), Unauthorised, 0, ""},
		"ses: no set":          {amazon, aws("404 Not Found", "NotFoundException", "Configuration set <events> does not exist."), Unauthorised, 0, "Configuration set"},
		"ses: sender":          {amazon, aws("400 Bad Request", "MessageRejected", "Email address is not verified. The following identities failed"), Temporary, 0, "not verified"},
		"ses: sender's domain": {amazon, aws("400 Bad Request", "MailFromDomainNotVerifiedException", "x"), Temporary, 0, ""},
		"ses: virus":           {amazon, aws("400 Bad Request", "MessageRejected", "Message contains a virus"), Refused, 0, ""},
		"ses: bad address":     {amazon, aws("400 Bad Request", "BadRequestException", "Missing final '@domain'"), Refused, 0, "final"},
		"ses: signature":       {amazon, aws("403 Forbidden", "SignatureDoesNotMatch", "x"), Unauthorised, 0, ""},
		"ses: expired token":   {amazon, aws("400 Bad Request", "ExpiredTokenException", "x"), Unauthorised, 0, ""},
		"ses: kind in body":    {amazon, reply("400 Bad Request", `{"__type":"com.amazonaws.sesv2#BadRequestException","message":"x"}`), Refused, 0, "BadRequestException x"},
		"ses: code in body":    {amazon, reply("403 Forbidden", `{"code":"UnrecognizedClientException"}`), Unauthorised, 0, ""},
		"ses: 503":             {amazon, reply("503 Service Unavailable", ""), Temporary, 0, ""},
		"ses: unreadable":      {amazon, reply("200 OK", "{}"), Unknown, 0, ""},
		"ses: gateway timeout": {amazon, reply("504 Gateway Timeout", ""), Unknown, 0, ""},

		"sendgrid: key":              {sgrid, sg("401 Unauthorized", "The provided authorization grant is invalid, expired, or revoked"), Unauthorised, 0, "revoked"},
		"sendgrid: credits":          {sgrid, sg("401 Unauthorized", "Maximum credits exceeded"), Quota, 0, "credits"},
		"sendgrid: forbidden":        {sgrid, sg("403 Forbidden", "access forbidden"), Unauthorised, 0, ""},
		"sendgrid: sender":           {sgrid, sg("403 Forbidden", "The from address does not match a verified Sender Identity."), Temporary, 0, "Sender Identity"},
		"sendgrid: bad":              {sgrid, sg("400 Bad Request", "Does not contain a valid address."), Refused, 0, "valid address"},
		"sendgrid: too large":        {sgrid, reply("413 Payload Too Large", ""), Refused, 0, ""},
		"sendgrid: rate, until":      {sgrid, sg("429 Too Many Requests", "too many requests", "X-RateLimit-Reset: 1772366460"), Limited, time.Minute, ""},
		"sendgrid: rate, until past": {sgrid, sg("429 Too Many Requests", "too many requests", "X-RateLimit-Reset: 1392815263"), Limited, 0, ""},
		"sendgrid: rate, a date":     {sgrid, sg("429 Too Many Requests", "x", "Retry-After: Sun, 01 Mar 2026 12:00:30 GMT"), Limited, 30 * time.Second, ""},
		"sendgrid: rate, for ever":   {sgrid, sg("429 Too Many Requests", "x", "Retry-After: 2147483647"), Limited, 24 * time.Hour, ""},
		"sendgrid: rate, nonsense":   {sgrid, sg("429 Too Many Requests", "x", "Retry-After: -5"), Limited, 0, ""},
		"sendgrid: 500":              {sgrid, reply("500 Internal Server Error", "x"), Temporary, 0, ""},
		"sendgrid: wrong address":    {sgrid, reply("404 Not Found", "x"), Temporary, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, c.answer)
			_, err := all(t, s)[c.provider].Send(t.Context(), full())
			e := failure(t, err)
			if e.Class != c.class || e.RetryAfter != c.wait || !strings.Contains(e.Reason, c.says) || e.Reason == "" || fmt.Sprint(e.Status) != c.answer[9:12] {
				t.Errorf("%+v", e)
			}
		})
	}
}

// Fault 5: a message that may have been accepted is in doubt, one that surely did not arrive is not.
func TestWhatMayHaveArrivedIsUnknown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"closed after the request": "", "half a status line": "HTTP/1.", "half a body": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "no HTTP": "220 smtp\r\n",
	} {
		for i := range 3 {
			s := newStandIn(t, answer)
			p := all(t, s)[i]
			_, err := p.Send(t.Context(), full())
			if e := failure(t, err); e.Class != Unknown || e.Err == nil || s.count() != 1 {
				t.Errorf("%s: %s: %v after %d requests", name, p.Name(), err, s.count())
			}
		}
	}
}

func TestTimeoutAfterTheRequestIsUnknown(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // never accepted: the kernel takes the request, and nobody answers
	p, _ := NewPostmark(testToken, nil, Options{URL: "http://" + l.Addr().String(), Timeout: 50 * time.Millisecond})
	_, err = p.Send(t.Context(), plain())
	if e := failure(t, err); e.Class != Unknown {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Send(ctx, plain()); failure(t, err).Class != Temporary { // before anything went out
		t.Error(err)
	}
}

// Fault 4, and a connection that breaks while the message goes out: nothing arrived.
func TestWhatDidNotArriveIsTemporary(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	l.Close()
	for _, p := range all(t, &standIn{URL: address}) {
		_, err := p.Send(t.Context(), full())
		if e := failure(t, err); e.Class != Temporary || !strings.Contains(e.Error(), "refused") || strings.Contains(e.Error(), address) {
			t.Errorf("%s: %v", p.Name(), err)
		}
	}
	if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.CopyN(io.Discard, c, 1000)
		c.(*net.TCPConn).SetLinger(0)
		c.Close() // a reset in the middle of a message that no buffer holds whole
	}()
	p, _ := NewPostmark(testToken, nil, Options{URL: "http://" + l.Addr().String()})
	m := plain()
	m.Text = strings.Repeat("x", 9_000_000)
	_, err = p.Send(t.Context(), m)
	if e := failure(t, err); e.Class != Temporary {
		t.Error(err)
	}
}

// Faults 19, 20, 21: what no provider may be asked to do is refused before anything leaves.
func TestRefusedBeforeItLeaves(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	for name, change := range map[string]func(*Message){
		"CR LF in the subject":     func(m *Message) { m.Subject = "x\r\nBcc: eve@evil.example" },
		"NUL in the subject":       func(m *Message) { m.Subject = "x\x00" },
		"LF in the tag":            func(m *Message) { m.Tag = "x\ny" },
		"LF in a header":           func(m *Message) { m.Headers = []Header{{"X-A", "x\nBcc: eve@evil.example"}} },
		"a colon in a name":        func(m *Message) { m.Headers = []Header{{"X-A: y\r\nBcc", "x"}} },
		"no name":                  func(m *Message) { m.Headers = []Header{{"", "x"}} },
		"another sender":           func(m *Message) { m.Headers = []Header{{"from", "eve@evil.example"}} },
		"a blind copy":             func(m *Message) { m.Headers = []Header{{"BCC", "eve@evil.example"}} },
		"LF in a file's name":      func(m *Message) { m.Attachments = []Attachment{{Name: "a\nb"}} },
		"a long name of a file":    func(m *Message) { m.Attachments = []Attachment{{Name: strings.Repeat("x", 256)}} },
		"no recipient":             func(m *Message) { m.To = "" },
		"a recipient that is none": func(m *Message) { m.To = "ada" },
		"CR LF in the recipient":   func(m *Message) { m.To = "ada@example.com\r\nBcc: eve@evil.example" },
		"two senders":              func(m *Message) { m.From = "a@acme.example, b@acme.example" },
		"a local part of umlauts":  func(m *Message) { m.To = "jörg@example.com" },
		"a domain that cannot be":  func(m *Message) { m.To = "ada@xn--a.example" },
		"more than 40 MB":          func(m *Message) { m.Raw = make([]byte, 40_000_001) },
	} {
		for _, p := range all(t, s) {
			m := full()
			change(&m)
			_, err := p.Send(t.Context(), m)
			if e := failure(t, err); e.Class != Refused || e.Status != 0 {
				t.Errorf("%s: %s: %v", name, p.Name(), err)
			}
		}
	}
	m := full()
	m.Raw = nil
	m.Attachments[0].Data = make([]byte, 8_000_000) // 10.7 MB once encoded
	if _, err := postmark(t, s).Send(t.Context(), m); failure(t, err).Class != Refused || !strings.Contains(err.Error(), "10.7 MB") {
		t.Error(err)
	}
	if s.count() != 0 {
		t.Errorf("%d requests left", s.count())
	}
}

// No error repeats a key, whatever the provider says, and what it says is one bounded line.
func TestErrorsRepeatNoSecret(t *testing.T) {
	t.Parallel()
	for i, secret := range []string{testToken, testSecret, testKey} {
		said := strings.Repeat("x", 250) + " \\n" + secret + "\\u001b[31m" + strings.Repeat("ü", 300)
		bodies := []string{`{"ErrorCode":300,"Message":"` + said + `"}`, `{"message":"` + said + `"}`, `{"errors":[{"message":"` + said + `"}]}`}
		s := newStandIn(t, reply("400 Bad Request", bodies[i]))
		p := all(t, s)[i]
		_, err := p.Send(t.Context(), full())
		e := failure(t, err)
		if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), secret[:12]) || strings.ContainsAny(e.Reason, "\n\x1b") || len(e.Reason) > maxReason+3 || !strings.Contains(e.Reason, "***") {
			t.Errorf("%s: %q", p.Name(), e.Reason)
		}
	}
}

var classes = []Class{Refused, Suppressed, Limited, Quota, Unauthorised, Temporary, Unknown}

// fuzzAnswer gives a reader of answers anything. An acceptance has a success status and clean ids; all else has a known class,
// a wait within bounds and a reason that can be shown.
func fuzzAnswer(f *testing.F, read func(answer) (Receipt, error)) {
	for _, a := range []struct {
		status             int
		kind, retry, reset string
		body               string
	}{
		{200, "", "", "", `{"MessageID":"a","MessageId":"b","ErrorCode":0}`}, {202, "", "", "", ""}, {422, "", "", "", `{"ErrorCode":406,"Message":"x"}`},
		{400, "ns#ThrottlingException:http://x", "7", "", `{"message":"Daily message quota exceeded"}`}, {401, "", "", "99999999999", `{"errors":[{"message":"Maximum credits exceeded"}]}`},
		{429, "", "Sun, 01 Mar 2026 12:00:30 GMT", "", "{"}, {504, "", "", "", "\xff\x00"},
	} {
		f.Add(a.status, a.kind, a.retry, a.reset, []byte(a.body))
	}
	f.Fuzz(func(t *testing.T, status int, kind, retry, reset string, body []byte) {
		h := map[string][]string{"X-Amzn-Errortype": {kind}, "Retry-After": {retry}, "X-Ratelimit-Reset": {reset}, "X-Message-Id": {kind}}
		r, err := read(answer{status: status, header: h, body: body})
		if err == nil {
			if !success(status) || len(r.ProviderID) > maxID || strings.ContainsAny(r.ProviderID+r.MessageID, "\r\n \x00") {
				t.Errorf("%d %q is accepted as %+v", status, body, r)
			}
			return
		}
		e := failure(t, err)
		if !slices.Contains(classes, e.Class) || e.RetryAfter < 0 || e.RetryAfter > maxWait || len(e.Reason) > maxReason+3 || strings.ContainsAny(e.Reason, "\r\n\x00") || strings.Contains(e.Reason, testSecret) {
			t.Errorf("%+v", e)
		}
	})
}

func FuzzPostmarkAnswer(f *testing.F) {
	p, _ := NewPostmark(testSecret, nil, Options{Now: clock})
	fuzzAnswer(f, func(a answer) (Receipt, error) { return p.read(a, "") })
}

func FuzzSESAnswer(f *testing.F) {
	p, _ := NewSES("eu-west-1", "", SESKey{Secret: testSecret}, Options{Now: clock})
	fuzzAnswer(f, p.read)
}

func FuzzSendGridAnswer(f *testing.F) {
	p, _ := NewSendGrid(testSecret, false, Options{Now: clock})
	fuzzAnswer(f, func(a answer) (Receipt, error) { return p.read(a, "") })
}
