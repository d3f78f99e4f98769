package observe

import (
	"fmt"
	"slices"

	"seaworthy/app/web"
)

// Rule says when something is worth a person's attention, and how that is set.
type Rule struct {
	Kind     string `json:"kind"`
	Title    string `json:"title"`
	Means    string `json:"means"`
	Enabled  bool   `json:"enabled"`
	Critical bool   `json:"critical"` // else a warning
	Bound    int64  `json:"bound"`    // from which on it fires, in the unit; below which for what runs out
	Unit     string `json:"unit,omitempty"`
	Minutes  int64  `json:"minutes"`          // the time that is looked at, or for which it must last
	Factor   int64  `json:"factor,omitempty"` // percent of what it was before
	Changed  bool   `json:"changed"`          // by somebody

	below bool // it fires when the value is less than the bound
	event bool // something happened, rather than lasts: a person says when it is over
}

// The rules that this package looks after itself; the others are read from outside.
const (
	ruleNew       = "issue_new"
	ruleRegressed = "issue_regressed"
	ruleBurst     = "error_burst"
	ruleSlow      = "slow_route"
	ruleMonitor   = "monitor"
)

// rules are all rules as they are when nobody changes them, in the order of the pages.
func rules() []Rule {
	return []Rule{
		{Kind: ruleNew, Title: "New error", Means: "An error is seen that was never seen before.", Enabled: true, event: true},
		{Kind: ruleRegressed, Title: "Error is back", Means: "An error that was resolved is seen again.", Enabled: true, event: true},
		{Kind: ruleBurst, Title: "Burst of errors", Means: "So many errors in so many minutes, and so many times as in the hour before.", Enabled: true, Critical: true, Bound: 20, Unit: "errors", Minutes: 5, Factor: 300},
		{Kind: ruleSlow, Title: "Slow route", Means: "19 of 20 requests took up to so long, and so many times as in the hour or the day before.", Enabled: true, Bound: 500, Unit: "ms", Minutes: 10, Factor: 200},
		{Kind: "job_age", Title: "Jobs wait", Means: "A job that could run waits for so long.", Enabled: true, Bound: 300, Unit: "seconds", Minutes: 1},
		{Kind: "jobs_dead", Title: "Dead letters", Means: "So many jobs gave up and wait for a person.", Enabled: true, Bound: 1, Unit: "jobs"},
		{Kind: "queue_stuck", Title: "Queue is stuck", Means: "No job of a queue has started for five minutes though some wait.", Enabled: true, Critical: true},
		{Kind: "replica", Title: "Replica is behind", Means: "Commits are only on this machine for so long, or the replica cannot be written.", Enabled: true, Critical: true, Bound: 60, Unit: "seconds", Minutes: 1},
		{Kind: "backup", Title: "Backups fail", Means: "A copy or the nightly try of a restore failed.", Enabled: true},
		{Kind: "database", Title: "Database cannot be written", Means: "The last write failed, or another process holds the lock.", Enabled: true, Critical: true},
		{Kind: "disk", Title: "Disk is nearly full", Means: "Less than so much of the disk is free.", Enabled: true, Critical: true, Bound: 10, Unit: "percent", Minutes: 1, below: true},
		{Kind: "certificate", Title: "Certificate runs out", Means: "The certificate is valid for fewer days than this.", Enabled: true, Critical: true, Bound: 14, Unit: "days", below: true},
		{Kind: "clock", Title: "Clock is wrong", Means: "The clock of this machine jumped or stands before the newest commit.", Enabled: true, Critical: true, Bound: 60, Unit: "seconds"},
		{Kind: "mail_stopped", Title: "Mail provider is stopped", Means: "A provider refuses our key or has no allowance left: mail goes another way, or waits.", Enabled: true, Critical: true},
		{Kind: "endpoint_disabled", Title: "Endpoint is left alone", Means: "An endpoint of jobs is disabled, or most of its deliveries fail.", Enabled: true},
		{Kind: ruleMonitor, Title: "Job of your app", Means: "A job that checks in said that it failed, ran too long, or did not come in time.", Enabled: true, Critical: true},
		{Kind: "audit", Title: "Audit log is broken", Means: "The audit log cannot be verified or signed.", Enabled: true, Critical: true},
		{Kind: "telemetry", Title: "Telemetry is not kept", Means: "The log and errors cannot be written at present.", Enabled: true, Minutes: 1},
	}
}

// ruleOf is the rule of a kind as it is without changes.
func ruleOf(kind string) (Rule, bool) {
	all := rules()
	i := slices.IndexFunc(all, func(r Rule) bool { return r.Kind == kind })
	if i < 0 {
		return Rule{}, false
	}
	return all[i], true
}

// RuleChange is what somebody sets of a rule. What is nil stays as it is.
type RuleChange struct {
	Enabled  *bool  `json:"enabled,omitempty" doc:"Whether it is looked for"`
	Critical *bool  `json:"critical,omitempty" doc:"Whether it wakes somebody"`
	Bound    *int64 `json:"bound,omitempty" doc:"From when it fires"`
	Minutes  *int64 `json:"minutes,omitempty" doc:"For how long it must last"`
	Factor   *int64 `json:"factor,omitempty" doc:"Percent of what it was before"`
	Reset    bool   `json:"reset,omitempty" doc:"Back to what it is when nobody changes it"`
}

// apply checks a change and makes it.
func (c RuleChange) apply(r Rule) (Rule, error) {
	if c.Reset {
		back, _ := ruleOf(r.Kind)
		return back, nil
	}
	var bad web.Check
	set := func(to *int64, from *int64, field, unit string, least, most int64, message string) {
		if from == nil {
			return
		}
		bad.Fault(unit != "", field, "fixed", "This rule has none.")
		bad.Fault(*from >= least && *from <= most, field, "range", message)
		*to = *from
	}
	most := int64(1_000_000)
	if r.Unit == "percent" {
		most = 90
	}
	set(&r.Bound, c.Bound, "bound", r.Unit, 1, most, "From 1 to 1,000,000; a share of the disk at most 90 percent.")
	set(&r.Minutes, c.Minutes, "minutes", "minutes", 0, 60, "From 0 to 60 minutes.")
	ratio := ""
	if r.Factor > 0 {
		ratio = "percent"
		bad.Fault(c.Minutes == nil || *c.Minutes > 0, "minutes", "range", "From 1 to 60 minutes.")
	}
	set(&r.Factor, c.Factor, "factor", ratio, 100, 10_000, "From 100 to 10,000 percent of what it was.")
	if c.Enabled != nil {
		r.Enabled = *c.Enabled
	}
	if c.Critical != nil {
		r.Critical = *c.Critical
	}
	r.Changed = true
	return r, bad.Err()
}

// over reports whether a value fires the rule.
func (r Rule) over(v float64) bool {
	if r.below {
		return v < float64(r.Bound)
	}
	return v >= float64(r.Bound)
}

// calm reports whether a value is so far from the bound that an alert may end: what swings
// around the bound must not fire each time.
func (r Rule) calm(v float64) bool {
	if r.below {
		return v >= float64(r.Bound)*1.1
	}
	return v < float64(r.Bound)*0.8 || r.Bound == 1 && v < 1
}

// Says is how the rule is set, in words.
func (r Rule) Says() string {
	value := number(float64(r.Bound), r.Unit)
	switch {
	case r.Unit == "" && r.Minutes > 0:
		return "When it lasts " + minutesOf(r.Minutes) + "."
	case r.Unit == "":
		return ""
	case r.Kind == ruleBurst:
		return fmt.Sprintf("From %s in %s, and %d %% of the hour before.", value, minutesOf(r.Minutes), r.Factor)
	case r.Factor > 0:
		return fmt.Sprintf("From %s over %s, and %d %% of what it was.", value, minutesOf(r.Minutes), r.Factor)
	case r.below:
		value = "Below " + value
	default:
		value = "From " + value
	}
	if r.Minutes > 0 {
		value += ", for " + minutesOf(r.Minutes)
	}
	return value + "."
}
