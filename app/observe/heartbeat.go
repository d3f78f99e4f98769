package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"seaworthy/app/dial"
	"seaworthy/store"
)

// Heartbeat tells somebody outside, every minute, that all is well: a process that is dead, or cannot
// write, tells nobody of it, but a beat that is missing does (a dead man's switch). Any address will do
// that is asked by GET or POST, as healthchecks.io, Cronitor or Better Stack have them.
type Heartbeat struct {
	URL      string // "" for none
	Post     bool   // by POST, else by GET
	Interval time.Duration
	DB       *store.DB
	Dialer   dial.Dialer
	// Checks are what must be well beside a write to the business database, by name.
	Checks []HeartbeatCheck
	// Log is told when beats begin to fail, and when they are well again.
	Log func(message string, args ...any)
}

// HeartbeatCheck is one thing that must be well for a beat to be sent.
type HeartbeatCheck struct {
	Name string
	Err  func(ctx context.Context) error
}

// Beat is what came of the last beat. It is a row, so that doctor knows it too.
type Beat struct {
	At     time.Time `json:"at"`
	Sent   bool      `json:"sent"`             // and taken
	Held   string    `json:"held,omitempty"`   // which check it was that held it back
	Why    string    `json:"why,omitempty"`    // in words
	LastOK time.Time `json:"last_ok,omitzero"` // of the last that was taken
}

// beatKey is where the last beat stands among what the store keeps of itself.
const beatKey = "observe_heartbeat"

// beatTime bounds one beat, its checks and its request.
const beatTime = 20 * time.Second

// Run beats until ctx ends.
func (h *Heartbeat) Run(ctx context.Context) {
	if h.URL == "" {
		return
	}
	tick := time.NewTicker(h.Interval)
	defer tick.Stop()
	failing := false
	for {
		beat := h.Beat(ctx)
		if ctx.Err() != nil {
			return
		}
		if bad := !beat.Sent; bad != failing {
			failing = bad
			if bad {
				h.Log("the heartbeat is not sent or not taken", "check", beat.Held, "err", beat.Why)
			} else {
				h.Log("the heartbeat is well again")
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Beat checks that all is well, sends one beat if so, and keeps what came of it. The write that keeps it
// is the write that must pass: when it fails nothing is sent.
func (h *Heartbeat) Beat(ctx context.Context) Beat {
	ctx, cancel := context.WithTimeout(ctx, beatTime)
	defer cancel()
	last, _ := LastBeat(ctx, h.DB)
	b := Beat{At: h.DB.Now().UTC(), LastOK: last.LastOK}
	hold := func(check string, err error) Beat {
		b.Held, b.Why = check, clip(err.Error(), 300)
		h.keep(context.WithoutCancel(ctx), b)
		return b
	}
	if err := h.keep(ctx, Beat{At: b.At, Held: "request", Why: "on its way", LastOK: last.LastOK}); err != nil {
		b.Held, b.Why = "write", clip(err.Error(), 300)
		return b
	}
	for _, c := range h.Checks {
		if err := c.Err(ctx); err != nil {
			return hold(c.Name, err)
		}
	}
	if err := h.ask(ctx); err != nil {
		return hold("request", err)
	}
	b.Sent, b.LastOK = true, b.At
	if err := h.keep(ctx, b); err != nil {
		b.Held, b.Why = "write", clip(err.Error(), 300)
	}
	return b
}

// keep writes what came of a beat to the business database.
func (h *Heartbeat) keep(ctx context.Context, b Beat) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return h.DB.Write(ctx, func(tx *store.Tx) error { return store.SetMeta(tx, beatKey, string(text)) })
}

// ask sends the beat. The address holds a secret, so no error names it.
func (h *Heartbeat) ask(ctx context.Context) error {
	method := http.MethodGet
	if h.Post {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, h.URL, nil)
	if err != nil {
		return errors.New("SEAWORTHY_HEARTBEAT_URL is no address")
	}
	r.Header.Set("User-Agent", "Seaworthy")
	transport := h.Dialer.Transport()
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("%s did not answer: %w", r.URL.Hostname(), plainly(err))
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("%s answered %d", r.URL.Hostname(), res.StatusCode)
	}
	return nil
}

// LastBeat is what came of the last beat; store.ErrNotFound before the first.
func LastBeat(ctx context.Context, db *store.DB) (b Beat, err error) {
	text, err := store.Read(ctx, db, func(tx *store.Tx) (string, error) { return store.Meta(tx, beatKey) })
	if err != nil {
		return b, err
	}
	return parseBeat(text)
}

func parseBeat(text string) (b Beat, err error) {
	if text == "" {
		return b, store.ErrNotFound
	}
	return b, json.Unmarshal([]byte(text), &b)
}

// Host is where beats go, without what is secret.
func (h *Heartbeat) Host() string {
	u, err := url.Parse(h.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
