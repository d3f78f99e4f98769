package post

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// whole is a request as it has to go over the wire. header is in whole lines, in the order of their names.
func whole(path, body string, header ...string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: HOST\r\nUser-Agent: Seaworthy\r\n" + fmt.Sprintf("Content-Length: %d\r\n", len(body)) + strings.Join(header, "\r\n") + "\r\n\r\n" + body
}

func send(t *testing.T, p Provider, m Message) Receipt {
	t.Helper()
	r, err := p.Send(t.Context(), m)
	if err != nil {
		t.Fatalf("%s: %v", p.Name(), err)
	}
	return r
}

func TestPostmarkRequests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		m    Message
		body string
		want Receipt
	}{
		"everything": {full(), `{"From":"\"Jörg \\\"J\\\"\" <news@xn--bro-hoa.example>","To":"\"Ada\" <ada@example.com>","ReplyTo":"help@acme.example","Subject":"Zahlung für März <1>",` +
			`"HtmlBody":"<p>a & b <img src=\"cid:logo\"></p>","TextBody":"a & b\n","Headers":[{"Name":"List-Unsubscribe","Value":"<https://acme.example/-/unsubscribe/t>"},` +
			`{"Name":"List-Unsubscribe-Post","Value":"List-Unsubscribe=One-Click"},{"Name":"X-Note","Value":"größer"},{"Name":"Message-ID","Value":"<msg_1@acme.example>"},` +
			`{"Name":"X-PM-KeepID","Value":"true"}],"Tag":"monthly report","Metadata":{"seaworthy_id":"msg_1"},"TrackOpens":false,"TrackLinks":"None","MessageStream":"news",` +
			`"Attachments":[{"Name":"r.pdf","Content":"JVBERg==","ContentType":"application/pdf"},{"Name":"l.png","Content":"iVA=","ContentType":"image/png","ContentID":"cid:logo"}]}`,
			Receipt{"0a129aee-e1cd-480d-b08d-4f48548ff48d", "<msg_1@acme.example>"}},
		"little": {plain(), `{"From":"a@acme.example","To":"ada@example.com","Subject":"S","TextBody":"t","Metadata":{"seaworthy_id":"msg_2"},"TrackOpens":false,"TrackLinks":"None","MessageStream":"outbound"}`,
			Receipt{"0a129aee-e1cd-480d-b08d-4f48548ff48d", "<0a129aee-e1cd-480d-b08d-4f48548ff48d@mtasv.net>"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, accepted["postmark"])
			if got := send(t, postmark(t, s), c.m); got != c.want {
				t.Errorf("%+v", got)
			}
			want := whole("/email", c.body, "Accept: application/json", "Content-Type: application/json", "X-Postmark-Server-Token: "+testToken)
			if got := s.request(t); got != want {
				t.Errorf("sent\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestSendGridRequests(t *testing.T) {
	t.Parallel()
	tracking := `"tracking_settings":{"click_tracking":{"enable":false},"open_tracking":{"enable":false},"subscription_tracking":{"enable":false}}}`
	for name, c := range map[string]struct {
		m    Message
		body string
		want Receipt
	}{
		"everything": {full(), `{"personalizations":[{"to":[{"email":"ada@example.com","name":"Ada"}]}],"from":{"email":"news@xn--bro-hoa.example","name":"Jörg \"J\""},` +
			`"reply_to_list":[{"email":"help@acme.example"}],"subject":"Zahlung für März <1>","content":[{"type":"text/plain","value":"a & b\n"},` +
			`{"type":"text/html","value":"<p>a & b <img src=\"cid:logo\"></p>"}],"attachments":[{"content":"JVBERg==","type":"application/pdf","filename":"r.pdf","disposition":"attachment"},` +
			`{"content":"iVA=","type":"image/png","filename":"l.png","disposition":"inline","content_id":"logo"}],"headers":{"List-Unsubscribe":"<https://acme.example/-/unsubscribe/t>",` +
			`"List-Unsubscribe-Post":"List-Unsubscribe=One-Click","Message-ID":"<msg_1@acme.example>","X-Note":"=?utf-8?q?gr=C3=B6=C3=9Fer?="},"categories":["monthly report"],` +
			`"custom_args":{"seaworthy_id":"msg_1"},` + tracking, Receipt{"14c5d75ce93.dfd.64b469", "<msg_1@acme.example>"}},
		"little": {plain(), `{"personalizations":[{"to":[{"email":"ada@example.com"}]}],"from":{"email":"a@acme.example"},"subject":"S","content":[{"type":"text/plain","value":"t"}],` +
			`"custom_args":{"seaworthy_id":"msg_2"},` + tracking, Receipt{"14c5d75ce93.dfd.64b469", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, accepted["sendgrid"])
			if got := send(t, sendGrid(t, s), c.m); got != c.want {
				t.Errorf("%+v", got)
			}
			want := whole("/v3/mail/send", c.body, "Accept: application/json", "Authorization: Bearer "+testKey, "Content-Type: application/json")
			if got := s.request(t); got != want {
				t.Errorf("sent\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestSESRequests(t *testing.T) {
	t.Parallel()
	raw := func(m Message) string { return base64.StdEncoding.EncodeToString(unsigned(m.Raw)) }
	for name, c := range map[string]struct {
		m    Message
		body string
	}{
		"everything": {full(), `{"FromEmailAddress":"=?utf-8?b?SsO2cmcgIkoi?= <news@xn--bro-hoa.example>","Destination":{"ToAddresses":["ada@example.com"]},"Content":{"Raw":{"Data":"` + raw(full()) +
			`"}},"EmailTags":[{"Name":"seaworthy_id","Value":"msg_1"},{"Name":"tag","Value":"monthly-report"}],"ConfigurationSetName":"events"}`},
		"little": {plain(), `{"FromEmailAddress":"a@acme.example","Destination":{"ToAddresses":["ada@example.com"]},"Content":{"Raw":{"Data":"` + raw(plain()) +
			`"}},"EmailTags":[{"Name":"seaworthy_id","Value":"msg_2"}],"ConfigurationSetName":"events"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, accepted["ses"])
			if got := send(t, ses(t, s), c.m); got != (Receipt{"0102018f-1-000000", "<0102018f-1-000000@eu-west-1.amazonses.com>"}) {
				t.Errorf("%+v", got)
			}
			heard := s.request(t)
			signature := sigV4(t, heard, strings.TrimPrefix(s.URL, "http://"))
			want := whole("/v2/email/outbound-emails", c.body, "Accept: application/json",
				"Authorization: AWS4-HMAC-SHA256 Credential=AKIA1/20260301/eu-west-1/ses/aws4_request, SignedHeaders=accept;content-length;content-type;host;x-amz-date;x-amz-security-token, Signature="+signature,
				"Content-Type: application/json", "X-Amz-Date: 20260301T120000Z", "X-Amz-Security-Token: session/token==")
			if heard != want {
				t.Errorf("sent\n%s\nwant\n%s", heard, want)
			}
		})
	}
	if string(unsigned(full().Raw)) != "From: news@acme.example\r\nTo: ada@example.com\r\nSubject: S\r\n\r\nbody\r\n" {
		t.Errorf("%q", unsigned(full().Raw))
	}
}

// sigV4 computes the signature of a request that was heard, from the text of it alone and by the rules of AWS's "Create a signed
// AWS API request": nothing of what made it is used.
func sigV4(t *testing.T, request, host string) string {
	t.Helper()
	head, body, _ := strings.Cut(request, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	values := map[string]string{}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		values[strings.ToLower(name)] = strings.Join(strings.Fields(value), " ")
	}
	values["host"] = host
	_, list, _ := strings.Cut(values["authorization"], "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	names := strings.Split(list, ";")
	if !slices.IsSorted(names) || !slices.Contains(names, "host") || !slices.Contains(names, "x-amz-date") {
		t.Fatalf("signed are %s", names)
	}
	hash := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
	mac := func(key []byte, s string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(s))
		return h.Sum(nil)
	}
	canonical := "POST\n" + strings.Fields(lines[0])[1] + "\n\n"
	for _, n := range names {
		canonical += n + ":" + values[n] + "\n"
	}
	canonical += "\n" + list + "\n" + hash(body)
	scope := "20260301/eu-west-1/ses/aws4_request"
	toSign := "AWS4-HMAC-SHA256\n" + values["x-amz-date"] + "\n" + scope + "\n" + hash(canonical)
	key := []byte("AWS4" + testSecret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

func TestOwnAddresses(t *testing.T) {
	t.Parallel()
	pm, _ := NewPostmark("t", nil, Options{})
	global, _ := NewSendGrid("k", false, Options{})
	eu, _ := NewSendGrid("k", true, Options{})
	us, _ := NewSES("us-east-1", "", SESKey{}, Options{})
	cn, _ := NewSES("cn-north-1", "", SESKey{}, Options{})
	for got, want := range map[string]string{pm.api.base: "https://api.postmarkapp.com", global.api.base: "https://api.sendgrid.com", eu.api.base: "https://api.eu.sendgrid.com",
		us.api.base: "https://email.us-east-1.amazonaws.com", cn.api.base: "https://email.cn-north-1.amazonaws.com.cn", us.host(): "email.amazonses.com"} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, region := range []string{"", "eu", "eu-west-1.evil.example", "EU-WEST-1", "eu-west-1/"} {
		if _, err := NewSES(region, "", SESKey{}, Options{}); err == nil {
			t.Errorf("%q is a region", region)
		}
	}
	if pm.Limit() != 10_000_000 || us.Limit() != 40_000_000 || eu.Limit() != 30_000_000 {
		t.Error("limits")
	}
}

// What goes along with a message is our id for it and nothing else that we know of a person: neither name nor address appear
// but as sender, recipient and in what is sent.
func TestOnlyOurIDGoesAlong(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, accepted["postmark"], accepted["sendgrid"])
	send(t, postmark(t, s), full())
	send(t, sendGrid(t, s), full())
	for i, field := range []string{"Metadata", "custom_args"} {
		_, body, _ := strings.Cut(s.heard[i], "\r\n\r\n")
		var got map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &got); err != nil || string(got[field]) != `{"seaworthy_id":"msg_1"}` {
			t.Errorf("%s: %s, %v", field, got[field], err)
		}
	}
}

// A redirect is not followed: the key is for one address.
func TestKeysFollowNoRedirect(t *testing.T) {
	t.Parallel()
	other := newStandIn(t, accepted["sendgrid"])
	for i := range 3 {
		s := newStandIn(t, reply("307 Temporary Redirect", "", "Location: "+other.URL+"/v3/mail/send"))
		p := all(t, s)[i]
		_, err := p.Send(t.Context(), full())
		if e := failure(t, err); e.Class != Temporary || e.Status != http.StatusTemporaryRedirect {
			t.Errorf("%s: %v", p.Name(), err)
		}
	}
	if other.count() != 0 {
		t.Error("the key went elsewhere")
	}
}
