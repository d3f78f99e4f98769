package auth

import "seaworthy/app/audit"

// The actions auth records about second factors.
const (
	actFactorBegun     audit.Action = "factor.begun"
	actFactorAdded     audit.Action = "factor.added"
	actFactorRemoved   audit.Action = "factor.removed"
	actFactorReset     audit.Action = "factor.reset"
	actRecoveryMade    audit.Action = "recovery.regenerated"
	actRecoveryUsed    audit.Action = "recovery.used"
	actMFAAsked        audit.Action = "mfa.asked"
	actMFARefused      audit.Action = "mfa.refused"
	actCodeSent        audit.Action = "mfa.code_sent"
	actDeviceTrusted   audit.Action = "device.trusted"
	actDeviceForgotten audit.Action = "device.forgotten"
)

var factorActions = []audit.Kind{
	{Action: actFactorBegun, Title: "Second step begun", Means: "Somebody began to set up another way to prove at sign-in who they are; it does not count yet."},
	{Action: actFactorAdded, Title: "Second step added", Means: "Somebody set up another way to prove at sign-in who they are."},
	{Action: actFactorRemoved, Title: "Second step removed", Means: "Somebody took away a way to prove at sign-in who they are."},
	{Action: actFactorReset, Title: "Second step reset", Means: "An operator took every second step from a user who had lost them."},
	{Action: actRecoveryMade, Title: "Recovery codes made", Means: "New recovery codes were made; the old ones no longer work."},
	{Action: actRecoveryUsed, Title: "Recovery code used", Means: "A recovery code stood in for the second step; it works only once."},
	{Action: actMFAAsked, Title: "Second step asked for", Means: "The first step of a sign-in was proved; nobody is signed in before the second."},
	{Action: actMFARefused, Title: "Second step refused", Means: "Somebody who had proved the first step of a sign-in could not prove the second."},
	{Action: actCodeSent, Title: "Code sent", Means: "A code to prove who somebody is was sent by text or by mail."},
	{Action: actDeviceTrusted, Title: "Device trusted", Means: "The second step is not asked for on this device for 30 days."},
	{Action: actDeviceForgotten, Title: "Device no longer trusted", Means: "The second step is asked for on this device again."},
}
