package ops

import (
	"context"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/app/launch"
	"seaworthy/app/web"
	"seaworthy/store"
)

const (
	keyAlert   = "alerts.delivered"
	mostAlerts = 20 // operators that a test is sent to
	alertPause = time.Minute
)

// alertEntry is the entry of a test alert among the findings: about are the ids of
// its messages.
const alertEntry = "alerts.test"

var errNoOperator = &web.Error{Status: http.StatusConflict, Code: "no_operator", Public: "No operator has a verified address that an alert could go to."}

// TestAlert mails a test of alerts to every operator.
func (s *System) TestAlert(ctx context.Context) (sent int, err error) {
	return store.Write(ctx, s.DB, func(tx *store.Tx) (int, error) {
		last, err := findingOf(tx, alertEntry)
		if err != nil {
			return 0, err
		}
		if tx.Now().Sub(last.at) < alertPause {
			return 0, &web.Error{Status: http.StatusConflict, Code: "too_soon", Public: "A test alert was sent within the last minute. Wait for it before you send another."}
		}
		people, err := auth.Operators(tx, mostAlerts)
		if err != nil {
			return 0, err
		}
		if len(people) == 0 {
			return 0, errNoOperator
		}
		var ids []string
		for _, p := range people {
			id, err := s.Mail.Send(tx, email.Message{To: p.Email, Template: "observe/alert", User: p.ID, Vars: map[string]string{"Title": "This is a test alert",
				"Summary": "Nothing is wrong. Somebody wanted to know whether alerts reach you.", "When": tx.Now().UTC().Format("2 Jan 2006, 15:04 UTC"), "URL": s.Config.URL + launchPage, "AlertURL": s.Config.URL + launchPage}})
			if err != nil {
				return 0, err
			}
			ids = append(ids, id)
		}
		if err := putFinding(tx, launch.Finding{Key: alertEntry, State: launch.Unknown, About: strings.Join(ids, " ")}); err != nil {
			return 0, err
		}
		return len(ids), s.Audit.Record(tx, audit.Event{Action: actAlerted, Targets: []audit.Ref{{Type: "launch_check", ID: keyAlert}}, Details: map[string]any{"operators": len(ids)}})
	})
}

// alertChecks say whether alerts reach somebody, by a real one or by the last test.
func (s *System) alertChecks(tx *store.Tx, c *config.Config) ([]Check, error) {
	return AlertChecks(tx, c, s.Alerted)
}

// AlertChecks are the same for a file; alerted may be nil.
func AlertChecks(tx *store.Tx, c *config.Config, alerted func(tx *store.Tx) (time.Time, error)) ([]Check, error) {
	k := Check{Key: keyAlert, System: "alerts", Title: "An alert has reached an operator", Link: launchPage, Blocks: true,
		Why: "Else customers are the first who know that something is down.", Fix: "Press Send a test alert on the page Launch checklist, and look in the mailbox of each operator."}
	if alerted != nil {
		at, err := alerted(tx)
		if err != nil {
			return nil, err
		}
		if !at.IsZero() {
			return []Check{k.Is(launch.Done, "The last was delivered on "+at.UTC().Format("2 Jan 2006, 15:04")+".")}, nil
		}
	}
	test, err := findingOf(tx, alertEntry)
	if err != nil {
		return nil, err
	}
	if test.Key == "" {
		return []Check{k.Is(launch.Todo, "None was ever sent.")}, nil
	}
	when := test.at.Format("2 Jan 2006, 15:04")
	waits := false
	for _, id := range strings.Fields(test.About) {
		status, err := email.StatusOf(tx, id)
		if err != nil {
			return nil, err
		}
		switch status {
		case "sent", "delivered":
			if !c.HasMail() {
				return []Check{k.Is(launch.Warn, "The test of "+when+" is in the development inbox.")}, nil
			}
			return []Check{k.Is(launch.Done, "The test of "+when+" was "+map[string]string{"sent": "taken by the mail provider", "delivered": "delivered"}[status]+".")}, nil
		case "queued", "deferred", "unknown":
			waits = true
		}
	}
	if waits {
		return []Check{k.Is(launch.Unknown, "The test of "+when+" is on its way.")}, nil
	}
	return []Check{k.Is(launch.Todo, "The test of "+when+" was not delivered.")}, nil
}
