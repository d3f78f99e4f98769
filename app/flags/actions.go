package flags

import (
	"seaworthy/app/audit"
	"seaworthy/app/web"
)

// The permissions of flags.
const (
	permRead     = "flags:read"
	permManage   = "flags:manage"
	permKill     = "flags:kill"
	permEvaluate = "flags:evaluate" // for servers: every flag
	permClient   = "flags:client"   // may be seen by everybody, as in a page
	permTrust    = "flags:trust"
)

// Permissions are the part of flags in the catalogue.
var Permissions = []web.PermissionKind{
	{Name: permRead, Title: "See flags", Means: "See flags, their history, who gets which variant and why.", Scope: web.ScopeInstance},
	{Name: permManage, Title: "Manage flags", Means: "Make and change flags, segments and overrides, now or at a time.", Scope: web.ScopeInstance},
	{Name: permKill, Title: "Kill flags", Means: "Switch off one flag, all flags with a tag, or all there are, and back.", Scope: web.ScopeInstance},
	{Name: permEvaluate, Title: "Ask for flags", Means: "Ask what every flag says for anybody: for servers.", Scope: web.ScopeInstance},
	{Name: permClient, Title: "Ask for flags from a page", Means: "Ask what those flags say that are meant for browsers. A key that can do only this may be public.", Scope: web.ScopeInstance},
	{Name: permTrust, Title: "Be believed about people", Means: "Say itself which plan, org and roles somebody has, when it asks for flags.", Scope: web.ScopeInstance},
}

// The actions flags records.
const (
	actCreated         audit.Action = "flag.created"
	actChanged         audit.Action = "flag.changed"
	actArchived        audit.Action = "flag.archived"
	actUnarchived      audit.Action = "flag.unarchived"
	actRestored        audit.Action = "flag.restored"
	actKilled          audit.Action = "flag.killed"
	actRevived         audit.Action = "flag.revived"
	actOverrideSet     audit.Action = "flag.override_set"
	actOverrideRemoved audit.Action = "flag.override_removed"
	actScheduled       audit.Action = "flag.change_scheduled"
	actUnscheduled     audit.Action = "flag.change_cancelled"
	actScheduleFailed  audit.Action = "flag.change_failed"
	actImported        audit.Action = "flags.imported"
	actKillSet         audit.Action = "flags.killed"
	actKillLifted      audit.Action = "flags.revived"
	actSegmentSet      audit.Action = "flag_segment.saved"
	actSegmentRestored audit.Action = "flag_segment.restored"
	actSegmentDeleted  audit.Action = "flag_segment.deleted"
)

// Actions are the part of flags in the catalogue.
var Actions = []audit.Kind{
	{Action: actCreated, Title: "Flag made", Means: "A feature flag was made."},
	{Action: actChanged, Title: "Flag changed", Means: "What a feature flag serves, or to whom, was changed."},
	{Action: actArchived, Title: "Flag archived", Means: "A flag is not evaluated any more; who asks for it is told that there is none."},
	{Action: actUnarchived, Title: "Flag brought back", Means: "An archived flag is evaluated again, as it was."},
	{Action: actRestored, Title: "Flag restored", Means: "A flag was made what it was in an earlier version."},
	{Action: actKilled, Title: "Flag killed", Means: "A flag serves its off variant to everybody, whatever its rules say."},
	{Action: actRevived, Title: "Flag revived", Means: "A killed flag goes by its rules again."},
	{Action: actOverrideSet, Title: "Flag override set", Means: "One user gets a variant of a flag whatever its targeting says."},
	{Action: actOverrideRemoved, Title: "Flag override removed", Means: "A user gets of a flag what its targeting says again."},
	{Action: actScheduled, Title: "Flag change scheduled", Means: "A change of a flag was planned for a time."},
	{Action: actUnscheduled, Title: "Planned flag change cancelled", Means: "A change of a flag that was planned will not be made."},
	{Action: actScheduleFailed, Title: "Planned flag change failed", Means: "A planned change of a flag could not be made: the flag had become something it does not fit."},
	{Action: actImported, Title: "Flags imported", Means: "Flags and segments were taken from a file in flagd's format."},
	{Action: actKillSet, Title: "Kill switch thrown", Means: "All flags, or those with some tags, serve their off variant until the switch is lifted."},
	{Action: actKillLifted, Title: "Kill switch lifted", Means: "Flags go by their rules again."},
	{Action: actSegmentSet, Title: "Segment saved", Means: "A rule that flags share was made or changed."},
	{Action: actSegmentRestored, Title: "Segment restored", Means: "A rule that flags share was made what it was in an earlier version."},
	{Action: actSegmentDeleted, Title: "Segment deleted", Means: "A rule that flags shared was deleted."},
}

func actions(all ...audit.Action) []string {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = string(a)
	}
	return names
}

func refFlag(key string) audit.Ref { return audit.Ref{Type: "flag", ID: key} }
