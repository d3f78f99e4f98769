package auth

import "seaworthy/app/audit"

// The actions of people on their own account.
const (
	actProfileChanged audit.Action = "user.updated"
	actEmailAsked     audit.Action = "email.change_requested"
	actEmailDropped   audit.Action = "email.change_cancelled"
	actEmailChanged   audit.Action = "email.changed"
	actEmailUndone    audit.Action = "email.change_undone"
	actDeletionAsked  audit.Action = "user.deletion_scheduled"
	actKeepOffered    audit.Action = "user.keep_offered"
	actKept           audit.Action = "user.kept"
	actErased         audit.Action = "user.erased"
	actExportAsked    audit.Action = "user.export_requested"
	actExported       audit.Action = "user.exported"
)

var ownActions = []audit.Kind{
	{Action: actProfileChanged, Title: "Profile changed", Means: "A user's name was changed, and that of the personal organization with it if it was the same."},
	{Action: actEmailAsked, Title: "Change of address requested", Means: "A user asked for another address; a link went there, and until it is followed nothing changes."},
	{Action: actEmailDropped, Title: "Change of address cancelled", Means: "A change of address that waited for its link was given up, by the user or by whoever owns the new address."},
	{Action: actEmailChanged, Title: "Address changed", Means: "A user has another address, which was verified by the link sent there."},
	{Action: actEmailUndone, Title: "Change of address undone", Means: "The owner of the earlier address said that the change was not theirs; the address came back, every session ended, and the password and what had been added to the account since the day before the change were taken out."},
	{Action: actDeletionAsked, Title: "Deletion scheduled", Means: "A user asked for the account to be deleted; every session ended, and until the date in the event it can be kept."},
	{Action: actKeepOffered, Title: "Keeping offered", Means: "Somebody proved to be the user of an account that is to be deleted, and was asked whether to keep it; no session was started."},
	{Action: actKept, Title: "Account kept", Means: "An account that was to be deleted stays."},
	{Action: actErased, Title: "Account erased", Means: "Everything held on a user was erased; the id stays, so that the log can be read."},
	{Action: actExportAsked, Title: "Export of own data requested", Means: "A user asked for a copy of everything held on them."},
	{Action: actExported, Title: "Own data exported", Means: "The copy of everything held on a user was written; the event holds its SHA-256."},
}
