package auth

import "seaworthy/app/audit"

// The actions recorded of orgs, roles and permissions.
const (
	actOrgCreated        audit.Action = "org.created"
	actOrgUpdated        audit.Action = "org.updated"
	actOrgDeleted        audit.Action = "org.deleted"
	actOrgTransferred    audit.Action = "org.transferred"
	actSessionSwitched   audit.Action = "session.org_switched"
	actMemberAdded       audit.Action = "member.added"
	actMemberRole        audit.Action = "member.role_changed"
	actMemberRemoved     audit.Action = "member.removed"
	actMemberLeft        audit.Action = "member.left"
	actInvited           audit.Action = "invitation.created"
	actInvitedAgain      audit.Action = "invitation.resent"
	actInvitationRevoked audit.Action = "invitation.revoked"
	actRoleCreated       audit.Action = "role.created"
	actRoleUpdated       audit.Action = "role.updated"
	actRoleDeleted       audit.Action = "role.deleted"
	actPermissionSet     audit.Action = "permission.declared"
	actPermissionRemoved audit.Action = "permission.removed"
)

// orgActions are the part of the catalogue that is about orgs, roles and permissions.
var orgActions = []audit.Kind{
	{Action: actOrgCreated, Title: "Organization made", Means: "Somebody made an organization and owns it."},
	{Action: actOrgUpdated, Title: "Organization changed", Means: "The name, the slug or the rules of an organization were changed."},
	{Action: actOrgDeleted, Title: "Organization deleted", Means: "An organization was closed; its keys stopped working and nobody enters it any more."},
	{Action: actOrgTransferred, Title: "Ownership handed on", Means: "An owner made a member the owner and became an admin."},
	{Action: actSessionSwitched, Title: "Organization switched", Means: "Somebody went on working in another organization."},
	{Action: actMemberAdded, Title: "Member joined", Means: "Somebody accepted an invitation and belongs to the organization."},
	{Action: actMemberRole, Title: "Member's role changed", Means: "A member was given another role."},
	{Action: actMemberRemoved, Title: "Member removed", Means: "Somebody was removed from the organization."},
	{Action: actMemberLeft, Title: "Member left", Means: "Somebody left the organization of their own accord."},
	{Action: actInvited, Title: "Invitation sent", Means: "Somebody was invited to the organization by mail."},
	{Action: actInvitedAgain, Title: "Invitation sent again", Means: "An invitation was mailed again with a new link; the earlier link stopped working."},
	{Action: actInvitationRevoked, Title: "Invitation revoked", Means: "An invitation was ended before it was accepted."},
	{Action: actRoleCreated, Title: "Role made", Means: "A role was made from permissions."},
	{Action: actRoleUpdated, Title: "Role changed", Means: "The name or the permissions of a role were changed, for everybody who has it."},
	{Action: actRoleDeleted, Title: "Role deleted", Means: "A role was deleted; whoever had it was given another."},
	{Action: actPermissionSet, Title: "Permission declared", Means: "An app declared a permission that roles can give."},
	{Action: actPermissionRemoved, Title: "Permission removed", Means: "A permission of an app was removed from the catalogue and from every role."},
}
