// Package bench measures a machine against the bars of the design: what a signed-in
// request through the proxy costs, how many durable writes, jobs and webhooks a second
// there are, what is lost when the process is killed. Each load runs against the whole
// app in a fresh folder, with Litestream running and synchronous=FULL, its clients on
// the same machine.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options say what to measure and how long.
type Options struct {
	Folder   string        // where databases are made; one folder a measurement, removed after it
	For      time.Duration // how long each load runs
	Clients  int           // how many ask at the same time
	Kills    int           // how often the process is killed
	Swaps    int           // how often the binary is replaced
	Only     []string      // areas to measure; all if empty
	Binary   string        // this program, which is started for its start, its memory and to be killed
	Hash     []string      // command that hashes passwords in a process of its own
	Version  string
	Progress io.Writer // told of each measurement before it begins
}

// Report is what was measured.
type Report struct {
	Version string    `json:"version"`
	At      time.Time `json:"at"`
	Machine Machine   `json:"machine"`
	Seconds float64   `json:"seconds"` // that each load ran
	Clients int       `json:"clients"`
	Results []Result  `json:"results"`
}

// Result is a row of the table. What does not apply is zero.
type Result struct {
	Area      string  `json:"area"`
	Name      string  `json:"name"`
	PerSecond float64 `json:"per_second,omitempty"`
	P50       float64 `json:"p50_ms,omitempty"`
	P99       float64 `json:"p99_ms,omitempty"`
	Value     string  `json:"value,omitempty"` // what is neither, with its unit
	Bar       string  `json:"bar,omitempty"`
	Missed    bool    `json:"missed,omitempty"` // the bar was not met
	Error     string  `json:"error,omitempty"`  // it could not be measured
}

// area is a number of measurements that share what they need.
type area struct {
	key, about string
	run        func(context.Context, *Options, string) ([]Result, error)
}

var areas = []area{
	{"process", "the binary, its start and its memory", process},
	{"store", "transactions of the store", storeWrites},
	{"jobs", "jobs from the commit to their end", jobs},
	{"audit", "events of the audit log, written and verified", auditLog},
	{"flags", "feature flags, evaluated in Go and over OFREP", flagged},
	{"api", "signed-in reads and full writes over HTTP", api},
	{"auth", "refresh tokens and sign-ins by password", signIns},
	{"billing", "webhooks of Stripe", webhooks},
	{"proxy", "signed-in requests through the proxy", proxied},
	{"upgrade", "what a new binary costs those who ask meanwhile", swaps},
	{"loss", "what a killed process and a lost machine lose", loss},
}

// Areas are the names that Options.Only takes, each with what it measures.
func Areas() (names, about []string) {
	for _, a := range areas {
		names, about = append(names, a.key), append(about, a.about)
	}
	return names, about
}

// Run measures. What fails is a row with its error, and the rest goes on; the error
// returned is ctx's, or that the folder cannot be used.
func Run(ctx context.Context, o Options) (Report, error) {
	r := Report{Version: o.Version, At: time.Now().UTC().Truncate(time.Second), Machine: machine(), Seconds: o.For.Seconds(), Clients: o.Clients}
	for _, name := range o.Only {
		if !slices.ContainsFunc(areas, func(a area) bool { return a.key == name }) {
			names, _ := Areas()
			return r, fmt.Errorf("there is no area %q to measure; there are %s", name, strings.Join(names, ", "))
		}
	}
	for _, a := range areas {
		if len(o.Only) > 0 && !slices.Contains(o.Only, a.key) {
			continue
		}
		fmt.Fprintf(o.Progress, "measuring %s\n", a.about)
		folder := filepath.Join(o.Folder, a.key)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return r, fmt.Errorf("make a folder to measure in: %w", err)
		}
		results, err := a.run(ctx, &o, folder)
		if ctx.Err() != nil {
			return r, errors.Join(context.Cause(ctx), os.RemoveAll(folder))
		}
		if err != nil {
			results = append(results, Result{Name: a.about, Error: err.Error()})
		}
		for i := range results {
			results[i].Area = a.key
		}
		r.Results = append(r.Results, results...)
		if err := os.RemoveAll(folder); err != nil {
			return r, fmt.Errorf("clear up after a measurement: %w", err)
		}
	}
	return r, nil
}

// atLeast is the row of a load that should reach a number a second.
func atLeast(name string, l latencies, bar float64) Result {
	r := l.result(name)
	r.Bar, r.Missed = fmt.Sprintf(">= %s/s", number(bar)), r.PerSecond < bar
	return r
}

// within has a row miss its bar also when one in a hundred takes longer.
func (r Result) within(p99 time.Duration) Result {
	ms := float64(p99.Microseconds()) / 1000
	r.Bar += fmt.Sprintf(", p99 < %s ms", number(ms))
	r.Missed = r.Missed || r.P99 >= ms
	return r
}
