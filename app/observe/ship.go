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
	mostParcel    = 1 << 20 // bytes
	firstWait     = time.Second
	longestWait   = time.Minute
	shipTimeout   = 10 * time.Second
	lastShipments = 2 * time.Second // at shutdown
)

// loopHeader tells our own ingest that a report came from this very process.
const loopHeader = "X-Seaworthy-Forwarded"

// shipper sends parcels to one place, one after the other. While the place is down or asks for
// patience, what comes beyond the bound is counted as dropped, and nobody waits.
type shipper struct {
	s       *System
	name    string // class of what is dropped
	place   Place
	content string // type
	client  *http.Client
	queue   chan []byte
	after   func(time.Duration) <-chan time.Time
	ended   atomic.Int64 // parcels that were taken or refused for good
	said    bool         // the log knows that it is down
}

func (s *System) newShipper(name, content string, place Place) *shipper {
	return &shipper{s: s, name: name, place: place, content: content, queue: make(chan []byte, mostParcels), after: time.After,
		client: &http.Client{Timeout: shipTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// add hands in a parcel.
func (p *shipper) add(parcel []byte) {
	if len(parcel) > mostParcel {
		p.s.drops.count(p.name, "too_large", 1)
		return
	}
	select {
	case p.queue <- parcel:
	default:
		p.s.drops.count(p.name, "queue_full", 1)
	}
}

// run sends until ctx ends, and then what it can within a moment.
func (p *shipper) run(ctx context.Context) {
	for {
		select {
		case parcel := <-p.queue:
			if !p.deliver(ctx, parcel) {
				p.add(parcel)
			}
		case <-ctx.Done():
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), lastShipments)
			defer stop()
			for {
				select {
				case parcel := <-p.queue:
					if again, _, err := p.post(last, parcel); again || err != nil {
						p.s.drops.count(p.name, "stopping", 1)
					}
				default:
					return
				}
			}
		}
	}
}

// deliver tries until the parcel is taken or refused for good; false when ctx ended before.
func (p *shipper) deliver(ctx context.Context, parcel []byte) bool {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		again, asked, err := p.post(ctx, parcel)
		if !again {
			p.settled(err)
			return true
		}
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

// settled notes how a parcel ended that is not tried again.
func (p *shipper) settled(err error) {
	defer p.ended.Add(1)
	if err != nil {
		p.s.drops.count(p.name, "refused", 1)
		p.s.own.Warn("telemetry that is sent on was refused", "what", p.name, "err", err)
	} else if p.said {
		p.said = false
		p.s.own.Info("telemetry is sent on again", "what", p.name)
	}
}

// post tries once. Its errors name no address: one may hold a secret.
func (p *shipper) post(ctx context.Context, parcel []byte) (again bool, wait time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.place.URL, bytes.NewReader(parcel))
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
	switch status := res.StatusCode; {
	case status < 300:
		return false, 0, nil
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return true, min(time.Duration(max(seconds, 0))*time.Second, time.Hour), fmt.Errorf("status %d", status)
	default:
		return false, 0, fmt.Errorf("status %d", status)
	}
}
