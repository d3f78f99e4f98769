package app

import (
	"fmt"

	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/app/seal"
	"seaworthy/app/sms"
	"seaworthy/app/webhook"
	"seaworthy/store"
)

// texts makes what sends texts: a provider if one is configured, in development
// else the inbox, in production else nothing.
func (a *App) texts(keys *seal.Keys) (*sms.System, error) {
	cfg := a.Config
	d := sms.Deps{DB: a.DB, Audit: a.Audit.Log, Keys: keys, Daily: cfg.SMSDaily, Wake: email.InboxTopic}
	switch {
	case cfg.TwilioSID != "":
		d.Provider = sms.Twilio{SID: cfg.TwilioSID, Token: cfg.TwilioToken, From: cfg.TwilioFrom, Through: a.Observe.Outgoing}
	case cfg.SMSWebhook != "":
		key, err := webhook.ParseSecret(cfg.SMSSecret)
		if err != nil {
			return nil, &config.FaultError{Faults: []string{fmt.Sprintf("SEAWORTHY_SMS_WEBHOOK_SECRET: %v", err)}}
		}
		d.Provider = sms.Webhook{URL: cfg.SMSWebhook, Key: key, Now: a.DB.Now, Through: a.Observe.Outgoing}
	case cfg.Production():
		return nil, nil
	}
	return sms.New(d), nil
}

// texter is a nil interface for no system, which a nil pointer in one is not.
func texter(s *sms.System) auth.Texter {
	if s == nil {
		return nil
	}
	return s
}

// caught shows the development inbox the texts beside the mails: email and sms
// know nothing of each other.
type caught struct{}

func (caught) List(tx *store.Tx, limit int) ([]email.Text, error) {
	all, err := sms.Caught(tx, limit)
	out := make([]email.Text, len(all))
	for i, t := range all {
		out[i] = email.Text(t)
	}
	return out, err
}

func (caught) Get(tx *store.Tx, id string) (email.Text, error) {
	t, err := sms.CaughtByID(tx, id)
	return email.Text(t), err
}

func (caught) MarkRead(tx *store.Tx, id string) error { return sms.MarkRead(tx, id) }
func (caught) Delete(tx *store.Tx, id string) error   { return sms.Delete(tx, id) }
func (caught) Clear(tx *store.Tx) error               { return sms.Clear(tx) }
