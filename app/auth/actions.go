package auth

import (
	"slices"

	"seaworthy/app/audit"
)

// The actions auth records.
const (
	actSignedUp        audit.Action = "user.signed_up"
	actOperatorMade    audit.Action = "operator.created"
	actEmailVerified   audit.Action = "email.verified"
	actVerifyAsked     audit.Action = "email.verification_requested"
	actDisowned        audit.Action = "user.disowned"
	actSuperseded      audit.Action = "user.superseded"
	actSignedIn        audit.Action = "session.created"
	actSignInRefused   audit.Action = "session.refused"
	actSessionRevoked  audit.Action = "session.revoked"
	actResetAsked      audit.Action = "password.reset_requested"
	actPasswordReset   audit.Action = "password.reset"
	actTokenReused     audit.Action = "session.token_reused"
	actSigningKey      audit.Action = "signing_key.activated"
	actConfirmed       audit.Action = "session.confirmed"
	actConfirmRefused  audit.Action = "session.confirmation_refused"
	actKeyCreated      audit.Action = "key.created"
	actKeyRevoked      audit.Action = "key.revoked"
	actSignInAsked     audit.Action = "session.email_requested"
	actSignInDenied    audit.Action = "session.email_denied"
	actPasswordChanged audit.Action = "password.changed"
	actSpraying        audit.Action = "session.guessing_slowed"
	actFlood           audit.Action = "session.refusals_surged"
)

// Actions are auth's part of the catalogue.
var Actions = slices.Concat(signActions, socialActions, factorActions, ownActions, orgActions, adminActions)

// signActions are the part of the catalogue that is about signing up and in.
var signActions = []audit.Kind{
	{Action: actSignedUp, Title: "Signed up", Means: "Somebody made an account, with a personal organization and a session."},
	{Action: actOperatorMade, Title: "Operator made", Means: "A user was given every permission in the whole installation."},
	{Action: actEmailVerified, Title: "Email verified", Means: "The owner of an address followed the link that was sent there."},
	{Action: actVerifyAsked, Title: "Verification mail requested", Means: "The link that verifies an address was asked for again."},
	{Action: actDisowned, Title: "Account disowned", Means: "The owner of an address said that an account with it is not theirs; it was disabled."},
	{Action: actSuperseded, Title: "Claim ended", Means: "An account that only claimed an address was disabled, because somebody else verified it."},
	{Action: actSignedIn, Title: "Signed in", Means: "A session was started."},
	{Action: actSignInRefused, Title: "Sign-in refused", Means: "Somebody gave an address and a password that do not belong together, or came from a provider without leading to an account."},
	{Action: actSessionRevoked, Title: "Session ended", Means: "A session was ended: by signing out, by its user or by an operator."},
	{Action: actTokenReused, Title: "Refresh token reused", Means: "A refresh token that had been used was shown again, as happens when one was copied; its session was ended."},
	{Action: actSigningKey, Title: "Signing key rotated", Means: "Another key signs access tokens from then on; the next one is published."},
	{Action: actResetAsked, Title: "Password reset requested", Means: "A link to choose a new password was asked for."},
	{Action: actPasswordReset, Title: "Password reset", Means: "A new password was chosen by the link; every session ended."},
	{Action: actConfirmed, Title: "Identity confirmed", Means: "Somebody who was signed in proved again who they are, before an act that can do harm."},
	{Action: actConfirmRefused, Title: "Confirmation refused", Means: "Somebody who was signed in could not prove again who they are."},
	{Action: actKeyCreated, Title: "API key made", Means: "A key with which a program can ask was made."},
	{Action: actSignInAsked, Title: "Sign-in mail requested", Means: "A link and a code to sign in with were asked for."},
	{Action: actSignInDenied, Title: "Sign-in by mail denied", Means: "The owner of an address said that a sign-in by mail was not theirs; link and code were ended."},
	{Action: actPasswordChanged, Title: "Password changed", Means: "Somebody who was signed in set a new password; every other session ended."},
	{Action: actSpraying, Title: "Guessing slowed", Means: "Sign-ins to many accounts failed from one network, which is slowed down from then on."},
	{Action: actFlood, Title: "Refused sign-ins surged", Means: "Far more sign-ins than usual are refused in the whole installation."},
	{Action: actKeyRevoked, Title: "API key revoked", Means: "A key was ended; whoever uses it is refused from then on."},
}
