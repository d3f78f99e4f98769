package app

import (
	"time"

	"seaworthy/app/config"
	"seaworthy/app/dial"
	"seaworthy/app/email"
	"seaworthy/app/email/feedback"
)

// mailFeedback is who may tell what became of messages, as configured. What a
// provider names is fetched only from the public network.
func (a *App) mailFeedback() (f email.Feedback, err error) {
	cfg := a.Config
	outside := a.o.Outside
	if outside == nil {
		outside = dial.Dialer{}.Transport()
	}
	f.Outside = a.clock.Through(a.Observe.Outgoing(outside))
	wrong := func(option string, err error) error {
		return &config.FaultError{Faults: []string{option + ": " + err.Error()}}
	}
	if cfg.PostmarkHook != "" {
		if f.Postmark, err = feedback.NewPostmark(cfg.PostmarkHook, cfg.PostmarkFrom); err != nil {
			return f, wrong("SEAWORTHY_POSTMARK_WEBHOOK", err)
		}
	}
	if cfg.SESTopics != "" {
		certs := feedback.NewCertificates(f.Outside, a.o.OutsideRoots, a.o.Clock)
		if f.SES, err = feedback.NewSES(cfg.SESTopics, certs); err != nil {
			return f, wrong("SEAWORTHY_SES_TOPICS", err)
		}
	}
	if cfg.SendGridHook != "" {
		if f.SendGrid, err = feedback.NewSendGrid(cfg.SendGridHook, time.Duration(cfg.SendGridSkew)*time.Second); err != nil {
			return f, wrong("SENDGRID_WEBHOOK_KEY", err)
		}
	}
	return f, nil
}
