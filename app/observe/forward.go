package observe

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"seaworthy/app/observe/sentry"
	"seaworthy/app/web"
)

// Where what a project reports goes as well.
const (
	ForwardOff    = "off"
	ForwardSentry = "sentry" // where SENTRY_DSN leads
	ForwardOwn    = "own"    // to a DSN of the project's own
)

// forwardPurpose is what a project's forward DSN is sealed for.
const forwardPurpose = "forward-dsn"

// forwards send on what projects report, each project to its own place, so that one place that is
// down holds up no other.
type forwards struct {
	mu      sync.Mutex
	ctx     context.Context // of Run; nil before it begins and after it ends
	running sync.WaitGroup
	to      map[int64]*forward // by project
}

type forward struct {
	*shipper
	sealed string // the DSN it was made from
	key    string // of that DSN
	stop   context.CancelFunc
	began  bool
}

// Forwarded is how the forwarding of a project fares since this process began.
type Forwarded struct {
	Sent    int64  `json:"sent"`    // envelopes that were taken
	Lost    int64  `json:"lost"`    // that were not, for whatever reason
	Trouble string `json:"trouble"` // what the place said last; "" when it took the last one
}

// arrange makes, changes and ends forwards so that they are those of the projects.
func (s *System) arrange(all []Project) {
	f := &s.forwards
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.to == nil {
		f.to = map[int64]*forward{}
	}
	wanted := map[int64]bool{}
	for _, p := range all {
		sealed := p.Forward + "\n" + string(p.sealed)
		if old := f.to[p.ID]; old != nil && old.sealed == sealed {
			wanted[p.ID] = true
			continue
		}
		one := s.newForward(p)
		if one == nil {
			continue
		}
		if old := f.to[p.ID]; old != nil {
			old.stop()
		}
		one.sealed = sealed
		f.to[p.ID], wanted[p.ID] = one, true
	}
	for id, one := range f.to {
		if !wanted[id] {
			one.stop()
			delete(f.to, id)
		}
	}
	f.begin()
}

// newForward is what sends on for a project; nil where nothing is to be, or can be.
func (s *System) newForward(p Project) *forward {
	one := &forward{stop: func() {}}
	switch p.Forward {
	case ForwardSentry:
		if s.o.Reports == nil {
			return nil // SENTRY_DSN was taken away
		}
		one.shipper = s.newShipper("forward", "application/x-sentry-envelope", *s.o.Reports)
		_, one.key, _ = strings.Cut(s.o.Reports.Header["X-Sentry-Auth"], "sentry_key=")
	case ForwardOwn:
		dsn, err := s.Outside.Keys.Open(forwardPurpose, strconv.FormatInt(p.ID, 10), p.sealed)
		address, auth, ok := sentry.Endpoint(string(dsn))
		if err != nil || !ok {
			s.own.Warn("the address that a project is forwarded to cannot be read; set it again", "project", p.Name)
			return nil
		}
		one.shipper = s.newShipper("forward", "application/x-sentry-envelope", Place{URL: address, Header: map[string]string{"X-Sentry-Auth": auth}})
		one.client.Transport = s.Outside.Dialer.Transport()
		_, one.key, _ = strings.Cut(auth, "sentry_key=")
	default:
		return nil
	}
	one.most = mostForward
	return one
}

// begin starts those that do not run yet.
func (f *forwards) begin() {
	if f.ctx == nil {
		return
	}
	for _, one := range f.to {
		if one.began {
			continue
		}
		ctx, stop := context.WithCancel(f.ctx)
		one.began, one.stop = true, stop
		f.running.Go(func() {
			defer stop()
			one.run(ctx)
			one.client.CloseIdleConnections()
		})
	}
}

// runForwards lets them run until ctx ends; what is returned waits for them.
func (s *System) runForwards(ctx context.Context) (wait func()) {
	f := &s.forwards
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ctx = ctx
	f.begin()
	return func() {
		f.mu.Lock()
		f.ctx = nil
		f.mu.Unlock()
		f.running.Wait()
	}
}

func (f *forwards) of(project int64) *forward {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.to[project]
}

// forwarding reports whether what a request brings for a project goes on: not what another of our
// kind had sent on already, else two that forward to each other would never end.
func (s *System) forwarding(r *http.Request, p Project) *forward {
	if r == nil || r.Header.Get(loopHeader) != "" {
		return nil
	}
	return s.forwards.of(p.ID)
}

// forward hands what an envelope holds to the project's place, without secrets. What nobody can look
// through stays here.
func (s *System) forward(r *http.Request, p Project, e *sentry.Envelope, id string) {
	to := s.forwarding(r, p)
	if to == nil {
		return
	}
	head, err := forwardHead(e.Header, id, to.key)
	if err != nil {
		s.drops.count("forward", "encoding", 1)
		return
	}
	c := parcel{head: head}
	hidden := int64(0)
	for _, items := range [][]sentry.Item{e.Items, e.Others} {
		for _, item := range items {
			body, ok := forwardable(item)
			if !ok {
				hidden++
				continue
			}
			c.parts = append(c.parts, part{categoryOf(item.Type), body})
		}
	}
	s.drops.count("forward", "not_readable", hidden)
	if len(c.parts) > 0 {
		to.hand(c)
	}
}

// Forwarded tells how the forwarding of a project fares; false where nothing is forwarded.
func (s *System) Forwarded(project int64) (f Forwarded, ok bool) {
	one := s.forwards.of(project)
	if one == nil {
		return f, false
	}
	trouble, _ := one.trouble.Load().(string)
	return Forwarded{Sent: one.sent.Load(), Lost: one.lost.Load(), Trouble: trouble}, true
}

// setForward checks where a project is to be forwarded to, and seals the address.
func (s *System) setForward(p Project, c ProjectChange, bad *web.Check) Project {
	if c.Forward != nil {
		p.Forward = *c.Forward
	}
	dsn := strings.TrimSpace(deref(c.ForwardDSN))
	if dsn != "" && c.Forward == nil {
		p.Forward = ForwardOwn
	}
	bad.Fault(p.Forward == ForwardOff || p.Forward == ForwardSentry || p.Forward == ForwardOwn, "forward", "choice", "One of off, sentry and own.")
	bad.Fault(p.Forward != ForwardSentry || s.o.Reports != nil, "forward", "unset", "SENTRY_DSN is not set.")
	bad.Fault(p.Forward != ForwardOwn || dsn != "" || len(p.sealed) > 0, "forward_dsn", "missing", "Give the DSN to forward to.")
	bad.Fault(dsn == "" || p.Forward == ForwardOwn, "forward_dsn", "choice", "A DSN goes with forwarding to the project's own.")
	if dsn == "" {
		if p.Forward != ForwardOwn { // what is not used is not kept
			p.ForwardHost, p.sealed = "", nil
		}
		return p
	}
	_, _, ok := sentry.Endpoint(dsn)
	u, err := url.Parse(dsn)
	bad.Fault(ok && err == nil && (u.Scheme == "https" || !s.Outside.Production), "forward_dsn", "form", "A DSN as https://KEY@sentry.example.com/1.")
	if !ok || err != nil {
		return p
	}
	bad.Fault(!s.isOurs(u), "forward_dsn", "loop", "This DSN leads to this installation itself.")
	bad.Fault(s.Outside.Dialer.Allowed.Judge(u.Hostname(), port(u)) == nil, "forward_dsn", "inside", "This address is not of the public network. SEAWORTHY_ALERTS_ALLOW opens one of your own.")
	p.ForwardHost, p.sealed = u.Host, s.Outside.Keys.Seal(forwardPurpose, strconv.FormatInt(p.ID, 10), []byte(dsn))
	return p
}

// isOurs reports whether an address is that of this installation.
func (s *System) isOurs(u *url.URL) bool {
	ours, err := url.Parse(s.URL)
	return err == nil && strings.EqualFold(u.Hostname(), ours.Hostname()) && port(u) == port(ours)
}
