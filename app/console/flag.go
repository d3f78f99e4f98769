package console

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/flags"
	"seaworthy/app/web"
	"seaworthy/store"
)

// flagInput is the form of any act on a flag.
type flagInput struct {
	Act      string   `json:"act,omitempty"` // which form it is
	State    string   `json:"state,omitempty"`
	Killed   string   `json:"killed,omitempty"` // yes or no
	Reason   string   `json:"reason,omitempty"`
	Target   string   `json:"target,omitempty"`
	Variant  string   `json:"variant,omitempty"` // "" removes
	Due      string   `json:"due_at,omitempty"`
	What     string   `json:"what,omitempty"` // on, off, rollout
	Percent  string   `json:"percent,omitempty"`
	ID       string   `json:"id,omitempty"`
	Confirm  string   `json:"confirm,omitempty"`
	Comment  string   `json:"comment,omitempty"`
	Version  string   `json:"version,omitempty"`
	By       string   `json:"by,omitempty"`
	Variants []string `json:"variants,omitempty"`
	Weights  []string `json:"weights,omitempty"`
}

func (in flagInput) values() map[string]string {
	return map[string]string{"act": in.Act, "reason": in.Reason, "target": in.Target, "variant": in.Variant, "due_at": in.Due, "what": in.What, "percent": in.Percent,
		"confirm": in.Confirm, "comment": in.Comment, "by": in.By}
}

// flagDone is what happened before a flag's page was shown again.
var flagDone = map[string]string{
	"made":       "The flag is made.",
	"changed":    "The flag is changed. Whoever asks now gets what it says now.",
	"state":      "The flag is switched.",
	"rollout":    "The rollout is changed.",
	"kill":       "The flag’s own kill switch is changed.",
	"override":   "The override is changed.",
	"schedule":   "The change is planned.",
	"unschedule": "The planned change is dropped.",
	"archive":    "The flag is archived. Nobody gets it any more.",
	"unarchive":  "The flag is evaluated again.",
	"restored":   "The flag is what it was in that version.",
}

// share is a variant's part of the rollout, as its row in the form.
type share struct {
	Variant string
	Weight  int
	Percent string
}

// ruleWords is a rule as the page says it.
type ruleWords struct{ When, Serve string }

type flagData struct {
	flags.Flag
	D          flags.Definition
	Path       string
	Stale      string
	Expired    bool
	Rules      []ruleWords
	Plain      bool // the targeting can be said in words
	Else       string
	By         string
	Shares     []share
	Overrides  []flags.Override
	MoreOver   bool
	Changes    []flags.Change
	Versions   []flags.Version
	Asked      flagChart // by its key
	Bulk       flagChart // with all flags
	GlobalKill bool
	Events     []audit.Row
	Done       string
	May        flagMay
}

func (s *System) flag(w http.ResponseWriter, r *http.Request) error {
	return s.showFlag(w, r, http.StatusOK, nil)
}

// showFlag renders a flag's page, with a form that was refused if there is one.
func (s *System) showFlag(w http.ResponseWriter, r *http.Request, status int, form *web.Form) error {
	key := r.PathValue("key")
	d := flagData{Path: flagsBase + "/" + key, Done: flagDone[r.URL.Query().Get("done")], May: flagMayOf(web.IdentityOf(r.Context()))}
	var stats []flags.Stat
	var now time.Time
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		now = tx.Now()
		if d.Flag, err = flags.FlagByKey(tx, key); err != nil {
			return err
		}
		if d.Overrides, err = flags.Overrides(tx, key, "", pageSize+1); err != nil {
			return err
		}
		if d.Changes, err = flags.Changes(tx, key, "", 20); err != nil {
			return err
		}
		if d.Versions, err = flags.History(tx, key, 1<<30, 6); err != nil {
			return err
		}
		if stats, err = flags.StatsOf(tx, key, "hour", now.Add(-statSpan), 5000); err != nil || !d.May.Audit {
			return err
		}
		events, err := audit.List(tx, audit.Filter{Target: "flag:" + key, Limit: recent})
		d.Events = s.Audit.Rows(events, "/-/admin/audit")
		return err
	})
	if err != nil {
		return err
	}
	d.D, _ = flags.ReadDefinition(d.Definition)
	d.Stale, d.Expired = d.Flag.Stale(now), !d.Expires.IsZero() && d.Expires.Before(now)
	if d.MoreOver = len(d.Overrides) > pageSize; d.MoreOver {
		d.Overrides = d.Overrides[:pageSize]
	}
	d.GlobalKill = s.Flags.KilledNow(d.D)
	d.setPlan()
	d.Asked, d.Bulk = chartOf(stats, false, now), chartOf(stats, true, now)
	return s.Pages.Render(w, r, "flags/flag", web.View{Title: key, Status: status, Data: d, Form: form})
}

// setPlan says the targeting in words, if it can be.
func (d *flagData) setPlan() {
	plan, ok := flags.ReadPlan(d.D.Targeting)
	if d.Plain = ok; !ok {
		return
	}
	orDefault := func(s flags.Serve) string {
		if text := s.Words(); text != "" {
			return text
		}
		if d.D.Default == "" {
			return "the caller’s own default"
		}
		return d.D.Default
	}
	for _, rule := range plan.Rules {
		var parts []string
		for _, c := range rule.All {
			parts = append(parts, c.Words())
		}
		d.Rules = append(d.Rules, ruleWords{strings.Join(parts, " and "), orDefault(rule.Serve)})
	}
	d.Else, d.By = orDefault(plan.Else), plan.Else.By
	d.Shares = sharesOf(d.D, plan.Else)
}

// sharesOf are the rows of the rollout's form, in the order of the buckets: that of
// the rollout there is, and then the variants that have no part in it. For a new
// rollout the default variant comes last, because what grows takes from what
// stands behind it.
func sharesOf(d flags.Definition, s flags.Serve) (rows []share) {
	sum, in := s.Sum(), map[string]bool{}
	for _, one := range s.Split {
		rows, in[one.Variant] = append(rows, share{one.Variant, one.Weight, flags.Percent(one.Weight, sum)}), true
	}
	behind := s.Variant
	if behind == "" {
		behind = d.Default
	}
	for _, v := range d.Variants {
		if !in[v.Name] && v.Name != behind {
			rows = append(rows, share{v.Name, 0, "0"})
		}
	}
	if behind != "" && !in[behind] {
		last := share{behind, 0, "0"}
		if len(s.Split) == 0 {
			last = share{behind, 100, "100"}
		}
		rows = append(rows, last)
	}
	return rows
}

func (s *System) setFlagState(ctx context.Context, key string, in flagInput) error {
	_, err := s.Flags.PatchFlag(ctx, key, flags.Patch{State: &in.State}, flags.AnyVersion, in.Comment)
	return err
}

func (s *System) killFlag(ctx context.Context, key string, in flagInput) error {
	_, err := s.Flags.KillFlag(ctx, key, in.Killed == "yes", in.Reason)
	return err
}

func (s *System) overrideFlag(ctx context.Context, key string, in flagInput) error {
	return s.Flags.SetOverride(ctx, key, in.Target, in.Variant)
}

func (s *System) unscheduleFlag(ctx context.Context, key string, in flagInput) error {
	return s.Flags.Unschedule(ctx, key, in.ID)
}

func (s *System) archiveFlag(ctx context.Context, key string, in flagInput) error {
	if strings.TrimSpace(in.Confirm) != key {
		return web.Invalid(web.Field{Field: "confirm", Code: "differs", Message: "Type the key of the flag."})
	}
	_, err := s.Flags.Archive(ctx, key, flags.AnyVersion, in.Comment)
	return err
}

func (s *System) unarchiveFlag(ctx context.Context, key string, in flagInput) error {
	_, err := s.Flags.Unarchive(ctx, key, in.Comment)
	return err
}

// saveRollout takes the weights of the variants, in the order of their buckets.
func (s *System) saveRollout(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[flagInput](r)
	if err != nil {
		return err
	}
	key := r.PathValue("key")
	split, err := in.split()
	if err == nil {
		_, err = s.Flags.PatchFlag(r.Context(), key, flags.Patch{Rollout: split}, versionOf(in.Version), in.Comment)
	}
	if err != nil {
		return s.flagRefused(w, r, in, err)
	}
	return web.SeeOther(w, r, flagsBase+"/"+key+"?done=rollout")
}

// split is the rollout that was typed. All of one variant is a rollout too: the next
// step keeps its buckets.
func (in flagInput) split() (*flags.Split, error) {
	split := flags.Split{By: strings.TrimSpace(in.By)}
	if len(in.Variants) != len(in.Weights) {
		return nil, web.BadRequest("bad_field", "Each variant has one weight.")
	}
	for i, name := range in.Variants {
		n, err := strconv.Atoi(strings.TrimSpace(in.Weights[i]))
		if err != nil {
			return nil, web.Invalid(web.Field{Field: "weights", Code: "number", Message: "A weight is a whole number."})
		}
		split.Shares = append(split.Shares, flags.SplitShare{Variant: name, Weight: n})
	}
	return &split, nil
}

// versionOf is the version that a form was made from.
func versionOf(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return flags.AnyVersion
	}
	return n
}
