package command

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"seaworthy/app"
	"seaworthy/app/flags"
	"seaworthy/store"
)

// flags reads the flags of the installation that is meant.
func (p *jobsPlace) flags(v release) (flagReader, error) {
	if p.URL == "" {
		return flagFolder{folder(p.Data)}, nil
	}
	return p.remoteFlags(v)
}

func (p *jobsPlace) remoteFlags(v release) (remoteFlags, error) {
	r, err := p.remoteRoot(v)
	if err != nil {
		return remoteFlags{}, err
	}
	r.base += "flags"
	return remoteFlags{r}, nil
}

// remoteRoot asks the API of a running installation; paths begin below /-/api/v1/.
func (p *jobsPlace) remoteRoot(v release) (*remote, error) {
	r, err := newRemote(p.URL, p.Key, v)
	if err == nil {
		r.base = strings.TrimSuffix(r.base, "jobs")
	}
	return r, err
}

// changeFlags does something to flags, and says what cannot be done why.
func (p *jobsPlace) changeFlags(ctx context.Context, v release, act func(flagChanger) error) error {
	if p.URL == "" {
		return folder(p.Data).changeApp(ctx, v, func(a *app.App) error { return act(flagFile{a.Flags}) })
	}
	r, err := p.remoteFlags(v)
	if err != nil {
		return err
	}
	return act(r)
}

// flagFolder reads the flags of a data folder, whether a server runs on it or not.
type flagFolder struct{ folder }

// Flags implements flagReader.
func (f flagFolder) Flags(ctx context.Context, want flags.Filter) (page flags.FlagPage, err error) {
	err = f.read(ctx, func(tx *store.Tx) error {
		page, err = flags.PageOf(tx, want)
		return err
	})
	return page, err
}

// Flag implements flagReader.
func (f flagFolder) Flag(ctx context.Context, key string) (one flags.FlagJSON, err error) {
	err = f.read(ctx, func(tx *store.Tx) error {
		row, err := flags.FlagByKey(tx, key)
		one = row.JSON(tx.Now())
		return err
	})
	return one, err
}

// ExportFlags implements flagReader.
func (f flagFolder) ExportFlags(ctx context.Context) (raw []byte, err error) {
	err = f.read(ctx, func(tx *store.Tx) error {
		raw, err = flags.Document(tx)
		return err
	})
	return raw, err
}

// flagFile changes the flags of a data folder on which no server runs.
type flagFile struct{ s *flags.System }

// SetFlag implements flagChanger.
func (f flagFile) SetFlag(ctx context.Context, key string, definition []byte, version int, comment string) (int, error) {
	made, err := f.s.Save(ctx, key, flags.Save{Definition: string(definition), Version: version, Comment: comment})
	return made.Version, err
}

// SwitchFlag implements flagChanger.
func (f flagFile) SwitchFlag(ctx context.Context, key, state, comment string) error {
	_, err := f.s.PatchFlag(ctx, key, flags.Patch{State: &state}, flags.AnyVersion, comment)
	return err
}

// KillFlag implements flagChanger.
func (f flagFile) KillFlag(ctx context.Context, key string, killed bool, why string) error {
	_, err := f.s.KillFlag(ctx, key, killed, why)
	return err
}

// KillFlags implements flagChanger.
func (f flagFile) KillFlags(ctx context.Context, all bool, tags []string, why string) error {
	_, err := f.s.SetKill(ctx, all, tags, why)
	return err
}

// ImportFlags implements flagChanger.
func (f flagFile) ImportFlags(ctx context.Context, raw []byte, trial bool) ([]flags.Imported, error) {
	return f.s.Import(ctx, raw, trial)
}

// remoteFlags are those of a running installation, asked over its API.
type remoteFlags struct{ *remote }

// Flags implements flagReader.
func (r remoteFlags) Flags(ctx context.Context, f flags.Filter) (page flags.FlagPage, err error) {
	q := url.Values{"limit": {"200"}}
	for name, value := range map[string]string{"state": string(f.State), "owner": f.Owner, "tag": f.Tag, "cursor": f.After, "stale": map[bool]string{true: "true"}[f.Stale]} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return page, r.call(ctx, "GET", "?"+q.Encode(), nil, &page)
}

// Flag implements flagReader.
func (r remoteFlags) Flag(ctx context.Context, key string) (f flags.FlagJSON, err error) {
	return f, r.call(ctx, "GET", "/"+url.PathEscape(key), nil, &f)
}

// ExportFlags implements flagReader.
func (r remoteFlags) ExportFlags(ctx context.Context) ([]byte, error) {
	var raw json.RawMessage
	return raw, r.call(ctx, "GET", "/export", nil, &raw)
}

// SetFlag implements flagChanger. Any version is the one there is now.
func (r remoteFlags) SetFlag(ctx context.Context, key string, definition []byte, version int, comment string) (int, error) {
	if version == flags.AnyVersion {
		now, err := r.Flag(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return 0, err
		}
		version = now.Version
	}
	var made flags.FlagJSON
	err := r.call(ctx, "PUT", "/"+url.PathEscape(key), map[string]any{"definition": json.RawMessage(definition), "version": version, "comment": comment}, &made)
	return made.Version, err
}

// SwitchFlag implements flagChanger.
func (r remoteFlags) SwitchFlag(ctx context.Context, key, state, comment string) error {
	return r.call(ctx, "PATCH", "/"+url.PathEscape(key), map[string]string{"state": state, "comment": comment}, nil)
}

// KillFlag implements flagChanger.
func (r remoteFlags) KillFlag(ctx context.Context, key string, killed bool, why string) error {
	return r.call(ctx, "PUT", "/"+url.PathEscape(key)+"/kill", flags.KillFlagInput{Killed: killed, Reason: why}, nil)
}

// KillFlags implements flagChanger.
func (r remoteFlags) KillFlags(ctx context.Context, all bool, tags []string, why string) error {
	return r.call(ctx, "PUT", "/kill", flags.KillInput{All: all, Tags: tags, Reason: why}, nil)
}

// ImportFlags implements flagChanger.
func (r remoteFlags) ImportFlags(ctx context.Context, raw []byte, trial bool) ([]flags.Imported, error) {
	path := "/import"
	if trial {
		path += "?dry_run=true"
	}
	var out struct{ Results []flags.Imported }
	err := r.call(ctx, "POST", path, json.RawMessage(raw), &out)
	return out.Results, err
}
