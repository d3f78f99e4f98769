package apply

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/manifest"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Start applies the file of the installation, "" for none. A file with a fault changes
// nothing and does not stop the start: what was applied last goes on, the console and the
// launch checklist say what is wrong.
func (s *System) Start(ctx context.Context, path string) error {
	if path == "" {
		return s.release(ctx)
	}
	fault := func(text string) error {
		s.fault.Store(&text)
		s.Log.Error("seaworthy.yml was not applied, and nothing of it was changed", "file", path, "fault", text)
		return nil
	}
	raw, err := ReadFile(path)
	if err != nil {
		return fault(err.Error()) // what is there stays; a folder that is not mounted releases nothing
	}
	out, err := s.Apply(ctx, raw, Options{Start: true})
	if err != nil && web.AsError(err).Status >= 500 { // it is not the file's
		return fmt.Errorf("apply %s: %w", path, err)
	}
	if err != nil {
		return fault(Words(err))
	}
	s.fault.Store(new(string))
	for _, c := range out.Changes {
		s.Log.Info("seaworthy.yml was applied", "section", c.Section, "change", c.String())
	}
	for _, w := range out.Warnings {
		s.Log.Warn("seaworthy.yml is applied, and something of it looks wrong", "warning", w)
	}
	return nil
}

// ReadFile reads a file that is no larger than one may be; - is what is piped in.
func ReadFile(path string) ([]byte, error) {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, manifest.MaxFile+1))
}

// Words are what is wrong with a file, a line for each fault.
func Words(err error) string {
	e := web.AsError(err)
	if len(e.Fields) == 0 {
		if e.Status >= 500 {
			return err.Error()
		}
		return e.Public
	}
	var lines []string
	for _, f := range e.Fields {
		lines = append(lines, strings.TrimPrefix(f.Field+": ", ": ")+f.Message)
	}
	return strings.Join(lines, "\n")
}

// Fault is why the file was not applied at the start; "" if it was, or there is none.
func (s *System) Fault() string { return *s.fault.Load() }

// Banner tells whoever opens the console that the file in the folder is not what counts.
func (s *System) Banner() *web.Banner {
	if s.Fault() == "" {
		return nil
	}
	first, _, _ := strings.Cut(s.Fault(), "\n")
	return &web.Banner{Text: "seaworthy.yml was not applied, and what counted before goes on. " + web.CleanText(first, 300), Path: "/-/admin/launch", Link: "See the checklist"}
}

// release forgets what a file had the say over that the server starts without.
func (s *System) release(ctx context.Context) error {
	if len(s.managed.Load().rows) == 0 {
		return nil
	}
	ctx = audit.Because(ctx, audit.Cause{Actor: audit.Ref{Type: "system", ID: "seaworthy.yml"}})
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		was, err := managedNow(tx)
		if err != nil {
			return err
		}
		var sections []string
		for _, row := range was.rows {
			if row.source != "start" {
				continue
			}
			sections = append(sections, row.name)
			if err := deleteSection(tx, row.name); err != nil {
				return err
			}
		}
		if len(sections) == 0 {
			return nil
		}
		now, err := managedNow(tx)
		if err != nil {
			return err
		}
		tx.AfterCommit(func() { s.managed.Store(now) })
		return s.Audit.Record(tx, audit.Event{Action: actReleased, Targets: []audit.Ref{{Type: "configuration", ID: "file"}}, Details: map[string]any{"sections": strings.Join(sections, " ")}})
	})
}
