package feedback

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Fixtures as the providers' own pages show them, shortened.
const (
	postmarkDelivery = `{"MessageID":"883953f4-6105-42a2-a16a-77a8eac79483","Recipient":"john@example.com","DeliveredAt":"2019-11-05T16:33:54.9070259Z","Details":"Test delivery webhook details","Tag":"welcome-email","ServerID":23,"Metadata":{"seaworthy_id":"msg_1"},"RecordType":"Delivery","MessageStream":"outbound"}`
	postmarkBounced  = `{"RecordType":"Bounce","MessageStream":"outbound","ID":4323372036854775807,"Type":"HardBounce","TypeCode":1,"Name":"Hard bounce","MessageID":"883953f4","ServerID":23,"Description":"The server was unable to deliver your message","Details":"Test bounce details","Email":"john@example.com","From":"sender@example.com","BouncedAt":"2019-11-05T16:33:54.9070259Z","DumpAvailable":true,"Inactive":true,"CanActivate":true,"Subject":"Test subject","Content":"..."}`
	postmarkChange   = `{"RecordType":"SubscriptionChange","MessageID":"883953f4","ServerID":23,"MessageStream":"broadcast","ChangedAt":"2020-02-01T10:53:34.416071Z","Recipient":"bounced-address@wildbit.com","Origin":"Recipient","SuppressSending":true,"SuppressionReason":"ManualSuppression","Tag":"","Metadata":{}}`
	sesComplaint     = `{"eventType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"recipient@example.com"}],"timestamp":"2017-08-05T00:41:02.669Z","feedbackId":"01000157c44f053b","userAgent":"Amazon SES Mailbox Simulator","complaintFeedbackType":"abuse","arrivalDate":"2017-08-05T00:41:02.669Z"},"mail":{"timestamp":"2017-08-05T00:40:01.123Z","messageId":"EXAMPLE7c191be45","destination":["recipient@example.com"],"headers":[{"name":"Message-ID","value":"<msg_1@acme.example>"}],"tags":{"seaworthy_id":["msg_1"]}}}`
	sesDelay         = `{"eventType":"DeliveryDelay","mail":{"timestamp":"2020-06-16T00:15:40.641Z","messageId":"EXAMPLE","destination":["recipient@example.com"]},"deliveryDelay":{"timestamp":"2020-06-16T00:25:40.095Z","delayType":"TransientCommunicationFailure","expirationTime":"2020-06-16T00:25:40.914Z","delayedRecipients":[{"emailAddress":"recipient@example.com","status":"4.4.1","diagnosticCode":"smtp; 421 4.4.1 Unable to connect"}]}}`
	sesReject        = `{"eventType":"Reject","mail":{"timestamp":"2016-10-14T17:38:15.211Z","messageId":"EXAMPLE","destination":["a@example.com","b@example.com"]},"reject":{"reason":"Bad content"}}`
	sesDelivered     = `{"notificationType":"Delivery","mail":{"timestamp":"2016-01-27T14:59:38.237Z","messageId":"0000014644fe5ef6","destination":["jane@example.com"]},"delivery":{"timestamp":"2016-01-27T14:59:38.237Z","recipients":["jane@example.com"],"processingTimeMillis":546,"smtpResponse":"250 ok:  Message 64111812 accepted"}}`
	sendgridBatch    = `[{"email":"example@test.com","timestamp":1513299569,"smtp-id":"<14c5d75ce93.dfd.64b469@ismtpd-555>","event":"processed","category":["cat facts"],"sg_event_id":"rbtnWrG1DVDGGGFHFyun0A==","sg_message_id":"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.000000000000000000000"},{"email":"example@test.com","timestamp":1513299569,"event":"bounce","type":"bounce","status":"5.0.0","reason":"500 unknown recipient","sg_event_id":"6g4ZI7SA-xmRDv57GoPIPw==","sg_message_id":"DzPBxkHVSUGYmvjvLB8x0A.recvd-7f8-1-5F.0","seaworthy_id":"msg_1"},{"email":"example@test.com","event":"click","url":"https://x","sg_event_id":"x"}]`
)

func TestFixtures(t *testing.T) {
	t.Parallel()
	ses := func(text string) ([]Event, error) { return (&SES{}).Parse(Envelope{MessageID: "sns", Message: text}) }
	for _, c := range []struct {
		name  string
		parse func() ([]Event, error)
		want  string
	}{
		{"postmark delivery", func() ([]Event, error) { return (&Postmark{}).Parse([]byte(postmarkDelivery)) }, "delivered john@example.com 883953f4-6105-42a2-a16a-77a8eac79483 msg_1 0 2019"},
		{"postmark bounce", func() ([]Event, error) { return (&Postmark{}).Parse([]byte(postmarkBounced)) }, "bounced john@example.com 883953f4  1 2019"},
		{"postmark change", func() ([]Event, error) { return (&Postmark{}).Parse([]byte(postmarkChange)) }, "unsubscribed bounced-address@wildbit.com 883953f4  3 2020"},
		{"ses complaint", func() ([]Event, error) { return ses(sesComplaint) }, "complained recipient@example.com EXAMPLE7c191be45 msg_1 2 2017"},
		{"ses delay", func() ([]Event, error) { return ses(sesDelay) }, "deferred recipient@example.com EXAMPLE  0 2020"},
		{"ses reject", func() ([]Event, error) { return ses(sesReject) }, "failed a@example.com EXAMPLE  0 2016; failed b@example.com EXAMPLE  0 2016"},
		{"ses delivery", func() ([]Event, error) { return ses(sesDelivered) }, "delivered jane@example.com 0000014644fe5ef6  0 2016"},
		{"sendgrid", func() ([]Event, error) { return (&SendGrid{}).Parse([]byte(sendgridBatch)) },
			"accepted example@test.com 14c5d75ce93.dfd.64b469  0 2017; bounced example@test.com DzPBxkHVSUGYmvjvLB8x0A msg_1 1 2017"},
	} {
		events, err := c.parse()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		var got []string
		for _, e := range events {
			got = append(got, strings.Join([]string{string(e.Kind), e.Recipient, e.ProviderID, e.Ours, string(rune('0' + int(e.Effect))), e.At.Format("2006")}, " "))
		}
		if all := strings.Join(got, "; "); all != c.want {
			t.Errorf("%s:\n got  %s\n want %s", c.name, all, c.want)
		}
	}
}

func TestCredentialsAreChecked(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "user", "user:short", ":a-long-password-of-a-webhook"} {
		if _, err := NewPostmark(bad, ""); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := NewPostmark("user:a-long-password-of-a-webhook", "3.134.147.250 50.31.156.0/24, x"); err == nil {
		t.Error("a network that is none is taken")
	}
	for _, bad := range []string{"", "x", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="} {
		if _, err := NewSendGrid(bad, time.Minute); err == nil {
			t.Errorf("the key %q is taken", bad)
		}
	}
	for _, bad := range []string{"", "mail", "arn:aws:sqs:eu-west-1:123456789012:mail", "arn:aws:sns:evil.example/:123456789012:mail", "arn:aws:sns:eu-west-1:123456789012:mail x"} {
		if _, err := NewSES(bad, nil); err == nil {
			t.Errorf("the topics %q are taken", bad)
		}
	}
	if host := snsHost("arn:aws-cn:sns:cn-north-1:123456789012:mail"); host != "sns.cn-north-1.amazonaws.com.cn" {
		t.Error(host)
	}
}

// sound fails for an event that could not be stored or would not be one.
func sound(t *testing.T, events []Event, err error) {
	t.Helper()
	if err != nil && len(events) > 0 {
		t.Error("events beside an error")
	}
	for _, e := range events {
		if e.Kind == "" || e.Provider == "" || e.Dedupe == "" {
			t.Errorf("%+v", e)
		}
		for _, text := range []string{e.ProviderID, e.MessageID, e.Ours, e.Dedupe, e.Recipient} {
			if !utf8.ValidString(text) || len(text) > 2*maxID+100 || strings.ContainsAny(text, "\x00\n") {
				t.Errorf("%q", text)
			}
		}
	}
}

func FuzzPostmark(f *testing.F) {
	for _, seed := range []string{postmarkDelivery, postmarkBounced, postmarkChange, `{}`, `[]`, `{"RecordType":"Bounce","ID":"x"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) { events, err := (&Postmark{}).Parse(body); sound(t, events, err) })
}

func FuzzSendGrid(f *testing.F) {
	for _, seed := range []string{sendgridBatch, `[]`, `[{}]`, `[{"event":"bounce","timestamp":1e400}]`, `[null]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) { events, err := (&SendGrid{}).Parse(body); sound(t, events, err) })
}

func FuzzSES(f *testing.F) {
	for _, seed := range []string{sesComplaint, sesDelay, sesReject, sesDelivered, `{}`, `text`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		events, err := (&SES{}).Parse(Envelope{MessageID: "sns", Message: message})
		sound(t, events, err)
	})
}

// FuzzEnvelope: whatever is sent, nothing that is not signed gets through, and no
// address but Amazon's is ever asked for.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(`{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:eu-west-1:123456789012:mail","SigningCertURL":"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-01d088a6.pem","Signature":"AAAA"}`))
	f.Add([]byte(`{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:eu-west-1:123456789012:mail","SigningCertURL":"https://evil.example/"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		certs := NewCertificates(nowhere{t}, nil, time.Now)
		s, _ := NewSES("arn:aws:sns:eu-west-1:123456789012:mail", certs)
		if _, err := s.Open(t.Context(), nil, body); err == nil {
			t.Error("let through")
		}
	})
}
