package auth

import "seaworthy/app/audit"

// What operators do to users and orgs, and the permissions they need for it in
// the whole instance.
const (
	permUsersRead        = "users:read"
	permUsersManage      = "users:manage"
	permUsersImpersonate = "users:impersonate"
	permOrgsRead         = "orgs:read"
	permOrgsManage       = "orgs:manage"
)

const (
	actSuspended          audit.Action = "user.suspended"
	actReactivated        audit.Action = "user.reactivated"
	actOperatorUnmade     audit.Action = "operator.removed"
	actImpersonated       audit.Action = "user.impersonation_started"
	actImpersonationEnded audit.Action = "user.impersonation_ended"
	actRoleSet            audit.Action = "member.role_set_by_operator"
	actMemberTaken        audit.Action = "member.removed_by_operator"
	actOrgClosed          audit.Action = "org.closed_by_operator"
	actOrgReopened        audit.Action = "org.reopened_by_operator"
)

// adminActions are their part of the catalogue.
var adminActions = []audit.Kind{
	{Action: actSuspended, Title: "User suspended", Means: "An operator disabled an account: its sessions ended, and so did the keys of the whole installation that it had made and what it had invited to."},
	{Action: actReactivated, Title: "User reactivated", Means: "An operator let a suspended account sign in again."},
	{Action: actOperatorUnmade, Title: "Operator removed", Means: "A user lost every permission in the whole installation that the operator's role gave; the keys of the whole installation that the user had made ended."},
	{Action: actImpersonated, Title: "Impersonation started", Means: "An operator began to act as a user, for the reason given; it ends after an hour at the latest."},
	{Action: actImpersonationEnded, Title: "Impersonation ended", Means: "An operator acts as the user no longer."},
	{Action: actRoleSet, Title: "Member's role set by an operator", Means: "Somebody who runs the installation gave a member of the organization another role."},
	{Action: actMemberTaken, Title: "Member removed by an operator", Means: "Somebody who runs the installation took a member out of the organization."},
	{Action: actOrgClosed, Title: "Organization closed by an operator", Means: "Nobody can work in the organization any more; what it has is kept, and an operator can open it again."},
	{Action: actOrgReopened, Title: "Organization opened again", Means: "An operator opened an organization that had been closed or deleted."},
}
