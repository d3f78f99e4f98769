// Package observe keeps what happened: the log, and the errors of this program,
// in files of their own beside the business database (spec/observability.md).
//
// Nothing here may slow or fill the business: producers put into bounded rings and
// never wait, one writer empties them, files are capped and retired by being
// deleted, and before the disk is full this stops first. What is not kept is counted.
package observe

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/dial"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Options say where things are kept and how much. The zero values are right for
// production.
type Options struct {
	Folder       string           // of telemetry.db and the segments
	SlowQuery    time.Duration    // from when a statement, or a wait for the writer, is kept as slow; 50 ms if 0
	Clock        func() time.Time // time.Now if nil
	Release      string           // of this program
	Service      string           // what exported traces call this program; "seaworthy" if ""
	Environment  string           // of reported errors
	Traces       *Place           // where kept traces go as well, by OTLP over HTTP; nil: nowhere
	Reports      *Place           // where errors of this program go as well, as Sentry's envelopes; nil: nowhere
	SegmentBytes int64            // most bytes of a segment; 64 MB if 0
	MostBytes    int64            // of all segments together; 2 GB or a tenth of the disk, the less of both, if 0
	BusyWait     time.Duration    // for another process's lock; 2 s if 0
	// Source is the program's own source, as pack.Pack makes it, and Checkout the folder of the module
	// it was built in; stacks show the lines they are about from either. Both may be empty.
	Source   []byte
	Checkout string
	// Disk tells how many bytes are free where the folder is, and how many there are; the
	// system's answer if nil.
	Disk func(folder string) (free, total int64, err error)
}

// Deps are what the pages and acts need of the rest; see Attach.
type Deps struct {
	DB    *store.DB // the business's, for audit events
	Audit *audit.Log
	Pages *web.Pages
	URL   string // of this installation, for the addresses that SDKs are given
	// People tells the address of a user; store.ErrNotFound for nobody.
	People func(tx *store.Tx, user string) (email string, err error)
	// Outside is what alerts need of the rest.
	Outside Outside
}

// Outside is what is looked at for alerts beside telemetry, and how people are told.
type Outside struct {
	Production bool
	Keys       *seal.Keys
	Dialer     dial.Dialer // to the addresses of channels
	// Readings tells how everything stands; unknown is called for a rule of which it could not see anything.
	Readings  func(ctx context.Context, unknown func(rule string)) []Reading
	Operators func(tx *store.Tx) ([]Operator, error)
	Mail      func(tx *store.Tx, l Letter) (message string, err error)
	// Fate is what became of a mail, as email says it.
	Fate func(tx *store.Tx, message string) (string, error)
	// MessageOf is the mail that a job delivers; store.ErrNotFound for other jobs.
	MessageOf func(tx *store.Tx, job string) (message string, err error)
}

// System is the telemetry of one process.
type System struct {
	Deps
	o      Options
	ring   *ring
	drops  *drops
	seq    atomic.Int64 // of what was put into rings, from 1 in this process
	latest atomic.Int64 // the latest reading of the clock, ms

	flushing  sync.Mutex // one flush at a time
	held      []Line     // taken from the ring, not yet written
	files     files
	errors    pending
	news      news
	projects  atomic.Pointer[[]Project]
	quotas    quotas
	known     known
	red       red               // requests and jobs, counted
	shapes    shapes            // statements, counted
	sources   sources           // who ran them
	slow      bounded[slowRow]  // those that were slow, on their way to the file
	spans     bounded[spanRow]  // of kept traces and of apps, on their way there
	kept      bounded[traceRow] // traces, on their way there
	checkIns  bounded[checkIn]  // of jobs of the app, on their way there
	keeping   pace              // of traces
	scratches sync.Pool         // of *scratch
	saidWait  atomic.Int64      // when the log last told of a wait, ms
	traces    *shipper          // nil: they go nowhere else
	reports   *shipper          // nil: errors go nowhere else
	forwards  forwards          // where what projects report goes as well
	process   string            // that this process is known by to its own ingest
	released  bool              // it is noted that this release runs
	queries   queries           // what of them is stored when
	hour      time.Time         // in which issues began
	begun     int               // how many
	tidied    time.Time         // when what is old was last deleted
	names     names             // whether attributes of a name are secret
	own       *slog.Logger      // of this package, past the ring
	said      *slog.Logger      // of this package, through the ring

	signals   signals
	watch     watch
	baseline  baseline
	startedAt time.Time
}

// New makes the system. It opens no file before something is to be written.
func New(o Options) *System {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.SlowQuery == 0 {
		o.SlowQuery = 50 * time.Millisecond
	}
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.Disk == nil {
		o.Disk = disk
	}
	s := &System{o: o, drops: newDrops(), own: slog.New(slog.DiscardHandler), said: slog.New(slog.DiscardHandler)}
	s.ring = newRing(16<<10, 16<<20, s.drops)
	s.errors.init(s.drops)
	s.slow.init("slow_query", mostSlow, s.drops)
	s.spans.init("span", mostSpanRows, s.drops)
	s.kept.init("trace", mostTraces, s.drops)
	s.checkIns.init("check_in", mostCheckIns, s.drops)
	s.red = red{slot: s.now().Truncate(resolutions[0].step), held: map[Series]*Figures{}, counters: counters{number: map[Class]int{}}}
	s.files.o, s.startedAt = o, s.now()
	s.process = web.NewTrace()
	if o.Traces != nil {
		s.traces = s.newShipper("otlp", "application/x-protobuf", *o.Traces)
	}
	if o.Reports != nil {
		s.reports = s.newShipper("sentry", "application/x-sentry-envelope", *o.Reports)
	}
	return s
}

// Attach gives the system what was built after it.
func (s *System) Attach(d Deps) { s.Deps = d }

// now is the time, in ms, which never goes back: a clock that was set back must not put what
// comes later before what came earlier.
func (s *System) now() time.Time {
	ms := s.o.Clock().UnixMilli()
	for {
		last := s.latest.Load()
		if ms <= last {
			return time.UnixMilli(last).UTC()
		}
		if s.latest.CompareAndSwap(last, ms) {
			return time.UnixMilli(ms).UTC()
		}
	}
}

// admit numbers a line and puts it into the ring.
func (s *System) admit(l *Line) {
	l.Seq = s.seq.Add(1)
	s.ring.add(l)
}

// flushEvery is how much a killed process loses at most.
const flushEvery = 250 * time.Millisecond

// Run writes what the rings hold, until ctx ends and they are empty.
func (s *System) Run(ctx context.Context) {
	var ships sync.WaitGroup
	defer ships.Wait()
	defer s.runForwards(ctx)()
	for _, p := range []*shipper{s.traces, s.reports} {
		if p != nil {
			ships.Go(func() { p.run(ctx) })
		}
	}
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.ring.wake:
		case <-ctx.Done():
			s.Flush()
			return
		}
		s.Flush()
		s.lookAtPlans()
	}
}

// Flush writes what the rings hold now. What cannot be written for the moment stays,
// bounded; what never can is counted as dropped.
func (s *System) Flush() {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	batch := s.errors.take()
	if len(s.held) == 0 {
		s.held = s.ring.take()
	}
	due := s.red.due(s.now())
	queries := s.queriesDue()
	if len(s.held) == 0 && len(batch) == 0 && !s.drops.some() && !s.spans.some() && !s.slow.some() && !s.kept.some() && !s.checkIns.some() && !due && !queries {
		return
	}
	if err := s.files.ready(s.now()); err != nil {
		s.refused(err, batch)
		return
	}
	s.writeIssues(batch)
	if !s.files.usable() {
		return // they failed just now, and are opened anew with the next flush
	}
	lines, err := s.files.append(s.held, nil)
	if err != nil {
		s.refused(err, nil)
		return
	}
	s.held = nil
	if lines > 0 {
		s.news.tell()
	}
	s.files.trouble.Store("")
	s.writeSpans()
	s.writeTraces()
	s.writeSlow()
	s.writeDrops()
	if s.files.usable() {
		if due {
			s.keepFigures(s.files.main)
		}
		if queries {
			s.keepQueries(s.files.main)
		}
		s.sayRelease(s.files.main)
		s.writeCheckIns(s.files.main)
		s.tidy()
	}
}

// Close writes what is left and closes the files.
func (s *System) Close() error {
	s.Flush()
	s.flushing.Lock()
	defer s.flushing.Unlock()
	if s.files.usable() {
		s.keepFigures(s.files.main)
		s.keepQueries(s.files.main)
	}
	return s.files.close()
}
