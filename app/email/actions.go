package email

import (
	"slices"

	"seaworthy/app/audit"
)

// The actions email records.
const (
	actHandedIn        audit.Action = "email.handed_in"
	actCancelled       audit.Action = "email.cancelled"
	actResent          audit.Action = "email.resent"
	actTried           audit.Action = "email_provider.tried_again"
	actTested          audit.Action = "email_provider.tested"
	actSent            audit.Action = "email.sent"
	actFailed          audit.Action = "email.failed"
	actBounced         audit.Action = "email.bounced"
	actComplained      audit.Action = "email.complained"
	actSuppressed      audit.Action = "email.suppressed"
	actLifted          audit.Action = "email.suppression_lifted"
	actImported        audit.Action = "email.suppressions_imported"
	actExported        audit.Action = "email.suppressions_exported"
	actUnsubscribed    audit.Action = "email.unsubscribed"
	actConsentAsked    audit.Action = "email.consent_asked"
	actConsentGiven    audit.Action = "email.consent_given"
	actCategoryMade    audit.Action = "email.category_made"
	actCategoryChanged audit.Action = "email.category_changed"
	actKeyRotated      audit.Action = "email.link_key_rotated"
	actTopicConfirmed  audit.Action = "email.topic_confirmed"
	actSimulated       audit.Action = "email.feedback_simulated"
	actUnknown         audit.Action = "email.unknown"
	actStopped         audit.Action = "email_provider.stopped"
	actQuota           audit.Action = "email_provider.quota"
	actFailing         audit.Action = "email_provider.failing"
	actRecovered       audit.Action = "email_provider.recovered"
)

// Actions are email's part of the catalogue.
var Actions = slices.Concat([]audit.Kind{
	{Action: actHandedIn, Title: "Mail handed in", Means: "The app asked for mail to be sent."},
	{Action: actCancelled, Title: "Mail cancelled", Means: "Somebody took a message back before it was sent."},
	{Action: actResent, Title: "Mail sent again", Means: "Somebody had a message sent once more."},
	{Action: actTried, Title: "Mail provider tried again", Means: "Somebody had a provider tried again that was left alone."},
	{Action: actTested, Title: "Mail provider tested", Means: "Somebody had a test mail sent by one provider."},
	{Action: actSent, Title: "Mail sent", Means: "A message was handed to the mail provider."},
	{Action: actFailed, Title: "Mail failed", Means: "A message could not be sent and will not be tried again."},
	{Action: actUnknown, Title: "Mail in doubt", Means: "All of a message was handed over and no answer came: nobody knows whether it was taken."},
	{Action: actStopped, Title: "Mail provider stopped", Means: "A mail provider refuses our key. Nothing goes by it until somebody mends that; its mail waits, or goes by the next provider."},
	{Action: actQuota, Title: "Mail provider's quota used up", Means: "A mail provider takes nothing more for now. Its mail waits, or goes by the next provider."},
	{Action: actFailing, Title: "Mail provider failing", Means: "A mail provider failed several times in a row and is left alone for a while."},
	{Action: actRecovered, Title: "Mail provider recovered", Means: "A mail provider that had been left alone took a message again."},
	{Action: actBounced, Title: "Mail bounced", Means: "The recipient's server refused a message."},
	{Action: actComplained, Title: "Mail called spam", Means: "A recipient told the mailbox provider that a message is spam."},
	{Action: actSuppressed, Title: "Address suppressed", Means: "An address was put on the list of those that get no mail, or not all of it."},
	{Action: actLifted, Title: "Suppression lifted", Means: "Somebody took an address off the list of those that get no mail."},
	{Action: actImported, Title: "Suppressions imported", Means: "Somebody added a list of addresses to those that get no mail."},
	{Action: actExported, Title: "Suppressions exported", Means: "Somebody took a copy of the list of addresses that get no mail."},
	{Action: actUnsubscribed, Title: "Unsubscribed", Means: "An address gets no more mail of a category, because its owner or an operator said so."},
	{Action: actConsentAsked, Title: "Consent asked for", Means: "A mail asks an address to confirm that it wants a category."},
	{Action: actConsentGiven, Title: "Consent given", Means: "An address gets mail of a category, because its owner said so, or the app on the owner's behalf."},
	{Action: actCategoryMade, Title: "Mail category made", Means: "A category was added that people can have or not have."},
	{Action: actCategoryChanged, Title: "Mail category changed", Means: "A category of mail was described anew, archived or opened again."},
	{Action: actKeyRotated, Title: "Link key rotated", Means: "Links to unsubscribe are signed with a new key; those with old keys still work."},
	{Action: actTopicConfirmed, Title: "SNS topic confirmed", Means: "A topic of Amazon SNS was connected, which tells what becomes of mail."},
	{Action: actSimulated, Title: "Mail feedback simulated", Means: "In development, somebody made up what a provider reports of a message, such as a bounce."},
}, templateActions)
