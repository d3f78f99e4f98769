package ops

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/email"
	"seaworthy/app/launch"
	"seaworthy/queue"
	"seaworthy/store"
)

// Look is the job that finds out what has to be asked outside: the DNS, the public address.
type Look struct{}

// Kind implements queue.Args.
func (Look) Kind() string { return "ops.look" }

// lookTime is how long all of a look may take.
const lookTime = time.Minute

// lookJobs declares it: when somebody asks, and in production daily. In development there
// is nothing outside that anybody relies on.
func (s *System) lookJobs(q *queue.Queue) {
	queue.Handle(q, func(ctx context.Context, _ queue.Job[Look]) error { return s.look(ctx) })
	if !s.Config.Production() {
		return
	}
	queue.CronFunc(q, "launch-look", "37 4 * * *", "", queue.Once, func(ctx context.Context, _ queue.Job[queue.Tick]) error { return s.look(ctx) },
		queue.Timeout(2*lookTime), queue.MaxAttempts(3))
}

// look asks and stores what it found. That something does not answer is a finding, too.
func (s *System) look(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	found := email.LookUp(within, s.TXT, s.Config)
	if s.Config.Production() {
		found = append(found, visit(within, s.Outside, s.Config.URL)...)
	}
	if f, ok := s.Clock.Finding(time.Now()); ok {
		found = append(found, f)
	}
	if len(found) == 0 {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		for _, f := range found {
			if err := putFinding(tx, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// visit calls the public address as a customer's browser would.
func visit(ctx context.Context, outside http.RoundTripper, at string) []launch.Finding {
	certificate, hsts := launch.Finding{Key: keyCertificate, About: at}, launch.Finding{Key: keyHSTS, About: at}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/-/healthz", nil)
	if err != nil {
		return nil
	}
	client := http.Client{Transport: outside, Timeout: 15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		certificate.State, certificate.Detail = launch.Todo, "The public address does not answer: "+plain(err)
		hsts.State, hsts.Detail = launch.Unknown, "The public address does not answer."
		return []launch.Finding{certificate, hsts}
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 64)) // what cannot be read is not "ok" either
	if answer.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != "ok" {
		certificate.State, certificate.Detail = launch.Todo, fmt.Sprintf("Something else than Seaworthy answers at the public address (%d).", answer.StatusCode)
		hsts.State, hsts.Detail = launch.Unknown, certificate.Detail
		return []launch.Finding{certificate, hsts}
	}
	certificate.State, certificate.Detail = judgeCertificate(answer.TLS, time.Now())
	hsts.State, hsts.Detail = launch.Done, "They are."
	if answer.Header.Get("Strict-Transport-Security") == "" {
		hsts.State, hsts.Detail = launch.Todo, "The header Strict-Transport-Security is missing at the public address."
	}
	return []launch.Finding{certificate, hsts}
}

// plain is what went wrong without the request that is repeated before it.
func plain(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, `": `); i >= 0 {
		text = text[i+3:]
	}
	return strings.ToValidUTF8(text[:min(len(text), 200)], "")
}

// renewedBy is how long before its end a certificate should have been renewed: those of
// Let's Encrypt are when a third of their time is left.
const renewedBy = 14 * 24 * time.Hour

func judgeCertificate(state *tls.ConnectionState, now time.Time) (launch.State, string) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return launch.Unknown, "The connection does not tell of a certificate."
	}
	end := state.PeerCertificates[0].NotAfter.UTC()
	switch left := end.Sub(now); {
	case left <= 0:
		return launch.Todo, "It has expired on " + end.Format("2 Jan 2006") + "."
	case left < renewedBy:
		return launch.Warn, "It ends on " + end.Format("2 Jan 2006") + " and was not renewed."
	}
	return launch.Done, "It is valid until " + end.Format("2 Jan 2006") + "."
}
