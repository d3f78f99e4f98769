package app

import (
	"fmt"

	"seaworthy/app/config"
	"seaworthy/app/dial"
	"seaworthy/app/jobs"
	"seaworthy/app/seal"
	"seaworthy/app/webhook"
	"seaworthy/store"
)

// jobs makes the jobs of the customer's app.
func (a *App) jobs(keys *seal.Keys) (*jobs.System, error) {
	cfg := a.Config
	d := jobs.Deps{DB: a.DB, Queue: a.Queue, Audit: a.Audit.Log, Keys: keys, Log: a.log, URL: cfg.AppJobsURL, Production: cfg.Production(), Resolver: a.o.Resolver, Span: a.Observe.Called,
		Work: func(tx *store.Tx, org string) error { return a.Billing.Work(tx, org) }}
	var err error
	if d.Allowed, err = dial.Allow(cfg.JobPlaces()...); err != nil {
		return nil, &config.FaultError{Faults: []string{fmt.Sprintf("SEAWORTHY_JOBS_ALLOW: %v", err)}}
	}
	if cfg.AppJobsSecret != "" {
		if d.Secret, err = webhook.ParseSecret(cfg.AppJobsSecret); err != nil {
			return nil, &config.FaultError{Faults: []string{fmt.Sprintf("SEAWORTHY_APP_JOBS_SECRET: %v", err)}}
		}
	}
	return jobs.New(d), nil
}
