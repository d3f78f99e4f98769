package stripesim

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Faults are what goes wrong until it is switched off: what Stripe, and the network
// before it, are known to do to programs (spec/billing.md, section 6).
type Faults struct {
	// API is what the next calls meet: 429, lock_timeout, 500, 500_retry, 500_no_retry,
	// lost (done, but the answer never comes), stale (reads answer as before the last
	// change), slow. "": nothing.
	API      string `json:"api,omitempty"`
	APICalls int    `json:"api_calls,omitempty"` // how many calls meet it; 0: all
	SlowMS   int    `json:"slow_ms,omitempty"`   // 3000 if 0

	FailPayments int    `json:"fail_payments,omitempty"` // so many charges are declined next
	FailCode     string `json:"fail_code,omitempty"`     // card_declined if ""

	Duplicate    bool   `json:"duplicate,omitempty"`     // each webhook comes twice
	Reorder      int    `json:"reorder,omitempty"`       // so many webhooks that are due together come in reverse
	DelaySeconds int    `json:"delay_seconds,omitempty"` // webhooks come later by this
	Drop         int    `json:"drop,omitempty"`          // so many webhooks are never sent
	Secret       string `json:"secret,omitempty"`        // wrong, old (the one before it was rolled), both
	Body         string `json:"body,omitempty"`          // truncate, truncate_signed, oversize, dahlia, thin, livemode
	Time         string `json:"time,omitempty"`          // future, old

	EndRule string `json:"end_rule,omitempty"` // after the last retry: cancel, unpaid; past_due if ""
}

// check refuses what is not known.
func (f Faults) check() error {
	for _, one := range []struct{ name, value, known string }{
		{"api", f.API, "429 lock_timeout 500 500_retry 500_no_retry lost stale slow"}, {"secret", f.Secret, "wrong old both"},
		{"body", f.Body, "truncate truncate_signed oversize dahlia thin livemode"}, {"time", f.Time, "future old"}, {"end_rule", f.EndRule, "cancel unpaid past_due"},
	} {
		if one.value != "" && !strings.Contains(" "+one.known+" ", " "+one.value+" ") {
			return fmt.Errorf("%s must be one of: %s", one.name, one.known)
		}
	}
	if min(f.APICalls, f.SlowMS, f.FailPayments, f.Reorder, f.DelaySeconds, f.Drop) < 0 {
		return fmt.Errorf("numbers must not be negative")
	}
	return nil
}

// SetFaults takes the place of the faults that are on.
func (s *Sim) SetFaults(_ context.Context, f Faults) error {
	if err := f.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	return nil
}

// Faults are those that are on.
func (s *Sim) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// FailNextPayment has the next charge declined with a code such as
// insufficient_funds; card_declined if "".
func (s *Sim) FailNextPayment(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.FailPayments++
	s.faults.FailCode = code
}

// met is what became of a call before it ran.
type met struct {
	err         *Error
	slow        time.Duration
	lost, stale bool
}

// apiFault is what a call meets.
func (s *Sim) apiFault(r *http.Request) met {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &s.faults
	if f.API == "stale" && r.Method != http.MethodGet || f.API == "" {
		return met{}
	}
	kind := f.API
	if f.APICalls > 0 {
		if f.APICalls--; f.APICalls == 0 {
			f.API = ""
		}
	}
	broken := func(retry string) met {
		return met{err: &Error{Status: 500, Type: "api_error", Message: "An unknown error occurred.", retry: retry}}
	}
	switch kind {
	case "429":
		return met{err: &Error{Status: 429, Type: "invalid_request_error", Code: "rate_limit", Message: "Too many requests in a short time."}}
	case "lock_timeout":
		return met{err: &Error{Status: 429, Type: "invalid_request_error", Code: "lock_timeout", Message: "This object cannot be accessed right now because another API request or Stripe process is currently accessing it."}}
	case "500":
		return broken("")
	case "500_retry":
		return broken("true")
	case "500_no_retry":
		return broken("false")
	case "lost":
		return met{lost: true}
	case "stale":
		return met{stale: true}
	}
	ms := f.SlowMS
	if ms == 0 {
		ms = 3000
	}
	return met{slow: time.Duration(ms) * time.Millisecond}
}

// stale answers a read as it was answered first, as a replica does that is behind.
func (s *Sim) stale(asked string, fresh []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := "stale " + asked
	before, known := s.replies[key]
	if !known {
		s.replies[key] = reply{asked: asked, body: fresh, at: s.now()}
		return fresh
	}
	return before.body
}
