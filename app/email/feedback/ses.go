package feedback

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxRecipients bounds how many recipients one notification may name: SES sends to
// 50 at most.
const maxRecipients = 100

type sesEvent struct {
	NotificationType string `json:"notificationType"` // of an identity's notifications
	EventType        string `json:"eventType"`        // of a configuration set's events
	Mail             struct {
		Timestamp   string              `json:"timestamp"`
		MessageID   string              `json:"messageId"`
		Destination []string            `json:"destination"`
		Tags        map[string][]string `json:"tags"`
		Headers     []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"headers"`
	} `json:"mail"`
	Bounce struct {
		Type       string         `json:"bounceType"`
		Subtype    string         `json:"bounceSubType"`
		Recipients []sesRecipient `json:"bouncedRecipients"`
		Timestamp  string         `json:"timestamp"`
	} `json:"bounce"`
	Complaint struct {
		Recipients []sesRecipient `json:"complainedRecipients"`
		Subtype    string         `json:"complaintSubType"`
		Feedback   string         `json:"complaintFeedbackType"`
		Timestamp  string         `json:"timestamp"`
	} `json:"complaint"`
	Delivery struct {
		Recipients []string `json:"recipients"`
		Timestamp  string   `json:"timestamp"`
		Response   string   `json:"smtpResponse"`
	} `json:"delivery"`
	Delay struct {
		Type       string         `json:"delayType"`
		Recipients []sesRecipient `json:"delayedRecipients"`
		Timestamp  string         `json:"timestamp"`
	} `json:"deliveryDelay"`
	Reject struct {
		Reason string `json:"reason"`
	} `json:"reject"`
	Failure struct {
		Message string `json:"errorMessage"`
	} `json:"failure"`
	Subscription struct {
		Source    string `json:"source"`
		Timestamp string `json:"timestamp"`
		New       struct {
			All bool `json:"unsubscribeAll"`
		} `json:"newTopicPreferences"`
	} `json:"subscription"`
}

type sesRecipient struct {
	Address    string `json:"emailAddress"`
	Status     string `json:"status"`
	Diagnostic string `json:"diagnosticCode"`
}

// Parse reads the notification in a verified envelope: an event for each recipient
// that it names, and for no other. One that is no notification of SES, as the text
// that SES sends when a topic is set up, yields nothing.
func (s *SES) Parse(e Envelope) ([]Event, error) {
	var in sesEvent
	if err := json.Unmarshal([]byte(e.Message), &in); err != nil {
		if strings.HasPrefix(strings.TrimSpace(e.Message), "{") {
			return nil, fmt.Errorf("%w: no notification of SES", ErrMalformed)
		}
		return nil, nil
	}
	base := Event{Provider: "ses", ProviderID: clip(in.Mail.MessageID, maxID), Raw: kept([]byte(e.Message)), At: when(in.Mail.Timestamp)}
	if ids := in.Mail.Tags["seaworthy_id"]; len(ids) > 0 {
		base.Ours = clip(ids[0], maxID)
	}
	for _, h := range in.Mail.Headers {
		if strings.EqualFold(h.Name, "Message-ID") {
			base.MessageID = clip(h.Value, maxID)
		}
	}
	kind := in.EventType
	if kind == "" {
		kind = in.NotificationType
	}
	all := in.events(kind, base)
	if len(all) > maxRecipients {
		return nil, fmt.Errorf("%w: %d recipients", ErrMalformed, len(all))
	}
	for i := range all {
		all[i].Dedupe = clip(e.MessageID, maxID) + ":" + all[i].Recipient
	}
	return all, nil
}

// events are the events of a notification, one for each recipient.
func (in sesEvent) events(kind string, base Event) (all []Event) {
	add := func(address, at string, kind Kind, effect Effect, details ...string) {
		e := base
		e.Kind, e.Effect, e.Recipient, e.Details = kind, effect, Normal(address), facts(details...)
		if t := when(at); !t.IsZero() {
			e.At = t
		}
		all = append(all, e)
	}
	switch kind {
	case "Send":
		for _, to := range in.Mail.Destination {
			add(to, "", Accepted, None)
		}
	case "Delivery":
		for _, to := range in.Delivery.Recipients {
			add(to, in.Delivery.Timestamp, Delivered, None, "response", in.Delivery.Response)
		}
	case "Bounce":
		what, effect := in.bounce()
		for _, r := range in.Bounce.Recipients {
			add(r.Address, in.Bounce.Timestamp, what, effect, "type", in.Bounce.Type, "subtype", in.Bounce.Subtype, "status", r.Status, "reason", r.Diagnostic)
		}
	case "Complaint":
		what, effect := in.complaint()
		for _, r := range in.Complaint.Recipients {
			add(r.Address, in.Complaint.Timestamp, what, effect, "type", in.Complaint.Feedback, "subtype", in.Complaint.Subtype)
		}
	case "DeliveryDelay":
		for _, r := range in.Delay.Recipients {
			add(r.Address, in.Delay.Timestamp, Deferred, None, "type", in.Delay.Type, "status", r.Status, "reason", r.Diagnostic)
		}
	case "Reject":
		for _, to := range in.Mail.Destination {
			add(to, "", Failed, None, "reason", in.Reject.Reason)
		}
	case "Rendering Failure":
		for _, to := range in.Mail.Destination {
			add(to, "", Failed, None, "reason", in.Failure.Message)
		}
	case "Subscription":
		if in.Subscription.New.All {
			for _, to := range in.Mail.Destination {
				add(to, in.Subscription.Timestamp, Unsubscribed, OptOut, "source", in.Subscription.Source)
			}
		}
	}
	return all
}

// bounce tells a dead mailbox from what SES did not even try to deliver, because
// the address is on a list of its own, and from what may work tomorrow.
func (in sesEvent) bounce() (Kind, Effect) {
	switch {
	case in.Bounce.Type != "Permanent":
		return Bounced, None
	case in.Bounce.Subtype == "Suppressed" || in.Bounce.Subtype == "OnAccountSuppressionList":
		return Suppressed, None
	case in.Bounce.Subtype == "UnsubscribedRecipient":
		return Unsubscribed, OptOut
	}
	return Bounced, Dead
}

// complaint: "not-spam" is somebody who took the mail out of the spam folder.
func (in sesEvent) complaint() (Kind, Effect) {
	switch {
	case in.Complaint.Subtype == "OnAccountSuppressionList":
		return Suppressed, None
	case in.Complaint.Feedback == "not-spam":
		return Delivered, None
	}
	return Complained, Complaint
}
