package observe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Project is a program that reports here as it would to Sentry.
type Project struct {
	ID           int64     `json:"id"` // the number in its DSN
	Name         string    `json:"name"`
	EventsMinute int64     `json:"events_per_minute"` // most requests a minute
	BytesMinute  int64     `json:"bytes_per_minute"`  // most bytes a minute, as they are sent
	CreatedAt    time.Time `json:"created_at"`
	Keys         []Key     `json:"keys"`                   // the newest first
	Forward      string    `json:"forward"`                // off, sentry (where SENTRY_DSN leads), own
	ForwardHost  string    `json:"forward_host,omitempty"` // of the DSN it is forwarded to; the rest of it is kept sealed

	sealed []byte // that DSN
}

// Key is a public key of a project. It names who sends and opens nothing, as browsers
// show it to everybody; hence it is stored as it is.
type Key struct {
	Public    string    `json:"public_key"`
	DSN       string    `json:"dsn"` // what an SDK is given
	CreatedAt time.Time `json:"created_at"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// Works reports whether what comes with the key is taken.
func (k Key) Works() bool { return k.RevokedAt.IsZero() }

// What a project may send where nobody says otherwise.
const (
	defaultEvents = 3000
	defaultBytes  = 60 << 20
	maxProjects   = 200
	maxKeys       = 20 // of a project, with those revoked
)

// ProjectChange is what somebody sets of a project. What is 0 or "" stays as it is.
type ProjectChange struct {
	Name         string `json:"name,omitempty" doc:"What people call it"`
	EventsMinute int64  `json:"events_per_minute,omitempty" doc:"Most that are taken"`
	BytesMinute  int64  `json:"bytes_per_minute,omitempty" doc:"Most that are taken"`
	// Forward is where what it reports goes as well: off, sentry (where SENTRY_DSN leads) or own, with a
	// DSN, which is never told again. nil leaves it as it is.
	Forward    *string `json:"forward,omitempty" doc:"Where what it reports goes as well: off, sentry (where SENTRY_DSN leads) or own"`
	ForwardDSN *string `json:"forward_dsn,omitempty" doc:"Where own leads; it is never told again"`
}

func (c *ProjectChange) check(fresh bool) error {
	var bad web.Check
	if fresh || c.Name != "" {
		c.Name = bad.Text("name", c.Name, 1, 60)
	}
	bad.Fault(!fresh || c.Forward == nil && c.ForwardDSN == nil, "forward", "later", "Make the project first, then say where it is forwarded to.")
	bad.Fault(c.EventsMinute >= 0 && c.EventsMinute <= 1_000_000, "events_per_minute", "range", "From 1 to 1,000,000.")
	bad.Fault(c.BytesMinute == 0 || c.BytesMinute >= 1<<10 && c.BytesMinute <= 10<<30, "bytes_per_minute", "range", "From 1 KiB to 10 GiB.")
	return bad.Err()
}

func newKey() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Start reads the projects; nothing is taken before.
func (s *System) Start(ctx context.Context) error {
	all, err := store.Read(ctx, s.DB, s.listProjects)
	if err == nil {
		s.projects.Store(&all)
		s.arrange(all)
	}
	return err
}

// Projects are all projects, the oldest first.
func (s *System) Projects() []Project {
	if all := s.projects.Load(); all != nil {
		return *all
	}
	return nil
}

// MakeProject makes a project with its first key.
func (s *System) MakeProject(ctx context.Context, c ProjectChange) (Project, error) {
	if err := c.check(true); err != nil {
		return Project{}, err
	}
	p := Project{Forward: ForwardOff, Name: c.Name, EventsMinute: c.EventsMinute, BytesMinute: c.BytesMinute}
	if p.EventsMinute == 0 {
		p.EventsMinute = defaultEvents
	}
	if p.BytesMinute == 0 {
		p.BytesMinute = defaultBytes
	}
	key := newKey()
	return s.changeProjects(ctx, 0, func(tx *store.Tx, all []Project) (int64, error) {
		if len(all) >= maxProjects {
			return 0, web.Invalid(web.Field{Field: "name", Code: "too_many", Message: "There are as many projects as can be."})
		}
		if slices.ContainsFunc(all, func(o Project) bool { return o.Name == p.Name }) {
			return 0, web.Invalid(web.Field{Field: "name", Code: "taken", Message: "There is a project of this name already."})
		}
		id := int64(1)
		for _, o := range all {
			id = max(id, o.ID+1)
		}
		p.ID, p.CreatedAt = id, tx.Now()
		if err := insertProject(tx, p); err != nil {
			return 0, err
		}
		if err := insertKey(tx, id, key); err != nil {
			return 0, err
		}
		return id, s.recordProject(tx, actProjectMade, p, nil)
	})
}

// ChangeProject sets the name and the limits of a project.
func (s *System) ChangeProject(ctx context.Context, id int64, c ProjectChange) (Project, error) {
	if err := c.check(false); err != nil {
		return Project{}, err
	}
	to, err := s.forwardTo(id, c)
	if err != nil {
		return Project{}, err
	}
	return s.changeProjects(ctx, id, func(tx *store.Tx, all []Project) (int64, error) {
		p := all[slices.IndexFunc(all, func(p Project) bool { return p.ID == id })]
		if c.Name != "" && slices.ContainsFunc(all, func(o Project) bool { return o.ID != id && o.Name == c.Name }) {
			return 0, web.Invalid(web.Field{Field: "name", Code: "taken", Message: "There is a project of this name already."})
		}
		if c.Name != "" {
			p.Name = c.Name
		}
		if c.EventsMinute > 0 {
			p.EventsMinute = c.EventsMinute
		}
		if c.BytesMinute > 0 {
			p.BytesMinute = c.BytesMinute
		}
		if to != nil {
			p.Forward, p.ForwardHost, p.sealed = to.Forward, to.ForwardHost, to.sealed
		}
		if err := updateProject(tx, p); err != nil {
			return 0, err
		}
		return id, s.recordProject(tx, actProjectChanged, p, map[string]any{"events_per_minute": p.EventsMinute, "bytes_per_minute": p.BytesMinute, "forward": p.Forward, "forward_host": p.ForwardHost})
	})
}

// forwardTo is a project with the place it is to be forwarded to, sealed before any transaction; nil
// where that stays as it is.
func (s *System) forwardTo(id int64, c ProjectChange) (*Project, error) {
	if c.Forward == nil && deref(c.ForwardDSN) == "" {
		return nil, nil
	}
	all := s.Projects()
	at := slices.IndexFunc(all, func(p Project) bool { return p.ID == id })
	if at < 0 {
		return nil, store.ErrNotFound
	}
	var bad web.Check
	p := s.setForward(all[at], c, &bad)
	return &p, bad.Err()
}

// MakeKey gives a project one more key, as when one is to be replaced: the old one works
// until it is revoked. Of as many as there can be, the one that was revoked first is forgotten.
func (s *System) MakeKey(ctx context.Context, id int64) (Project, error) {
	key := newKey()
	return s.changeProjects(ctx, id, func(tx *store.Tx, all []Project) (int64, error) {
		p := all[slices.IndexFunc(all, func(p Project) bool { return p.ID == id })]
		if len(p.Keys) >= maxKeys {
			if err := forgetKey(tx, id); err != nil {
				return 0, err
			}
		}
		if err := insertKey(tx, id, key); err != nil {
			return 0, err
		}
		return id, s.recordProject(tx, actKeyMade, p, map[string]any{"public_key": key})
	})
}

// RevokeKey ends a key: what comes with it is refused from now on.
func (s *System) RevokeKey(ctx context.Context, id int64, key string) (Project, error) {
	return s.changeProjects(ctx, id, func(tx *store.Tx, all []Project) (int64, error) {
		p := all[slices.IndexFunc(all, func(p Project) bool { return p.ID == id })]
		if err := revokeKey(tx, id, key); err != nil {
			return 0, err
		}
		return id, s.recordProject(tx, actKeyRevoked, p, map[string]any{"public_key": key})
	})
}

// changeProjects makes a change, and what is taken follows it at the commit. id is the
// project that must be there; 0 for a new one.
func (s *System) changeProjects(ctx context.Context, id int64, change func(*store.Tx, []Project) (int64, error)) (Project, error) {
	return store.Write(ctx, s.DB, func(tx *store.Tx) (p Project, err error) {
		all, err := s.listProjects(tx)
		if err != nil {
			return p, err
		}
		if id != 0 && !slices.ContainsFunc(all, func(p Project) bool { return p.ID == id }) {
			return p, store.ErrNotFound
		}
		changed, err := change(tx, all) // id stays: this may run again
		if err != nil {
			return p, err
		}
		if all, err = s.listProjects(tx); err != nil {
			return p, err
		}
		tx.AfterCommit(func() {
			s.projects.Store(&all)
			s.arrange(all)
		})
		return all[slices.IndexFunc(all, func(p Project) bool { return p.ID == changed })], nil
	})
}

func (s *System) recordProject(tx *store.Tx, act audit.Action, p Project, details map[string]any) error {
	if details == nil {
		details = map[string]any{}
	}
	details["name"] = p.Name
	return s.Audit.Record(tx, audit.Event{Action: act, Targets: []audit.Ref{{Type: "project", ID: strconv.FormatInt(p.ID, 10)}}, Details: details})
}

// dsn is the address that an SDK is given; it adds api/{project}/envelope/ itself.
func (s *System) dsn(key string, project int64) string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	u.User, u.Path = url.User(key), u.Path+"/-/"+strconv.FormatInt(project, 10)
	return u.String()
}

// sender finds the project that a key belongs to; 0 for any project stands for the one of the key.
func (s *System) sender(project int64, key string) (Project, bool) {
	for _, p := range s.Projects() {
		for _, k := range p.Keys {
			if k.Public == key && k.Works() {
				return p, project == 0 || p.ID == project
			}
		}
	}
	return Project{}, false
}
