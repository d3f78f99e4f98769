package console

import (
	"context"
	"net/http"
	"net/url"

	"seaworthy/app/flags"
	"seaworthy/app/web"
	"seaworthy/store"
)

const flagsBase = "/-/admin/flags"

// maxFlagForm bounds a form with a definition, which is longer than its JSON.
const maxFlagForm = 1 << 20

// flagRoutes are the pages of flags. The acts are those of flags.
func (s *System) flagRoutes() []web.Route {
	const one, more = flagsBase + "/{key}", flagsBase + "/-"
	see, manage, kill := web.Permission("flags:read"), web.Permission("flags:manage"), web.Permission("flags:kill")
	changed := []string{"flag.changed"}
	return []web.Route{
		{Method: "GET", Pattern: flagsBase, Access: see, Handler: page(s.flags)},
		{Method: "GET", Pattern: one, Access: see, Handler: page(s.flag)},
		{Method: "GET", Pattern: more + "/new", Access: manage, Handler: page(s.newFlag)},
		{Method: "POST", Pattern: more + "/new", Access: manage, Body: maxFlagForm, Handler: page(s.makeFlag), Audit: []string{"flag.created"}},
		{Method: "GET", Pattern: one + "/edit", Access: manage, Handler: page(s.editFlag)},
		{Method: "POST", Pattern: one + "/edit", Access: manage, Body: maxFlagForm, Handler: page(s.changeFlag), Audit: changed},
		{Method: "GET", Pattern: one + "/rules", Access: manage, Handler: page(s.rules)},
		{Method: "POST", Pattern: one + "/rules", Access: manage, Body: maxFlagForm, Handler: page(s.saveRules), Audit: changed},
		{Method: "GET", Pattern: one + "/json", Access: see, Handler: page(s.flagJSON)},
		{Method: "POST", Pattern: one + "/json", Access: manage, Body: maxFlagForm, Handler: page(s.saveFlagJSON), Audit: changed},
		{Method: "POST", Pattern: one + "/state", Access: manage, Handler: page(s.flagAct("state", s.setFlagState)), Audit: changed},
		{Method: "POST", Pattern: one + "/rollout", Access: manage, Handler: page(s.saveRollout), Audit: changed},
		{Method: "POST", Pattern: one + "/kill", Access: kill, Handler: page(s.flagAct("kill", s.killFlag)), Audit: []string{"flag.killed", "flag.revived"}},
		{Method: "POST", Pattern: one + "/override", Access: manage, Handler: page(s.flagAct("override", s.overrideFlag)), Audit: []string{"flag.override_set", "flag.override_removed"}},
		{Method: "POST", Pattern: one + "/schedule", Access: manage, Handler: page(s.flagAct("schedule", s.scheduleFlag)), Audit: []string{"flag.change_scheduled"}},
		{Method: "POST", Pattern: one + "/unschedule", Access: manage, Handler: page(s.flagAct("unschedule", s.unscheduleFlag)), Audit: []string{"flag.change_cancelled"}},
		{Method: "POST", Pattern: one + "/archive", Access: manage, Handler: page(s.flagAct("archive", s.archiveFlag)), Audit: []string{"flag.archived"}},
		{Method: "POST", Pattern: one + "/unarchive", Access: manage, Handler: page(s.flagAct("unarchive", s.unarchiveFlag)), Audit: []string{"flag.unarchived"}},
		{Method: "GET", Pattern: one + "/history", Access: see, Handler: page(s.flagHistory)},
		{Method: "POST", Pattern: one + "/restore", Access: manage, Handler: page(s.restoreFlag), Audit: []string{"flag.restored"}},
		{Method: "GET", Pattern: one + "/explain", Access: see, Handler: page(s.explainFlag)},
		{Method: "GET", Pattern: more + "/segments", Access: see, Handler: page(s.segments)},
		{Method: "GET", Pattern: more + "/new-segment", Access: manage, Handler: page(s.newSegment)},
		{Method: "POST", Pattern: more + "/new-segment", Access: manage, Body: maxFlagForm, Handler: page(s.makeSegment), Audit: []string{"flag_segment.saved"}},
		{Method: "GET", Pattern: more + "/segments/{name}", Access: see, Handler: page(s.segment)},
		{Method: "POST", Pattern: more + "/segments/{name}", Access: manage, Body: maxFlagForm, Handler: page(s.changeSegment), Audit: []string{"flag_segment.saved"}},
		{Method: "GET", Pattern: more + "/segments/{name}/history", Access: see, Handler: page(s.segmentHistory)},
		{Method: "POST", Pattern: more + "/segments/{name}/restore", Access: manage, Handler: page(s.restoreSegment), Audit: []string{"flag_segment.restored"}},
		{Method: "POST", Pattern: more + "/segments/{name}/delete", Access: manage, Handler: page(s.deleteSegment), Audit: []string{"flag_segment.deleted"}},
		{Method: "GET", Pattern: more + "/kill", Access: see, Handler: page(s.killSwitch)},
		{Method: "POST", Pattern: more + "/kill", Access: kill, Handler: page(s.throwKill), Audit: []string{"flags.killed", "flags.revived"}},
		{Method: "GET", Pattern: more + "/import", Access: manage, Handler: page(s.importPage)},
		{Method: "POST", Pattern: more + "/import", Access: manage, Body: 16 << 20, Handler: page(s.importFlags), Audit: []string{"flags.imported"}},
		{Method: "GET", Pattern: more + "/export", Access: see, Handler: page(s.exportFlags)},
	}
}

// flagRow is a flag as the list shows it.
type flagRow struct {
	flags.Flag
	Serves, Type, Stale string
	Tags                []string
	Switched            bool // killed by the switch over many flags
}

type flagsData struct {
	Rows         []flagRow
	Filter       flags.Filter
	Chips        []chip
	Older, Newer string
	Narrowed     bool // by more than the state
	Done         string
	May          flagMay
}

// flagMay is what whoever looks may do.
type flagMay struct{ Manage, Kill, Audit, Users bool }

func flagMayOf(id web.Identity) flagMay {
	return flagMay{Manage: id.Can("flags:manage"), Kill: id.Can("flags:kill"), Audit: id.Can("audit:read"), Users: id.Can("users:read")}
}

// flagsDone is what happened before the list was shown again.
var flagsDone = map[string]string{
	"imported": "The file is imported.",
}

func (s *System) flags(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := flags.Filter{Query: word(q, "q"), Owner: word(q, "owner"), Tag: word(q, "tag"), After: q.Get("after"), Stale: q.Get("state") == "stale", Limit: pageSize + 1}
	for _, state := range flags.States {
		if q.Get("state") == string(state) {
			f.State = state
		}
	}
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]flags.Flag, error) { return flags.List(tx, f) })
	if err != nil {
		return err
	}
	filters := flagQuery(f)
	d := flagsData{Filter: f, May: flagMayOf(web.IdentityOf(r.Context())), Narrowed: f.Query+f.Owner+f.Tag != "", Chips: flagChips(f), Done: flagsDone[q.Get("done")]}
	if len(all) > pageSize {
		all = all[:pageSize]
		d.Older = href(flagsBase, "after", all[pageSize-1].Key, filters)
	}
	if f.After != "" {
		d.Newer = first(flagsBase, filters)
	}
	for _, one := range all {
		def, _ := flags.ReadDefinition(one.Definition)
		d.Rows = append(d.Rows, flagRow{one, def.Serves(), def.Type(), one.Stale(s.DB.Now()), def.Extension.Tags, one.State != flags.Killed && one.State != flags.Archived && s.Flags.KilledNow(def)})
	}
	return s.Pages.Render(w, r, "flags/list", web.View{Title: "Flags", Data: d})
}

func flagQuery(f flags.Filter) url.Values {
	state := string(f.State)
	if f.Stale {
		state = "stale"
	}
	return url.Values{"q": {f.Query}, "owner": {f.Owner}, "tag": {f.Tag}, "state": {state}}
}

// flagChips are the states as links that keep the rest of the filter.
func flagChips(f flags.Filter) []chip {
	at := func(state string) string {
		q := flagQuery(f)
		q["state"] = []string{state}
		return first(flagsBase, q)
	}
	all := []chip{{Label: "All", Path: at(""), On: f.State == "" && !f.Stale}}
	for _, state := range flags.States {
		all = append(all, chip{Label: capital(string(state)), Path: at(string(state)), On: f.State == state})
	}
	return append(all, chip{Label: "May be left over", Path: at("stale"), On: f.Stale})
}

// flagAct does something to a flag, and shows its page again with what happened, or
// with what is wrong with what was typed.
func (s *System) flagAct(done string, act func(ctx context.Context, key string, in flagInput) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[flagInput](r)
		if err != nil {
			return err
		}
		key := r.PathValue("key")
		if err := act(r.Context(), key, in); err != nil {
			return s.flagRefused(w, r, in, err)
		}
		return web.SeeOther(w, r, flagsBase+"/"+key+"?done="+done)
	}
}

// flagRefused shows a flag's page again for what its reader can put right.
func (s *System) flagRefused(w http.ResponseWriter, r *http.Request, in flagInput, err error) error {
	e, ok := mendable(err)
	if !ok {
		return err
	}
	return s.showFlag(w, r, e.Status, &web.Form{Values: in.values(), Err: e})
}
