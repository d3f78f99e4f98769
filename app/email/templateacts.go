package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// What people do to templates and the brand.
const (
	actBrandChanged       audit.Action = "email.brand_changed"
	actTemplateMade       audit.Action = "email.template_created"
	actTemplateChanged    audit.Action = "email.template_changed"
	actTemplateArchived   audit.Action = "email.template_archived"
	actTemplateUnarchived audit.Action = "email.template_unarchived"
	actTemplateTested     audit.Action = "email.template_tested"
)

// templateActions are their part of the catalogue.
var templateActions = []audit.Kind{
	{Action: actBrandChanged, Title: "Brand changed", Means: "The name, logo, colours or addresses that pages for customers and mails are dressed in were changed."},
	{Action: actTemplateMade, Title: "Mail template made", Means: "A mail template was made, or one of the program's was given other words."},
	{Action: actTemplateChanged, Title: "Mail template changed", Means: "A new version of a mail template came into use."},
	{Action: actTemplateArchived, Title: "Mail template archived", Means: "A mail template takes no new messages, or one of the program's has its own words again."},
	{Action: actTemplateUnarchived, Title: "Mail template back in use", Means: "An archived mail template takes messages again."},
	{Action: actTemplateTested, Title: "Mail template tried", Means: "Somebody sent himself a mail template with its sample data."},
}

// maxTemplates is how many the customer may have: they are kept in memory.
const maxTemplates = 200

var errTooManyTemplates = &web.Error{Status: http.StatusConflict, Code: "too_many",
	Public: fmt.Sprintf("There are %d templates, which is as many as there can be.", maxTemplates)}

// saveTemplate makes a version of a template and puts it in use, unless another
// than the one that was changed is. What is already so is no change.
func (s *System) saveTemplate(ctx context.Context, in TemplateInput) (made bool, err error) {
	c, err := s.check(in)
	if err != nil {
		return false, err
	}
	if s.library.get(in.Name) == nil && len(s.library.all()) >= maxTemplates {
		return false, errTooManyTemplates
	}
	variables, err := json.Marshal(c.Variables)
	if err != nil {
		return false, err
	}
	sample, err := json.Marshal(c.Sample)
	if err != nil {
		return false, err
	}
	row := templateRow{name: in.Name, source: c.Source, variables: string(variables), sample: string(sample), by: web.IdentityOf(ctx).Actor()}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (bool, error) {
		row := row
		version, archived, err := templateState(tx, row.name)
		fresh := errors.Is(err, store.ErrNotFound)
		if err != nil && !fresh {
			return false, err
		}
		if version != int64(in.Version) {
			return false, errStale
		}
		if !fresh && archived == 0 {
			was, err := templateVersion(tx, row.name, version)
			if err != nil || was.source == row.source && was.variables == row.variables && was.sample == row.sample {
				return false, err
			}
		}
		return fresh, s.putVersion(tx, row, version, c, nil)
	})
}

// putVersion stores the next version with its event; it is in use from the commit on.
func (s *System) putVersion(tx *store.Tx, row templateRow, version int64, c checked, details map[string]any) error {
	row.version, row.changed = version+1, tx.Now().UnixMilli()
	if err := addVersion(tx, row); err != nil {
		return fmt.Errorf("save the template: %w", err)
	}
	k := &kept{name: row.name, version: row.version, changed: tx.Now(), source: row.source, variables: c.Variables, sample: c.Sample, parsed: c.parsed}
	tx.AfterCommit(func() { s.library.put(k) })
	action := actTemplateChanged
	if version == 0 {
		action = actTemplateMade
	}
	return s.Audit.Record(tx, audit.Event{Action: action, Targets: []audit.Ref{{Type: "mail_template", ID: row.name}},
		Changes: map[string]audit.Change{"version": {From: version, To: row.version}}, Details: details})
}

// restoreTemplate puts what an earlier version says in use again, as a new version.
func (s *System) restoreTemplate(ctx context.Context, name string, version, earlier int64) error {
	row, err := store.Read(ctx, s.DB, func(tx *store.Tx) (templateRow, error) { return templateVersion(tx, name, earlier) })
	if err != nil {
		return err
	}
	in := TemplateInput{Name: name, Version: int(version), Source: row.source}
	if err := errors.Join(json.Unmarshal([]byte(row.variables), &in.Variables), json.Unmarshal([]byte(row.sample), &in.Sample)); err != nil {
		return fmt.Errorf("version %d of %s: %w", earlier, name, err)
	}
	c, err := s.check(in)
	if err != nil {
		return err
	}
	row.by = web.IdentityOf(ctx).Actor()
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		now, _, err := templateState(tx, name)
		if err != nil {
			return err
		}
		if now != version {
			return errStale
		}
		return s.putVersion(tx, row, version, c, map[string]any{"restored": earlier})
	})
}

// archiveTemplate takes a template out of use, or back into it. Messages that wait
// are sent all the same. What is already so is no change.
func (s *System) archiveTemplate(ctx context.Context, name string, archived bool) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		version, at, err := templateState(tx, name)
		if err != nil || (at != 0) == archived {
			return err
		}
		k := s.library.get(name)
		if k == nil || k.version != version {
			return store.ErrConflict
		}
		changed := *k
		changed.archived, changed.changed = time.Time{}, tx.Now()
		action, when := actTemplateUnarchived, int64(0)
		if archived {
			action, when = actTemplateArchived, tx.Now().UnixMilli()
			changed.archived = tx.Now()
		}
		if err := setArchived(tx, name, when); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.library.put(&changed) })
		return s.Audit.Record(tx, audit.Event{Action: action, Targets: []audit.Ref{{Type: "mail_template", ID: name}}, Details: map[string]any{"version": version}})
	})
}
