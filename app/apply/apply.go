// Package apply makes an installation what seaworthy.yml says, and writes such a file of
// what it is. The systems know what their sections mean (manifest.Part); here a file is
// applied as one transaction, whoever asks: the server at its start, the command line, the
// API. What a file has the say over is remembered, so that the console can warn.
package apply

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"

	"seaworthy/app/audit"
	"seaworthy/app/manifest"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Deps are what it needs of the rest.
type Deps struct {
	DB    *store.DB
	Audit *audit.Log
	Log   *slog.Logger
	// Parts are the sections, in the order in which they are applied: what is needed first.
	Parts []manifest.Part
}

// System applies and exports files.
type System struct {
	Deps
	managed atomic.Pointer[managed]
	fault   atomic.Pointer[string] // why the file was not applied at the start; "" if it was
}

// New makes the system.
func New(d Deps) *System {
	s := &System{Deps: d}
	s.managed.Store(&managed{})
	s.fault.Store(new(string))
	return s
}

// Open reads what files have the say over.
func (s *System) Open(ctx context.Context) error {
	m, err := store.Read(ctx, s.DB, managedNow)
	if err == nil {
		s.managed.Store(m)
	}
	return err
}

// Options say how a file is applied.
type Options struct {
	Trial bool // nothing is changed: only told what would be
	// Start is true for the file of the data folder, which the server applies by itself.
	Start bool
}

// Result is what came, or would come, of a file.
type Result struct {
	Hash     string            `json:"hash"`
	Trial    bool              `json:"dry_run,omitempty"`
	Changes  []manifest.Change `json:"changes"`
	Warnings []string          `json:"warnings,omitempty"`
}

// errTrial undoes a trial: all was really done, so that what is told is the truth.
var errTrial = errors.New("a trial")

// Apply makes the installation what a file says, in one transaction: all of it or nothing.
// Applied again it changes nothing and records nothing. Whoever asks in a request needs the
// permissions of all sections that the file has.
func (s *System) Apply(ctx context.Context, raw []byte, o Options) (Result, error) {
	f, err := manifest.Parse(raw, s.Parts)
	if err != nil {
		return Result{}, err
	}
	if err := s.may(ctx, f); err != nil {
		return Result{}, err
	}
	cause := audit.Cause{Details: map[string]any{"file_sha256": f.Hash}}
	if o.Start {
		cause.Actor = audit.Ref{Type: "system", ID: "seaworthy.yml"}
	}
	ctx = audit.Because(ctx, cause)
	// A conflict is somebody who was quicker: what was prepared is prepared anew from what is so then.
	for range 5 {
		var out Result
		if out, err = s.once(ctx, f, o); !errors.Is(err, store.ErrConflict) {
			return out, err
		}
	}
	return Result{}, err
}

// may demands the permissions of whoever makes a request.
func (s *System) may(ctx context.Context, f *manifest.File) error {
	o := web.OriginOf(ctx)
	if o.RequestID == "" && !o.Identity.Known() {
		return nil // the server itself, or whoever has the machine
	}
	for _, p := range s.Parts {
		if f.Section(p.Name) != nil && !o.Identity.Can(p.Manage) {
			return web.Forbidden(p.Manage)
		}
	}
	return nil
}

// prepared is a section with what it does.
type prepared struct {
	part manifest.Part
	act  manifest.Act
}

func (s *System) once(ctx context.Context, f *manifest.File, o Options) (Result, error) {
	var all []prepared
	var faults []error
	for _, p := range s.Parts {
		if f.Section(p.Name) == nil {
			continue
		}
		act, err := p.Prepare(ctx, f)
		faults = append(faults, err)
		all = append(all, prepared{p, act})
	}
	if err := manifest.Join(faults); err != nil {
		return Result{}, err
	}
	var out Result
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		out = Result{Hash: f.Hash, Trial: o.Trial, Changes: []manifest.Change{}}
		if err := s.write(tx, f, all, o, &out); err != nil {
			return err
		}
		if o.Trial {
			return errTrial
		}
		return nil
	})
	if errors.Is(err, errTrial) {
		return out, nil
	}
	if err != nil {
		return Result{}, err
	}
	for _, p := range all {
		if p.part.After != nil {
			err = errors.Join(err, p.part.After(ctx))
		}
	}
	return out, err
}

// write puts, prunes, and says what differs from before.
func (s *System) write(tx *store.Tx, f *manifest.File, all []prepared, o Options, out *Result) error {
	// What changed is seen from the outside, so that no system can forget to tell of something.
	before := make([][]manifest.Entry, len(all))
	var err error
	for i, p := range all {
		if before[i], err = p.part.State(tx); err != nil {
			return err
		}
	}
	var r manifest.Report
	for _, p := range all {
		if p.act.Put != nil {
			if err := p.act.Put(tx, &r); err != nil {
				return err
			}
		}
	}
	for _, p := range slices.Backward(all) {
		if p.act.Prune != nil {
			if err := p.act.Prune(tx, &r); err != nil {
				return err
			}
		}
	}
	for i, p := range all {
		after, err := p.part.State(tx)
		if err != nil {
			return err
		}
		out.Changes = append(out.Changes, manifest.Diff(p.part, before[i], after)...)
		if p.part.Warn != nil {
			warnings, err := p.part.Warn(tx)
			if err != nil {
				return err
			}
			out.Warnings = append(out.Warnings, warnings...)
		}
	}
	out.Changes = append(out.Changes, r.Changes...)
	return s.remember(tx, f, all, o, out)
}
