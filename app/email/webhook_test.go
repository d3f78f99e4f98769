package email_test

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/store"
)

// heard is an app that listens to all three providers.
func heard(t testing.TB) (*apptest.App, *apptest.MailProviders) {
	t.Helper()
	m := apptest.NewMailProviders(t)
	a := apptest.New(t, apptest.WithoutLimits, m.Configure)
	a.Forget()
	return a, m
}

// sentMessage is a message that a provider has accepted.
func sentMessage(a *apptest.App, id, to, provider, providerID, category, status string) {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
		var known *string
		if providerID != "" {
			known = &providerID
		}
		_, err := tx.Exec(`INSERT INTO email_message (id, stream, class, template, locale, recipient, recipient_norm, status, provider, provider_id, created_at, category)
			VALUES (?, 'transactional', 'account', 'auth/verify', 'en', ?, ?, ?, ?, ?, ?, ?)`, id, to, to, status, provider, known, tx.Now().UnixMilli(), category)
		return err
	}))
	a.Forget()
}

func status(a *apptest.App, id string) string {
	return a.Query(`SELECT status FROM email_message WHERE id = ?`, id)
}

// held are the suppressions that hold, "address scope category reason".
func held(a *apptest.App) string {
	a.T.Helper()
	var all []string
	a.Must(a.DB.Read(a.T.Context(), func(tx *store.Tx) (err error) {
		all, err = store.All(tx, func(r store.Scanner) (string, error) {
			var address, scope, category, reason string
			err := r.Scan(&address, &scope, &category, &reason)
			return strings.TrimSpace(address+" "+scope+" "+category) + " " + reason, err
		}, `SELECT coalesce(address, ''), scope, category, reason FROM email_suppression WHERE lifted_at IS NULL ORDER BY id`)
		return err
	}))
	return strings.Join(all, "; ")
}

type object = map[string]any

func postmarkBounce(id int, kind, message, to string) object {
	return object{"RecordType": "Bounce", "ID": id, "Type": kind, "TypeCode": 1, "MessageID": message, "Email": to, "BouncedAt": "2026-11-22T14:04:00Z",
		"Details": "smtp;550 5.1.1 user unknown", "Inactive": true, "CanActivate": true, "MessageStream": "outbound", "ServerID": 23, "From": "a@acme.example"}
}

func sesBounce(message, kind, subtype string, to ...string) object {
	var who []object
	for _, address := range to {
		who = append(who, object{"emailAddress": address, "status": "5.1.1", "action": "failed", "diagnosticCode": "smtp; 550 5.1.1 unknown"})
	}
	return object{"notificationType": "Bounce", "mail": object{"messageId": message, "timestamp": "2026-11-22T14:03:00.000Z", "destination": append([]string{}, to...)},
		"bounce": object{"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": who, "timestamp": "2026-11-22T14:04:00.000Z", "feedbackId": "f"}}
}

// Fault 10: a webhook that comes again, or a batch of which half is known, has one
// effect each.
func TestFault10DuplicatesHaveOneEffect(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	sentMessage(a, "msg_1", "ada@example.com", "postmark", "pm-1", "", "sent")
	bounce := postmarkBounce(42, "HardBounce", "pm-1", "Ada@Example.com")
	m.Postmark(a, bounce).Want(200, `"stored":1`)
	a.Expect(apptest.Happened{Audit: []string{"email.bounced", "email.suppressed"}, Rows: map[string]int{"email_event": 1, "email_suppression": 1}})
	m.Postmark(a, bounce).Want(200, `"known":1`)
	a.ExpectNothing()

	first := []object{{"event": "delivered", "email": "b@example.com", "sg_event_id": "e1", "sg_message_id": "m1.filter1.1", "timestamp": 1764000000}}
	m.SendGrid(a, first).Want(200, `"stored":1`)
	both := append(first, object{"event": "spamreport", "email": "c@example.com", "sg_event_id": "e2", "sg_message_id": "m1.filter1.1", "timestamp": 1764000000})
	m.SendGrid(a, both).Want(200, `"known":1`, `"stored":1`)
	a.Expect(apptest.Happened{Audit: []string{"email.complained", "email.suppressed"}, Rows: map[string]int{"email_event": 2, "email_suppression": 1}})
	m.SendGrid(a, both).Want(200, `"known":2`)
	a.ExpectNothing()
	if got := held(a); got != "ada@example.com all bounce; c@example.com nonsecurity complaint" {
		t.Error(got)
	}
}

// Fault 12: a bounce of a message that is not ours is kept, and the address
// suppressed.
func TestFault12UnknownMessageIsKept(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	m.Postmark(a, postmarkBounce(7, "HardBounce", "nobody-knows", "gone@example.com")).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"email.bounced", "email.suppressed"}, Rows: map[string]int{"email_event": 1, "email_suppression": 1}})
	if got := a.Query(`SELECT coalesce(message_id, 'parked') || ' ' || provider_id FROM email_event`); got != "parked nobody-knows" {
		t.Error(got)
	}
	if got := held(a); got != "gone@example.com all bounce" {
		t.Error(got)
	}
}

// Fault 13: of three recipients two bounced, and those two are suppressed.
func TestFault13OnlyWhoBounced(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	n := sesBounce("ses-1", "Permanent", "General", "one@example.com", "Two <two@example.com>")
	n["mail"].(object)["destination"] = []string{"one@example.com", "two@example.com", "three@example.com"}
	m.SES(a, m.Sign(m.Envelope("sns-1", n))).Want(200, `"stored":2`)
	if got := held(a); got != "one@example.com all bounce; two@example.com all bounce" {
		t.Error(got)
	}
	a.Forget()
	m.SES(a, m.Sign(m.Envelope("sns-1", n))).Want(200, `"known":2`)
	a.ExpectNothing()
}

// Fault 14: a message that was delivered and then bounced ends as bounced, whatever
// comes later.
func TestFault14DeliveredThenBounced(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	sentMessage(a, "msg_1", "ada@example.com", "sendgrid", "m1", "", "sent")
	for i, step := range []struct{ event, kind, want string }{
		{"deferred", "", "sent"}, {"delivered", "", "delivered"}, {"processed", "", "delivered"}, {"bounce", "bounce", "bounced"}, {"delivered", "", "bounced"}, {"deferred", "", "bounced"},
		{"spamreport", "", "complained"}, {"bounce", "blocked", "complained"},
	} {
		m.SendGrid(a, []object{{"event": step.event, "type": step.kind, "email": "ada@example.com", "sg_event_id": fmt.Sprint("e", i), "sg_message_id": "m1.recvd-7f8-1-5F-2.0", "timestamp": 1764000000}}).Want(200)
		if got := status(a, "msg_1"); got != step.want {
			t.Errorf("after %s: %s, want %s", step.event, got, step.want)
		}
	}
	if n := a.Query(`SELECT count(*) FROM email_event WHERE message_id = 'msg_1'`); n != "8" {
		t.Errorf("%s events in the timeline", n)
	}
}

// Fault 15: a certificate that is elsewhere is refused before anything is fetched.
func TestFault15CertificateElsewhere(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	for _, address := range []string{
		"https://evil.example" + apptest.CertPath, "https://sns.eu-west-1.amazonaws.com.evil.example" + apptest.CertPath,
		"https://s3.eu-west-1.amazonaws.com" + apptest.CertPath, "https://sns.eu-west-1.s3.amazonaws.com" + apptest.CertPath, "http://sns.eu-west-1.amazonaws.com" + apptest.CertPath,
		apptest.CertURL + "?x=.pem", apptest.CertURL + "?", apptest.CertURL + "#x", "https://sns.eu-west-1.amazonaws.com:443" + apptest.CertPath,
		"https://a@sns.eu-west-1.amazonaws.com" + apptest.CertPath, "https://sns.us-east-1.amazonaws.com" + apptest.CertPath, "https://sns.eu-west-1.amazonaws.com/../x.pem",
		"https://sns.eu-west-1.amazonaws.com/evil.pem?x=" + apptest.CertPath, "https://SNS.eu-west-1.amazonaws.com" + apptest.CertPath, "",
	} {
		e := m.Envelope("sns-1", sesBounce("ses-1", "Permanent", "General", "ada@example.com"))
		e["SigningCertURL"] = address
		m.SES(a, m.Sign(e)).Want(401)
	}
	if asked := m.Asked(); len(asked) > 0 {
		t.Errorf("asked for %v", asked)
	}
	a.ExpectNothing()
}

// Fault 16: a valid signature of somebody else's topic is refused, and nothing is
// fetched or stored.
func TestFault16ForeignTopic(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	e := m.Envelope("sns-1", sesBounce("ses-1", "Permanent", "General", "ada@example.com"))
	e["TopicArn"] = "arn:aws:sns:eu-west-1:999999999999:mail"
	m.SES(a, m.Sign(e)).Want(403)
	e = m.Envelope("sns-2", "You have chosen to subscribe")
	e["Type"], e["Token"], e["SubscribeURL"], e["TopicArn"] = "SubscriptionConfirmation", strings.Repeat("a", 64), "https://evil.example/", "arn:aws:sns:eu-west-1:999999999999:mail"
	m.SES(a, m.Sign(e)).Want(403)
	if asked := m.Asked(); len(asked) > 0 {
		t.Errorf("asked for %v", asked)
	}
	a.ExpectNothing()
}

// Fault 17: SendGrid's body written anew, an old signature or another key.
func TestFault17SendGridSignature(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	other := apptest.NewMailProviders(t)
	body := `[{"event":"bounce","email":"ada@example.com","sg_event_id":"e1","timestamp":1764000000}]`
	var spaced any
	a.Must(json.Unmarshal([]byte(body), &spaced))
	indented, _ := json.MarshalIndent(spaced, "", "  ")
	now := a.Clock.Now()
	m.SendGridAs(a, string(indented), m.SignSendGrid(now, body)).Want(401)
	m.SendGridAs(a, body, m.SignSendGrid(now.Add(-301*time.Second), body)).Want(401)
	m.SendGridAs(a, body, m.SignSendGrid(now.Add(301*time.Second), body)).Want(401)
	m.SendGridAs(a, body, other.SignSendGrid(now, body)).Want(401)
	m.SendGridAs(a, body, nil).Want(401)
	a.ExpectNothing()
	m.SendGridAs(a, body, m.SignSendGrid(now.Add(-299*time.Second), body)).Want(200)
	if got := held(a); got != "ada@example.com all bounce" {
		t.Error(got)
	}
}

// Fault 18: wrong basic authentication is 401, because 403 ends Postmark's retries.
func TestFault18PostmarkAuthentication(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	body, _ := json.Marshal(postmarkBounce(1, "HardBounce", "x", "ada@example.com"))
	for _, wrong := range []string{"postmark:wrong", "x:a-long-password-of-a-webhook", ":", "postmark:a-long-password-of-a-webhook2"} {
		p := m.PostmarkAs(a, wrong, string(body)).Want(401)
		if got := p.Header.Get("WWW-Authenticate"); got != `Basic realm="webhooks"` {
			t.Errorf("challenge %q", got)
		}
	}
	a.ExpectNothing()
	m.PostmarkAs(a, "postmark:a-long-password-of-a-webhook", string(body)).Want(200)
}

// Fault 31: who took a mail out of the spam folder complains of nothing.
func TestFault31NotSpam(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	n := object{"eventType": "Complaint", "mail": object{"messageId": "ses-1", "timestamp": "2026-11-22T14:03:00.000Z"},
		"complaint": object{"complainedRecipients": []object{{"emailAddress": "ada@example.com"}}, "complaintFeedbackType": "not-spam", "timestamp": "2026-11-22T14:04:00.000Z"}}
	m.SES(a, m.Sign(m.Envelope("sns-1", n))).Want(200)
	a.Expect(apptest.Happened{Rows: map[string]int{"email_event": 1}})
	n["complaint"].(object)["complaintFeedbackType"] = "abuse"
	m.SES(a, m.Sign(m.Envelope("sns-2", n))).Want(200)
	if got := held(a); got != "ada@example.com nonsecurity complaint" {
		t.Error(got)
	}
}

// What is not a dead mailbox suppresses nothing.
func TestWhatIsNoDeadMailbox(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	for i, kind := range []string{"SoftBounce", "Transient", "Blocked", "DMARCPolicy", "DnsError", "SpamNotification", "AutoResponder", "ManuallyDeactivated", "VirusNotification", "Unknown", "SomethingNew"} {
		m.Postmark(a, postmarkBounce(100+i, kind, "pm", "ada@example.com")).Want(200, `"stored":1`)
	}
	for i, kind := range [][2]string{{"Permanent", "Suppressed"}, {"Permanent", "OnAccountSuppressionList"}, {"Transient", "MailboxFull"}, {"Undetermined", "Undetermined"}} {
		m.SES(a, m.Sign(m.Envelope(fmt.Sprint("sns-", i), sesBounce("ses", kind[0], kind[1], "ada@example.com")))).Want(200, `"stored":1`)
	}
	m.SendGrid(a, []object{{"event": "bounce", "type": "blocked", "email": "ada@example.com", "sg_event_id": "e1"}, {"event": "dropped", "reason": "Bounced Address", "email": "ada@example.com", "sg_event_id": "e2"},
		{"event": "open", "email": "ada@example.com", "sg_event_id": "e3"}}).Want(200, `"stored":2`)
	if got := held(a); got != "" {
		t.Error(got)
	}
	m.Postmark(a, postmarkBounce(999, "BadEmailAddress", "pm", "ada@example.com")).Want(200)
	if got := held(a); got != "ada@example.com all bounce" {
		t.Error(got)
	}
}

// Both versions of the signature count, a certificate is fetched once, and one that
// cannot be had is asked for again later.
func TestSNSSignatures(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	n := sesBounce("ses-1", "Permanent", "General", "ada@example.com")
	m.Down(true)
	m.SES(a, m.Sign(m.Envelope("sns-0", n))).Want(503)
	m.SES(a, m.Sign(m.Envelope("sns-0", n))).Want(503)
	if asked := m.Asked(); len(asked) != 1 {
		t.Errorf("a failure is asked for again at once: %v", asked)
	}
	a.ExpectNothing()
	m.Down(false)
	a.Clock.Advance(time.Minute)
	for _, version := range []string{"1", "2"} {
		e := m.Envelope("sns-v"+version, n)
		e["SignatureVersion"], e["Subject"] = version, "Amazon SES Email Event Notification"
		m.SES(a, m.Sign(e)).Want(200, `"stored":1`)
	}
	if asked := strings.Join(m.Asked(), " "); asked != apptest.CertURL+" http://crt.r2m04.amazontrust.com/r2m04.cer" {
		t.Errorf("asked for %s", asked)
	}
	a.Forget()
	e := m.Sign(m.Envelope("sns-3", n))
	e["Message"] = strings.Replace(e["Message"], "ada@", "eve@", 1)
	m.SES(a, e).Want(401)
	e = m.Sign(m.Envelope("sns-4", n))
	e["SignatureVersion"] = "3"
	m.SES(a, e).Want(401)
	m.SES(a, m.Sign(m.Envelope("sns-5", `{"mail":`))).Want(400)
	a.ExpectNothing()
	m.SES(a, m.Sign(m.Envelope("sns-6", "Successfully validated SNS topic for Amazon SES event publishing."))).Want(200)
	a.ExpectNothing()
}

// A certificate that nobody vouches for signs nothing.
func TestSNSCertificateOfNobody(t *testing.T) {
	t.Parallel()
	m := apptest.NewMailProviders(t)
	a := apptest.New(t, m.Configure, func(_ *config.Config, o *app.Options) { o.OutsideRoots = x509.NewCertPool() })
	a.Forget()
	m.SES(a, m.Sign(m.Envelope("sns-1", sesBounce("ses-1", "Permanent", "General", "ada@example.com")))).Want(401)
	a.ExpectNothing()
}

// A subscription is confirmed by a job, at Amazon's own address; the one in the
// message is never followed. Raw delivery could not be verified.
func TestSNSConfirmation(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	e := m.Envelope("sns-1", "You have chosen to subscribe to the topic")
	e["Type"], e["Token"], e["SubscribeURL"] = "SubscriptionConfirmation", strings.Repeat("2336412f37", 8), "https://evil.example/?Action=ConfirmSubscription"
	m.SES(a, m.Sign(e)).Want(200)
	m.SES(a, m.Sign(e)).Want(200)
	a.Expect(apptest.Happened{Jobs: []string{"email.confirm_topic"}})
	m.Asked()
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"email.confirm_topic completed"}, Audit: []string{"email.topic_confirmed"}})
	want := "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=" + strings.Repeat("2336412f37", 8) + "&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Amail&Version=2010-03-31"
	if asked := m.Asked(); len(asked) != 1 || asked[0] != want {
		t.Errorf("asked for %v", asked)
	}
	e = m.Envelope("sns-2", "You have chosen to deactivate")
	e["Type"], e["Token"], e["SubscribeURL"] = "UnsubscribeConfirmation", "x", "https://evil.example/"
	m.SES(a, m.Sign(e)).Want(200)
	a.ExpectNothing()
	a.Browser().Do("POST", "/-/webhooks/ses", "application/json", `{"notificationType":"Bounce"}`).Want(400)
	a.ExpectNothing()
}

// A provider that is not configured has no webhook, and a body that is too large is
// not taken.
func TestWebhooksOfNobody(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	for _, name := range []string{"postmark", "ses", "sendgrid"} {
		a.Browser().Do("POST", "/-/webhooks/"+name, "application/json", `{}`).Want(404)
	}
	a.ExpectNothing()
	b, m := heard(t)
	m.PostmarkAs(b, "postmark:a-long-password-of-a-webhook", `{"RecordType":"`+strings.Repeat("x", 1<<20)+`"}`).Want(413)
	m.PostmarkAs(b, "postmark:a-long-password-of-a-webhook", `nonsense`).Want(400)
	b.ExpectNothing()
}

// An event finds its message by what we sent along, whatever the provider calls it.
func TestEventsFindTheirMessage(t *testing.T) {
	t.Parallel()
	a, m := heard(t)
	for i, status := range []string{"queued", "unknown", "sent", "queued"} {
		sentMessage(a, fmt.Sprintf("msg_%d", i), "ada@example.com", "", "", "", status)
	}
	record := object{"RecordType": "Delivery", "MessageID": "pm-9", "Recipient": "ada@example.com", "DeliveredAt": "2026-11-22T14:04:00Z", "Metadata": object{"seaworthy_id": "msg_0"}}
	m.Postmark(a, record).Want(200)
	m.SendGrid(a, []object{{"event": "processed", "email": "ada@example.com", "sg_event_id": "e1", "seaworthy_id": "msg_1"}}).Want(200)
	n := sesBounce("ses-9", "Permanent", "General", "ada@example.com")
	n["mail"].(object)["headers"] = []object{{"name": "Message-ID", "value": "<msg_2@acme.example>"}}
	m.SES(a, m.Sign(m.Envelope("sns-9", n))).Want(200)
	n["mail"].(object)["headers"], n["mail"].(object)["tags"] = nil, object{"seaworthy_id": []string{"msg_3"}}
	m.SES(a, m.Sign(m.Envelope("sns-10", n))).Want(200)
	for i, want := range []string{"delivered", "sent", "bounced", "bounced"} {
		if got := status(a, fmt.Sprintf("msg_%d", i)); got != want {
			t.Errorf("msg_%d is %s, want %s", i, got, want)
		}
	}
}
