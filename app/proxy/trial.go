package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/dial"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// The states of a trial.
const (
	TrialWaiting = "waiting"
	TrialAnswers = "answers"
	TrialSilent  = "silent"
)

// Trial is an address that was tried for an app, and what came of it.
type Trial struct {
	Address, Job, State, Detail string
	Asked, Ended                time.Time // Ended is zero while it is waited for
}

// tryApp is the job that looks whether an app answers.
type tryApp struct {
	Address string `json:"address"`
}

// Kind implements queue.Args.
func (tryApp) Kind() string { return "proxy.try" }

// trialTime is how long an app that is tried may take.
const trialTime = 5 * time.Second

// Jobs registers what the proxy does in the background.
func (s *System) Jobs(q *queue.Queue) { queue.Handle(q, s.tryIt) }

// Try has a job look whether an app answers at an address. It changes nothing else: where
// requests go is said by SEAWORTHY_UPSTREAM alone.
func (s *System) Try(ctx context.Context, address string) error {
	address = strings.TrimSuffix(strings.TrimSpace(address), "/")
	if len(address) > 300 {
		return web.Invalid(web.Field{Field: "address", Code: "too_long", Message: "At most 300 characters."})
	}
	if why := s.Fault(address); why != "" {
		return web.Invalid(web.Field{Field: "address", Code: "form", Message: "It must " + why + "."})
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		ticket, err := queue.Enqueue(tx, tryApp{address}, queue.Timeout(2*trialTime), queue.MaxAttempts(1))
		if err != nil {
			return err
		}
		if err := putTrial(tx, Trial{Address: address, Job: ticket.ID, State: TrialWaiting, Asked: tx.Now()}); err != nil {
			return fmt.Errorf("keep what is tried: %w", err)
		}
		return s.Audit.Record(tx, audit.Event{Action: actTried, Targets: []audit.Ref{{Type: "upstream", ID: "app"}}, Details: map[string]any{"address": address}})
	})
}

func (s *System) tryIt(ctx context.Context, job queue.Job[tryApp]) error {
	t := Trial{Address: job.Args.Address, Job: job.ID, State: TrialAnswers}
	var err error
	if t.Detail, err = ask(ctx, job.Args.Address); err != nil {
		t.State, t.Detail = TrialSilent, unreachable(err)
	}
	return job.Complete(ctx, func(tx *store.Tx) error { return endTrial(tx, t) })
}

// near are the networks in which an app behind may be. Addresses at which clouds give out
// credentials are in none that dial lets through.
var near = []string{"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"}

// ask makes one request and tells what came back, but nothing of what it says.
func ask(ctx context.Context, address string) (string, error) {
	t, err := parseTarget(address)
	if err != nil {
		return "", err
	}
	allowed, err := dial.Allow(near...)
	if err != nil {
		return "", err
	}
	transport := dial.Dialer{Allowed: allowed, Timeout: trialTime}.Transport()
	transport.Protocols = t.protocols()
	if t.network == "unix" {
		transport.DialContext = t.dial
	}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url.String()+"/", nil)
	if err != nil {
		return "", err
	}
	begun := time.Now()
	res, err := transport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // whatever it says, it answers
	return fmt.Sprintf("It answered %d %s in %d ms.", res.StatusCode, http.StatusText(res.StatusCode), time.Since(begun).Milliseconds()), nil
}

// unreachable says in words why nothing came back.
func unreachable(err error) string {
	var late net.Error
	var name *net.DNSError
	switch {
	case errors.Is(err, dial.ErrInside):
		return "This address may not be tried from here: it is neither public nor of a private network."
	case errors.As(err, &late) && late.Timeout():
		return "Nothing answered within five seconds."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nothing listens there. Is your app running, and on this port?"
	case errors.As(err, &name) && name.IsNotFound:
		return "There is no host of this name."
	case errors.Is(err, syscall.ENOENT):
		return "There is no such socket."
	case errors.Is(err, syscall.EACCES):
		return "Seaworthy may not open it. Look at the file's owner and mode."
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "It speaks http, not https."
	}
	return "It does not speak HTTP as it should: " + web.CleanText(err.Error(), 200)
}

// LastTrial is the last address that was tried; ErrNotFound if none was.
func LastTrial(tx *store.Tx) (t Trial, err error) {
	var asked, ended int64
	err = tx.QueryRow(`SELECT address, job, state, detail, asked_at, ended_at FROM proxy_trial WHERE id = 'app'`).Scan(&t.Address, &t.Job, &t.State, &t.Detail, &asked, &ended)
	t.Asked = time.UnixMilli(asked).UTC()
	if ended != 0 {
		t.Ended = time.UnixMilli(ended).UTC()
	}
	return t, err
}

func putTrial(tx *store.Tx, t Trial) error {
	return tx.ExecOne(`INSERT INTO proxy_trial (id, address, job, state, detail, asked_at, ended_at) VALUES ('app', ?, ?, ?, '', ?, 0)
		ON CONFLICT (id) DO UPDATE SET address = excluded.address, job = excluded.job, state = excluded.state, detail = '', asked_at = excluded.asked_at, ended_at = 0`,
		t.Address, t.Job, t.State, t.Asked.UnixMilli())
}

// endTrial keeps what came of a trial, unless another was asked for since.
func endTrial(tx *store.Tx, t Trial) error {
	_, err := tx.Exec(`UPDATE proxy_trial SET state = ?, detail = ?, ended_at = ? WHERE id = 'app' AND job = ?`, t.State, t.Detail, tx.Now().UnixMilli(), t.Job)
	return err
}
