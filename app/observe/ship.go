package observe

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Place is where telemetry is sent as well.
type Place struct {
	URL    string
	Header map[string]string
}

// Bounds of what waits to be sent, and of trying.
const (
	mostParcels   = 256
	mostParcel    = 1 << 20  // bytes
	mostForward   = 5 << 20  // bytes of an envelope that is forwarded
	mostQueued    = 16 << 20 // bytes that wait for one place
	firstWait     = time.Second
	longestWait   = time.Minute
	shipTimeout   = 10 * time.Second
	lastShipments = 2 * time.Second // at shutdown
)

// loopHeader tells our own ingest that a report came from this very process.
const loopHeader = "X-Seaworthy-Forwarded"

// parcel is one request to be made. Its parts are of different categories of Sentry's, which the
// place may refuse for a while one by one.
type parcel struct {
	head  []byte
	parts []part
}

type part struct {
	category string // "" is refused for nothing but itself
	body     []byte
}

func (c parcel) size() (n int) {
	n = len(c.head)
	for _, one := range c.parts {
		n += len(one.body)
	}
	return n
}

// shipper sends parcels to one place, one after the other. While the place is down or asks for
// patience, what comes beyond the bound is counted as dropped, and nobody waits. That it then tries
// with one parcel only, at growing intervals, is its breaker.
type shipper struct {
	s       *System
	name    string // class of what is dropped
	place   Place
	content string // type
	client  *http.Client
	most    int // bytes of a parcel
	queue   chan parcel
	waiting atomic.Int64 // bytes in queue
	after   func(time.Duration) <-chan time.Time
	limits  limits       // what the place does not want for a while; of the sender's goroutine alone
	ended   atomic.Int64 // parcels that were taken or refused for good
	sent    atomic.Int64 // parcels that were taken
	lost    atomic.Int64 // parcels that were not, for whatever reason
	trouble atomic.Value // string: what the place said last, "" when it took the last parcel
	said    bool         // the log knows that it is down
	refused bool         // the log knows that it refuses
}

func (s *System) newShipper(name, content string, place Place) *shipper {
	return &shipper{s: s, name: name, place: place, content: content, most: mostParcel, queue: make(chan parcel, mostParcels), after: time.After, limits: limits{},
		client: &http.Client{Timeout: shipTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// add hands in a parcel that is whole.
func (p *shipper) add(body []byte) { p.hand(parcel{parts: []part{{body: body}}}) }

// hand hands in a parcel.
func (p *shipper) hand(c parcel) {
	size := int64(c.size())
	if size > int64(p.most) {
		p.lose("too_large", 1)
		return
	}
	if p.waiting.Add(size) > mostQueued {
		p.waiting.Add(-size)
		p.lose("queue_full", 1)
		return
	}
	select {
	case p.queue <- c:
	default:
		p.waiting.Add(-size)
		p.lose("queue_full", 1)
	}
}

func (p *shipper) lose(reason string, n int64) {
	p.lost.Add(n)
	p.s.drops.count(p.name, reason, n)
}

// run sends until ctx ends, and then what it can within a moment.
func (p *shipper) run(ctx context.Context) {
	for {
		select {
		case c := <-p.queue:
			p.waiting.Add(-int64(c.size()))
			if !p.deliver(ctx, c) {
				p.hand(c)
			}
		case <-ctx.Done():
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), lastShipments)
			defer stop()
			for {
				select {
				case c := <-p.queue:
					if again, _, err := p.post(last, c); again || err != nil {
						p.lose("stopping", 1)
					}
				default:
					return
				}
			}
		}
	}
}

// deliver tries until the parcel is taken or refused for good; false when ctx ended before.
func (p *shipper) deliver(ctx context.Context, c parcel) bool {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		again, asked, err := p.post(ctx, c)
		if !again {
			p.settled(err)
			return true
		}
		p.trouble.Store(err.Error())
		if !p.said {
			p.said = true
			p.s.own.Warn("telemetry cannot be sent on; it is tried again", "what", p.name, "err", err)
		}
		pause := wait/2 + rand.N(wait/2)
		if asked > 0 {
			pause = asked
		}
		select {
		case <-p.after(pause):
		case <-ctx.Done():
			return false
		}
	}
}

// settled notes how a parcel ended that is not tried again. That a place refuses is said once: it may
// refuse everything.
func (p *shipper) settled(err error) {
	defer p.ended.Add(1)
	if err != nil {
		p.trouble.Store(err.Error())
		p.lose("refused", 1)
		if !p.refused {
			p.s.own.Warn("telemetry that is sent on was refused", "what", p.name, "err", err)
		}
		p.refused = true
		return
	}
	if p.said || p.refused {
		p.s.own.Info("telemetry is sent on again", "what", p.name)
	}
	p.said, p.refused = false, false
	p.trouble.Store("")
}

// post tries once. Its errors name no address: one may hold a secret.
func (p *shipper) post(ctx context.Context, c parcel) (again bool, wait time.Duration, err error) {
	body, ok := p.wanted(c)
	if !ok {
		return false, 0, nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.place.URL, bytes.NewReader(body))
	if err != nil {
		return false, 0, fmt.Errorf("the address cannot be used")
	}
	for k, v := range p.place.Header {
		r.Header.Set(k, v)
	}
	r.Header.Set("Content-Type", p.content)
	r.Header.Set("User-Agent", "seaworthy")
	r.Header.Set(loopHeader, p.s.process)
	res, err := p.client.Do(r)
	if err != nil {
		return true, 0, fmt.Errorf("no answer")
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection is used again
	asked := p.limits.heed(res.Header.Values("X-Sentry-Rate-Limits"), p.s.now())
	switch status := res.StatusCode; {
	case status < 300:
		p.sent.Add(1)
		return false, 0, nil
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500:
		wait := patience(res.Header.Get("Retry-After"), p.s.now())
		if asked { // it said which categories it means, and they are left out from now on
			wait = 0
		}
		return true, wait, fmt.Errorf("status %d", status)
	default:
		return false, 0, fmt.Errorf("status %d", status)
	}
}

// patience is for how long a place wants to be left alone: seconds, or until a time (RFC 9110 section
// 10.2.3); 0 where it does not say.
func patience(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		return min(time.Duration(max(seconds, 0))*time.Second, longestLimit)
	}
	until, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(until.Sub(now), 0), longestLimit)
}

// wanted is the body of a parcel without what the place does not want for now; false when nothing is
// left, which is what SDKs make of it too.
func (p *shipper) wanted(c parcel) (body []byte, some bool) {
	now := p.s.now()
	body = append(body, c.head...)
	held := int64(0)
	for _, one := range c.parts {
		if p.limits.hold(one.category, now) {
			held++
			continue
		}
		body, some = append(body, one.body...), true
	}
	p.s.drops.count(p.name, "rate_limited", held)
	if !some {
		p.lost.Add(1)
	}
	return body, some
}
